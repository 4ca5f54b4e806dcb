"""Random workflows whose processes are killed, stopped, paused, cancelled and robbed of their disk at random moments.

A file outside of the program judges them: no success is lost or done again, nothing that may happen once happens twice,
and what later steps saw is what is recorded.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gpt_trader.core import failpoints
from gpt_trader.core.errors import GptTraderError
from gpt_trader.core.slices import Slice
from tests.workflow.judge import Judge
from tests.workflow.plots import TOPIC, Plot
from tests.workflow.runhouse import House
from tests.workflow.witness import Witness

_server = multiprocessing.get_context("forkserver")
_server.set_forkserver_preload(
    ["tests.workflow.test_ordeals", "gpt_trader.workflow.tries", "gpt_trader.workflow.waits"]
)

PATIENCE = 60.0
TROUBLES = 8
"""So often a run is troubled; then it is let go on until it is over."""
POINTS = ("journal.begin", "journal.inside", "journal.committed", "step.begun", "step.called", "run.ending")


def _itself(cls: type[Slice]) -> type[Slice]:
    return cls


def _home(url: str, folder: Path) -> House:
    home = House(url, folder)
    home.catalog.offer("witness", partial(_itself, Witness))
    return home


def _work(url: str, folder: Path, seed: int, run_id: str, spec: str) -> None:
    """Begin the workflow of this seed, or go on with its run; Ctrl-C stops after the present step."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    home = _home(url, folder)
    plot = Plot(seed, home.log)
    failpoints.arm(spec)
    try:
        if run_id:
            handle = home.runner.resume(run_id, again=True)
        else:
            handle = home.runner.start(home.load(plot.text(), find=plot.find))
        signal.signal(signal.SIGINT, lambda *_: handle.stop())
        handle.result(PATIENCE)
    except GptTraderError:
        os._exit(1)
    except BaseException as error:  # noqa: BLE001 - told by the exit code
        (folder / "crashed.txt").write_text(repr(error))
        os._exit(2)
    os._exit(0)


class Ordeal:
    """One workflow, one journal, and what is done to the processes that run it."""

    def __init__(self, url: str, folder: Path, seed: int) -> None:
        self.url, self.folder, self.seed = url, folder, seed
        self.chance = random.Random(seed)
        self.home = _home(url, folder)
        self.run_id = ""
        self.judge: Judge | None = None

    def pass_through(self) -> None:
        """Trouble the run until it has had enough, then let it succeed, and judge it."""
        acts = [self._kill] * 4 + [self._stop, self._freeze, self._pause, self._cancel, self._cancel_and_pause]
        for trouble in range(60):
            hard = trouble < TROUBLES
            process = self._begin(self._point() if hard and self.chance.random() < 0.4 else "")
            self._wait(process, self.chance.choice([0.15, 0.4, 2.0]) * self.chance.random() if hard else PATIENCE)
            if process.is_alive():
                self.chance.choice(acts)(process)
            self._wait(process, PATIENCE)
            assert not process.is_alive(), "it does not end"
            assert process.exitcode in (0, 1, -signal.SIGKILL), (self.folder / "crashed.txt").read_text()
            if self._over():
                return
        raise AssertionError(f"it never ends: {self.home.runs.get(self.run_id)}")

    def _over(self) -> bool:
        self._find()
        if not self.run_id:
            return False
        self.judge = self.judge or Judge(self.home, self.run_id)
        self.judge.look()
        if self.home.runs.get(self.run_id).status != "SUCCEEDED":
            return False
        self.judge.end()
        return True

    def _begin(self, spec: str) -> Any:
        self._find()
        process = _server.Process(target=_work, args=(self.url, self.folder, self.seed, self.run_id, spec))
        process.start()
        return process

    def _point(self) -> str:
        point = self.chance.choice(POINTS)
        action = self.chance.choice(["kill", "full"]) if point == "journal.inside" else "kill"
        return f"{point}={action}@{self.chance.randint(1, 12)}"

    def _find(self) -> None:
        if not self.run_id:
            self.run_id = next((run.id for run in self.home.runs.recent(count=1)), "")

    def _wait(self, process: Any, seconds: float) -> None:
        """Let time pass, in which a person answers, and the market ticks."""
        end = time.monotonic() + seconds
        while process.is_alive() and time.monotonic() < end:
            self._find()
            for asked in self.home.runs.open_approvals():
                self.home.runs.decide(asked.run_id, asked.path, approved=True, by="Ada")
            self.home.store.write([self.home.runs.event(TOPIC, {}, run_id="")])
            process.join(0.02)

    # what is done to a process

    def _kill(self, process: Any) -> None:
        process.kill()

    def _stop(self, process: Any) -> None:
        os.kill(process.pid, signal.SIGINT)

    def _freeze(self, process: Any) -> None:
        os.kill(process.pid, signal.SIGSTOP)
        time.sleep(self.chance.uniform(0, 0.4))
        os.kill(process.pid, signal.SIGCONT)

    def _pause(self, process: Any) -> None:
        with suppress(GptTraderError):  # it ended just now, or has not begun
            self.home.runner.pause(self.run_id or "latest")

    def _cancel(self, process: Any) -> None:
        with suppress(GptTraderError):  # it ended just now, or has not begun
            self.home.runner.cancel(self.run_id or "latest")

    def _cancel_and_pause(self, process: Any) -> None:
        self._cancel(process)
        with suppress(GptTraderError):
            self.home.runner.pause(self.run_id or "latest")
        if self.chance.random() < 0.5:
            process.kill()


def _pass_through(url: str, folder: Path, seed: int) -> None:
    ordeal = Ordeal(url, folder, seed)
    try:
        ordeal.pass_through()
    finally:
        ordeal.home.close()


@pytest.mark.parametrize("seed", range(3))
def test_a_run_passes_through_an_ordeal(store_url: str, tmp_path: Path, seed: int) -> None:
    _pass_through(store_url, tmp_path, seed)


@pytest.mark.soak
@pytest.mark.timeout(120)
@pytest.mark.parametrize("seed", range(100, 250))
def test_a_run_passes_through_many_ordeals(store_url: str, tmp_path: Path, seed: int) -> None:
    _pass_through(store_url, tmp_path, seed)
