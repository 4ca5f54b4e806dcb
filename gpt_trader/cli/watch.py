"""`gpt-trader runs watch`: follow a run through the journal, whoever runs it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from gpt_trader.cli import render
from gpt_trader.cli.documents import run_document
from gpt_trader.cli.listing import alone
from gpt_trader.cli.session import application
from gpt_trader.cli.summary import code_of, outcome
from gpt_trader.cli.tree import Tree
from gpt_trader.cli.views import view_for

if TYPE_CHECKING:
    from gpt_trader.app.wiring import Application
    from gpt_trader.cli.views import View
    from gpt_trader.journal.runs import RunRecord

_LOOK_SECONDS = 0.2


def watch(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="Its id, a part of it that fits one only, or `latest`.")
    ] = "latest",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document at the end.")] = False,
) -> int:
    """Follow a run, also of another process, until it ends.

    $ gpt-trader runs watch latest

    Ctrl-C stops the watching, not the run. The exit code is that of the run.
    """
    from gpt_trader.workflow.definition import Workflow
    from gpt_trader.workflow.results import RunResult, read_error

    with application() as app:
        record = app.runs.get(run)
        tree = Tree(Workflow.from_json(app.runs.definition(record.definition)))
        with view_for(tree, record.id, lambda: app.clock.now().timestamp()) as view:
            record = _follow(app, record, tree, view)
        if as_json:
            render.document(run_document(app.runs, record.id))
        else:
            render.data(f"{render.paint(record.workflow, 'bold')}  {render.status(record.status)}  {record.id}")
        error = read_error(record.error)
        result = RunResult(
            id=record.id, workflow=record.workflow, status=record.status, reason=record.reason, error=error
        )
        render.screen.out.flush()
        if alone(record, app.runs.now()):
            return 1
    outcome(result, tree, interrupted=False)
    return code_of(result, interrupted=False)


def _follow(app: Application, record: RunRecord, tree: Tree, view: View) -> RunRecord:
    """Look again and again until the run is over, or its process is gone."""
    seen: dict[tuple[str, int], str] = {}
    while True:
        record = app.runs.get(record.id)
        _move(app, record, tree, view, seen)
        if not record.live:
            return record
        if alone(record, app.runs.now()):
            render.error(
                f"the process of run {record.id} is gone", f"go on with it: gpt-trader runs resume {record.id}"
            )
            return record
        app.clock.sleep(_LOOK_SECONDS)


def _move(app: Application, record: RunRecord, tree: Tree, view: View, seen: dict[tuple[str, int], str]) -> None:
    for step in app.runs.steps(record.id):
        before = seen.get((step.path, step.attempt))
        if before == step.status:
            continue
        seen[step.path, step.attempt] = step.status
        told = json.loads(step.error).get("message", "") if step.error else ""
        if before is None:
            tree.apply(step.path, step.name, "RUNNING", step.attempt, "", step.started_at / 1e6)
        ended = (step.ended_at or step.started_at) / 1e6
        node = tree.apply(step.path, step.name, step.status, step.attempt, told, ended)
        view.changed(node, step.status, told)
    tree.apply("", record.workflow, record.status, 0, record.reason, 0)
    view.changed(None, record.status, record.reason)
