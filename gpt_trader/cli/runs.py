"""`gpt-trader runs list`, `show` and `logs`: what the journal knows of runs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gpt_trader.cli import render
from gpt_trader.cli.documents import iso, run_document, run_fields
from gpt_trader.cli.listing import Placed, alone, placed, run_rows
from gpt_trader.cli.session import application
from gpt_trader.cli.summary import short
from gpt_trader.core.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from gpt_trader.journal.runs import RunRecord, StepRecord

STATUSES = ("RUNNING", "WAITING", "SUCCEEDED", "FAILED", "CANCELLED", "SKIPPED")
_JSON = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
_RUN = Annotated[str, typer.Argument(metavar="RUN", help="Its id, a part of it that fits one only, or `latest`.")]


def list_runs(
    status: Annotated[str | None, typer.Option(metavar="STATUS", help="Only runs of this status.")] = None,
    workflow: Annotated[str | None, typer.Option(metavar="NAME", help="Only runs of this workflow.")] = None,
    count: Annotated[int, typer.Option("--count", "-n", metavar="N", min=1, help="How many.")] = 20,
    before: Annotated[str, typer.Option(metavar="RUN", help="Only runs older than this one.")] = "~",
    as_json: _JSON = False,
) -> int:
    """List the newest runs.

    $ gpt-trader runs list --status failed
    """
    wanted = status.upper() if status else None
    if wanted is not None and wanted not in STATUSES:
        raise UsageError(f"there is no status '{status}'", hint=did_you_mean(wanted, STATUSES))
    with application() as app:
        found = app.runs.recent(status=wanted, workflow=workflow, count=count, before=before)
        if as_json:
            render.document({"runs": [run_fields(r) for r in found]})
        elif found:
            header = ("RUN", "WORKFLOW", "STATUS", "STARTED", "TOOK", "REASON")
            render.table(header, run_rows(app.runs.now(), found), styles={3: "dim", 4: "dim"})
        else:
            render.note("no runs" + (" like that" if status or workflow else " yet: gpt-trader run simple_backtest"))
    return 0


def show(run: _RUN, as_json: _JSON = False) -> int:
    """Show one run: its steps, outputs and error.

    $ gpt-trader runs show latest
    """
    with application() as app:
        record = app.runs.get(run)
        if as_json:
            render.document(run_document(app.runs, record.id) | {"inputs": json.loads(record.inputs)})
        else:
            _show(record, app.runs.steps(record.id), app.runs.now())
    return 0


def _show(run: RunRecord, steps: list[StepRecord], now: int) -> None:
    ((_, _, _, started, took, reason),) = run_rows(now, [run])
    render.data(f"{render.paint(run.workflow, 'bold')}  {render.status(run.status)}  {run.id}  {run.mode}")
    render.data(f"  started {iso(run.created_at)} ({started})" + (f", took {took}" if took else ""))
    if run.forked_from:
        render.data(f"  forked from {run.forked_from}")
    if inputs := json.loads(run.inputs):
        render.data("  inputs: " + ", ".join(f"{n}={short(v)}" for n, v in inputs.items()))
    if reason:
        render.data(f"  {render.paint(reason, render.STATUS_STYLE.get(run.status, ''))}")
    render.data()
    render.table(("STEP", "STATUS", "TOOK", "OUTPUTS"), [_step_row(row) for row in placed(steps)])
    _next(run, now)


def _step_row(row: Placed) -> list[str]:
    step = row.step
    took = "" if step.ended_at is None else render.seconds((step.ended_at - step.started_at) / 1e6)
    words = (step.name, row.label, f"(attempt {step.attempt})" if step.attempt > 1 else "")
    if step.error:
        told = str(json.loads(step.error).get("message", ""))
    else:
        told = ", ".join(f"{n}={short(v)}" for n, v in _outputs(step).items())
    return ["  " * row.depth + " ".join(filter(None, words)), step.status, took, told]


def _outputs(step: StepRecord) -> dict[str, Any]:
    found = json.loads(step.outputs) if step.outputs else {}
    return {"outputs": found} if "$artifact" in found else found


def _next(run: RunRecord, now: int) -> None:
    if run.reason.startswith("approval"):
        render.hint(f"answer it: gpt-trader runs approve {run.id}")
    elif run.status == "FAILED" or alone(run, now) or (run.status == "WAITING" and run.lease_until < now):
        render.hint(f"go on with it: gpt-trader runs resume {run.id}")
    elif run.status == "CANCELLED":
        render.hint(f"go on with it: gpt-trader runs retry {run.id}")


def logs(run: _RUN, as_json: _JSON = False) -> int:
    """Show what happened in a run, in order.

    $ gpt-trader runs logs latest

    With --json there is one document for each line. Traces of failed steps are shown with --debug.
    """
    with application() as app:
        record = app.runs.get(run)
        for line in sorted(_facts(app.runs.steps(record.id), app.store.read("event.of_run", run_id=record.id))):
            _print_line(record.id, *line, as_json=as_json)
    return 0


def _facts(steps: list[StepRecord], events: list[Any]) -> list[tuple[int, str, str, str]]:
    found = [(int(e["at"]), str(e["topic"]), "", str(e["payload"])) for e in events]
    for s in steps:
        where = s.path if s.attempt == 1 else f"{s.path}#{s.attempt}"
        if s.status != "SKIPPED":
            found.append((s.started_at, "step.began", f"{s.name} {where}", ""))
        if s.ended_at is not None:
            found.append((s.ended_at, f"step.{s.status.lower()}", f"{s.name} {where}", s.error or ""))
    return found


def _print_line(run_id: str, at: int, topic: str, step: str, payload: str, *, as_json: bool) -> None:
    fields = json.loads(payload) if payload else {}
    if as_json:
        render.json_line({"run": run_id, "at": iso(at), "topic": topic, "step": step or None, "payload": fields})
        return
    trace = fields.pop("trace", "")
    told = " ".join(f"{n}={short(v)}" for n, v in fields.items())
    render.data(f"{render.paint(str(iso(at)), 'dim')}  {topic:<18}  {step}  {told}".rstrip())
    if trace and render.screen.debug:
        render.data(render.clean(trace))
