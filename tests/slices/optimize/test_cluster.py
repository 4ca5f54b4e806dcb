"""A Dask cluster of real worker processes on this machine, of which one is killed in the middle."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from gpt_trader.adapters import clusters
from gpt_trader.adapters.clusters import dask
from gpt_trader.core.errors import UsageError
from gpt_trader.slices.optimize.log import Tail, place_of

distributed = pytest.importorskip("distributed")
SLOW: dict[str, Any] = {"strategy": "sleepy", "space": {"every": "3:26"}, "engine": "desk"}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """The scheduler's address and the two workers' processes."""
    folder = tmp_path_factory.mktemp("dask")
    quiet: Any = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
    env = {**os.environ, "PYTHONPATH": str(Path.cwd()), "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "3"}
    begin = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
    file = folder / "scheduler.json"
    scheduler = subprocess.Popen(
        [*begin, "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file)],
        env=env,
        **quiet,
    )
    work = [sys.executable, "-m", "distributed.cli.dask_worker", "--scheduler-file", str(file), "--no-nanny"]
    alone = ["--nthreads", "1", "--no-dashboard", "--host", "127.0.0.1", "--local-directory", str(folder)]
    workers = [subprocess.Popen([*work, *alone], env=env, **quiet) for _ in range(2)]
    try:
        yield _address(file, scheduler), workers
    finally:
        for process in (*workers, scheduler):
            process.kill()
            process.wait()


def _address(file, scheduler) -> str:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        assert scheduler.poll() is None
        try:
            return json.loads(file.read_text())["address"]
        except (OSError, ValueError):
            time.sleep(0.05)
    raise AssertionError("the scheduler did not start")


def strike(victim: subprocess.Popen, place: Path) -> None:
    """Kill a worker when it is at work on a trial, and others have been begun."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        begun = [f.name.split("-")[1] for f in place.iterdir()]
        if len(begun) >= 6 and str(victim.pid) in begun:
            os.kill(victim.pid, signal.SIGKILL)
            return
        time.sleep(0.005)


def test_a_cluster_finds_what_one_thread_finds_also_when_a_worker_is_killed(search, artifacts, cluster, tmp_path):
    address, workers = cluster
    with distributed.Client(address, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=30)
    place = tmp_path / "marks"
    place.mkdir()
    striker = threading.Thread(target=strike, args=(workers[0], place))
    striker.start()
    got = search(cluster=address, clusters=dask, fixed={"marks": str(place), "seconds": 0.05}, **SLOW)
    striker.join()
    assert workers[0].wait(10) == -signal.SIGKILL
    kept = [n for row in Tail(place_of(artifacts, "run:steps[0]")).rows() for n in row.get("numbers", ())]
    assert sorted(kept) == list(range(24))
    here = search(path="here", executor="here", **SLOW)
    pd.testing.assert_frame_equal(got.trial_table, here.trial_table)
    assert {f.name.split("-")[1] for f in place.iterdir()} - {str(os.getpid())} == {str(w.pid) for w in workers}


def test_the_workers_that_are_left_go_on_learning_too(search, cluster):
    address, _ = cluster
    ask = {"space": {"fast": "2:20", "slow": "25:60"}, "engine": "desk", "sampler": "tpe", "trials": 16}
    there, here = search(path="a", cluster=address, clusters=dask, **ask), search(path="b", executor="here", **ask)
    pd.testing.assert_frame_equal(there.trial_table, here.trial_table)


def test_an_address_where_nobody_answers_is_refused_with_a_cure(monkeypatch):
    monkeypatch.setattr(clusters, "SECONDS", 0.5)
    with pytest.raises(UsageError, match="no Dask scheduler answers") as refused, dask("tcp://127.0.0.1:9"):
        pass
    assert "dask scheduler" in (refused.value.hint or "")
