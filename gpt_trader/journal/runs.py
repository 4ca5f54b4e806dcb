"""Runs and their steps as the journal keeps them: values to read, and operations that only the owner may commit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

from pydantic_core import to_json

from gpt_trader.core.errors import Conflict, Fenced, NotFound
from gpt_trader.core.ports import Clock
from gpt_trader.core.texts import storable
from gpt_trader.core.version import VERSION
from gpt_trader.journal.artifacts import named_in
from gpt_trader.journal.owners import ALPHABET, Ownership, letters
from gpt_trader.journal.store import Store
from gpt_trader.journal.writer import Op

LEASE_SECONDS = 3.0
LIVE = frozenset({"RUNNING", "WAITING"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One run as the journal has it; the long texts are there only where a single run was asked for."""

    id: str
    workflow: str
    mode: str
    status: str
    reason: str
    definition: str
    error: str | None
    created_at: int
    ended_at: int | None
    forked_from: str | None
    group_key: str | None
    group_limit: int
    owner: str
    fence: int
    lease_until: int
    request: str | None
    inputs: str = "{}"
    versions: str = "{}"

    @property
    def live(self) -> bool:
        """Whether it is not over."""
        return self.status in LIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRecord:
    """One attempt of one step."""

    run_id: str
    path: str
    attempt: int
    name: str
    slice: str
    method: str
    status: str
    params_hash: str
    cache_key: str | None
    outputs: str | None
    error: str | None
    started_at: int
    ended_at: int | None
    owner: str
    fence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRecord:
    """A question to a person."""

    run_id: str
    path: str
    message: str
    asked_at: int
    expires_at: int | None
    decision: str | None
    by: str
    reason: str
    decided_at: int | None
    workflow: str = ""


