"""The view of a search: on a terminal the best trials so far, as they are kept; elsewhere a line now and then."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gpt_trader.cli import render
from gpt_trader.cli.views import Plain, Silent, View

if TYPE_CHECKING:
    from rich.console import RenderableType

    from gpt_trader.cli.tree import Node, Tree
    from gpt_trader.core.context import Artifacts
    from gpt_trader.slices.optimize.judge import Judge
    from gpt_trader.slices.optimize.trials import Trials
    from gpt_trader.workflow.definition import Workflow

_TOP = 6
_PARTS = 101
_EVERY = 5.0


def view_for(artifacts: Artifacts, workflow: Workflow, tree: Tree, title: str, now: Callable[[], float]) -> View:
    """The view that fits where messages go."""
    if render.screen.quiet:
        return Silent()
    if not render.on_terminal():
        return Lines(tree, now)
    return _board(Leaders(artifacts, workflow), tree, title, now)


class Lines(Plain):
    """A line for each finished step, and every few seconds one on how far the search is."""

    def __init__(self, tree: Tree, now: Callable[[], float]) -> None:
        super().__init__(tree)
        self._now, self._told = now, now()

    def changed(self, node: Node | None, status: str, text: str) -> None:
        """Print a line if it is time for one."""
        if status == "PROGRESS" and node is not None and self._now() - self._told >= _EVERY:
            self._told = self._now()
            render.note(f"  {node.name}: {render.clean(text, 200)}")
        super().changed(node, status, text)


class Leaders:
    """The best trials of the search that a run is in, read from the log that it keeps."""

    def __init__(self, artifacts: Artifacts, workflow: Workflow) -> None:
        self._artifacts, self._workflow = artifacts, workflow
        self._run = ""
        self._tails: list[Any] = []
        self._head: dict[str, Any] = {}
        self._part = -1
        self._trials: Trials | None = None

    def table(self, run_id: str) -> tuple[list[str], list[list[str]]] | None:
        """The header and the rows; nothing while there is no trial."""
        if run_id and run_id != self._run:
            self._follow(run_id)
        for part, tail in enumerate(self._tails):
            for row in tail.rows():
                self._take(part, row)
        return self._rows()

    def _follow(self, run_id: str) -> None:
        from gpt_trader.slices.optimize.log import Tail, place_of
        from gpt_trader.workflow.definition import Action, walk

        paths = [s.path for s in walk(self._workflow.steps) if isinstance(s, Action) and s.slice == "optimize"]
        places = [place_of(self._artifacts, f"{run_id}:{path}", part) for path in paths for part in range(_PARTS)]
        self._run, self._tails = run_id, [Tail(place) for place in places]

    def _take(self, part: int, row: dict[str, Any]) -> None:
        from gpt_trader.slices.optimize.trials import Trials, read

        if "search" in row:
            self._head, self._part, self._trials = row["search"], part, Trials()
        elif part == self._part and self._trials is not None:
            self._trials.add(*read(row))

    def _rows(self) -> tuple[list[str], list[list[str]]] | None:
        if self._trials is None or not len(self._trials):
            return None
        judge, trials = self._judge(self._trials), self._trials
        figures = list(dict.fromkeys((*judge.objectives, "total_return", "max_drawdown", "trades")))
        rows = [
            [
                f"{trials.numbers[at]:,}",
                *(str(column[at]) for column in trials.sets.values()),
                *(f"{trials.figures[name][at]:,.4g}" for name in figures),
            ]
            for at in judge.ranking(trials)[:_TOP]
        ]
        return ["trial", *trials.sets, *figures], rows

    def _judge(self, trials: Trials) -> Judge:
        from gpt_trader.slices.optimize.conditions import conditions_of
        from gpt_trader.slices.optimize.judge import Judge

        known = {*trials.sets, *trials.figures}
        texts = [t for t in self._head["constraints"] if set(t.replace("*", " ").split()) & set(trials.figures)]
        try:
            return Judge(tuple(self._head["objectives"]), conditions_of(texts, known))
        except Exception:  # noqa: BLE001 - the search itself says what is wrong; this is a picture
            return Judge(tuple(self._head["objectives"]))


def _board(leaders: Leaders, tree: Tree, title: str, now: Callable[[], float]) -> View:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from gpt_trader.cli.live import Live

    class Board(Live):
        """The tree of steps, and below it the best trials so far."""

        def _draw(self) -> RenderableType:
            found = None if self._over else leaders.table(self.title)
            if found is None:
                return super()._draw()
            header, rows = found
            grid = Table.grid(padding=(0, 2))
            for place in range(len(header)):
                grid.add_column(justify="right", no_wrap=True, style="dim" if place == 0 else "")
            grid.add_row(*(Text(name, style="bold") for name in header))
            for row in rows:
                grid.add_row(*row)
            return Group(super()._draw(), Text("best so far, each kept on the disk", style="dim"), grid)

    return Board(tree, title, now)
