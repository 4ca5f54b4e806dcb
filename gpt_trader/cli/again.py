"""`gpt-trader runs resume`, `retry`, `rerun` and `fork`: go on with a run, or begin another from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from gpt_trader.cli import render
from gpt_trader.cli.args import InputsCommand, inputs_of
from gpt_trader.cli.documents import run_fields
from gpt_trader.cli.run import given_inputs

if TYPE_CHECKING:
    from gpt_trader.app.wiring import Application
    from gpt_trader.cli.conduct import Ear
    from gpt_trader.journal.runs import RunRecord
    from gpt_trader.workflow.definition import Workflow

_RUN = Annotated[str, typer.Argument(metavar="RUN", help="Its id, a part of it that fits one only, or `latest`.")]
_WAIT = Annotated[bool, typer.Option("--wait/--no-wait", help="Wait at approvals, or leave the run there.")]
_FROM = Annotated[str | None, typer.Option("--from", metavar="STEP", help="Keep the results before this step.")]
_DRY = Annotated[bool, typer.Option("--dry-run", help="Say what would be done; run nothing.")]
_JSON = Annotated[bool, typer.Option("--json", help="Print one JSON document at the end.")]


def resume(run: _RUN = "latest", wait: _WAIT = True, dry_run: _DRY = False, as_json: _JSON = False) -> int:
    """Go on with a run that was interrupted, paused, parked or failed.

    $ gpt-trader runs resume latest

    It goes on with the definition that it was started with; steps that succeeded are not done again.
    """
    return _go_on(run, again=False, wait=wait, dry_run=dry_run, as_json=as_json)


def retry(run: _RUN = "latest", wait: _WAIT = True, dry_run: _DRY = False, as_json: _JSON = False) -> int:
    """Go on with a run that failed or was cancelled.

    $ gpt-trader runs retry latest
    """
    return _go_on(run, again=True, wait=wait, dry_run=dry_run, as_json=as_json)


def _go_on(run: str, *, again: bool, wait: bool, dry_run: bool, as_json: bool) -> int:
    from gpt_trader.cli.conduct import application

    app, ear = application()
    record = app.runs.get(run)
    if dry_run:
        done = sum(s.status == "SUCCEEDED" for s in app.runs.steps(record.id))
        if as_json:
            would = "retry" if again else "resume"
            render.document({"dry_run": True, "would": would, "run": run_fields(record), "steps_done": done})
        else:
            render.data(f"would go on with run {record.id} ({record.workflow}, {record.status}); {done} steps are done")
        return 0
    return carry_on(app, ear, record, again=again, wait=wait, as_json=as_json)


def carry_on(app: Application, ear: Ear, record: RunRecord, *, again: bool, wait: bool, as_json: bool) -> int:
    """Go on with a run in this process."""
    from gpt_trader.cli.conduct import conduct

    return conduct(
        app,
        ear,
        definition_of(app, record),
        lambda runner: runner.resume(record.id, park=not wait, again=again),
        as_json=as_json,
        known=record.id,
        done=app.runs.steps(record.id),
    )


def definition_of(app: Application, record: RunRecord) -> Workflow:
    """The definition that a run was started with."""
    from gpt_trader.workflow.definition import Workflow

    return Workflow.from_json(app.runs.definition(record.definition))


def rerun(
    run: _RUN = "latest",
    from_step: _FROM = None,
    wait: _WAIT = True,
    dry_run: _DRY = False,
    as_json: _JSON = False,
) -> int:
    """Run the same definition with the same inputs again.

    $ gpt-trader runs rerun latest --from decide
    """
    from gpt_trader.cli.conduct import application, conduct

    app, ear = application()
    record = app.runs.get(run)
    definition = definition_of(app, record)
    done = app.runner.kept(record.id, definition, from_step)
    if dry_run:
        return _dry(definition, from_step, as_json=as_json)
    return conduct(
        app,
        ear,
        definition,
        lambda runner: runner.rerun(record.id, from_step=from_step, park=not wait),
        as_json=as_json,
        done=done,
    )


def fork(
    ctx: typer.Context,
    run: _RUN,
    workflow: Annotated[str | None, typer.Option(metavar="WORKFLOW", help="Another name or file.")] = None,
    input: Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help="An input to change.")] = None,
    from_step: _FROM = None,
    wait: _WAIT = True,
    dry_run: _DRY = False,
    as_json: _JSON = False,
) -> int:
    """Run with another file or other inputs, keeping results of an older run.

    $ gpt-trader runs fork latest --from decide --symbols IBM
    $ gpt-trader runs fork latest --from decide --workflow edited.yaml
    """
    from gpt_trader.cli.conduct import application, conduct

    app, ear = application()
    record = app.runs.get(run)
    definition = app.library.load(workflow) if workflow else definition_of(app, record)
    given = _kept(app, record, definition) | given_inputs(definition, inputs_of(ctx, input))
    done = app.runner.kept(record.id, definition, from_step)
    if dry_run:
        return _dry(definition, from_step, as_json=as_json)
    return conduct(
        app,
        ear,
        definition,
        lambda runner: runner.fork(record.id, definition, given, from_step=from_step, mode=record.mode, park=not wait),
        as_json=as_json,
        done=done,
    )


fork.command_class = InputsCommand  # type: ignore[attr-defined]


def _kept(app: Application, record: RunRecord, definition: Workflow) -> dict[str, Any]:
    """The older run's inputs, as far as the definition takes them."""
    inputs = app.artifacts.decode(record.inputs)
    return {name: value for name, value in inputs.items() if name in definition.inputs}


def _dry(definition: Workflow, from_step: str | None, *, as_json: bool) -> int:
    names = [step.name for step in definition.steps]
    start = names.index(from_step) if from_step else 0
    if as_json:
        planned = {"workflow": definition.name, "steps": names[start:], "kept": names[:start]}
        render.document({"dry_run": True, "would": "run", **planned})
        return 0
    render.data(f"would run {definition.name}: {', '.join(names[start:])}")
    if start:
        render.data(f"would keep: {', '.join(names[:start])}")
    return 0