class Runs:
    """The journal's rows of runs, steps, approvals and checkpoints."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.store = store
        self._clock = clock
        self.now = clock.micros
        """The time in microseconds."""

    def lease(self) -> int:
        """Until when a lease given now is good."""
        return self.now() + int(LEASE_SECONDS * 1e6)

    def new_id(self) -> str:
        """An identity that sorts by time, to about 30 microseconds, and is unique by chance."""
        now = self._clock.now()
        part = now.microsecond * 32_768 // 1_000_000
        fraction = ALPHABET[part >> 10] + ALPHABET[part >> 5 & 31] + ALPHABET[part & 31]
        day, moment = f"{now.year:04}{now.month:02}{now.day:02}", f"{now.hour:02}{now.minute:02}{now.second:02}"
        return f"{day}-{moment}-{fraction}{letters(5)}"

    # reading

    def get(self, run_id: str) -> RunRecord:
        """A run by its id, by a part of it that fits one only, or `latest`."""
        found = self.store.read("run.get", id=run_id)
        if not found:
            found = self.store.read("run.get", id=self._find(run_id))
        return RunRecord(**found[0])

    def _find(self, text: str) -> str:
        if text == "latest":
            rows = self.store.read("run.list", status=None, workflow=None, before="~", count=1)
            if not rows:
                raise NotFound("there are no runs yet", hint="start one: gpt-trader run simple_backtest")
            return str(rows[0]["id"])
        wild = not text or set(text) & {"%", "_"}
        ids = [] if wild else [str(row["id"]) for row in self.store.read("run.like", pattern=f"%{text}%")]
        if len(ids) == 1:
            return ids[0]
        if ids:
            raise NotFound(f"'{text}' could be {len(ids)} runs", hint="one of: " + ", ".join(ids[:5]))
        raise NotFound(f"there is no run '{text}'", hint="`gpt-trader runs list` shows them")

    def recent(
        self, *, status: str | None = None, workflow: str | None = None, count: int = 20, before: str = "~"
    ) -> list[RunRecord]:
        """The newest runs."""
        rows = self.store.read("run.list", status=status, workflow=workflow, before=before, count=count)
        return [RunRecord(**r) for r in rows]

    def live(self) -> list[RunRecord]:
        """The runs that are not over."""
        return [RunRecord(**r) for r in self.store.read("run.live")]

    def counts(self) -> dict[str, int]:
        """How many runs have each status."""
        return {str(r["status"]): int(r["count"]) for r in self.store.read("run.counts")}

    def step_counts(self) -> dict[str, int]:
        """How many steps of all runs there are by status."""
        return {str(r["status"]): int(r["count"]) for r in self.store.read("step.counts")}

    def steps(self, run_id: str) -> list[StepRecord]:
        """Every attempt of every step of a run, as they began."""
        return [StepRecord(**r) for r in self.store.read("step.list", run_id=run_id)]

    def definition(self, definition_hash: str) -> str:
        """A stored definition."""
        return str(self.store.read("definition.get", hash=definition_hash)[0]["body"])

    def cached(self, cache_key: str, since: int) -> str | None:
        """The outputs of the newest success under this key that is not older than `since`."""
        rows = self.store.read("step.cached", cache_key=cache_key, since=since)
        return str(rows[0]["outputs"]) if rows else None

    def approval(self, run_id: str, path: str) -> ApprovalRecord | None:
        """A question and its answer so far."""
        rows = self.store.read("approval.get", run_id=run_id, path=path)
        return ApprovalRecord(**rows[0]) if rows else None

    def open_approvals(self) -> list[ApprovalRecord]:
        """The questions that wait for an answer."""
        return [ApprovalRecord(**r) for r in self.store.read("approval.open")]

    def checkpoint(self, run_id: str, path: str) -> tuple[int, int] | None:
        """How often a loop went round, and the last event that it took."""
        rows = self.store.read("checkpoint.get", run_id=run_id, path=path)
        return (int(rows[0]["count"]), int(rows[0]["cursor"])) if rows else None

    def checkpoint_made(self, run_id: str, path: str) -> int | None:
        """When a checkpoint was last made."""
        rows = self.store.read("checkpoint.get", run_id=run_id, path=path)
        return int(rows[0]["at"]) if rows else None

    # owning

    def take(self, seen: RunRecord, owner: str, *, status: str = "RUNNING", reason: str = "") -> Ownership:
        """Become the owner of a run, unless somebody else did since it was seen."""
        row = {"run_id": seen.id, "fence": seen.fence, "was": seen.status, "owner": owner, "until": self.lease()}
        row["status"] = status
        try:
            self.store.write([("run.take", {**row, "reason": reason}, True)])
        except Fenced:
            raise Conflict(f"run {seen.id} was taken over, or ended, meanwhile") from None
        return Ownership(seen.id, owner, seen.fence + 1)

    def renew(self, owner: str, run_ids: Iterable[str]) -> None:
        """Prolong the lease of runs that this owner is at work on."""
        until = self.lease()
        self.store.write([("run.renew", {"run_id": r, "owner": owner, "until": until}, False) for r in run_ids])

    def requests(self, owner: str) -> dict[str, str]:
        """What was asked of this owner's runs from outside."""
        return {str(r["id"]): str(r["request"]) for r in self.store.read("run.asked", owner=owner)}

    def ask(self, run_id: str, request: str) -> bool:
        """Ask the owner of a run to cancel or pause it; False if it is over."""
        return self.store.write([("run.ask", {"run_id": run_id, "request": request}, False)])[0] == 1

    def enter(self, own: Ownership) -> bool:
        """Enter the run's concurrency group if there is room."""
        row = {**own.guard, "until": self.lease(), "now": self.now()}
        return self.store.write([("run.enter", row, False)])[0] == 1

    def rivals(self, run: RunRecord) -> list[str]:
        """The live runs of the same concurrency group."""
        rows = self.store.read("run.rivals", group_key=run.group_key, run_id=run.id, now=self.now())
        return [str(r["id"]) for r in rows]

    def decide(self, run_id: str, path: str, *, approved: bool, by: str, reason: str = "") -> bool:
        """Answer a question; False if it was answered before, or if its time has run out."""
        by, reason = storable(by), storable(reason)
        row = {"run_id": run_id, "path": path, "by": by, "reason": reason, "at": self.now()}
        decision = "approved" if approved else "rejected"
        fact = self.event(f"approval.{decision}", {"path": path, "by": by, "reason": reason}, run_id=run_id)
        try:
            self.store.write([("approval.decide", {**row, "decision": decision}, True), fact])
        except Fenced:
            return False
        return True

    # forgetting

    def prune(self, *, before: int) -> int:
        """Forget runs that ended and began before a moment, unless they go on again; returns how many."""
        forgotten = 0
        while rows := self.store.read("run.old", before=before, count=200):
            ids = [{"run_id": r["id"]} for r in rows]
            tables = ("run.delete", "step.delete", "approval.delete", "checkpoint.delete")
            forgotten += self.store.write([(name, ids, False) for name in tables])[0]
        self.store.write([("definition.sweep", {}, False)])
        return forgotten

    def artifacts_in_use(self) -> set[str]:
        """The hashes of all artifacts that some step's outputs or some run's inputs name."""
        found: set[str] = set()
        for name, column in (("step.outputs", "outputs"), ("run.inputs", "inputs")):
            for row in self.store.read(name):
                found |= named_in(row[column].encode())
        return found

    # operations, to be committed by the owner

    def event(self, topic: str, payload: Mapping[str, Any], *, run_id: str) -> Op:
        """A fact about a run."""
        text = to_json(payload).decode()
        return (
            "event.add",
            {"topic": topic, "key": run_id, "at": self.now(), "run_id": run_id, "payload": text},
            False,
        )


@lru_cache(maxsize=1)
def versions() -> str:
    """The versions that a run was started with, as JSON."""
    import platform

    return to_json({"gpt_trader": VERSION, "python": platform.python_version()}).decode()


STEP_FIELDS: Sequence[str] = tuple(f.name for f in fields(StepRecord))
