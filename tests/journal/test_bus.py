"""The bus tells who subscribed of every fact, in order, also of those that others published, and what was missed."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gpt_trader.core.errors import Conflict, NotFound, ValidationError
from gpt_trader.core.events import Event
from gpt_trader.journal.bus import BusSettings, EventBus
from gpt_trader.journal.migrations import open_store
from gpt_trader.journal.store import Store
from gpt_trader.journal.writer import Written
from gpt_trader.trading.clocks import WallClock


@pytest.fixture
def bus(store: Store) -> Iterator[EventBus]:
    with EventBus(store, WallClock()) as made:
        yield made


@pytest.fixture
def other(store_url: str, bus: EventBus) -> Iterator[EventBus]:
    """What another process would have: its own connections, its own bus."""
    opened = open_store(store_url, WallClock())
    with EventBus(opened, WallClock()) as made:
        yield made
    opened.close()


def within(seconds: float, true: Callable[[], object]) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if true():
            return True
        time.sleep(0.005)
    return False


def seqs(events: list[Event]) -> list[int]:
    return [e.seq for e in events]


# publishing and subscribing


def test_a_handler_gets_what_was_published_and_only_what_matches(bus: EventBus):
    got: list[Event] = []
    bus.subscribe("trade.*", got.append)
    bus.publish("market.data.updated", {"symbol": "AAPL", "price": 150.0})
    sent = bus.publish("trade.executed", {"symbol": "AAPL", "quantity": 10}, key="AAPL", run_id="r1")
    bus.publish("trade.closed.early")
    assert bus.flush(5)
    assert got[0] == sent
    assert [e.topic for e in got] == ["trade.executed", "trade.closed.early"]
    assert bus.history.of_run("r1") == [sent]


def test_a_published_event_is_in_the_history_when_publish_returns(bus: EventBus, other: EventBus):
    sent = bus.publish("a.b", {"x": 1})
    assert other.history.after(sent.seq - 1) == [sent]


def test_many_are_committed_together_or_not_at_all(bus: EventBus):
    got: list[Event] = []
    bus.subscribe("**", got.append)
    assert bus.publish_many([("a.b", {"i": 0}), ("a.b", {"i": 1}, "key"), ("c.d", {"i": 2})]) == range(1, 4)
    with pytest.raises(ValidationError):
        bus.publish_many([("a.b", {}), ("no topic", {})])
    assert bus.publish_many([]) == range(0)
    assert bus.flush(5)
    assert [(e.seq, e.key, e.payload["i"]) for e in got] == [(1, "", 0), (2, "key", 1), (3, "", 2)]


def test_each_handler_has_a_payload_of_its_own(bus: EventBus):
    got: list[Event] = []

    def spoil(event: Event) -> None:
        event.payload.clear()  # type: ignore[attr-defined]

    bus.subscribe("a.b", spoil)
    bus.subscribe("a.b", got.append)
    bus.publish("a.b", {"x": 1})
    assert bus.flush(5)
    assert got[0].payload == {"x": 1}


async def _later(event: Event) -> None:
    """Never awaited."""


@pytest.mark.parametrize(("handler", "told"), [(None, "not NoneType"), ("print", "not str"), (_later, "coroutine")])
def test_what_could_handle_nothing_is_refused(bus: EventBus, handler: Any, told: str):
    with pytest.raises(ValidationError, match=told):
        bus.subscribe("a.b", handler)


def test_without_a_name_a_subscriber_hears_from_now_on_and_nothing_after_it_is_closed(bus: EventBus):
    got: list[Event] = []
    bus.publish("a.b")
    subscription = bus.subscribe("**", got.append)
    bus.publish("a.b")
    assert bus.flush(5)
    assert subscription.close()
    bus.publish("a.b")
    assert bus.flush(5)
    assert seqs(got) == [2]


def test_from_seq_begins_in_the_past(bus: EventBus):
    got: list[Event] = []
    bus.publish_many([("a.b", {}) for _ in range(600)])
    bus.subscribe("**", got.append, from_seq=3)
    assert bus.flush(5)
    assert seqs(got) == list(range(3, 601))


def test_a_handler_may_publish(bus: EventBus):
    got: list[Event] = []

    def answer(event: Event) -> None:
        bus.publish("c.d", {"of": event.seq})

    bus.subscribe("a.b", answer)
    bus.subscribe("c.d", got.append)
    bus.publish("a.b")
    assert bus.flush(5)
    assert within(5, lambda: len(got) == 1)
    assert got[0].payload == {"of": 1}


def test_many_threads_publish_and_every_event_arrives_once_and_in_sequence(bus: EventBus):
    got: list[Event] = []
    bus.subscribe("**", got.append, name="all")
    threads = [
        threading.Thread(target=lambda n=n: [bus.publish("a.b", {"n": n, "i": i}) for i in range(50)]) for n in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert bus.flush(10)
    assert seqs(got) == list(range(1, 301))
    for n in range(6):
        assert [e.payload["i"] for e in got if e.payload["n"] == n] == list(range(50))


def test_wrong_patterns_and_names_are_refused(bus: EventBus):
    with pytest.raises(ValidationError):
        bus.subscribe("No Pattern", print)
    with pytest.raises(ValidationError, match="cannot name"):
        bus.subscribe("**", print, name="../escape")
    bus.subscribe("**", print, name="one")
    with pytest.raises(Conflict, match="already"):
        bus.subscribe("**", print, name="one")


# durable subscribers


def test_a_durable_subscriber_catches_up_on_what_it_missed(bus: EventBus, other: EventBus):
    got: list[Event] = []
    first = bus.subscribe("a.*", got.append, name="reader")
    bus.publish("a.b")
    assert bus.flush(5)
    first.close()
    bus.publish("a.b")
    other.publish("a.b")
    other.publish("x.y")
    bus.subscribe("a.*", got.append, name="reader", from_seq=1)
    assert bus.flush(5)
    assert seqs(got) == [1, 2, 3]


def test_a_durable_subscriber_moves_to_another_process_and_nothing_is_handled_twice(bus: EventBus, other: EventBus):
    here: list[Event] = []
    there: list[Event] = []
    first = bus.subscribe("**", here.append, name="mover")
    second = other.subscribe("**", there.append, name="mover")
    bus.publish("a.b")
    assert bus.flush(5)
    assert (first.active, second.active) == (True, False)
    first.close()
    other.publish("a.b")
    assert within(5, lambda: seqs(there) == [2])
    assert seqs(here) == [1]


def test_what_was_handled_is_recorded_within_milliseconds_and_without_a_next_event(bus: EventBus):
    bus.subscribe("**", lambda e: None, name="prompt")
    bus.publish("a.b")
    assert within(2, lambda: bus.hub.store.read("subscription.get", name="prompt")[0]["cursor"] == 1)


def test_a_place_that_rides_along_at_the_moment_of_handling_is_that_of_the_event_handled(
    bus: EventBus, monkeypatch: pytest.MonkeyPatch
):
    """Whoever commits events takes the places of lanes along; one that is counted as recorded must be recorded."""
    from gpt_trader.journal import lanes

    taken: list[int] = []

    def ride(place: str) -> None:
        if place == "event.handled":
            (lane,) = bus.hub.lanes
            taken.append(lane.ticket()[1]["cursor"])  # type: ignore[call-overload]

    monkeypatch.setattr(lanes, "hit", ride)
    bus.subscribe("a.*", lambda event: None, name="reader")
    sent = [bus.publish("a.b").seq for _ in range(3)]
    assert bus.flush(5)
    assert taken == sent


def test_the_place_moves_on_past_what_does_not_concern_the_subscriber(bus: EventBus):
    bus.subscribe("rare.*", lambda e: None, name="rare").close()
    with EventBus(bus.hub.store, WallClock()) as second:
        second.subscribe("rare.*", lambda e: None, name="rare")
        second.publish_many([("often.x", {}) for _ in range(700)])
    assert bus.hub.store.read("subscription.get", name="rare")[0]["cursor"] == 700


def test_forget_removes_a_durable_subscriber(bus: EventBus):
    subscription = bus.subscribe("**", lambda e: None, name="old")
    with pytest.raises(Conflict):
        bus.forget("old")
    subscription.close()
    bus.forget("old")
    with pytest.raises(NotFound):
        bus.forget("old")
    assert bus.hub.store.read("subscription.list") == []


# other processes


def test_events_of_other_processes_arrive_soon(bus: EventBus, other: EventBus):
    got: list[Event] = []
    bus.subscribe("a.*", got.append)
    time.sleep(0.1)
    began = time.monotonic()
    other.publish("a.b", {"x": 1})
    assert within(5, lambda: got)
    assert time.monotonic() - began < 1.0
    other.publish_many([("a.b", {"i": i}) for i in range(1000)])
    assert within(5, lambda: len(got) == 1001)
    assert seqs(got) == list(range(1, 1002))


def test_two_processes_publish_at_once_and_each_hears_all_in_sequence(bus: EventBus, other: EventBus):
    here: list[Event] = []
    there: list[Event] = []
    bus.subscribe("**", here.append)
    other.subscribe("**", there.append)
    threads = [threading.Thread(target=lambda b=b: [b.publish("a.b") for _ in range(100)]) for b in (bus, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert within(5, lambda: len(here) == len(there) == 200)
    assert seqs(here) == seqs(there) == list(range(1, 201))


def test_a_look_at_the_database_that_is_quicker_than_the_publisher_does_no_harm(
    bus: EventBus, other: EventBus, monkeypatch: pytest.MonkeyPatch
):
    got: list[Event] = []
    committed = bus.hub.committed

    def late(written: Written) -> None:
        if bus.history.last() % 3 == 0:
            other.publish("a.b")
        bus.hub.pull()
        committed(written)

    subscription = bus.subscribe("a.*", got.append)
    monkeypatch.setattr(bus.hub, "committed", late)
    for _ in range(20):
        bus.publish("a.b")
    assert bus.flush(5)
    assert seqs(got) == list(range(1, bus.history.last() + 1))
    assert subscription.lag == 0


_IDLE = """
import psutil, sys, time
from gpt_trader.journal.bus import EventBus
from gpt_trader.journal.migrations import open_store
from gpt_trader.trading.clocks import WallClock
with EventBus(open_store(sys.argv[1], WallClock()), WallClock()) as bus:
    for i in range(5):
        bus.subscribe("a.*", print, name=f"n{i}")
    bus.publish("x.y"); bus.flush(5)
    before = time.process_time(); time.sleep(1.5); used = time.process_time() - before
    heavy = {"pandas", "numpy", "sqlmodel", "sqlalchemy"} & set(sys.modules)
    print(used / 1.5, psutil.Process().memory_info().rss / 2**20, sorted(heavy))
