"""The store commits what threads write at once together, each for itself, on both databases."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gpt_trader.core import failpoints
from gpt_trader.core.errors import (
    ConfigError,
    Conflict,
    Fenced,
    JournalCorrupt,
    JournalError,
    JournalUnavailable,
    ValidationError,
)
from gpt_trader.journal.drivers import driver_for, sqlite_module, wal_is_safe
from gpt_trader.journal.migrations import open_store
from gpt_trader.journal.store import Store, _Ticket
from gpt_trader.journal.writer import Op
from gpt_trader.trading.clocks import WallClock


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    made = open_store(store_url, WallClock())
    yield made
    made.close()


@pytest.fixture
def postgres(new_url: Callable[[str], str]) -> Iterator[Store]:
    made = open_store(new_url("postgresql"), WallClock())
    yield made
    made.close()


@pytest.fixture
def _disarmed() -> Iterator[None]:
    yield
    failpoints.arm("")


def fact(payload: str = "{}", topic: str = "a.b") -> Op:
    return ("event.add", _event(payload, topic), False)


def _event(payload: str = "{}", topic: str = "a.b") -> dict[str, Any]:
    return {"topic": topic, "key": "", "at": 1, "run_id": "", "payload": payload}


def meta(key: str, value: str = "1") -> Op:
    return ("migration.add", {"version": int(key), "name": value, "applied_at": 0}, False)


NOBODY: Op = ("run.go", {"run_id": "none", "owner": "x", "fence": 1}, True)


def test_sequence_numbers_grow_by_one(store: Store) -> None:
    first = store.write([fact()])[0]
    assert store.write([fact(), fact()]) == [first + 1, first + 2]
    assert store.write([("event.add", [_event()] * 5, False)]) == [first + 7]
    assert [e["seq"] for e in store.read("event.after", seq=0, count=100)] == list(range(first, first + 8))


def test_batches_of_any_size_keep_their_order(store: Store) -> None:
    sizes = (1, 127, 128, 129, 300)
    for size in sizes:
        store.append([_event(f"{n} of {size}") for n in range(size)])
    kept = [e["payload"] for e in store.read("event.after", seq=0, count=1000)]
    assert kept == [f"{n} of {size}" for size in sizes for n in range(size)]


def test_a_guard_that_fails_undoes_the_whole_ticket(store: Store) -> None:
    with pytest.raises(Fenced):
        store.write([fact(), NOBODY])
    assert store.read("event.last")[0]["seq"] == 0


def test_a_key_that_is_there_is_a_conflict_and_undoes_the_ticket(store: Store) -> None:
    store.write([meta("901")])
    with pytest.raises(Conflict):
        store.write([fact(), meta("901")])
    assert store.read("event.last")[0]["seq"] == 0


def test_an_error_keeps_its_cause(store: Store) -> None:
    store.write([meta("99")])
    with pytest.raises(Conflict) as caught:
        store.write([meta("99")])
    assert store.driver.violated(caught.value.__cause__)  # type: ignore[arg-type]
    with pytest.raises(Fenced) as fenced:
        store.write([NOBODY])
    assert fenced.value.__cause__ is None


def test_threads_write_together_and_fail_alone(store: Store) -> None:
    """Of forty threads half are fenced; the other half is committed whole, whatever batches they fell into."""
    outcomes: dict[int, Any] = {}

    def write(number: int) -> None:
        try:
            outcomes[number] = store.write([fact(str(number)), *([NOBODY] if number % 2 else [])])
        except Fenced:
            outcomes[number] = "fenced"

    threads = [threading.Thread(target=write, args=(n,)) for n in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    kept = {int(e["payload"]): e["seq"] for e in store.read("event.after", seq=0, count=100)}
    assert kept == {n: outcomes[n][0] for n in range(0, 40, 2)}
    assert all(outcomes[n] == "fenced" for n in range(1, 40, 2))


UNKEPT: Op = ("approval.ask", {"run_id": "\udce9\0", "path": "p", "message": "?", "asked_at": 1, "expires_at": None}
              | {"by": "", "reason": ""}, False)  # fmt: skip


def test_a_text_that_the_database_cannot_keep_is_the_fault_of_who_writes_it(store: Store) -> None:
    """Alone, as an event, and in one transaction with others."""
    with pytest.raises(ValidationError, match="cannot keep"):
        store.write([fact(), UNKEPT])
    with pytest.raises(ValidationError, match="cannot keep"):
        store.append([_event(topic="caf\udce9\0")])
    many: Op = ("event.add", [_event("2"), _event(topic="caf\udce9\0")], False)
    tickets = [_Ticket([fact("1")]), _Ticket([fact("2"), UNKEPT]), _Ticket([fact("2"), many]), _Ticket([fact("3")])]
    store._commit(tickets)
    assert [isinstance(ticket.error, ValidationError) for ticket in tickets] == [False, True, True, False]
    assert tickets[0].error is tickets[3].error is None
    assert [e["payload"] for e in store.read("event.after", seq=0, count=9)] == ["1", "3"]


def test_threads_share_commits(new_url: Callable[[str], str]) -> None:
    store = open_store(new_url("sqlite"), WallClock())
    commits, real = 0, store.driver.begin

    def begin(cursor: Any, *, serial: bool) -> Any:
        nonlocal commits
        commits += 1
        time.sleep(0.005)
        return real(cursor, serial=serial)

    store.driver.begin = begin  # type: ignore[method-assign]
    threads = [threading.Thread(target=store.write, args=([fact()],)) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert store.read("event.last")[0]["seq"] == 50
    assert commits < 25
    store.close()


@pytest.mark.usefixtures("_disarmed")
@pytest.mark.parametrize("fault", ["full", "broken"])
def test_a_disk_fault_fails_the_write_and_only_that(store: Store, fault: str) -> None:
    failpoints.arm(f"journal.inside={fault}")
    with pytest.raises(JournalUnavailable):
        store.write([fact()])
    assert store.read("event.last")[0]["seq"] == 0
    store.write([fact()])
    assert len(store.read("event.after", seq=0, count=9)) == 1


def test_a_store_is_not_used_across_a_fork(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    pid = os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: pid + 1)
    with pytest.raises(JournalError, match="fork"):
        store.read("event.last")
    with pytest.raises(JournalError, match="fork"):
        store.write([fact()])
    with store._writing, pytest.raises(JournalError, match="fork"):  # another thread wrote at the fork
        store.write([fact()])


def test_a_lost_connection_is_made_again(postgres: Store) -> None:
    store = postgres
    import psycopg

    store.write([fact()])
    store.read("event.last")
    with psycopg.connect(store.driver.url, autocommit=True) as other:
        others = "FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"
        mine = f"SELECT pg_terminate_backend(pid) {others}"
        other.execute(mine)
    assert store.read("event.last")[0]["seq"] >= 1
    store.write([fact()])
    assert len(store.read("event.after", seq=0, count=9)) == 2


class Cut:
    """A writer's cursor that loses the connection right after, or right before, COMMIT reaches the server."""

    def __init__(self, store: Store, *, committed: bool) -> None:
        self.store, self.cursor, self.committed = store, store.writer.cursor(), committed

    def __getattr__(self, name: str) -> Any:
        return getattr(self.cursor, name)

    def execute(self, sql: str, *args: Any) -> Any:
        import psycopg

        if sql != "COMMIT":
            return self.cursor.execute(sql, *args)
        if self.committed:
            self.cursor.execute("COMMIT")
        self.store.writer._connection.close()
        raise psycopg.OperationalError("server closed the connection unexpectedly")


