"""All that prints: data to stdout, messages to stderr, in one voice."""

from __future__ import annotations

import io
import json
import math
import shutil
import sys
import traceback
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TextIO

from gpt_trader.core.errors import GptTraderError, Interrupted
from gpt_trader.core.secrets import Secrets

VERSION = 1
"""The version of every JSON document that is printed."""
_CODES = {"bold": 1, "dim": 2, "red": 31, "green": 32, "yellow": 33, "blue": 34, "cyan": 36}
STATUS_STYLE = {
    "RUNNING": "cyan",
    "SUCCEEDED": "green",
    "CACHED": "green",
    "FAILED": "bold red",
    "CANCELLED": "yellow",
    "SKIPPED": "dim",
    "WAITING": "yellow",
    "RETRYING": "yellow",
}
_KEPT = {"\n", "\t"}


@dataclass(slots=True)
class Screen:
    """Where this process prints, and how much."""

    out: TextIO
    err: TextIO
    colour_out: bool = False
    colour_err: bool = False
    quiet: bool = False
    verbose: bool = False
    debug: bool = False
    json: bool = False
    """Whether the caller asked for one JSON document, which then also tells an error."""
    answered: bool = False
    """Whether results went to stdout."""
    secrets: Secrets = field(default_factory=Secrets)
    """What is not shown, whatever holds it."""

    @property
    def wide(self) -> int:
        """The columns of the terminal; tables that go elsewhere are not cut."""
        return shutil.get_terminal_size().columns if _terminal(self.out) else 10_000


screen = Screen(io.StringIO(), io.StringIO())


def set_up(colour: bool | None, *, debug: bool = False) -> None:
    """Print to this process's streams from now on, in colour if that is wished, or where a terminal shows it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    screen.out, screen.err = sys.stdout or io.StringIO(), sys.stderr or io.StringIO()
    screen.colour_out = _terminal(screen.out) if colour is None else colour
    screen.colour_err = _terminal(screen.err) if colour is None else colour
    screen.quiet, screen.verbose, screen.debug = False, False, debug
    screen.json, screen.answered = False, False


def _terminal(stream: TextIO) -> bool:
    return not stream.closed and stream.isatty()


def on_terminal() -> bool:
    """Whether messages go to a terminal that shows a live view."""
    return _terminal(screen.err) and not screen.quiet


# --- words ------------------------------------------------------------------------------------------------------------


def paint(text: str, style: str, *, err: bool = False) -> str:
    """The text in a style such as `bold red`, where colours are shown."""
    if not style or not (screen.colour_err if err else screen.colour_out):
        return text
    return f"\x1b[{';'.join(str(_CODES[word]) for word in style.split())}m{text}\x1b[0m"


def clean(text: object, limit: int = 0) -> str:
    """The text of others without what would steer a terminal; on one line, and cut, where a limit is given."""
    whole = str(text)
    if limit:
        whole = " ".join(whole.split())
        whole = whole if len(whole) <= limit else whole[: limit - 3] + "..."
    return "".join(c if c.isprintable() or c in _KEPT else repr(c)[1:-1] for c in whole)


def _write(text: str) -> None:
    screen.answered = True
    try:
        screen.out.write(f"{text}\n")
    except BrokenPipeError:
        raise
    except OSError as lost:
        raise GptTraderError(f"the output cannot be written: {lost.strerror}") from None


def _tell(text: str) -> None:
    with suppress(OSError, ValueError):  # nobody reads messages any more: no reason to stop
        screen.err.write(f"{screen.secrets.clean(text)}\n")  # one write: lines of several threads do not mix
        screen.err.flush()


def data(text: str = "") -> None:
    """Print a result."""
    _write(screen.secrets.clean(text))


def document(fields: Mapping[str, Any]) -> None:
    """Print a result as one versioned JSON document."""
    _write(_json({"version": VERSION, **fields}, indent=2))


def json_line(fields: Mapping[str, Any]) -> None:
    """Print one versioned JSON document on a line of its own, at once."""
    _write(_json({"version": VERSION, **fields}, indent=None))
    screen.out.flush()


def _json(value: Any, *, indent: int | None) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False, indent=indent, default=str, allow_nan=False)
    except ValueError:
        text = json.dumps(_finite(value), ensure_ascii=False, indent=indent, default=str)
    return screen.secrets.clean_json(text)


def _finite(value: Any) -> Any:
    """The value with null for every number that JSON does not have."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {k: _finite(v) for k, v in value.items()}
    return [_finite(v) for v in value] if isinstance(value, list | tuple) else value


