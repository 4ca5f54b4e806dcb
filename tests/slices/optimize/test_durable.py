"""Finished trials survive: interruptions, torn lines, dead processes; none is lost and none is counted twice."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from gpt_trader.core.errors import GptTraderError, Interrupted
from gpt_trader.slices.optimize import drive
from gpt_trader.slices.optimize.log import Tail, TrialLog, place_of
from gpt_trader.workflow.executors import LazyProcesses

SLOW: dict[str, Any] = {"strategy": "sleepy", "space": {"every": "3:14"}, "engine": "desk"}


def logged(artifacts, path="steps[0]"):
    """The numbers of the trials in a step's log, in the order in which they were kept."""
    return [n for row in Tail(place_of(artifacts, f"run:{path}")).rows() for n in row.get("numbers", ())]


def marks(folder: Path) -> Counter:
    """How often each length was begun, in whatever process."""
    return Counter(int(f.name.split("-")[0]) for f in folder.iterdir() if f.name != "dead")


@pytest.mark.parametrize(
    "ask",
    [
        SLOW,
        {"space": {"fast": "2:30", "slow": "5:60"}, "sampler": "tpe", "trials": 21},
        {"space": {"fast": "2:9", "slow": "15:60:9"}, "engine": "desk", "prune": True},
    ],
)
def test_an_interrupted_search_goes_on_and_ends_as_if_it_had_not_been(search, artifacts, monkeypatch, ask):
    whole = search(path="whole", **ask)
    monkeypatch.setattr(drive, "HERE_SECONDS", 1e-9)
    left = 2

    def stopping() -> bool:
        nonlocal left
        left -= 1
        return left < 0

    with pytest.raises(Interrupted):
        search(more={"stopping": stopping}, **ask)
    kept = logged(artifacts)
    assert 0 < len(kept) < len(whole.trial_table)
    again = search(**ask)
    pd.testing.assert_frame_equal(again.trial_table, whole.trial_table)
    assert again.best == whole.best
    assert logged(artifacts)[: len(kept)] == kept
    assert sorted(logged(artifacts)) == list(range(len(whole.trial_table)))


def test_what_is_kept_is_not_tried_again(search, monkeypatch):
    search()
    monkeypatch.setattr(drive, "evaluate", None)
    assert len(search().trial_table) == 12


def test_a_trial_is_on_the_disk_before_anybody_hears_of_it(search, artifacts):
    heard = []
    search(more={"progress": lambda done, *_: heard.append((done, len(logged(artifacts))))}, engine="desk")
    assert heard
    assert all(done == on_disk for done, on_disk in heard)


def test_other_params_or_other_bars_begin_a_new_log(search, bars, artifacts):
    search(seed=1)
    search(seed=2)
    assert logged(artifacts) == list(range(12))
    assert search(bars[:300], seed=2).trial_table["sharpe"].iloc[0] != search(seed=2).trial_table["sharpe"].iloc[0]


def test_a_line_that_was_not_written_whole_or_was_changed_is_not_believed(tmp_path):
    place = tmp_path / "log"
    head = {"search": "x"}
    with TrialLog(place, head) as log:
        for number in range(4):
            log.add({"numbers": [number], "value": 0.1 + number})
    whole = place.read_bytes()
    lines = whole.splitlines(keepends=True)
    for torn in (whole[:-1], whole[:-7], b"".join(lines[:4]) + lines[4].replace(b"3.1", b"9.1")):
        place.write_bytes(torn)
        with TrialLog(place, head) as log:
            assert [row["numbers"][0] for row in log.earlier] == [0, 1, 2]
            log.add({"numbers": [7], "value": 1.0})
        with TrialLog(place, head) as log:
            assert [row["numbers"][0] for row in log.earlier] == [0, 1, 2, 7]
    with TrialLog(place, {"search": "y"}) as log:
        assert log.earlier == []


def test_numbers_come_back_from_the_log_to_the_last_bit(tmp_path):
    values = [0.1 + 0.2, 1e-300, -1.0 / 3.0, float("inf")]
    with TrialLog(tmp_path / "log", {}) as log:
        log.add({"values": values, "none": [float("nan")]})
    with TrialLog(tmp_path / "log", {}) as log:
        assert log.earlier[0]["values"] == values
        assert log.earlier[0]["none"][0] != log.earlier[0]["none"][0]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where strategies leave their marks."""
    (tmp_path / "marks").mkdir()
    return tmp_path / "marks"


# --- processes --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def processes():
    pool = LazyProcesses(2)
    yield pool
    pool.shutdown()


def test_processes_find_what_one_thread_finds(search, processes):
    here = search(path="here", executor="here", **SLOW)
    there = search(path="there", executor="processes", more={"executor": processes}, **SLOW)
    pd.testing.assert_frame_equal(here.trial_table, there.trial_table)
    assert here.best == there.best


def test_a_process_that_dies_loses_no_trial_and_doubles_none(search, processes, artifacts, place):
    ask = {**SLOW, "executor": "processes"}
    got = search(fixed={"marks": str(place), "deadly": 9}, more={"executor": processes}, **ask)
    assert (place / "dead").exists()
    assert got.trial_table["every"].tolist() == list(range(3, 15))
    assert sorted(logged(artifacts)) == list(range(12))
    assert marks(place)[9] >= 2  # once to die, once to be tried
    plain = search(path="plain", executor="here", **SLOW)
    assert got.trial_table["sharpe"].tolist() == plain.trial_table["sharpe"].tolist()


def test_a_set_that_kills_every_process_ends_the_search_with_its_reason(search, processes, place, artifacts):
    ask = {**SLOW, "executor": "processes", "fixed": {"marks": str(place), "deadly": 9}}
    stop = threading.Event()

    def unmark() -> None:
        while not stop.wait(0.01):
            (place / "dead").unlink(missing_ok=True)

    cleaner = threading.Thread(target=unmark)
    cleaner.start()
    try:
        with pytest.raises(GptTraderError, match="a worker died 3 times") as died:
            search(more={"executor": processes}, **ask)
    finally:
        stop.set()
        cleaner.join()
    assert "finished trials are kept" in (died.value.hint or "")
    assert 6 not in logged(artifacts)


def test_a_search_that_is_cancelled_lets_go_of_its_jobs(search, processes):
    class Cancelled(Exception):
        pass

    calls = 0

    def check() -> None:
        nonlocal calls
        calls += 1
        if calls > 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        search(more={"executor": processes, "check": check}, **SLOW, executor="processes", fixed={"seconds": 0.1})
