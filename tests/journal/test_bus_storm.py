"""In a storm of events memory stays bounded: a subscriber is a place in the history, not a queue."""

from __future__ import annotations

import threading
import tracemalloc
from pathlib import Path

from gpt_trader.core.events import Event
from gpt_trader.journal.bus import BusSettings, EventBus
from gpt_trader.journal.migrations import open_store
from gpt_trader.trading.clocks import WallClock

EVENTS, BYTES = 40_000, 500
SMALL = BusSettings(recent_events=1000, recent_bytes=1 << 20, backoff_seconds=5.0)


class Crowd:
    """Two durable subscribers: one that stands still until the gate opens, and one that holds a key up for long."""

    def __init__(self) -> None:
        self.gate, self.seen, self.counted = threading.Event(), list[int](), list[int]()

    def slow(self, event: Event) -> None:
        self.gate.wait(60)
        self.seen.append(event.seq)

    def holds(self, event: Event) -> None:
        self.counted.append(event.seq)
        if event.key == "k0":
            raise RuntimeError

    def wait(self) -> None:
        while len(self.seen) < EVENTS or len(self.counted) < EVENTS // 50 * 49 + 1:
            threading.Event().wait(0.02)


def test_a_subscriber_that_lags_far_behind_costs_no_memory_and_misses_nothing(tmp_path: Path):
    store = open_store(f"sqlite:///{tmp_path / 'journal.db'}", WallClock())
    crowd, bus = Crowd(), EventBus(store, WallClock(), SMALL)
    bus.subscribe("**", crowd.slow, name="slow")
    bus.subscribe("**", crowd.holds, name="holds")
    tracemalloc.start()
    try:
        for n in range(0, EVENTS, 200):
            bus.publish_many([("a.b", {"pad": "x" * BYTES}, f"k{i % 50}") for i in range(n, n + 200)])
        behind = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        crowd.gate.set()
        crowd.wait()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        crowd.gate.set()
        bus.close(0.2)
        store.close()
    assert crowd.seen == list(range(1, EVENTS + 1))
    assert behind < 8 << 20  # the events themselves are 20 MB
    assert peak < 16 << 20