def note(text: str) -> None:
    """Tell a person how it goes."""
    if not screen.quiet:
        _tell(text)


def detail(text: str) -> None:
    """Tell a person who wants to know more."""
    if screen.verbose and not screen.quiet:
        _tell(paint(text, "dim", err=True))


def warn(text: str, hint: str | None = None) -> None:
    """Warn a person."""
    _tell(f"{paint('warning', 'bold yellow', err=True)}: {clean(text)}")
    _hint(hint)


def error(text: str, hint: str | None = None) -> None:
    """Say what went wrong, and what to do."""
    _tell(f"{paint('error', 'bold red', err=True)}: {clean(text)}")
    _hint(hint)


def hint(text: str) -> None:
    """Say what to do next."""
    if not screen.quiet:
        _hint(text)


def _hint(text: str | None) -> None:
    for line in (text or "").splitlines():
        _tell(f"\n{paint('hint', 'bold cyan', err=True)}: {clean(line)}")


def status(word: str, *, err: bool = False) -> str:
    """A status in its colour."""
    return paint(word, STATUS_STYLE.get(word, ""), err=err)


# --- errors -----------------------------------------------------------------------------------------------------------


def failed(fault: BaseException) -> int:
    """Say what went wrong in one line, with a hint; the exit code. Traces are shown with --debug alone.

    Who asked for a JSON document gets one about the error, unless the results were printed already.
    """
    if screen.debug:
        _tell("".join(traceback.format_exception(fault)).rstrip())
    text, cure, code = _told(fault)
    error(text, cure)
    if screen.json and not screen.answered:
        details = fault.details if isinstance(fault, GptTraderError) else {}
        kind = type(fault).__name__
        message = text.partition("\n")[0] if details else text
        document({"error": {"type": kind, "message": message, "hint": cure, **details}, "exit_code": code})
    return code


def _told(fault: BaseException) -> tuple[str, str | None, int]:
    """The sentence, the cure and the exit code of an error."""
    if isinstance(fault, GptTraderError):
        return fault.message, fault.hint, fault.exit_code
    if isinstance(fault, KeyboardInterrupt):
        return "interrupted", None, Interrupted.exit_code
    if isinstance(fault, OSError):
        where = f": {fault.filename}" if fault.filename else ""
        return f"{fault.strerror or fault}{where}", None, 1
    return f"{type(fault).__name__}: {fault}", None if screen.debug else "--debug shows where this came from", 1


# --- tables -----------------------------------------------------------------------------------------------------------


def table(header: Sequence[str], rows: Iterable[Sequence[str]], *, styles: Mapping[int, str] | None = None) -> None:
    """Print rows below a header; the last column is cut at the edge of a terminal."""
    body = [[clean(cell).replace("\n", " ") for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in (header, *body)) for i in range(len(header))]
    room = screen.wide - sum(widths[:-1]) - 2 * (len(widths) - 1)
    data(paint(_row(header, widths, room, {}), "bold"))
    for row in body:
        data(_row(row, widths, room, styles or {}))


def _row(cells: Sequence[str], widths: Sequence[int], room: int, styles: Mapping[int, str]) -> str:
    shown = []
    for place, (cell, width) in enumerate(zip(cells, widths, strict=True)):
        last = place == len(widths) - 1
        text = (cell if len(cell) <= max(room, 8) else cell[: max(room, 8) - 3] + "...") if last else cell
        style = STATUS_STYLE.get(cell, "") or styles.get(place, "")
        shown.append(paint(text, style) + ("" if last else " " * (width - len(cell))))
    return "  ".join(shown).rstrip()


def seconds(value: float) -> str:
    """A length of time as a person says it."""
    if value < 60:
        return f"{value:.1f} s" if value >= 0.95 else f"{value * 1000:.0f} ms"
    minutes, rest = divmod(int(value), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
