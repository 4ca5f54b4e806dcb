"""Whatever is published and however handlers fail: order per key, at least once, and the effect at most as promised."""

from __future__ import annotations

import tempfile
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpt_trader.core.events import Event
from gpt_trader.journal.bus import BusSettings, EventBus
from gpt_trader.journal.dead import DeadLetters
from gpt_trader.journal.history import History, Stored
from gpt_trader.journal.migrations import open_store
from gpt_trader.journal.recent import Recent
from gpt_trader.journal.store import Store
from gpt_trader.journal.tracks import tracks_for
from gpt_trader.journal.writer import Op
from gpt_trader.trading.clocks import WallClock

QUICK = BusSettings(backoff_seconds=0.0005, backoff_factor=1.1, held_keys=3, record_events=4, recent_events=6)

_topics = st.sampled_from(["a.b", "a.c", "risk.x", "kill.y"])
_messages = st.lists(st.tuples(_topics, st.sampled_from(["", "k", "m"])), min_size=1, max_size=40)
_failures = st.dictionaries(st.integers(0, 39), st.integers(1, 6), max_size=8)
_cuts = st.lists(st.integers(1, 40), max_size=2)


class World:
    """Numbered messages, a handler that fails at some of them, and what it handled in the end."""

    def __init__(self, store: Store, messages: list[tuple[str, str]], failures: dict[int, int]) -> None:
        self.store, self.messages, self.failures = store, messages, failures
        self.left, self.handled = Counter(failures), list[int]()
        self.published = 0

    def handler(self, event: Event) -> None:
        if event.topic.startswith("bus."):
            return
        number = event.payload["n"]
        if self.left[number] > 0:
            self.left[number] -= 1
            raise RuntimeError
        self.handled.append(number)

    def transaction(self, event: Event) -> list[Op]:
        self.handler(event)
        if event.topic.startswith("bus."):
            return []
        return [("migration.add", {"version": 100 + event.payload["n"], "name": "effect", "applied_at": 0}, False)]

    def live(self, *, until: int, batch: int, transactional: bool) -> None:
        """One life of a process: it subscribes, publishes up to a message, waits, and ends."""
        with EventBus(self.store, WallClock(), QUICK) as bus:
            if transactional:
                bus.subscribe_transactional("**", self.transaction, name="reader", from_seq=1)
            else:
                bus.subscribe("**", self.handler, name="reader", from_seq=1)
            while self.published < until:
                numbers = range(self.published, min(self.published + batch, until))
                bus.publish_many([(self.messages[n][0], {"n": n}, self.messages[n][1]) for n in numbers])
                self.published += len(numbers)
            assert bus.flush(20)

    def check(self) -> None:
        dead = {n for n, times in self.failures.items() if times >= 5 and n < len(self.messages)}
        letters = DeadLetters(History(self.store, WallClock())).list()
        assert sorted(x.event.payload["n"] for x in letters if x.event) == sorted(dead)
        assert sorted(self.handled) == sorted(set(range(len(self.messages))) - dead)  # once each
        shared: dict[tuple[bool, str], list[int]] = defaultdict(list)
        for n in self.handled:
            topic, key = self.messages[n]
            # what shares one order: the key, or the topic of those without; topics of priority apart
            shared[topic.startswith(("risk.", "kill.")), f"={key}" if key else topic].append(n)
        assert all(numbers == sorted(numbers) for numbers in shared.values())


@settings(max_examples=25)
@given(messages=_messages, failures=_failures, cuts=_cuts, batch=st.integers(1, 7))
@pytest.mark.parametrize("transactional", [False, True])
def test_order_per_key_and_the_effect_once(transactional, messages, failures, cuts, batch):
    """Also over several lives: each cut closes the bus and opens another."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{Path(folder) / 'journal.db'}", WallClock())
        world = World(store, messages, failures)
        for cut in [*sorted(cuts), len(messages)]:
            world.live(until=min(cut, len(messages)), batch=batch, transactional=transactional)
        world.check()
        assert store.read("delivery.of", subscriber="reader", count=9) == []
        store.close()


@given(st.lists(st.integers(1, 9), max_size=40), st.integers(1, 12), st.integers(0, 60))
def test_recent_events_are_the_end_of_the_history_or_say_that_they_are_not(batches, count, after):
    """The oracle is a plain list of all events."""
    recent = Recent(0, count=count, size=10_000)
    history: list[Stored] = []
    for size in batches:
        rows: list[Stored] = [(len(history) + i + 1, "a.b", "", 0, "", "{}") for i in range(size)]
        history += rows
        assert recent.add(rows)
    found = recent.after(after, 5)
    assert recent.head == len(history)
    assert len(recent.rows) <= max(count, 0)
    assert found == history[after : after + 5] if after >= recent.base else found is None


def test_recent_events_never_hide_what_others_committed():
    recent = Recent(10, count=100, size=10_000)
    assert not recent.add([(13, "a.b", "", 0, "", "{}")])
    assert recent.after(10, 5) is None
    assert recent.after(12, 5) == [(13, "a.b", "", 0, "", "{}")]


def test_recent_events_are_bounded_in_bytes_too():
    recent = Recent(0, count=1000, size=5000)
    for seq in range(1, 50):
        recent.add([(seq, "a.b", "", 0, "", "x" * 1000)])
        assert sum(len(row[5]) for row in recent.rows) <= 5000
    recent.add([(50, "a.b", "", 0, "", "x" * 9000)])
    assert recent.rows == []
    assert (recent.base, recent.head) == (50, 50)


@given(st.sampled_from(["**", "*", "a.*", "risk.*", "risk.x", "*.x", "**.y", "kill.**"]), _topics)
def test_each_topic_belongs_to_one_track_at_the_most_and_to_one_if_it_matches(pattern, topic):
    from gpt_trader.core.events import topic_filter

    taking = [t for t in tracks_for(pattern, ("risk.*", "kill.*")) if t.matches(topic)]
    assert len(taking) == topic_filter(pattern)(topic)
    assert all((t.tag == "!") == topic.startswith(("risk.", "kill.")) for t in taking)
