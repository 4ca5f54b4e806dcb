"""A storm of events, drawn by a seed: nothing is lost or out of order, and memory stays where it was."""

from __future__ import annotations

import gc
import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from gpt_trader.core.events import Event
from gpt_trader.journal.bus import BusSettings, EventBus
from gpt_trader.journal.migrations import open_store
from gpt_trader.trading.clocks import WallClock

SETTINGS = BusSettings(backoff_seconds=0.002, backoff_factor=1.5, recent_events=2000, recent_bytes=1 << 20)
KEYS = 40
POISON = 997
"""Every event whose number is divided by this can never be handled."""


@dataclass
class Reader:
    """A subscriber that takes its time now and then, fails now and then, and never handles what is poison."""

    seed: int
    last: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    handled: int = 0
    disorder: list[str] = field(default_factory=list)
    again: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)

    def __call__(self, event: Event) -> None:
        if event.payload["n"] % POISON == 0:
            raise RuntimeError("poison")
        if event.seq not in self.again and self.dice.random() < 0.0005:
            self.again.add(event.seq)
            raise ConnectionError("this once")
        if self.dice.random() < 0.0005:
            time.sleep(0.01)
        if self.last[event.key] >= event.seq:
            self.disorder.append(f"{event.key}: {event.seq} after {self.last[event.key]}")
        self.last[event.key] = event.seq
        self.handled += 1


class Storm:
    """Several publishers, several readers, some of them durable, on one journal."""

    def __init__(self, url: str, seed: int) -> None:
        self.store = open_store(url, WallClock())
        self.bus = EventBus(self.store, WallClock(), SETTINGS)
        self.dice = random.Random(seed)
        self.readers = [Reader(seed + n) for n in range(3)]
        for n, reader in enumerate(self.readers):
            self.bus.subscribe("storm.*", reader, name=f"reader{n}" if n else None)
        self.numbers = iter(range(1, 1 << 40))
        self.lock = threading.Lock()

    def blow(self, events: int) -> None:
        """Publish so many events from three threads, one by one and in batches."""
        shares = [events // 3] * 3
        threads = [threading.Thread(target=self._publish, args=(n, self.dice.random())) for n in shares]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _publish(self, left: int, seed: float) -> None:
        dice = random.Random(seed)
        while left > 0:
            count = min(left, 1 if dice.random() < 0.02 else dice.randint(50, 200))
            left -= count
            with self.lock:
                numbers = [next(self.numbers) for _ in range(count)]
            some = [("storm.blows", {"n": n, "pad": "x" * 200}, f"k{dice.randrange(KEYS)}") for n in numbers]
            self.bus.publish_many(some)

    def settled(self, seconds: float) -> None:
        assert self.bus.flush(seconds), "some are not handled"

    def counted(self, events: int) -> None:
        """Every event was handled by every reader, in the order of its key, or is in its dead letters."""
        poison = events // POISON
        for reader in self.readers:
            assert reader.disorder == []
            assert reader.handled == events - poison
        assert len(self.bus.dead) == 3 * poison

    def close(self) -> None:
        self.bus.close()
        self.store.close()


def memory() -> int:
    gc.collect()
    return int(psutil.Process().memory_info().rss)


@pytest.mark.parametrize("seed", [20261120])
def test_in_a_short_storm_nothing_is_lost_or_out_of_order(store_url: str, seed: int) -> None:
    storm = Storm(store_url, seed)
    try:
        storm.blow(12_000)
        storm.settled(60)
        storm.counted(12_000)
    finally:
        storm.close()


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(3))
def test_in_a_long_storm_memory_stays_where_it_was(new_url: Callable[[str], str], seed: int) -> None:
    """A million events; once warm, the process may not grow by what a hundredth of them weigh."""
    storm = Storm(new_url("sqlite"), seed)
    try:
        sizes = []
        for _ in range(10):
            storm.blow(99_999)
            storm.settled(600)
            sizes.append(memory())
        storm.counted(999_990)
        assert sizes[-1] - sizes[2] < 4 << 20, [f"{size / 1e6:.1f} MB" for size in sizes]
    finally:
        storm.close()


@pytest.mark.soak
def test_in_a_storm_on_a_server_nothing_is_lost_or_out_of_order(new_url: Callable[[str], str], tmp_path: Path) -> None:
    storm = Storm(new_url("postgresql"), 1)
    try:
        storm.blow(150_000)
        storm.settled(600)
        storm.counted(150_000)
    finally:
        storm.close()
