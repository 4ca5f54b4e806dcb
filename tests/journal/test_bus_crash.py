"""Killed at any moment, the bus loses nothing, handles nothing again that was recorded, and goes on where it was."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from gpt_trader.core.events import Event
from gpt_trader.journal.bus import EventBus
from gpt_trader.journal.history import History
from gpt_trader.journal.migrations import open_store
from gpt_trader.trading.clocks import WallClock

VICTIM = Path(__file__).with_name("bus_victim.py")
WINDOW = 512


class Drill:
    """Runs victims on one journal and counts what they did."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder
        self.store = open_store(url, WallClock())
        self.history = History(self.store, WallClock())

    def run(self, spec: str, kind: str = "plain", count: int = 60) -> int:
        command = [sys.executable, str(VICTIM), self.url, str(self.folder), spec, kind, str(count)]
        return subprocess.run(command, capture_output=True, timeout=60, check=False).returncode

    def notes(self, file: str) -> list[int]:
        path = self.folder / file
        return [int(line) for line in path.read_text().splitlines()] if path.exists() else []

    def recorded(self) -> int:
        return int(self.store.read("subscription.get", name="reader")[0]["cursor"])

    def inputs(self) -> list[int]:
        return [e.seq for e in self.history.between(1, 1 << 40, "in.*")]


@pytest.fixture
def drill(store_url: str, tmp_path: Path):
    made = Drill(store_url, tmp_path)
    yield made
    made.store.close()


@pytest.mark.parametrize(
    "spec",
    [
        "event.published=kill@17",
        "event.handled=kill@9",
        "event.handled=kill@41",
        "bus.cursor=kill@2",
        "journal.begin=kill@23",
        "journal.committed=kill@23",
    ],
)
def test_killed_while_it_publishes_and_handles(drill: Drill, spec: str):
    assert drill.run(spec) == -signal.SIGKILL
    recorded, before = drill.recorded(), drill.notes("handled")
    assert drill.run("", count=5) == 0
    handled = Counter(drill.notes("handled"))
    assert set(drill.notes("published")) <= set(drill.inputs())
    assert set(handled) == set(drill.inputs())  # at least once, and nothing else
    again = [seq for seq, times in handled.items() if times > 1]
    assert all(seq > recorded for seq in again)  # not again what was recorded
    assert len(again) <= WINDOW
    assert set(again) <= set(before)
    keys = {e.seq: e.key for e in drill.history.between(1, 1 << 40)}
    for key in ("k0", "k1", "k2"):
        firsts = [seq for seq in dict.fromkeys(drill.notes("handled")) if keys[seq] == key]
        assert firsts == sorted(firsts)


@pytest.mark.parametrize(
    "spec", ["event.handled=kill@9", "journal.inside=kill@20", "journal.committed=kill@31", "journal.begin=kill@30"]
)
def test_killed_in_a_transactional_handler_the_effect_happens_exactly_once(drill: Drill, spec: str):
    assert drill.run(spec, "transactional") == -signal.SIGKILL
    assert drill.run("", "transactional", count=5) == 0
    effects = [e.payload["of"] for e in drill.history.between(1, 1 << 40, "out.*")]
    assert sorted(effects) == drill.inputs()


@pytest.mark.parametrize("spec", ["event.failed=kill@2", "event.failed=kill@4", "dead.recorded=kill@1"])
def test_killed_while_it_tries_again_the_attempts_are_not_forgotten(drill: Drill, spec: str):
    assert drill.run(spec, "poison", count=30) == -signal.SIGKILL
    assert drill.run("", "poison", count=3) == 0
    poison = [e.seq for e in drill.history.between(1, 1 << 40, "in.*") if e.key == "k1"]
    rows = drill.store.read("dead.list", subscriber=None, count=100)
    assert [row["seq"] for row in rows] == poison
    assert drill.store.read("delivery.of", subscriber="reader", count=9) == []
    assert drill.notes("tried") == [seq for seq in poison for _ in range(5)]  # the kill came after each was recorded
    assert set(drill.notes("handled")) == set(drill.inputs()) - set(poison)


def test_killed_again_and_again_nothing_is_lost(drill: Drill):
    for spec in ("event.handled=kill@7", "journal.committed=kill@12", "bus.cursor=kill@1", "event.published=kill@20"):
        assert drill.run(spec, count=40) == -signal.SIGKILL
    assert drill.run("", count=1) == 0
    assert set(drill.notes("handled")) == set(drill.inputs())
    assert set(drill.notes("published")) <= set(drill.inputs())
    assert drill.recorded() >= max(drill.inputs())


def test_another_process_takes_over_from_one_that_was_killed(drill: Drill):
    command = [sys.executable, str(VICTIM), drill.url, str(drill.folder), "", "serve", "4"]
    victim = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        assert within(20, lambda: len(drill.notes("handled")) == 4)
        got: list[Event] = []
        with EventBus(drill.store, WallClock()) as bus:
            subscription = bus.subscribe("in.*", got.append, name="reader")
            bus.publish("in.x")
            assert within(5, lambda: len(drill.notes("handled")) == 5)
            assert not subscription.active
            time.sleep(0.1)
            victim.kill()
            victim.wait()
            began = time.monotonic()
            late = bus.publish("in.x")
            assert within(5, lambda: got)
            assert time.monotonic() - began < 5
            assert [e.seq for e in got] == [late.seq]
    finally:
        victim.kill()
        victim.wait()


def within(seconds: float, true: Callable[[], object]) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if true():
            return True
        time.sleep(0.01)
    return False
