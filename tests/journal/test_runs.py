"""Runs in the journal: found by a part of their id, owned, listed, forgotten."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpt_trader.core.errors import NotFound
from gpt_trader.journal.migrations import open_store
from gpt_trader.journal.owners import new_owner, owner_alive, process_start
from gpt_trader.trading.clocks import WallClock
from tests.workflow.runhouse import House, house, workflow


@pytest.fixture
def home(store_url: str, tmp_path: Path) -> Iterator[House]:
    with house(store_url, tmp_path) as made:
        yield made


ONE = workflow("- a: {slice: count, method: inc}")


def test_ids_sort_by_time_and_differ(home: House) -> None:
    ids = []
    for _ in range(200):
        ids.append(home.runs.new_id())
        time.sleep(0.0001)
    assert sorted(ids) == ids
    assert len({home.runs.new_id() for _ in range(5000)}) == 5000


def test_a_run_is_found_by_what_fits_it_alone(home: House) -> None:
    first, second = home.run(ONE), home.run(ONE)
    assert home.runs.get("latest").id == second.id
    assert home.runs.get(first.id[-6:]).id == first.id
    assert home.runs.get(first.id[-8:-2]).id == first.id
    with pytest.raises(NotFound, match="could be 2 runs") as several:
        home.runs.get(first.id[:4])
    assert several.value.hint == f"one of: {second.id}, {first.id}"
    with pytest.raises(NotFound, match="there is no run 'nope'"):
        home.runs.get("nope")
    for text in ("", "%", f"{first.id[:8]}%{first.id[-6:]}", f"{first.id[:-1]}_"):
        with pytest.raises(NotFound, match="there is no run"):
            home.runs.get(text)


def test_with_no_runs_the_latest_is_not_there(home: House) -> None:
    with pytest.raises(NotFound, match="no runs yet"):
        home.runs.get("latest")


def test_the_list_is_newest_first_and_can_be_chosen_from(home: House) -> None:
    ids = [home.run(ONE).id for _ in range(5)]
    assert [r.id for r in home.runs.recent(count=3)] == ids[:1:-1]
    assert [r.id for r in home.runs.recent(before=ids[2])] == [ids[1], ids[0]]
    assert home.runs.recent(status="FAILED") == []
    assert len(home.runs.recent(workflow="test")) == 5
    assert home.runs.counts() == {"SUCCEEDED": 5}


def test_old_runs_are_forgotten_with_all_that_belongs_to_them(home: House) -> None:
    old = home.run(ONE)
    waiting = home.run(workflow("- w: {wait: {for: 1h}}"), park=True)
    moment = home.runs.now()
    new = home.run(ONE)
    assert home.runs.prune(before=moment) == 1
    assert {r.id for r in home.runs.recent()} == {waiting.id, new.id}
    assert home.runs.steps(old.id) == []
    assert '"count"' in home.runs.definition(home.runs.get(new.id).definition)


def test_what_goes_on_is_not_forgotten_however_old(home: House) -> None:
    waiting = home.run(workflow("- w: {wait: {for: 1h}}"), park=True)
    handle = home.runner.start(home.load(workflow("- s: {slice: notes, method: note, with: {log: LOG, seconds: 0.5}}")))
    while not home.lines():
        time.sleep(0.01)
    assert home.runs.prune(before=home.runs.now() + 1) == 0
    assert handle.result(30).ok
    assert {r.id for r in home.runs.recent()} == {waiting.id, handle.id}
    home.runs.definition(home.runs.get(waiting.id).definition)


def test_artifacts_in_use_are_those_that_a_step_names(home: House) -> None:
    home.run(workflow("- t: {slice: count, method: table}"))
    names = {p.stem for p in (home.folder / "artifacts").rglob("*.parquet")}
    assert home.runs.artifacts_in_use() == names
    home.runs.prune(before=home.runs.now() + 1)
    assert home.runs.artifacts_in_use() == set()


class TestOwners:
    def test_this_process_is_alive(self) -> None:
        assert owner_alive(new_owner()) is True

    def test_a_dead_process_is_dead(self) -> None:
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        owner = f"{socket.gethostname()}:{child.pid}:{process_start(child.pid)}:x"
        assert owner_alive(owner) is True
        child.communicate(b"\n")
        assert owner_alive(owner) is False

    def test_a_recycled_pid_fools_nobody(self) -> None:
        assert owner_alive(f"{socket.gethostname()}:{os.getpid()}:1:x") is False

    def test_of_another_machine_nobody_can_tell(self) -> None:
        assert owner_alive("elsewhere:1:1:x") is None


def test_old_runs_do_not_slow_the_status_page_down(tmp_path: Path) -> None:
    """The status page reads by index, whatever the journal holds: the plan names no full scan of a large table."""
    store = open_store(f"sqlite:///{tmp_path / 'journal.db'}", WallClock())
    connection = store.driver.connect()
    for name, params in {
        "run.live": {},
        "run.list": {"status": None, "workflow": None, "before": "~", "count": 5},
        "step.list": {"run_id": "x"},
        "event.after": {"seq": 1, "count": 5},
        "step.cached": {"cache_key": "x", "since": 0},
    }.items():
        plan = " ".join(str(r[-1]) for r in connection.execute(f"EXPLAIN QUERY PLAN {store.sql[name]}", params))
        assert "USING" in plan or "PRIMARY KEY" in plan, (name, plan)
        assert "TEMP B-TREE" not in plan or name in ("step.list", "run.live"), (name, plan)
    connection.close()
    store.close()
