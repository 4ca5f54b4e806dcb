"""Steps that wait: for a person, for a time, for events; what they wait for is durable, so they outlive the process."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from gpt_trader.core.errors import RunCancelled, StepFailed, StepTimeout
from gpt_trader.core.events import topic_filter
from gpt_trader.core.failpoints import hit
from gpt_trader.core.texts import storable
from gpt_trader.workflow.active import Halted, Spot, Superseded, Unwound, monotonic
from gpt_trader.workflow.definition import Approval, Loop, Step, Wait, walk
from gpt_trader.workflow.expressions import condition, template
from gpt_trader.workflow.pen import Attempt, Work
from gpt_trader.workflow.times import moment

if TYPE_CHECKING:
    from gpt_trader.journal.runs import ApprovalRecord
    from gpt_trader.journal.writer import Op
    from gpt_trader.workflow.strand import Strand

_LOOK_SECONDS = 0.1
_LOOK_FOR_EVENTS_SECONDS = 0.02
_PAGE = 500
_FAR = 1000
"""So many events of others are passed before a loop remembers that they do not concern it."""


def approval(strand: Strand, attempt: Attempt) -> Work:
    """Ask a person, and go on only with a yes."""
    step = attempt.step
    assert isinstance(step, Approval)
    message = str(template(step.message).resolve(attempt.spot.view())) or f"'{step.name}' waits for an approval"

    def call() -> Mapping[str, Any]:
        answer = ask(strand, attempt.prefix, message, step.wait)
        if answer["by"] == "":
            return _unanswered(step, answer)
        if not answer["approved"] and step.on_error != "continue":
            raise StepFailed(f"rejected by {answer['by']}" + (f": {answer['reason']}" if answer["reason"] else ""))
        return answer

    return Work(call)


def _unanswered(step: Approval, answer: Mapping[str, Any]) -> Mapping[str, Any]:
    if step.on_timeout == "approve":
        return {**answer, "approved": True, "reason": "nobody answered in time"}
    if step.on_timeout == "reject" and step.on_error == "continue":
        return {**answer, "reason": "nobody answered in time"}
    raise StepFailed("nobody approved it in time")


def ask(strand: Strand, path: str, message: str, seconds: float | None) -> dict[str, Any]:
    """Put a question and wait for the answer; `by` is empty when the time for it ran out.

    A question that nobody waits for any more is taken back.
    """
    runs, message = strand.run.parts.runs, storable(message)
    now = runs.now()
    row = {"run_id": strand.run.id, "path": path, "message": message, "asked_at": now, "by": "", "reason": ""}
    expires = None if seconds is None else now + int(seconds * 1e6)
    fact = runs.event("approval.asked", {"path": path, "message": message}, run_id=strand.run.id)
    if runs.approval(strand.run.id, path) is None:
        strand.pen.add(("approval.ask", {**row, "expires_at": expires}, False), fact)
    taken_back: Op = ("approval.forget", {"run_id": strand.run.id, "prefix": path}, False)
    with waiting(strand, f"approval: {message}"):
        try:
            answer = _awaited(strand, path, seconds)
        except (StepTimeout, RunCancelled, Halted):
            strand.pen.add(taken_back)
            raise
        if answer["by"] == "":
            strand.pen.add(taken_back)
        return answer


def _awaited(strand: Strand, path: str, seconds: float | None) -> dict[str, Any]:
    runs, left = strand.run.parts.runs, None
    while True:
        found = runs.approval(strand.run.id, path)
        assert found is not None
        if found.decision is not None:
            return _answer(found)
        if found.expires_at is not None:
            left = left or _left(strand, found.expires_at, seconds)
            if left() <= 0:
                return {"approved": False, "by": "", "reason": ""}
        strand.wait(_LOOK_SECONDS)


def _answer(found: ApprovalRecord) -> dict[str, Any]:
    return {"approved": found.decision == "approved", "by": found.by, "reason": found.reason}


class waiting:  # noqa: N801 - reads as a statement
    """The run is WAITING meanwhile, for all to see; where nobody stays to wait, it is left to a later resume."""

    def __init__(self, strand: Strand, reason: str) -> None:
        self.strand, self.reason = strand, reason

    def __enter__(self) -> None:
        run = self.strand.run
        with run.lock:
            run.waiters += 1
        self.strand.pen.add(("run.wait", {**run.own.guard, "reason": self.reason}, True))
        self.strand.pen.flush()
        hit("run.waiting")
        run.tell("", run.workflow.name, "WAITING", 0, self.reason)
        if run.parking:
            raise Unwound(self.reason)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        run = self.strand.run
        with run.lock:
            run.waiters -= 1
        left = kind is not None and issubclass(kind, Unwound | Superseded)
        if not run.waiters and not left:
            self.strand.pen.add(("run.go", run.own.guard, True))
            run.tell("", run.workflow.name, "RUNNING")


def wait(strand: Strand, attempt: Attempt) -> Work:
    """Wait for a length of time, a moment, or an event."""
    step, path, number, spot = attempt.step, attempt.path, attempt.number, attempt.spot
    assert isinstance(step, Wait)
    if step.topic is not None:
        return Work(lambda: _wait_for_event(strand, step, attempt))
    runs = strand.run.parts.runs

    def call() -> Mapping[str, Any]:
        # the end is kept as a checkpoint, so that a resumed run waits for the rest only
        kept = runs.checkpoint(strand.run.id, path)
        end = kept[1] if kept and kept[0] == number else _end(step, runs.now(), spot)
        if not kept or kept[0] != number:
            strand.pen.add(_point(strand, path, number, end))
        reason = f"until {datetime.fromtimestamp(end / 1e6, UTC):%Y-%m-%d %H:%M:%S} UTC"
        left = _left(strand, end, step.seconds)
        with waiting(strand, reason):
            while (seconds := left()) > 0:
                strand.wait(min(seconds, 1.0))
        return {}

    return Work(call)


def _left(strand: Strand, end: int, most: float | None) -> Callable[[], float]:
    """How many seconds are left of a length of time, which passes whatever is done to the clock, or to a moment."""
    now = strand.run.parts.runs.now
    if most is None:
        return lambda: (end - now()) / 1e6
    at = monotonic() + min((end - now()) / 1e6, most)
    return lambda: at - monotonic()


def _point(strand: Strand, path: str, count: int, cursor: int) -> Op:
    row = {**strand.run.own.guard, "path": path, "count": count, "cursor": cursor, "at": strand.run.parts.runs.now()}
    return ("checkpoint.put", row, True)


def _end(step: Wait, now: int, spot: Spot) -> int:
    if step.seconds is not None:
        return now + int(step.seconds * 1e6)
    until = str(template(step.until).resolve(spot.view()))
    return int(moment(until, datetime.fromtimestamp(now / 1e6, UTC)).timestamp() * 1e6)


def _wait_for_event(strand: Strand, step: Wait, attempt: Attempt) -> Mapping[str, Any]:
    assert step.topic is not None
    runs, path, spot = strand.run.parts.runs, attempt.path, attempt.spot
    kept = runs.checkpoint(strand.run.id, path)
    cursor = kept[1] if kept else last_seq(strand)  # another attempt looks from where the first one did
    began = runs.checkpoint_made(strand.run.id, path) if kept and kept[0] == attempt.number else None
    if began is None:
        began = runs.now()
        strand.pen.add(_point(strand, path, attempt.number, cursor))
    left = None if step.wait is None else _left(strand, began + int(step.wait * 1e6), step.wait)
    with waiting(strand, f"event {step.topic}"):
        for event in _events(strand, step.topic, step.event_if, cursor, spot):
            if not isinstance(event, int):
                return {"event": event}
            if left is not None and left() <= 0:
                break
            strand.wait(_LOOK_FOR_EVENTS_SECONDS)
    raise StepTimeout(f"no event {step.topic} came in time", path=path)


def last_seq(strand: Strand) -> int:
    """The sequence number of the newest event."""
    return int(strand.run.parts.runs.store.read("event.last")[0]["seq"])


def _events(
    strand: Strand, topic: str, event_if: str | None, cursor: int, spot: Spot
) -> Iterator[dict[str, Any] | int]:
    """Events of a topic after a cursor, in order; where there is none at the moment, how far it has looked."""
    wanted = topic_filter(topic)
    while True:
        rows, fitting = strand.run.parts.runs.store.read("event.after", seq=cursor, count=_PAGE), False
        for row in rows:
            cursor = row["seq"]
            if wanted(row["topic"]):
                event = {**from_json(row["payload"]), "seq": row["seq"], "topic": row["topic"], "at": row["at"]}
                if event_if is None or condition(event_if).holds({**spot.view(), "event": event}):
                    fitting = True
                    yield event
        if len(rows) == _PAGE:  # a long way of others' events may lie ahead: requests and deadlines hold there, too
            strand.check()
            strand.raise_overdue()
        elif not fitting:
            yield cursor


def loop(strand: Strand, attempt: Attempt) -> Work:
    """Take the steps for each event; how far it came is checkpointed, ticks are not recorded."""
    step = attempt.step
    assert isinstance(step, Loop)
    return Work(lambda: _Loop(strand, step, attempt).run())


class _Loop:
    def __init__(self, strand: Strand, step: Loop, attempt: Attempt) -> None:
        self.strand, self.step, self.spot = strand, step, attempt.spot
        self.path, self.prefix = attempt.path, attempt.prefix
        kept = strand.run.parts.runs.checkpoint(strand.run.id, self.prefix)
        self.count, self.cursor = kept or (0, last_seq(strand))
        self.saved = self.count if kept else -1
        self.kept = self.cursor
        self.leaves_rows = any(_leaves_rows(inner) for inner in walk(step.steps))
        self.over: list[Mapping[str, str]] = []

    def run(self) -> Mapping[str, Any]:
        step, strand = self.step, self.strand
        self._save()
        quiet_since: float | None = None
        events = _events(strand, step.topic, step.event_if, self.cursor, self.spot)
        try:
            while step.max_events is None or self.count < step.max_events:
                event = next(events)
                if isinstance(event, int):
                    self.cursor = event
                    quiet_since = quiet_since or monotonic()
                    if step.idle is not None and monotonic() - quiet_since >= step.idle:
                        break
                    self._save_if(self.count > self.saved or self.cursor - self.kept >= _FAR)
                    strand.wait(_LOOK_FOR_EVENTS_SECONDS)
                    continue
                strand.check()
                strand.raise_overdue()
                if self._tick(event):
                    break
                quiet_since = None
        finally:
            if not strand.dead:
                self._save_if(self.count > self.saved)
        self._finish()
        return {"count": self.count, "last_seq": self.cursor}

    def _finish(self) -> None:
        """A loop that is over needs no checkpoint, nor do its earlier attempts; one in a tick is forgotten with it."""
        if self.spot.journaled:
            gone = {"run_id": self.strand.run.id, "prefix": self.path}
            self.strand.pen.add(("checkpoint.forget", gone, False))

    def _tick(self, event: Mapping[str, Any]) -> bool:
        """One time round; whether the loop is over."""
        scope = self.spot.scope.child()
        place = f"{self.prefix}.loop[{event['seq']}]"
        body = self.spot.inside(f"{self.step.path}.loop", place, scope=scope, event=event)
        body.journaled = False
        effects = self.strand.run.effects
        self.strand.walk(self.step.steps, body)
        self._forget(place)
        self.count, self.cursor = self.count + 1, int(event["seq"])
        if self.leaves_rows:
            self.over.append({"run_id": self.strand.run.id, "prefix": place})
        ordered = self.strand.run.effects != effects
        self._save_if(ordered or self.count - max(self.saved, 0) >= self.step.checkpoint_every)
        return self.step.until is not None and condition(self.step.until).holds(body.view())

    def _forget(self, place: str) -> None:
        """Ticks leave nothing in memory either."""
        run = self.strand.run
        for known in (run.last, run.tries, run.deadlines):
            for path in [p for p in list(known) if p.startswith(place)]:  # other strands add to it meanwhile
                del known[path]

    def _save_if(self, due: bool) -> None:  # noqa: FBT001 - reads as a sentence
        if due:
            self._save()

    def _save(self) -> None:
        self.strand.pen.add(_point(self.strand, self.prefix, self.count, self.cursor))
        if self.over:  # not before: taken again after a crash, a tick goes on with what it had waited for
            self.strand.pen.add(("checkpoint.forget", self.over, False), ("approval.forget", self.over, False))
            self.over = []
        self.strand.pen.flush()
        self.saved, self.kept = self.count, self.cursor
        hit("loop.saved")


def _leaves_rows(step: Step) -> bool:
    """Whether a step of a tick keeps what it waits for, or a question, in the journal."""
    return isinstance(step, Wait | Approval | Loop) or step.effect == "once"
