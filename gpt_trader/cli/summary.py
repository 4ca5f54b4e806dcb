"""How a run ended, in few words: its outputs on stdout, what went wrong and what to do next on stderr."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from gpt_trader.cli import render
from gpt_trader.cli.signals import INTERRUPTED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gpt_trader.cli.tree import Tree
    from gpt_trader.workflow.results import RunResult

WRONG = (2, 3)
"""With these codes a run fails again as long as it is given the same."""
_SHORT = 60
_TEXT = 240
_LINES = 10
_MOST = 30


def code_of(result: RunResult, *, interrupted: bool) -> int:
    """The exit code that a run's end asks for."""
    if result.status == "WAITING":
        return INTERRUPTED if interrupted or result.reason == "interrupted" else 0
    if result.ok:
        return 0
    return int((result.error or {}).get("exit_code", 1))


def outcome(result: RunResult, tree: Tree, *, interrupted: bool) -> None:
    """Say on stderr what a person must know: which step, why, what was done, and the command that goes on."""
    done, of = tree.done()
    so_far = f"{done} of {of} steps are done"
    resume = f"gpt-trader runs resume {result.id}"
    if result.status == "WAITING":
        _waiting(result, resume, so_far, interrupted=interrupted)
    elif result.status == "SKIPPED":
        render.note(f"run {result.id} was skipped: {result.reason}")
    elif result.status == "CANCELLED":
        render.error(f"run {result.id} was cancelled; {so_far}", f"go on with it: gpt-trader runs retry {result.id}")
    elif result.status == "FAILED":
        error = result.error or {}
        render.error(f"{error.get('message', 'the run failed')}; {so_far}", error.get("hint"))
        render.hint(f"go on where it failed: {resume}")
        if error.get("exit_code") in WRONG:
            render.hint(f"or change what it was given: gpt-trader runs fork {result.id} --NAME VALUE")


def _waiting(result: RunResult, resume: str, so_far: str, *, interrupted: bool) -> None:
    reason = result.reason
    if interrupted or reason == "interrupted":
        render.error(f"run {result.id} was interrupted; {so_far}", f"go on with it: {resume}")
        return
    render.note(f"run {result.id} waits: {render.clean(reason, 300)}; {so_far}")
    if reason.startswith("approval"):
        render.hint(f"answer it: gpt-trader runs approve {result.id}")
    else:
        render.hint(f"go on with it: {resume}")


def outputs(result: RunResult, took: float) -> None:
    """Print how the run ended, and its outputs: what is short as it is, of larger things the name and size."""
    words = [render.paint(result.workflow, "bold"), render.status(result.status), render.seconds(took), result.id]
    render.data("  ".join(words))
    if not result.ok:
        return
    plain = {name: lines for name, value in result.outputs.items() if (lines := _lines(value))}
    width = min(max((len(name) for name in plain), default=0), 24)
    for name, lines in list(plain.items())[:_MOST]:
        for number, line in enumerate(_wrapped(lines, width + 4)):
            render.data(f"  {'' if number else render.clean(name):<{width}}  {line}")
    also = [f"{name} ({short(value, names=False)})" for name, value in result.outputs.items() if name not in plain]
    also += [f"{len(plain) - _MOST} more"] if len(plain) > _MOST else []
    if also:
        _also(also)
        render.detail(f"gpt-trader runs show {result.id}")


def _wrapped(lines: list[str], indent: int) -> Iterator[str]:
    """The lines, broken between words where a terminal would break them in the middle of one."""
    import textwrap

    wide = max(render.screen.wide - indent, 30)
    for line in lines:
        yield from textwrap.wrap(line, wide, break_long_words=False, break_on_hyphens=False) or [line]


def _lines(value: Any) -> list[str]:
    """A value that is shown as it is; nothing for one that is too large, or empty."""
    if isinstance(value, str):
        return [render.clean(value, _TEXT) or "''"]
    if value is None or isinstance(value, int | float):
        return [short(value)]
    if isinstance(value, list | tuple | dict) and value:
        told = short(value)
        if told.startswith(("[", "{")):
            return [told]
        if isinstance(value, list | tuple) and len(value) <= _LINES and all(isinstance(v, str) for v in value):
            return [render.clean(v, _TEXT) for v in value]
    return []


def _also(words: list[str]) -> None:
    import textwrap

    text = render.clean(f"also  {', '.join(words)}")
    wide = min(render.screen.wide, 110)
    for line in textwrap.wrap(text, wide, initial_indent="  ", subsequent_indent="        "):
        render.data(render.paint(line, "dim"))


def short(value: Any, *, names: bool = True) -> str:
    """A value in a few words; with the names of what is inside it, or only its size."""
    if isinstance(value, float):
        return f"{value:,.6g}" if abs(value) < 1e6 else f"{value:,.2f}"
    if hasattr(value, "to_parquet"):
        columns = f": {render.clean(', '.join(map(str, value.columns)), _SHORT)}" if names else ""
        return f"table of {len(value)} rows{columns}"
    if isinstance(value, dict) and "$artifact" in value:
        return f"artifact {value['$artifact'][:12]} ({value.get('kind')}, {value.get('size'):,} bytes)"
    if isinstance(value, list | tuple | dict):
        return _collection(value, names=names)
    return render.clean(value, _SHORT) if value is not None else "none"


def _collection(value: Any, *, names: bool) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False) if len(value) <= 12 else ""
    except (TypeError, ValueError):
        text = ""
    if text and len(text) <= _SHORT:
        return render.clean(text)
    if isinstance(value, dict) and names and isinstance(value.get("message"), str):  # an error
        return render.clean(value["message"], 2 * _SHORT)
    if isinstance(value, dict):
        return f"{len(value)} entries" + (f": {render.clean(', '.join(map(str, value)), _SHORT)}" if names else "")
    return f"list of {len(value)}"
