"""The history: facts in sequence, appended by whoever has one and read by whoever wants them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, cast

from pydantic_core import PydanticSerializationError, from_json, to_json

from gpt_trader.core.errors import ValidationError
from gpt_trader.core.events import Event, check_topic, topic_filter
from gpt_trader.core.ports import Clock
from gpt_trader.journal.store import Store
from gpt_trader.journal.writer import Written

PAGE = 256
PAYLOAD_BYTES = 64 * 1024

Message = tuple[str, Mapping[str, Any]] | tuple[str, Mapping[str, Any], str]
"""Topic, payload and, if it has one, key."""
Fact = Mapping[str, Any]
"""The params of an event that is to be added."""
Stored = tuple[int, str, str, int, str, str]
"""An event as it is kept: seq, topic, key, at, run_id, and the payload as a JSON text."""


class History:
    """The facts of one journal."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.store, self.clock = store, clock

    # adding

    def fact(self, topic: str, payload: Mapping[str, Any] | None = None, *, key: str = "", run_id: str = "") -> Fact:
        """An event of now, checked and ready for the operation `event.add`."""
        return _fact(topic, payload, key, _key(run_id), self.clock.micros())

    def facts(self, messages: Iterable[Message], *, run_id: str = "") -> list[Fact]:
        """Several events of one moment."""
        run_id, at = _key(run_id), self.clock.micros()
        return [_fact(m[0], m[1], m[2] if len(m) > 2 else "", run_id, at) for m in messages]

    def append(self, topic: str, payload: Mapping[str, Any] | None = None, *, key: str = "", run_id: str = "") -> Event:
        """Add one event; it is committed when this returns."""
        fact = self.fact(topic, payload, key=key, run_id=run_id)
        return event_of(stored(fact, self.store.append((fact,))))

    # reading

    def last(self) -> int:
        """The sequence number of the newest event; 0 when there is none."""
        return int(self.store.read("event.last")[0]["seq"])

    def rows(self, after: int, count: int = PAGE) -> list[Stored]:
        """Events after a sequence number, as they are kept."""
        return [_stored(row) for row in self.store.read("event.after", seq=after, count=count)]

    def after(self, seq: int, count: int = PAGE) -> list[Event]:
        """The first events after a sequence number."""
        return [event_of(row) for row in self.rows(seq, count)]

    def get(self, seq: int) -> Stored | None:
        """One event as it is kept, or nothing if it was forgotten."""
        rows = self.store.read("event.range", first=seq, last=seq, count=1)
        return _stored(rows[0]) if rows else None

    def between(self, first: int, last: int, pattern: str = "**") -> Iterator[Event]:
        """The events from one sequence number to another, both included, page by page."""
        matches = topic_filter(pattern)
        while first <= last:
            page = self.store.read("event.range", first=first, last=last, count=PAGE)
            yield from (event_of(_stored(row)) for row in page if matches(row["topic"]))
            first = page[-1]["seq"] + 1 if len(page) == PAGE else last + 1

    def tail(self, count: int, pattern: str = "**") -> list[Event]:
        """The newest events that match, oldest first."""
        matches, before = topic_filter(pattern), 1 << 62
        found: list[Mapping[str, Any]] = []
        while len(found) < count:
            page = self.store.read("event.before", seq=before, count=PAGE)
            found += [row for row in page if matches(row["topic"])]
            if len(page) < PAGE:
                break
            before = page[-1]["seq"]
        return [event_of(_stored(row)) for row in reversed(found[:count])]

    def of_run(self, run_id: str) -> list[Event]:
        """The events of a run."""
        return [event_of(_stored(row)) for row in self.store.read("event.of_run", run_id=run_id)]

    # forgetting

    def forget(self, *, before: int) -> int:
        """Forget events older than a moment, but none that a durable subscriber or a dead letter still needs."""
        return self.store.write([("event.forget", {"before": before, "seq": self._unneeded()}, False)])[0]

    def forgettable(self, *, before: int) -> int:
        """How many events `forget` would forget."""
        return int(self.store.read("event.old", before=before, seq=self._unneeded())[0]["count"])

    def _unneeded(self) -> int:
        needed = self.store.read("event.needed")[0]["seq"]
        newest = self.last() - 1  # it stays, so that no sequence number is ever given twice
        return newest if needed is None else min(newest, int(needed))


def _fact(topic: str, payload: Mapping[str, Any] | None, key: str, run_id: str, at: int) -> Fact:
    text = "{}" if payload is None else _text(payload)
    return {"topic": _topic(topic), "key": _key(key), "at": at, "run_id": run_id, "payload": text}


def event_of(row: Stored) -> Event:
    """The event that a row holds; each call decodes the payload anew, so nobody can change another's."""
    seq, topic, key, at, run_id, payload = row
    return Event(seq, topic, at, from_json(payload), key, run_id)


def stored(fact: Fact, seq: int) -> Stored:
    """The row that a fact became."""
    return (seq, fact["topic"], fact["key"], fact["at"], fact["run_id"], fact["payload"])


def rows_of(written: Written) -> list[Stored]:
    """The rows of what was just committed, in sequence."""
    rows: list[Stored] = []
    for facts, last in written:
        several = facts if isinstance(facts, tuple | list) else (cast("Fact", facts),)
        rows += [stored(fact, seq) for seq, fact in enumerate(several, last - len(several) + 1)]
    return rows


def _stored(row: Mapping[str, Any]) -> Stored:
    return (row["seq"], row["topic"], row["key"], row["at"], row["run_id"], row["payload"])


_checked = lru_cache(maxsize=4096)(check_topic)


def _topic(topic: str) -> str:
    try:
        return _checked(topic)
    except TypeError:
        raise ValidationError(f"a topic is a text, not {type(topic).__name__}") from None


def _key(key: str) -> str:
    if key == "" or (type(key) is str and len(key) <= 200 and key.isprintable()):
        return key
    raise ValidationError(f"{str(key)[:40]!r} cannot be a key", hint="use up to 200 printable characters")


def _text(payload: Mapping[str, Any]) -> str:
    if type(payload) is not dict and not isinstance(payload, Mapping):  # nearly all are, and that is quickly seen
        raise ValidationError(f"a payload is a mapping, not {type(payload).__name__}", hint='write {"value": ...}')
    try:
        text = to_json(payload if isinstance(payload, dict) else dict(payload), inf_nan_mode="constants")
    except (PydanticSerializationError, ValueError, RecursionError) as error:
        raise ValidationError(f"this payload cannot be kept: {error}", hint="use numbers, texts and lists") from None
    if len(text) > PAYLOAD_BYTES:
        raise ValidationError(
            f"a payload of {len(text)} bytes is too large for an event (at most {PAYLOAD_BYTES})",
            hint="keep it as an artifact and name that in the event",
        )
    return text.decode()
