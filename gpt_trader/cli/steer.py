"""`gpt-trader runs cancel`, `pause` and `approve`: steer a run, also one of another process or of none."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import typer

from gpt_trader.cli import render
from gpt_trader.cli.documents import approval_fields, run_fields
from gpt_trader.cli.session import application
from gpt_trader.core.errors import Conflict, NotFound, UsageError

if TYPE_CHECKING:
    from gpt_trader.app.wiring import Application
    from gpt_trader.journal.runs import ApprovalRecord, RunRecord

_RUN = Annotated[str, typer.Argument(metavar="RUN", help="Its id, a part of it that fits one only, or `latest`.")]
_DRY = Annotated[bool, typer.Option("--dry-run", help="Say what would be done; change nothing.")]
_JSON = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
_PATIENCE_SECONDS = 5.0
_LOOK_SECONDS = 0.1


def cancel(run: _RUN, dry_run: _DRY = False, as_json: _JSON = False) -> int:
    """Cancel a run, here or wherever it runs.

    $ gpt-trader runs cancel latest

    No later step starts; a step that hangs is given up.
    """
    return _ask(run, "cancel", dry_run=dry_run, as_json=as_json)


def pause(run: _RUN, dry_run: _DRY = False, as_json: _JSON = False) -> int:
    """Let a run stop after its present step.

    $ gpt-trader runs pause latest
    """
    return _ask(run, "pause", dry_run=dry_run, as_json=as_json)


def _ask(run: str, request: str, *, dry_run: bool, as_json: bool) -> int:
    with application() as app:
        record = app.runs.get(run)
        if dry_run:
            if not record.live:
                raise Conflict(f"run {record.id} has ended: {record.status}")
            if as_json:
                render.document({"dry_run": True, "would": request, "run": run_fields(record)})
            else:
                render.data(f"would {request} run {record.id} ({record.workflow}, {record.status})")
            return 0
        done = app.runner.cancel(record.id) if request == "cancel" else app.runner.pause(record.id)
        if done == "asked":
            _see_it_done(app, record.id)
        record = app.runs.get(record.id)
        if as_json:
            render.document(run_fields(record))
        else:
            render.data(_told(record))
            if request == "pause" and not _owned(app, record) and record.live:
                render.hint(f"go on with it: gpt-trader runs resume {record.id}")
    return 0


def _see_it_done(app: Application, run_id: str) -> None:
    """The owner looks a few times a second; stay until it has obeyed, but not for ever."""
    left = _PATIENCE_SECONDS
    while left > 0 and _owned(app, app.runs.get(run_id)):
        app.clock.sleep(_LOOK_SECONDS)
        left -= _LOOK_SECONDS


def _owned(app: Application, record: RunRecord) -> bool:
    from gpt_trader.journal.owners import owner_alive

    return record.live and record.lease_until > app.runs.now() and owner_alive(record.owner) is not False


def _told(record: RunRecord) -> str:
    if record.request:
        return f"run {record.id} was asked to {record.request}; it obeys when its present step ends"
    if record.status == "RUNNING":
        return f"run {record.id} is not being run by anybody"
    return f"run {record.id} is {record.status}" + (f" ({record.reason})" if record.reason else "")


def approve(
    run: _RUN,
    step: Annotated[str | None, typer.Option(metavar="STEP", help="Which step is answered, where several ask.")] = None,
    reject: Annotated[bool, typer.Option("--reject", help="Say no.")] = False,
    by: Annotated[str | None, typer.Option(metavar="NAME", help="Who answers; your login name otherwise.")] = None,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; it is kept with the answer.")] = "",
    resume: Annotated[bool, typer.Option("--resume/--no-resume", help="Go on with the run if nobody runs it.")] = True,
    dry_run: _DRY = False,
    as_json: _JSON = False,
) -> int:
    """Answer the question that a run waits for, and go on with it.

    $ gpt-trader runs approve latest --by ada --reason "limits looked at"
    $ gpt-trader runs approve latest --reject --reason "too large"
    """
    from gpt_trader.cli.again import carry_on
    from gpt_trader.cli.conduct import application as conducted

    app, ear = conducted()
    record = app.runs.get(run)
    question = _question(app, record, step)
    word = "reject" if reject else "approve"
    asked = render.clean(question.message, 300)
    if dry_run:
        if as_json:
            render.document({"dry_run": True, "would": word, **approval_fields(question)})
        else:
            render.data(f"would {word} '{asked}' ({question.path}) of run {record.id}")
        return 0
    name = by or _login()
    if not app.runs.decide(record.id, question.path, approved=not reject, by=name, reason=reason):
        raise _too_late(app, record, question)
    render.note(f"{word}{'ed' if reject else 'd'} by {render.clean(name)}: {asked}")
    if resume and not _owned(app, record):
        return carry_on(app, ear, record, again=False, wait=True, as_json=as_json)
    if as_json:
        render.document({**approval_fields(question), "decision": f"{word}{'ed' if reject else 'd'}", "by": name})
    app.close()
    return 0


def _question(app: Application, record: RunRecord, step: str | None) -> ApprovalRecord:
    found = [q for q in app.runs.open_approvals() if q.run_id == record.id]
    if step is not None:
        found = _named(app, record, found, step)
    if not found:
        raise Conflict(f"run {record.id} waits for no approval", hint=f"it is {record.status} {record.reason}".rstrip())
    if len(found) > 1:
        raise UsageError(
            f"run {record.id} waits for {len(found)} approvals",
            hint="choose one: " + " or ".join(f"--step '{q.path}'" for q in found),
        )
    return found[0]


def _named(app: Application, record: RunRecord, found: list[ApprovalRecord], step: str) -> list[ApprovalRecord]:
    """The questions of one step, by its path or its name."""
    names = {s.path: s.name for s in app.runs.steps(record.id)}
    asking = [(q, names.get(re.sub(r"[~?]\d+$", "", q.path), q.path)) for q in found]
    fits = [q for q, name in asking if step in (q.path, q.path.rpartition(".")[2], name)]
    if not fits:
        raise NotFound.among("waiting step", step, (name for _, name in asking))
    return fits


def _too_late(app: Application, record: RunRecord, question: ApprovalRecord) -> Conflict:
    if question.expires_at is not None and question.expires_at <= app.runs.now():
        hint = f"see what the run makes of it: gpt-trader runs resume {record.id}"
        return Conflict(f"the time to answer {question.path} of run {record.id} has run out", hint=hint)
    return Conflict(f"{question.path} of run {record.id} was answered by somebody else meanwhile")


def _login() -> str:
    import os
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        raise UsageError("who answers?", hint="--by NAME") from None
