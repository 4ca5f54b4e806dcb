"""How a run is watched: plain lines anywhere, nothing with --quiet; the live view is in live.py."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from gpt_trader.cli import render
from gpt_trader.cli.tree import OVER, Node, Tree

if TYPE_CHECKING:
    from gpt_trader.workflow.active import Change

_WORDS = {"SUCCEEDED": "done", "CACHED": "cached"}


class View(Protocol):
    """Shows changes while it is entered, from several threads; its title is the run's id once there is one."""

    title: str

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def changed(self, node: Node | None, status: str, text: str) -> None:
        """Show a change of a node, or of the run itself."""


class Plain:
    """One line for each finished step."""

    title = ""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._waiting = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def changed(self, node: Node | None, status: str, text: str) -> None:
        """Print a line if a step is over, is tried again, or if the run waits."""
        if node is None:
            if status == "WAITING" and text != self._waiting:
                _line("WAITING", render.clean(text, 300), "")
            self._waiting = text if status == "WAITING" else ""
        elif status == "RETRYING":
            _line(status, _title(node), render.clean(text, 300))
        elif status in OVER:
            took = "" if status == "SKIPPED" else f"({render.seconds(node.lasted(node.ended))})"
            again = f"attempt {node.attempt}" if node.attempt > 1 else ""
            why = f"- {render.clean(text, 300)}" if text else ""
            _line("CACHED" if node.cached and status == "SUCCEEDED" else status, _title(node), took, again, why)


class Silent:
    """Shows nothing."""

    title = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def changed(self, node: Node | None, status: str, text: str) -> None:
        """Nothing."""


def _title(node: Node) -> str:
    return "  " * node.depth + (f"{node.name} {node.label}" if node.label else node.name)


def _line(status: str, *words: str) -> None:
    shown = _WORDS.get(status, status.lower())
    style = render.STATUS_STYLE.get(status, "")
    render.note(f"  {render.paint(f'{shown:<9}', style, err=True)} {' '.join(w for w in words if w)}")


def observe(tree: Tree, view: View, now: Callable[[], float]) -> Callable[[Change], None]:
    """An observer that moves the tree and shows it; a view that breaks never breaks a run."""
    broken = False

    def changed(change: Change) -> None:
        nonlocal broken
        if broken:
            return
        try:
            node = tree.apply(change.path, change.name, change.status, change.attempt, change.text, now())
            view.changed(node, change.status, change.text)
        except (OSError, ValueError):
            broken = True

    return changed


def view_for(tree: Tree, title: str, now: Callable[[], float]) -> View:
    """The view that fits where messages go."""
    if render.screen.quiet:
        return Silent()
    if render.on_terminal():
        from gpt_trader.cli.live import Live

        return Live(tree, title, now)
    return Plain(tree)
