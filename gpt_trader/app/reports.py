"""The report of a run: the one that its own step made, or a new one from its results."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from gpt_trader.core.context import Artifact, StepContext
from gpt_trader.core.errors import JournalCorrupt, NotFound

if TYPE_CHECKING:
    from pathlib import Path

    from gpt_trader.app.wiring import Application
    from gpt_trader.journal.runs import RunRecord, StepRecord

MAKER = ("monitor", "create_report")
FORMATS: Mapping[str, str] = {"html": "report", "md": "report_markdown", "json": "report_json"}
"""The forms of a report, and the output that is the file of each."""
RESULT = ("equity", "trades", "metrics")


def report_of(app: Application, run: RunRecord, form: str) -> Path:
    """The file of a run's report in one of the formats."""
    done = [step for step in app.runs.steps(run.id) if step.status == "SUCCEEDED" and step.outputs]
    made = [step for step in done if (step.slice, step.method) == MAKER]
    found = _kept(app, made[-1], form) if made else None
    return found or _made(app, run, done, form)


def _kept(app: Application, step: StepRecord, form: str) -> Path | None:
    """The file that the step made; nothing where it is gone, or where an older program made no such file."""
    assert step.outputs is not None
    named = app.artifacts.decode(step.outputs).get(FORMATS[form])
    if named is None:
        return None
    artifact = Artifact(**named)
    try:
        app.artifacts.get(artifact)
    except JournalCorrupt:
        return None
    return app.artifacts.path(artifact)


def _made(app: Application, run: RunRecord, done: list[StepRecord], form: str) -> Path:
    """A new report, wired by name as a step of the workflow would be: the latest output of each name counts."""
    method = app.catalog.method(*MAKER)
    given: dict[str, Any] = {}
    for step in done:
        outputs = app.artifacts.decode(step.outputs or "{}")
        given |= {name: value for name, value in outputs.items() if name in method.params.model_fields}
    missing = [name for name in RESULT if name not in given]
    if missing:
        raise NotFound(
            f"run {run.id} ({run.workflow}) has nothing to report on: no step gave {' or '.join(missing)}",
            hint=f"what it gave: gpt-trader runs show {run.id}",
        )
    given.setdefault("title", f"{run.workflow}, run {run.id}")
    with ThreadPoolExecutor(1) as executor:
        outputs = getattr(app.catalog.instance(MAKER[0]), MAKER[1])(method.check(given), _context(app, run, executor))
    return app.artifacts.path(getattr(outputs, FORMATS[form]))


def _context(app: Application, run: RunRecord, executor: ThreadPoolExecutor) -> StepContext:
    return StepContext(
        run_id=run.id,
        path="report",
        attempt=1,
        mode=run.mode,
        clock=app.clock,
        artifacts=app.artifacts,
        executor=executor,
    )
