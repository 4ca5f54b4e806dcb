"""The door: it opens the streams, finds the command, and turns whatever it raises into one line and an exit code."""

from __future__ import annotations

import errno
import gc
import os
import sys
from itertools import pairwise
from typing import Any, NoReturn

from gpt_trader.app.settings import quicken, wishes
from gpt_trader.cli import render
from gpt_trader.core.errors import GptTraderError
from gpt_trader.core.version import VERSION

ABOUT = """Trading workflows in YAML, with a journal that remembers every step.

`gpt-trader --version` says which one this is."""
EXAMPLES = (
    "gpt-trader run simple_backtest --symbols AAPL MSFT",
    "gpt-trader status",
)


def main(args: list[str] | None = None) -> NoReturn:
    """Run one command and end the process with its exit code."""
    gc.set_threshold(100_000, 20, 20)  # importing makes many objects and no garbage
    quicken()
    _open_streams()
    words = sys.argv[1:] if args is None else args
    if words[:1] == ["__complete"]:
        from gpt_trader.cli.complete import answer

        _leave(answer(words[1:]))
    wished = wishes()
    render.set_up(wished.colour, debug=wished.debug)
    code = _guarded(words)
    end(code)


def _guarded(words: list[str]) -> int:
    """The exit code of a command, whatever happens in it."""
    render.screen.json = _wants_json(words)
    try:
        return _call(words)
    except BrokenPipeError:
        return 0
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the one place where errors end
        if isinstance(error, OSError) and error.errno == errno.EPIPE:
            return 0
        return _last_words(error)


def _wants_json(words: list[str]) -> bool:
    """Whether one of these words asks for a JSON document; whether the command knows it is told later."""
    options = words[: words.index("--")] if "--" in words else words
    pairs = pairwise(options)
    return "--json" in options or "--format=json" in options or ("--format", "json") in pairs


def _last_words(error: BaseException) -> int:
    try:
        return render.failed(error)
    except (OSError, GptTraderError):  # nobody can read it
        return 1


def _call(words: list[str]) -> int:
    if words in (["--version"], ["-V"]):
        render.data(f"gpt-trader {VERSION}")
        return 0
    import typer

    from gpt_trader.cli import session
    from gpt_trader.cli.lazy import group
    from gpt_trader.cli.table import COMMANDS, Entry

    session.forget()
    root = group("gpt-trader", Entry(ABOUT, commands=COMMANDS), EXAMPLES)
    try:
        with root.make_context("gpt-trader", words) as ctx:
            found: Any = root.invoke(ctx)
    except typer.Exit as left:
        return left.exit_code
    return found if isinstance(found, int) else 0


def _open_streams() -> None:
    """See that 0, 1 and 2 are taken, so that no database is opened where somebody will print."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - for the process's life
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123


def end(code: int, *, at_once: bool = False) -> NoReturn:
    """End the process; at once where a thread that hangs would keep it."""
    code = _flushed(code)
    if at_once:
        os._exit(code)
    _leave(code)


def _leave(code: int) -> NoReturn:
    """The collector would look through all that there is, three times, for a tenth of a quick command's time."""
    if "_duckdb" not in sys.modules:  # which complains of whatever is left of it
        gc.freeze()
    sys.exit(code)


def _flushed(code: int) -> int:
    for stream in (render.screen.out, render.screen.err):
        try:
            stream.flush()
        except BrokenPipeError:
            _to_nowhere(stream)
        except OSError as error:
            _to_nowhere(stream)
            if stream is render.screen.out:
                render.error(f"the output cannot be written: {error.strerror}")
                code = code or 1
        except ValueError:
            pass  # it is closed already
    return code


def _to_nowhere(stream: Any) -> None:
    """Let Python's own last flush succeed."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
