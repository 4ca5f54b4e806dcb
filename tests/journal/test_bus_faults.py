"""Handlers that fail, hang, exit or are slow are a matter of their own lane; what failed is tried again, then kept."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gpt_trader.core import failpoints
from gpt_trader.core.errors import Conflict, JournalUnavailable, NotFound
from gpt_trader.core.events import Event
from gpt_trader.journal.bus import BusSettings, EventBus
from gpt_trader.journal.migrations import open_store
from gpt_trader.journal.replays import replay_to
from gpt_trader.journal.store import Store
from gpt_trader.journal.writer import Op
from gpt_trader.trading.clocks import WallClock
from tests.workflow.runhouse import Mumble

QUICK = BusSettings(backoff_seconds=0.004, backoff_factor=2.0)


@pytest.fixture
def bus(store: Store) -> Iterator[EventBus]:
    with EventBus(store, WallClock(), QUICK) as made:
        yield made


@pytest.fixture
def _disarmed() -> Iterator[None]:
    yield
    failpoints.arm("")


def within(seconds: float, true: Callable[[], object]) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if true():
            return True
        time.sleep(0.005)
    return False


class Fails:
    """A handler that fails as often as it is told to, by key, and remembers what it handled and when."""

    def __init__(self, times: dict[str, int], error: type[BaseException] = RuntimeError) -> None:
        self.left, self.error = Counter(times), error
        self.tried: list[int] = []
        self.handled: list[tuple[str, int]] = []
        self.when: dict[int, float] = {}

    def __call__(self, event: Event) -> None:
        self.tried.append(event.seq)
        if self.left[event.key] > 0:
            self.left[event.key] -= 1
            raise self.error(f"not yet {event.seq}")
        self.handled.append((event.key, event.seq))
        self.when[event.seq] = time.monotonic()

    def of(self, key: str) -> list[int]:
        return [seq for k, seq in self.handled if k == key]


def test_a_handler_that_fails_with_an_error_that_cannot_be_told_has_failed(bus: EventBus):
    def handler(event: Event) -> None:
        raise Mumble

    bus.subscribe("a.*", handler, name="reader")
    bus.publish("a.b")
    assert bus.flush(5)
    (letter,) = bus.dead.list()
    assert letter.error == "Mumble: it cannot say what went wrong"


@pytest.mark.parametrize("name", ["durable", None])
@pytest.mark.parametrize("error", [RuntimeError, SystemExit, KeyboardInterrupt, GeneratorExit])
def test_a_handler_that_fails_for_a_while_handles_the_event_in_the_end(bus: EventBus, name, error):
    handler = Fails({"k": 3}, error)
    bus.subscribe("**", handler, name=name)
    bus.publish("a.b", key="k")
    assert bus.flush(5)
    assert handler.tried == [1, 1, 1, 1]
    assert handler.handled == [("k", 1)]
    assert len(bus.dead) == 0
    assert bus.hub.store.read("delivery.of", subscriber="durable", count=9) == []


@pytest.mark.parametrize("name", ["durable", None])
def test_a_key_waits_for_its_failing_event_while_others_go_on_and_then_goes_on_in_order(bus: EventBus, name):
    handler = Fails({"bad": 4})
    bus.subscribe("**", handler, name=name)
    for _ in range(50):
        bus.publish_many([("a.b", {}, "bad"), ("a.b", {}, "good"), ("a.c", {}, "bad")])
    assert bus.flush(10)
    assert handler.of("bad") == [seq for n in range(50) for seq in (3 * n + 1, 3 * n + 3)]
    assert handler.of("good") == [3 * n + 2 for n in range(50)]
    first_bad = handler.handled.index(("bad", 1))
    assert handler.handled.index(("good", 2)) < first_bad


def test_events_without_a_key_wait_for_those_of_their_topic_only(bus: EventBus):
    order: list[str] = []
    failed: list[int] = []

    def handler(event: Event) -> None:
        if event.seq == 1 and len(failed) < 3:
            failed.append(1)
            raise RuntimeError
        order.append(f"{event.topic}:{event.seq}")

    bus.subscribe("**", handler)
    bus.publish_many([("a.b", {}), ("a.b", {}), ("c.d", {})])
    assert bus.flush(5)
    assert order == ["c.d:3", "a.b:1", "a.b:2"]


def test_a_poison_event_is_dead_after_five_tries_within_a_second_and_its_key_goes_on(store: Store):
    with EventBus(store, WallClock()) as bus:
        handler = Fails({"k": 5})
        bus.subscribe("**", handler, name="reader")
        began = time.monotonic()
        bus.publish_many([("a.b", {"x": 1}, "k"), ("a.b", {}, "k"), ("a.b", {}, "other")])
        assert bus.flush(10)
        assert handler.tried.count(1) == 5
        assert handler.when[2] - began < 1.5  # 0.8 s of backoff at the most, and a slow machine
        assert handler.when[3] - began < 0.5
        (letter,) = bus.dead.list()
        assert (letter.subscriber, letter.seq, letter.attempts) == ("reader", 1, 5)
        assert letter.error == "RuntimeError: not yet 1"
        assert letter.event is not None
        assert letter.event.payload == {"x": 1}
        assert [e.payload for e in bus.history.tail(9, "bus.dead.*")] == [
            {"subscriber": "reader", "seq": 1, "topic": "a.b"}
        ]


@pytest.mark.parametrize("transactional", [False, True])
def test_an_error_that_no_database_can_keep_as_it_is_holds_nobody_up(bus: EventBus, transactional: bool):
    """A name of a file may hold what is no text, and bytes of others a NUL."""
    told = "cannot open 'caf\udce9.csv': \0"
    done: list[int] = []

    def handler(event: Event) -> list[Op]:
        if event.key == "bad":
            raise ValueError(told)
        done.append(event.seq)
        return []

    subscribe: Callable[..., object] = bus.subscribe_transactional if transactional else bus.subscribe
    subscribe("a.*", handler, name="reader")
    bus.publish_many([("a.b", {}, "bad"), ("a.b", {}, "good")])
    assert bus.flush(5)
    assert done == [2]
    (letter,) = bus.dead.list()
    assert letter.error == "ValueError: cannot open 'caf\\udce9.csv': \\0"


def test_an_operation_that_no_database_can_keep_is_the_handlers_own_failure(bus: EventBus):
    row = {"name": "caf\udce9\0", "pattern": "**", "cursor": 1, "express": 1, "fence": 0, "updated_at": 0}
    bus.subscribe_transactional("a.*", lambda event: [("subscription.add", row, False)], name="reader")
    bus.publish("a.b")
    assert bus.flush(5)
    (letter,) = bus.dead.list()
    assert letter.error.startswith("ValidationError: ")


WRONG_ANSWERS: dict[str, tuple[Any, str]] = {
    "no list": (True, "returns a list of operations, not bool"),
    "a text": ("meta.put", "returns a list of operations, not str"),
    "no operation": ([7], "7 is no operation"),
    "a part": ([("meta.put", {"key": "a", "value": "b"})], "is no operation"),
    "no row": ([("meta.put", [7], False)], "is no operation"),
    "unknown": ([("meta.putt", {"key": "a", "value": "b"}, False)], "knows no statement 'meta.putt'"),
    "lacking": ([("meta.put", {"key": "a"}, False)], "value"),
    "an event that lacks": ([("event.add", {"topic": "a.c"}, False)], ""),
    "a strange value": ([("meta.put", {"key": "a", "value": {"b": 1}}, False)], ""),
    "nothing where something must be": ([("meta.put", {"key": "a", "value": None}, False)], ""),
}


@pytest.mark.parametrize("what", WRONG_ANSWERS)
def test_an_answer_that_cannot_be_written_is_the_handlers_own_failure(bus: EventBus, what: str):
    answer, told = WRONG_ANSWERS[what]
    calls: list[int] = []

    def handler(event: Event) -> Any:
        calls.append(event.seq)
        return answer if event.key == "bad" else None

    bus.subscribe_transactional("a.b", handler, name="reader")
    bus.publish_many([("a.b", {}, "bad"), ("a.b", {}, "good"), ("a.b", {}, "bad")])
    assert bus.flush(5)
    letters = bus.dead.list()
    assert [letter.seq for letter in letters] == [1, 3]
    assert all(letter.error.startswith(("ValidationError: ", "Conflict: ")) for letter in letters)
    assert told in letters[0].error
    assert sorted(calls) == [1] * 5 + [2] + [3] * 5


def test_a_secret_at_the_edge_of_what_is_kept_of_an_error_is_not_kept_in_part(bus: EventBus):
    bus.hub.store.secrets.know("sesame-street-4711")

    def handler(event: Event) -> None:
        raise ValueError("x" * 1980 + "sesame-street-4711")

    bus.subscribe("a.*", handler, name="reader")
    bus.publish("a.b")
    assert bus.flush(5)
    (letter,) = bus.dead.list()
    assert letter.error == f"ValueError: {'x' * 1980}***"


def test_the_backoff_grows_has_jitter_and_is_the_same_for_the_same_seed():
    import random

    settings = BusSettings()
    delays = [settings.delay(n, random.Random(7)) for n in range(1, 5)]
    assert delays == [settings.delay(n, random.Random(7)) for n in range(1, 5)]
    assert delays != [settings.delay(n, random.Random(8)) for n in range(1, 5)]
    assert sum(0.02 * 3**n for n in range(4)) < 1.0  # the longest that a poison event can take
    assert all(0.5 <= d / (0.02 * 3**n) <= 1.0 for n, d in enumerate(delays))


def test_each_failing_event_of_a_key_gets_all_its_attempts(bus: EventBus):
    tried: list[int] = []

    def always(event: Event) -> None:
        tried.append(event.seq)
        raise ValueError(event.seq)

    bus.subscribe("a.*", always, name="reader")
    bus.publish_many([("a.b", {}, "k") for _ in range(4)])
    assert bus.flush(10)
    assert tried == [1] * 5 + [2] * 5 + [3] * 5 + [4] * 5
    assert [letter.seq for letter in bus.dead.list("reader")] == [1, 2, 3, 4]


def test_a_subscriber_of_everything_that_fails_at_everything_comes_to_an_end(bus: EventBus):
    def always(event: Event) -> None:
        raise ValueError

    bus.subscribe("**", always, name="everything")
    bus.publish("a.b")
    assert within(10, lambda: len(bus.dead) == 2)  # the event, and the fact that it is dead
    assert bus.flush(5)
    assert bus.history.last() == 2


# dead letters


@pytest.fixture
def dead(bus: EventBus) -> Fails:
    handler = Fails({"k": 5})
    bus.subscribe("a.*", handler, name="reader")
    bus.publish("a.b", key="k")
    bus.publish("a.b", key="k")
    assert bus.flush(5)
    return handler


def test_a_dead_letter_that_is_retried_goes_to_its_subscriber_again(bus: EventBus, dead: Fails):
    bus.dead.retry("reader", 1)
    assert bus.flush(5)
    assert dead.of("k") == [2, 1]
    assert bus.dead.list() == []
    with pytest.raises(NotFound, match="no dead letter 1"):
        bus.dead.retry("reader", 1)


def test_a_dead_letter_that_fails_again_is_dead_again(bus: EventBus, dead: Fails):
    dead.left["k"] = 5
    bus.dead.retry("reader", 1)
    assert bus.flush(5)
    assert dead.tried.count(1) == 10
    assert [letter.seq for letter in bus.dead.list()] == [1]


def test_a_retry_asked_for_elsewhere_reaches_the_process_that_serves_the_subscriber(
    bus: EventBus, dead: Fails, store_url: str
):
    opened = open_store(store_url, WallClock())
    EventBus(opened, WallClock()).dead.retry("reader", 1)
    opened.close()
    assert within(5, lambda: dead.of("k") == [2, 1])


def test_a_retry_asked_for_while_nobody_serves_the_subscriber_waits_for_it(bus: EventBus, dead: Fails):
    bus.hub.lanes[0].stop()
    assert bus.remove(bus.hub.lanes[0], 5)
    bus.dead.retry("reader", 1)
    bus.subscribe("a.*", dead, name="reader")
    assert bus.flush(5)
    assert dead.of("k") == [2, 1]


def test_more_retries_than_are_held_at_once_all_come_to_be(store: Store):
    handler = Fails({})
    with EventBus(store, WallClock(), BusSettings(held_keys=3)) as bus:
        bus.subscribe("a.*", handler, name="reader")
        bus.publish_many([("a.b", {}) for _ in range(30)])
        assert bus.flush(5)
        assert replay_to(bus.history, "reader", 1, 30) == 30
        assert bus.flush(5)
        assert sorted(handler.tried) == sorted([*range(1, 31)] * 2)
        assert store.read("delivery.of", subscriber="reader", count=9) == []


def test_a_dropped_dead_letter_is_gone(bus: EventBus, dead: Fails):
    bus.dead.drop("reader", 1)
    assert len(bus.dead) == 0
    with pytest.raises(NotFound):
        bus.dead.drop("reader", 1)
    assert bus.flush(5)
    assert dead.of("k") == [2]


def test_what_a_subscriber_without_a_name_failed_at_can_only_be_dropped(bus: EventBus):
    bus.subscribe("a.b", Fails({"": 9}))
    bus.publish("a.b")
    assert bus.flush(5)
    (letter,) = bus.dead.list()
    with pytest.raises(Conflict, match="nobody can try again"):
        bus.dead.retry(letter.subscriber, letter.seq)
    bus.dead.drop(letter.subscriber, letter.seq)
    assert len(bus.dead) == 0


# isolation


def test_a_handler_that_hangs_holds_up_nobody_else(store: Store):
    bus = EventBus(store, WallClock())
    free = threading.Event()
    got: list[Event] = []

    def hangs(event: Event) -> None:
        free.wait(30)

    bus.subscribe("**", hangs, name="hangs")
    bus.subscribe("**", got.append)
    bus.publish_many([("a.b", {}) for _ in range(100)])
    assert within(5, lambda: len(got) == 100)
    assert not bus.flush(0.1)
    assert not bus.close(0.1)
    free.set()
    assert bus.close()


def test_topics_of_priority_come_before_a_backlog(bus: EventBus):
    begun, gate, order = threading.Event(), threading.Event(), []

    def slow(event: Event) -> None:
        begun.set()
        gate.wait(10)
        order.append(event.topic)

    bus.subscribe("**", slow, name="slow")
    bus.publish_many([("a.b", {}) for _ in range(400)])
    assert begun.wait(10)
    bus.publish("kill.halt")
    bus.publish("risk.breached")
    gate.set()
    assert bus.flush(10)
    assert order[:3] == ["a.b", "kill.halt", "risk.breached"]
    assert order[3:] == ["a.b"] * 399
    place = bus.hub.store.read("subscription.get", name="slow")[0]
    assert (place["cursor"], place["express"]) == (402, 402)


def test_topics_of_priority_overtake_one_key_but_keep_their_own_order(bus: EventBus):
    gate = threading.Event()
    order: list[int] = []

    def slow(event: Event) -> None:
        gate.wait(10)
        order.append(event.seq)

    bus.subscribe("**", slow)
    bus.publish_many([("a.b", {}, "k"), ("a.b", {}, "k"), ("risk.x", {}, "k"), ("risk.y", {}, "k"), ("a.b", {}, "k")])
    gate.set()
    assert bus.flush(5)
    assert order in ([1, 3, 4, 2, 5], [3, 4, 1, 2, 5])


def test_publishers_wait_for_a_subscriber_that_is_too_far_behind(store: Store):
    with EventBus(store, WallClock(), BusSettings(most_lag=20, priority=("kill.*",))) as bus:
        lags: list[int] = []
        subscription = bus.subscribe("**", lambda e: time.sleep(0.002))
        for _ in range(200):
            bus.publish("a.b")
            lags.append(subscription.lag)
        assert max(lags) <= 21
        assert bus.flush(5)


def test_a_subscriber_that_hangs_does_not_stop_publishers_for_ever_nor_topics_of_priority_at_all(store: Store):
    bus = EventBus(store, WallClock(), BusSettings(most_lag=1, lag_patience_seconds=0.2))
    free = threading.Event()

    def hangs(event: Event) -> None:
        free.wait(30)

    bus.subscribe("**", hangs)
    bus.publish_many([("a.b", {}) for _ in range(5)])
    began = time.monotonic()
    bus.publish("kill.halt")
    prompt = time.monotonic() - began
    bus.publish("a.b")
    patient = time.monotonic() - began - prompt
    free.set()
    bus.close()
    assert prompt < 0.15
    assert 0.2 <= patient < 5


# the journal itself fails


@pytest.mark.usefixtures("_disarmed")
def test_when_the_disk_is_full_publishing_says_so_and_the_bus_goes_on_later(bus: EventBus):
    got: list[Event] = []
    bus.subscribe("**", got.append, name="reader")
    failpoints.arm("journal.begin=full@1")
    with pytest.raises(JournalUnavailable):
        bus.publish("a.b")
    bus.publish("a.b", {"x": 2})
    assert bus.flush(5)
    assert [e.payload for e in got] == [{"x": 2}]


# effect exactly once


def test_what_a_transactional_handler_returns_is_committed_with_its_place(bus: EventBus):
    history = bus.history

    def answer(event: Event) -> list[Op]:
        return [("event.add", history.fact("out.done", {"of": event.seq}), False)]

    bus.subscribe_transactional("in.*", answer, name="answers")
    bus.publish_many([("in.x", {}) for _ in range(30)])
    assert bus.flush(5)
    assert [e.payload["of"] for e in history.tail(99, "out.*")] == list(range(1, 31))
    assert bus.hub.store.read("subscription.get", name="answers")[0]["cursor"] >= 30


def test_a_transactional_handler_whose_operations_conflict_has_failed(bus: EventBus):
    row = {"version": 900, "name": "x", "applied_at": 0}

    def answer(event: Event) -> list[Op]:
        return [("migration.add", row, False)]

    bus.subscribe_transactional("in.*", answer, name="answers")
    bus.publish_many([("in.x", {}, "a"), ("in.x", {}, "b")])
    assert bus.flush(5)
    (letter,) = bus.dead.list()
    assert letter.seq == 2
    assert "already there" in letter.error


def test_a_transactional_handler_whose_guarded_operation_fails_has_failed_and_keeps_its_claim(bus: EventBus):
    def answer(event: Event) -> list[Op]:
        return [("run.go", {"run_id": "none", "owner": "nobody", "fence": 1}, True)]

    subscription = bus.subscribe_transactional("in.*", answer, name="answers")
    bus.publish("in.x")
    assert bus.flush(5)
    assert [letter.seq for letter in bus.dead.list()] == [1]
    assert subscription.active
    assert bus.hub.store.read("subscription.get", name="answers")[0]["fence"] == 1


def test_who_lost_its_claim_records_nothing_more(bus: EventBus):
    got: list[int] = []
    subscription = bus.subscribe("**", lambda e: got.append(e.seq), name="fenced")
    bus.publish("a.b")
    assert bus.flush(5)
    # another process took over, as after a lost session
    bus.hub.store.write([("subscription.claim", {"name": "fenced", "pattern": "**"}, True)])
    bus.publish("a.b")
    assert within(5, lambda: subscription.active and bus.hub.store.read("subscription.list")[0]["fence"] == 3)
    assert bus.flush(5)
    assert got == [1, 2, 2]  # what was not recorded is handled again, under the new fence


def test_whose_claim_is_lost_does_not_fail_who_publishes(store: Store):
    """Its place goes along with a commit of others, who have no part in whose it is."""
    got: list[int] = []
    with EventBus(store, WallClock(), BusSettings(record_seconds=60)) as bus:
        subscription = bus.subscribe("**", lambda e: got.append(e.seq), name="fenced")
        bus.publish_many([("a.b", {}, "")] * 300)
        assert within(5, lambda: len(got) == 300)
        store.write([("subscription.claim", {"name": "fenced", "pattern": "**"}, True)])  # by another process
        assert bus.publish("a.b").seq == 301
        assert within(5, lambda: subscription.active and store.read("subscription.list")[0]["fence"] == 3)
