"""The live view of a run on a terminal: its tree of steps, drawn anew several times a second."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Self, TextIO, cast

from rich.console import Console, ConsoleDimensions, Group, RenderableType
from rich.live import Live as RichLive
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from gpt_trader.cli import render
from gpt_trader.cli.tree import Node, Tree

_MARKS = {
    "SUCCEEDED": ("✓", "+"),
    "CACHED": ("✓", "+"),
    "FAILED": ("✗", "x"),
    "CANCELLED": ("■", "-"),
    "SKIPPED": ("○", "o"),
    "RETRYING": ("↻", "~"),
    "WAITING": ("◷", "?"),
    "": ("·", "."),
}
_PER_SECOND = 12


class _Terminal(Console):
    """A console as large as the terminal that it writes to, wherever 0, 1 and 2 lead."""

    @property  # type: ignore[misc]  # nobody sets it
    def size(self) -> ConsoleDimensions:
        try:
            found = ConsoleDimensions(*os.get_terminal_size(self.file.fileno()))
        except (OSError, ValueError):
            return super().size
        return found if all(found) else super().size


class Live:
    """The tree on the terminal's last lines; other messages scroll by above it."""

    def __init__(self, tree: Tree, title: str, now: Callable[[], float]) -> None:
        self._tree = tree
        self.title = title
        self._now = now
        self._began = now()
        self._over = False
        self._spinner = Spinner("dots", style="cyan")
        self._terminal = render.screen.err
        self._console = _Terminal(file=self._terminal, highlight=False, markup=False)
        self._plain = self._console.encoding.lower().replace("-", "") != "utf8"
        self._live = RichLive(
            get_renderable=self._draw,
            console=self._console,
            refresh_per_second=_PER_SECOND,
            redirect_stdout=False,
            redirect_stderr=False,
            vertical_overflow="crop",
        )

    def __enter__(self) -> Self:
        self._live.start(refresh=True)
        render.screen.err = cast("TextIO", _Above(self._console))
        return self

    def __exit__(self, *_: object) -> None:
        render.screen.err.flush()
        render.screen.err = self._terminal
        self._over = True
        with suppress(OSError):  # the terminal was closed
            self._live.stop()

    def changed(self, node: Node | None, status: str, text: str) -> None:
        """Nothing: the next drawing shows it."""

    # drawing

    def _draw(self) -> RenderableType:
        rows = list(self._tree.rows(max(3, self._console.height - 4)))
        grid = Table.grid(padding=(0, 1), expand=True)  # the last column gives way, never the names
        grid.add_column(no_wrap=True, overflow="ellipsis", max_width=max(20, self._console.width // 2))
        grid.add_column(no_wrap=True, justify="right", style="dim")
        grid.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        now = self._now()
        for node in rows:
            grid.add_row(self._name(node), self._time(node, now), self._text(node))
        return Group(self._head(), grid) if self._over else Group(self._head(), grid, self._foot())

    def _head(self) -> RenderableType:
        done, of = self._tree.done()
        return Text.assemble(
            (self._tree.name, "bold"), "  ", (self.title, "dim"), "  ", (f"{done}/{of} steps", "cyan"), "  ",
            (render.seconds(self._now() - self._began), "dim"),
        )  # fmt: skip

    def _foot(self) -> Text:
        if self._tree.status == "WAITING":
            answer = f"\nanswer in another terminal: gpt-trader runs approve {self.title}"
            more = answer if self._tree.reason.startswith("approval") else ""
            return Text(f"waiting: {render.clean(self._tree.reason, 200)}{more}", style="yellow")
        return Text("Ctrl-C stops after the present step; the run can be resumed", style="dim")

    def _name(self, node: Node) -> Text:
        label = f" {node.label}" if node.label else ""
        style = {"": "dim", "SKIPPED": "dim", "FAILED": "bold red"}.get(node.status, "")
        mark = self._mark(node)
        return Text.assemble("  " * (node.depth + 1), mark, " ", (node.name, style), (label, "dim"))

    def _mark(self, node: Node) -> Text:
        waits = self._over or (self._tree.status == "WAITING" and node.kind in ("approval", "wait"))
        status = "WAITING" if waits and node.status == "RUNNING" else node.status
        if status == "RUNNING" and not self._plain:
            return self._spinner.render(time.monotonic())  # type: ignore[return-value]
        rich, plain = _MARKS.get(status, ("*", "*"))
        return Text(plain if self._plain else rich, style=render.STATUS_STYLE.get(status, "dim"))

    def _time(self, node: Node, now: float) -> str:
        if not node.started or node.status == "SKIPPED":
            return ""
        return render.seconds(node.lasted(now))

    def _text(self, node: Node) -> Text:
        words: Iterator[str] = filter(
            None,
            (
                "skipped" if node.status == "SKIPPED" and not node.text else "",
                "from cache" if node.cached else "",
                f"attempt {node.attempt}" if node.attempt > 1 else "",
                render.clean(node.text, 200),
            ),
        )
        return Text(" · ".join(words), style="red" if node.status == "FAILED" else "dim")


class _Above(io.TextIOBase):
    """A stream that prints whole lines above the live view."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._part = ""

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._console.file.fileno()

    def write(self, text: str) -> int:
        *lines, self._part = (self._part + text).split("\n")
        if lines:
            self._console.print(Text.from_ansi("\n".join(lines)))
        if len(self._part) > 10_000:
            self.flush()
        return len(text)

    def flush(self) -> None:
        if self._part.strip():
            self._console.print(Text.from_ansi(self._part))
        self._part = ""
