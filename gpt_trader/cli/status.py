"""`gpt-trader status`: what runs, what waits, what went wrong lately."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from gpt_trader.cli import render
from gpt_trader.cli.documents import approval_fields, run_fields, step_fields
from gpt_trader.cli.listing import Placed, ago, alone, placed, run_rows, step_words
from gpt_trader.cli.session import application

if TYPE_CHECKING:
    from gpt_trader.app.wiring import Application
    from gpt_trader.journal.runs import RunRecord, StepRecord

Shown = list[tuple["RunRecord", list[Placed]]]


def status(
    count: Annotated[int, typer.Option("--count", "-n", metavar="N", min=1, help="How many runs to show.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> int:
    """Show runs, their steps, waiting approvals and dead letters.

    $ gpt-trader status
    $ gpt-trader status --json
    """
    with application() as app:
        counts = app.runs.counts()
        runs = [(run, placed(app.runs.steps(run.id))) for run in app.runs.recent(count=count)]
        if as_json:
            render.document(_document(app, counts, runs))
        else:
            _print(app, counts, runs)
    return 0


def _document(app: Application, counts: dict[str, int], runs: Shown) -> dict[str, Any]:
    return {
        "counts": counts,
        "runs": [run_fields(run) | {"steps": [_brief(row.step) for row in rows]} for run, rows in runs],
        "approvals": [approval_fields(a) for a in app.runs.open_approvals()],
        "dead_letters": dead_letters(app),
    }


def _brief(step: StepRecord) -> dict[str, Any]:
    return step_fields(step) | {"outputs": None}


def _print(app: Application, counts: dict[str, int], runs: Shown) -> None:
    if not runs:
        render.data("there are no runs yet")
        render.hint("start one: gpt-trader run simple_backtest")
    else:
        words = ", ".join(f"{number} {render.status(status)}" for status, number in sorted(counts.items()))
        render.data(f"{render.paint('runs', 'bold')}  {words}")
    for (run, rows), row in zip(runs, run_rows(app.runs.now(), [r for r, _ in runs]), strict=True):
        render.data()
        render.data("  ".join([row[0], render.paint(row[1], "bold"), render.status(row[2]), *row[3:]]).rstrip())
        render.data(f"  {step_words(rows, waiting=run.status == 'WAITING') or render.paint('no steps yet', 'dim')}")
        if alone(run, app.runs.now()):
            render.data(f"  {render.paint('its process is gone', 'yellow')}: gpt-trader runs resume {run.id}")
    _print_waiting(app)


def _print_waiting(app: Application) -> None:
    questions, now = app.runs.open_approvals(), app.runs.now()
    if questions:
        render.data(f"\n{render.paint('waiting for an approval', 'bold')}")
    for question in questions:
        since = ago(now - question.asked_at)
        render.data(f"  {question.run_id}  {render.clean(question.message, 200)}  ({question.path}, {since})")
        if question.expires_at is not None and question.expires_at <= now:
            render.data(f"    its time has run out: gpt-trader runs resume {question.run_id}")
        else:
            render.data(f"    gpt-trader runs approve {question.run_id} --step {question.path!r}")
    letters = dead_letters(app)
    if letters:
        several = "1 dead letter" if letters == 1 else f"{letters} dead letters"
        render.data(f"\n{render.paint(several, 'bold red')}: gpt-trader events dead list")


def dead_letters(app: Application) -> int:
    """How many events no subscriber could handle."""
    return int(app.store.read("dead.count")[0]["count"])