@pytest.mark.parametrize("committed", [True, False])
def test_a_connection_lost_at_commit_is_asked_what_became_of_it(postgres: Store, committed: bool) -> None:
    """The server's own record of the transaction decides, so that nothing is written twice or lost."""
    store = postgres
    store.write([fact("first")])
    store.writer._cursor = Cut(store, committed=committed)
    seq = store.write([fact("second")])[0]
    kept = [e["payload"] for e in store.read("event.after", seq=0, count=9)]
    assert kept == ["first", "second"]
    assert store.read("event.after", seq=seq - 1, count=1)[0]["payload"] == "second"


def test_what_may_have_been_committed_is_not_written_again(postgres: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server is back, but only after the time in which it was asked what became of the transaction."""
    store, driver = postgres, postgres.driver
    store.write([fact("first")])
    connect, settled, away = driver.connect, driver.settled, threading.Event()

    def reach() -> Any:
        if away.is_set():
            raise JournalUnavailable("the server is away")
        return connect()

    def ask(mark: Any) -> bool | None:
        away.set()
        try:
            return settled(mark)
        finally:
            away.clear()

    monkeypatch.setattr("gpt_trader.journal.drivers.BUSY_SECONDS", 0.2)
    monkeypatch.setattr("gpt_trader.journal.store.BUSY_SECONDS", 0.2)
    monkeypatch.setattr(driver, "connect", reach)
    monkeypatch.setattr(driver, "settled", ask)
    store.writer._cursor = Cut(store, committed=True)
    with pytest.raises(JournalUnavailable, match="did not come back"):
        store.write([fact("second")])
    assert [e["payload"] for e in store.read("event.after", seq=0, count=9)] == ["first", "second"]


class TestOpening:
    def test_a_url_of_something_else_is_refused(self) -> None:
        with pytest.raises(ConfigError, match="mysql"):
            driver_for("mysql://x")

    def test_a_journal_is_for_its_owner_only(self, tmp_path: Path) -> None:
        open_store(f"sqlite:///{tmp_path / 'journal.db'}", WallClock()).close()
        assert (tmp_path / "journal.db").stat().st_mode & 0o077 == 0

    def test_a_folder_that_cannot_be_written_is_named(self, tmp_path: Path) -> None:
        place = tmp_path / "file"
        place.write_text("not a folder")
        with pytest.raises((JournalUnavailable, NotADirectoryError, FileExistsError)) as caught:
            open_store(f"sqlite:///{place}/journal.db", WallClock())
        assert str(place) in str(caught.value)

    def test_a_file_that_is_no_database_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "journal.db"
        path.write_bytes(b"not a database at all, but long enough to look like one" * 100)
        with pytest.raises(JournalCorrupt, match="damaged"):
            open_store(f"sqlite:///{path}", WallClock())

    @pytest.mark.parametrize("how", ["removed", "emptied"])
    def test_a_journal_that_vanished_is_never_made_anew_silently(self, tmp_path: Path, how: str) -> None:
        path = tmp_path / "journal.db"
        open_store(f"sqlite:///{path}", WallClock()).close()
        if how == "removed":
            path.unlink()
        else:
            path.write_bytes(b"")
        with pytest.raises(JournalCorrupt, match="is gone, but it existed"):
            open_store(f"sqlite:///{path}", WallClock())

    @pytest.mark.parametrize("size", [0, 100, 5000, None])
    def test_a_log_cut_short_after_a_crash_is_refused(self, tmp_path: Path, size: int | None) -> None:
        """The files of a process killed in the middle of its work, with its write-ahead log whole or truncated."""
        live, dead = tmp_path / "live", tmp_path / "dead"
        live.mkdir()
        dead.mkdir()
        store = open_store(f"sqlite:///{live}/journal.db", WallClock())
        for _ in range(20):
            store.write([fact()])
        subprocess.run(["cp", *[str(f) for f in live.iterdir()], str(dead)], check=True)
        store.close()
        if size is None:
            whole = open_store(f"sqlite:///{dead}/journal.db", WallClock())
            assert whole.read("event.last")[0]["seq"] == 20
            whole.close()
            return
        with (dead / "journal.db-wal").open("r+b") as wal:
            wal.truncate(size)
        with pytest.raises(JournalCorrupt, match="cut short"):
            open_store(f"sqlite:///{dead}/journal.db", WallClock())

    def test_a_journal_that_another_program_closes_just_now_is_not_taken_for_damaged(self, tmp_path: Path) -> None:
        """Who closes a journal last removes the index and the log one after the other; we may look in between."""
        live, seen = tmp_path / "live", tmp_path / "seen"
        live.mkdir()
        seen.mkdir()
        store = open_store(f"sqlite:///{live}/journal.db", WallClock())
        store.write([fact()])
        subprocess.run(["cp", str(live / "journal.db-shm"), str(seen)], check=True)
        store.close()
        subprocess.run(["cp", str(live / "journal.db"), str(seen)], check=True)
        closing = threading.Timer(0.15, (seen / "journal.db-shm").unlink)
        closing.start()
        whole = open_store(f"sqlite:///{seen}/journal.db", WallClock())
        closing.join()
        assert whole.read("event.last")[0]["seq"] == 1
        whole.close()

    def test_a_locked_database_is_told_after_the_busy_time(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("gpt_trader.journal.drivers.BUSY_SECONDS", 0.1)
        path = tmp_path / "journal.db"
        store = open_store(f"sqlite:///{path}", WallClock())
        other = sqlite_module().connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(JournalUnavailable, match="locked"):
            store.write([fact()])
        other.execute("ROLLBACK")
        store.write([fact()])
        other.close()
        store.close()

    def test_damage_inside_the_file_is_found(self, tmp_path: Path) -> None:
        path = tmp_path / "journal.db"
        store = open_store(f"sqlite:///{path}", WallClock())
        for _ in range(200):
            store.write([fact("x" * 500)])
        store.close()
        assert driver_for(f"sqlite:///{path}").check() == []
        data = bytearray(path.read_bytes())
        data[-8000:-4000] = b"\xff" * 4000
        path.write_bytes(data)
        assert driver_for(f"sqlite:///{path}").check() != []

    @pytest.mark.parametrize(
        ("version", "safe"),
        [((3, 40, 1), False), ((3, 44, 6), True), ((3, 44, 5), False), ((3, 50, 7), True), ((3, 51, 2), False),
         ((3, 51, 3), True), ((3, 53, 4), True), ((3, 6, 23), True), ((3, 50, 6), False)],
    )  # fmt: skip
    def test_libraries_with_the_wal_reset_defect_are_known(self, version: tuple[int, int, int], safe: bool) -> None:
        assert wal_is_safe(version) is safe


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="only Linux lists the locks that are held")
def test_opening_more_connections_keeps_the_locks_of_the_first(tmp_path: Path) -> None:
    """POSIX drops every lock of a process on a file when that process closes any descriptor of it."""
    store = open_store(f"sqlite:///{tmp_path / 'journal.db'}", WallClock())
    store.write([fact()])
    store.read("event.last")
    held = _locks(tmp_path / "journal.db-shm")
    assert held, "SQLite holds a lock that says that the index is in use"
    for _ in range(3):
        store.driver.connect().close()
    assert held <= _locks(tmp_path / "journal.db-shm")
    store.close()


def _locks(file: Path) -> set[tuple[str, str]]:
    inode = file.stat().st_ino
    found = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
    mine = [f for f in found if f[4] == str(os.getpid()) and int(f[5].split(":")[2]) == inode]
    return {(f[3], f[6]) for f in mine}


def test_a_lead_taken_too_late_is_handed_on(store: Store) -> None:
    """A thread that queues, sleeps, and wakes up after another wrote for it, must not keep the lead."""

    class Slow(deque[Any]):
        def append(self, ticket: Any) -> None:
            super().append(ticket)
            if threading.current_thread().name == "late":
                queued.set()
                written.wait(10)

    queued, written = threading.Event(), threading.Event()
    store._waiting = Slow()
    late = threading.Thread(target=store.write, args=([fact()],), name="late")
    with store._writing:  # somebody writes just now
        late.start()
        assert queued.wait(10)
    store.write([fact()])
    written.set()
    late.join(10)
    assert not late.is_alive()
    third = threading.Thread(target=store.write, args=([fact()],), daemon=True)
    third.start()
    third.join(10)
    assert not third.is_alive(), "the write lock was kept"
    assert len(store.read("event.after", seq=0, count=9)) == 3


def test_a_write_that_is_broken_off_is_acknowledged_to_nobody(store: Store) -> None:
    """Ctrl-C in the thread that writes for others: they hear that nothing was written."""
    outcomes: list[Any] = []
    entered, go_on = threading.Event(), threading.Event()
    real = store.driver.begin

    def begin(cursor: Any, *, serial: bool) -> Any:
        if not entered.is_set():
            entered.set()
            go_on.wait(10)
            return real(cursor, serial=serial)
        raise KeyboardInterrupt

    def write() -> None:
        try:
            outcomes.append(store.write([fact(), fact()]))
        except BaseException as error:  # noqa: BLE001 - what it is, is the point
            outcomes.append(type(error).__name__)

    store.driver.begin = begin  # type: ignore[method-assign]
    threads = [threading.Thread(target=write) for _ in range(3)]
    for thread in threads:
        thread.start()
        entered.wait(10)
    while len(store._waiting) < 2:
        time.sleep(0.01)
    go_on.set()
    for thread in threads:
        thread.join(10)
    store.driver.begin = real  # type: ignore[method-assign]
    assert sorted(map(str, outcomes)) == ["JournalUnavailable", "KeyboardInterrupt", "[1, 2]"]
    assert store.write([fact()]) == [3]


def test_a_lead_that_comes_together_with_ctrl_c_is_handed_on(store: Store) -> None:
    """Python raises KeyboardInterrupt also after a lock was taken, before anybody knows that it was."""

    class Cut:
        def __init__(self, lock: Any) -> None:
            self.release, self.lock = lock.release, lock

        def acquire(self, *, blocking: bool = True) -> bool:
            if blocking:
                queued.set()
                self.lock.acquire()
                raise KeyboardInterrupt
            return bool(self.lock.acquire(blocking=False))

    class Cutting(deque[Any]):
        def append(self, ticket: Any) -> None:
            ticket.turn = Cut(ticket.turn)
            super().append(ticket)

    def write() -> None:
        with pytest.raises(KeyboardInterrupt):
            store.write([fact()])

    queued = threading.Event()
    store._waiting = Cutting()
    store._writing.acquire()  # somebody writes just now
    cut = threading.Thread(target=write)
    cut.start()
    assert queued.wait(10)
    store._hand_on()
    cut.join(10)
    assert not cut.is_alive()
    kept = not store._writing.acquire(timeout=5)
    store._writing.release()
    assert not kept
    assert store.write([fact()]) == [1]
