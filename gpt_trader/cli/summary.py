"""How a run ended, in few words: its outputs on stdout, what went wrong and what to do next on stderr."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from gpt_trader.cli import render
from gpt_trader.cli.signals import INTERRUPTED

if TYPE_CHECKING:
    from gpt_trader.cli.tree import Tree
    from gpt_trader.workflow.runner import RunResult

_SHORT = 60
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
    elif result.status == "CANCELLED":
        render.error(f"run {result.id} was cancelled; {so_far}", f"go on with it: gpt-trader runs retry {result.id}")
    elif result.status == "FAILED":
        error = result.error or {}
        render.error(f"{error.get('message', 'the run failed')}; {so_far}", error.get("hint"))
        render.hint(f"go on where it failed: {resume}")


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
    """Print how the run ended, and its outputs: scalars, and of larger things the size."""
    words = [render.paint(result.workflow, "bold"), render.status(result.status), render.seconds(took), result.id]
    render.data("  ".join(words))
    shown = list(result.outputs.items()) if result.ok else []
    width = max((len(name) for name, _ in shown[:_MOST]), default=0)
    for name, value in shown[:_MOST]:
        render.data(f"  {render.clean(name):<{width}}  {short(value)}")
    if len(shown) > _MOST:
        render.data(f"  ... and {len(shown) - _MOST} more: gpt-trader runs show {result.id}")


def short(value: Any) -> str:
    """A value in a few words."""
    if isinstance(value, float):
        return f"{value:,.6g}" if abs(value) < 1e6 else f"{value:,.2f}"
    if hasattr(value, "to_parquet"):
        return f"table of {len(value)} rows: {render.clean(', '.join(map(str, value.columns)), _SHORT)}"
    if isinstance(value, dict) and "$artifact" in value:
        return f"artifact {value['$artifact'][:12]} ({value.get('kind')}, {value.get('size'):,} bytes)"
    if isinstance(value, list | tuple | dict):
        return _collection(value)
    return render.clean(value, _SHORT) if value is not None else "none"


def _collection(value: Any) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False) if len(value) <= 12 else ""
    except (TypeError, ValueError):
        text = ""
    if text and len(text) <= _SHORT:
        return render.clean(text)
    if isinstance(value, dict):
        return f"{len(value)} entries: {render.clean(', '.join(map(str, value)), _SHORT)}"
    return f"list of {len(value)}"