"""


def test_an_idle_process_costs_next_to_nothing(store: Store, store_url: str):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COV")}
    command = [sys.executable, "-c", _IDLE, store_url]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, env=environment)
    cpu, memory, heavy = told.stdout.split(maxsplit=2)
    assert float(cpu) < 0.02  # 0.4 % on a quiet machine; a loaded one counts more for the same
    assert float(memory) < 80
    assert heavy.strip() == "[]"


# replay


def test_a_replay_reaches_the_named_handlers_only_and_moves_no_place(bus: EventBus):
    named: list[Event] = []
    bystander: list[Event] = []
    broker: list[Event] = []
    bus.subscribe("a.*", named.append, name="named")
    bus.subscribe("**", bystander.append, name="bystander")
    bus.subscribe("**", broker.append)
    bus.publish_many([("a.b", {}), ("c.d", {}), ("a.b", {}), ("a.b", {})])
    assert bus.flush(5)
    before = bus.hub.store.read("subscription.list")
    assert bus.replay(1, 3, to="named") == 2
    assert bus.flush(5)
    assert seqs(named) == [1, 3, 4, 1, 3]
    assert (seqs(bystander), seqs(broker)) == ([1, 2, 3, 4], [1, 2, 3, 4])
    assert bus.hub.store.read("subscription.list") == before


def test_a_replay_to_a_handler_gives_it_all_and_hands_on_its_error(bus: EventBus):
    got: list[Event] = []
    bus.publish_many([("a.b", {}) for _ in range(3)])

    def fails(event: Event) -> None:
        raise ZeroDivisionError

    assert bus.replay(1, 1 << 40, to=got.append) == 3
    assert seqs(got) == [1, 2, 3]
    with pytest.raises(ZeroDivisionError):
        bus.replay(1, 3, to=fails)
    with pytest.raises(NotFound):
        bus.replay(1, 3, to=["nobody"])


# ending


def test_closing_waits_for_the_handlers(store: Store):
    got: list[Event] = []

    def slow(event: Event) -> None:
        time.sleep(0.02)
        got.append(event)

    with EventBus(store, WallClock()) as bus:
        bus.subscribe("**", slow)
        bus.publish_many([("a.b", {}) for _ in range(10)])
    assert len(got) == 10


def test_a_handler_that_waits_for_all_handlers_is_told_that_it_cannot(bus: EventBus):
    found: list[BaseException] = []

    def waits(event: Event) -> None:
        try:
            bus.flush(1)
        except Conflict as error:
            found.append(error)

    bus.subscribe("**", waits)
    bus.publish("a.b")
    assert bus.flush(5)
    assert len(found) == 1


def test_a_bus_that_was_closed_still_publishes_and_opens_again(store: Store):
    bus = EventBus(store, WallClock(), BusSettings(poll_seconds=0.02))
    assert bus.close()
    bus.publish("a.b")
    got: list[Event] = []
    bus.subscribe("**", got.append)
    bus.publish("a.b")
    assert bus.close()
    assert seqs(got) == [2]
    assert store.writer.listeners == ()
