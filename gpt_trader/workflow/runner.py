"""The runner: starts, resumes and repeats runs, and owns them while they go."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, Self

from pydantic_core import to_json

from gpt_trader.core.errors import Conflict, Fenced, JournalCorrupt, JournalError
from gpt_trader.core.failpoints import hit
from gpt_trader.core.texts import storable
from gpt_trader.journal.owners import Ownership, owner_alive
from gpt_trader.journal.runs import LEASE_SECONDS, RunRecord, StepRecord
from gpt_trader.journal.writer import Op
from gpt_trader.workflow.active import ActiveRun, Halted, Parts, Spot, Superseded, Unwound, monotonic
from gpt_trader.workflow.ahead import look_ahead
from gpt_trader.workflow.definition import Workflow
from gpt_trader.workflow.inherited import inherited
from gpt_trader.workflow.inputs import resolve_inputs
from gpt_trader.workflow.keeper import Keeper
from gpt_trader.workflow.openings import opening
from gpt_trader.workflow.results import Handle, RunResult
from gpt_trader.workflow.scope import Scope
from gpt_trader.workflow.secrets import secrets_of
from gpt_trader.workflow.strand import Strand
from gpt_trader.workflow.walking import take
from gpt_trader.workflow.whole import told, walk_workflow

_QUEUE_SECONDS = 0.05
_OWNER_SECONDS = 0.25


class Runner:
    """Runs workflows; each run has one owner, and what it did is in the journal before it goes on."""

    def __init__(self, parts: Parts) -> None:
        self._keeper = Keeper(parts.runs, parts.owner)
        self.parts = replace(parts, look_at=self._keeper.look_at)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of threads and processes."""
        self._keeper.close()
        self.parts.threads.shutdown()
        self.parts.heavy.shutdown(wait=False)

    # beginning

    def start(
        self,
        workflow: Workflow,
        inputs: Mapping[str, Any] | None = None,
        *,
        mode: str | None = None,
        park: bool = False,
        forked_from: str | None = None,
        keep: tuple[tuple[str, int], ...] = (),
    ) -> Handle:
        """Start a run; with `park` it is left WAITING where it would wait for a person, a time or an event.

        `keep` names the records of `forked_from` that the new run begins with.
        """
        parts = self.parts
        given = resolve_inputs(workflow, inputs or {})
        if not keep:
            look_ahead(workflow, parts.catalog, given)
        own = Ownership(parts.runs.new_id(), parts.owner, 1)
        chosen = mode or ("paper" if workflow.mode == "real-time" else workflow.mode)
        run = ActiveRun(parts, workflow, given, own, chosen)
        run.parking = park
        run.opening = opening(run, forked_from, keep)
        if keep and forked_from:
            kept = set(keep)
            run.load([r for r in parts.runs.steps(forked_from) if (r.path, r.attempt) in kept])
        return self._go(run, queued=workflow.concurrency is not None)

    # going on

    def resume(self, run_id: str, *, park: bool = False, again: bool = False) -> Handle:
        """Go on with a run whose owner is gone, that waits, or that failed; `again` also takes a cancelled one."""
        parts = self.parts
        record = _resumable(parts.runs.get(run_id), again=again)
        if self._keeper.watches(record.id):
            raise Conflict(f"run {record.id} is being run by this process")
        record = _resumable(self._cancelled(self._ownerless(record)), again=again)
        workflow = Workflow.from_json(parts.runs.definition(record.definition))
        secrets_of(workflow, parts.secret, parts.secrets)  # where one is not there, the run stays as it is
        queued = {"status": "WAITING", "reason": "queued"} if workflow.concurrency else {}
        own = parts.runs.take(record, parts.owner, **queued)
        inputs = parts.artifacts.decode(record.inputs)
        run = ActiveRun(parts, workflow, inputs, own, record.mode)
        run.parking, run.resumed = park, True
        run.load(parts.runs.steps(record.id))
        if not record.live:
            run.opening = run.reopen("")
            fact = {"workflow": workflow.name, "was": record.status}
            run.opening.append(parts.runs.event("run.resumed", fact, run_id=record.id))
        return self._go(run, queued=workflow.concurrency is not None)

    def _ownerless(self, record: RunRecord) -> RunRecord:
        """The run, once its owner is dead, or has not renewed its lease for as long as one lasts.

        A clock that jumped must neither keep a dead owner alive nor take a run from a living one.
        """
        runs, since = self.parts.runs, monotonic()
        lease = record.lease_until
        while record.live and record.lease_until and record.owner != self.parts.owner:
            if record.lease_until != lease:
                host, pid, *_ = record.owner.rsplit(":", 3)
                raise Conflict(
                    f"run {record.id} is being run by process {pid} on {host}",
                    hint=f"watch it: gpt-trader runs watch {record.id}",
                )
            alive = owner_alive(record.owner)
            expired = alive is None and record.lease_until <= runs.now()
            if alive is False or expired or monotonic() - since > LEASE_SECONDS:
                break
            self.parts.clock.sleep(_OWNER_SECONDS)
            record = runs.get(record.id)
        return record

    def _cancelled(self, record: RunRecord) -> RunRecord:
        """The run, which is over where nobody was left to obey a cancel."""
        if not (record.live and record.request == "cancel"):
            return record
        own = self.parts.runs.take(record, self.parts.owner)
        self.parts.runs.store.write(self._stop(own) + self._end(own, record.workflow, "CANCELLED"))
        return self.parts.runs.get(record.id)

    def rerun(self, run_id: str, *, from_step: str | None = None, park: bool = False) -> Handle:
        """Run the same definition with the same inputs again, keeping what was done before `from_step`."""
        record = self.parts.runs.get(run_id)
        workflow = Workflow.from_json(self.parts.runs.definition(record.definition))
        inputs = self.parts.artifacts.decode(record.inputs)
        return self.fork(record.id, workflow, inputs, from_step=from_step, mode=record.mode, park=park)

    def fork(
        self,
        run_id: str,
        workflow: Workflow,
        inputs: Mapping[str, Any],
        *,
        from_step: str | None,
        mode: str | None = None,
        park: bool = False,
    ) -> Handle:
        """Run another definition, or other inputs, from a step on, with the results that a run had before it."""
        kept = tuple((r.path, r.attempt) for r in self.kept(run_id, workflow, from_step))
        return self.start(workflow, inputs, mode=mode, park=park, forked_from=run_id, keep=kept)

    def kept(self, run_id: str, workflow: Workflow, from_step: str | None) -> list[StepRecord]:
        """What a run did before a step of a definition, which another run can begin with."""
        return inherited(self.parts.runs.steps(run_id), workflow, from_step)

    # stopping

    def cancel(self, run_id: str) -> str:
        """Cancel a run, here or wherever it runs; returns what was done."""
        return self._ask(run_id, "cancel")

    def pause(self, run_id: str) -> str:
        """Let a run stop after its present step."""
        return self._ask(run_id, "pause")

    def _ask(self, run_id: str, request: str) -> str:
        runs = self.parts.runs
        record = runs.get(run_id)
        if not record.live or not runs.ask(record.id, request):
            raise Conflict(f"run {record.id} has ended: {record.status}")
        record = runs.get(record.id)  # its owner may have let go of it meanwhile, or ended it
        owned = record.lease_until > runs.now() and owner_alive(record.owner) is not False
        if owned:
            return "asked"
        if request == "pause":
            return "is not running"
        return self._cancelled(record).status.lower()

    # the life of one run

    def _go(self, run: ActiveRun, *, queued: bool) -> Handle:
        strand = Strand(run, lambda s: self._live(s, queued=queued), take)
        handle = Handle(run, strand.future)
        run.let_go = self._keeper.let_go
        self._keeper.watch(run)
        strand.begin()
        return handle

    def _live(self, strand: Strand, *, queued: bool) -> RunResult:
        run = strand.run
        spot = Spot(run, run.inputs, Scope())
        try:
            return self._conclude(strand, spot, queued=queued)
        finally:
            if not strand.dead:
                self._keeper.let_go(run)

    def _conclude(self, strand: Strand, spot: Spot, *, queued: bool) -> RunResult:
        run = strand.run
        status, reason, error = "SUCCEEDED", "", None
        try:
            if queued and not self._entered(strand):
                status, reason = "SKIPPED", "another run of its group was running"
            else:
                walk_workflow(strand, run.workflow, spot)
        except Unwound as unwound:
            parked = self._park(strand, spot, unwound.reason)
            if parked is not None:
                return parked
            status = "CANCELLED"
        except Superseded:
            raise
        except JournalCorrupt as lost:  # what an earlier step gave is gone, and no resume brings it back
            status, error = "FAILED", told(lost, run)
        except JournalError:
            raise
        except (Exception, Halted) as failed:  # noqa: BLE001 - the run's record carries it
            status, error = "FAILED", told(failed, run)
        if run.request == "cancel" and status == "FAILED":
            status, error = "CANCELLED", None
        return self._over(strand, spot, status, reason, error)

    def _over(self, strand: Strand, spot: Spot, status: str, reason: str, error: Mapping[str, Any] | None) -> RunResult:
        """Record that the run is over."""
        run = strand.run
        strand.check_dead()
        hit("run.ending")
        left = self._stop(run.own) if run.halted or run.resumed or status != "SUCCEEDED" else []
        ending = self._end(run.own, run.workflow.name, status, reason=reason, error=error)
        run.commit(strand.pen.take() + left + ending)
        run.tell("", run.workflow.name, status, 0, str((error or {}).get("message", reason)))
        return RunResult(
            id=run.id,
            workflow=run.workflow.name,
            status=status,
            reason=reason,
            error=error,
            outputs=spot.scope.results(),
            steps=dict(spot.scope.names()),
        )

    def _stop(self, own: Ownership) -> list[Op]:
        """What records that steps which were stopped in their midst are going no longer."""
        return [("step.stop", {**own.guard, "at": self.parts.runs.now()}, False)]

    def _end(
        self, own: Ownership, workflow: str, status: str, *, reason: str = "", error: Mapping[str, Any] | None = None
    ) -> list[Op]:
        """What records that a run is over."""
        runs = self.parts.runs
        text = None if error is None else to_json(error).decode()
        row = {**own.guard, "status": status, "reason": reason, "ended_at": runs.now(), "error": text}
        payload = {"workflow": workflow, "status": status} | ({"error": error} if error else {})
        return [("run.end", row, True), runs.event(f"run.{status.lower()}", payload, run_id=own.run_id)]

    def _park(self, strand: Strand, spot: Spot, reason: str) -> RunResult | None:
        """Leave the run as it stands, to be resumed; None where it was cancelled in that very moment."""
        run, runs, reason = strand.run, self.parts.runs, storable(reason)
        fact = runs.event("run.waiting", {"workflow": run.workflow.name, "reason": reason}, run_id=run.id)
        done = strand.pen.take()
        try:
            run.commit([*done, ("run.release", {**run.own.guard, "reason": reason}, True), fact])
        except Fenced:
            if runs.requests(run.own.owner).get(run.id) != "cancel":
                raise
            strand.pen.add(*done)
            return None
        run.tell("", run.workflow.name, "WAITING", 0, reason)
        return RunResult(
            id=run.id,
            workflow=run.workflow.name,
            status="WAITING",
            reason=reason,
            outputs=spot.scope.results(),
            steps=dict(spot.scope.names()),
        )

    def _entered(self, strand: Strand) -> bool:
        """Wait for room in the run's concurrency group; False if the run is to be skipped."""
        run, runs = strand.run, self.parts.runs
        concurrency = run.workflow.concurrency
        assert concurrency is not None
        strand.pen.flush()
        while not runs.enter(run.own):
            if concurrency.on_conflict == "skip" and not run.resumed:
                return False
            if concurrency.on_conflict == "replace":
                older = [rival for rival in runs.rivals(runs.get(run.id)) if rival < run.id]
                for rival in older[: len(older) - concurrency.limit + 1]:
                    self._replace(rival)
            run.tell("", run.workflow.name, "WAITING", 0, "queued")
            strand.wait(_QUEUE_SECONDS)
        return True

    def _replace(self, run_id: str) -> None:
        with suppress(Conflict):  # it may have ended by itself meanwhile
            self._ask(run_id, "cancel")


def _resumable(record: RunRecord, *, again: bool) -> RunRecord:
    """The run, if it can be gone on with."""
    if record.status in ("SUCCEEDED", "SKIPPED") or (record.status == "CANCELLED" and not again):
        hint = "rerun starts it anew" if record.status != "CANCELLED" else "`gpt-trader runs retry` goes on with it"
        raise Conflict(f"run {record.id} has ended: {record.status}", hint=hint)
    return record
