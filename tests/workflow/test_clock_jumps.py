"""A clock that is set while a run waits: lengths of time pass as they would, and no owner loses its run."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from gpt_trader.core.errors import Conflict
from gpt_trader.trading.clocks import WallClock
from tests.workflow.runhouse import house, workflow
from tests.workflow.test_runner import _until

HOUR = 3600.0
FAILS = "slice: notes, method: note, with: {log: LOG, text: w, fails: 1}"
WAITS = {
    "wait": ("- w: {wait: {for: 1s}}", "SUCCEEDED"),
    "event": ("- w: {wait: {event: {topic: a.b, timeout: 1s}}}", "FAILED"),
    "approval": ("- w: {approval: {timeout: 1s, on_timeout: approve}}", "SUCCEEDED"),
    "loop": ("- w: {trigger: {topic: a.b, idle: 1s}, steps: [{n: {slice: count, method: inc}}]}", "SUCCEEDED"),
    "timeout": ("- w: {slice: trouble, method: hang, timeout: 1s, with: {log: LOG, seconds: 20}}", "FAILED"),
    "retry": (f"- w: {{{FAILS}, retry: {{max_attempts: 2, delay: 1s, jitter: false}}}}", "SUCCEEDED"),
}


class Settable(WallClock):
    """The wall's clock, which somebody sets."""

    def __init__(self, off: float = 0.0) -> None:
        self.off = off

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self.off)

    def micros(self) -> int:
        return super().micros() + int(self.off * 1e6)


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
@pytest.mark.parametrize("what", WAITS)
def test_a_length_of_time_passes_whatever_is_done_to_the_clock(tmp_path: Path, what: str, jump: float) -> None:
    text, status = WAITS[what]
    clock = Settable()
    with house(f"sqlite:///{tmp_path / 'journal.db'}", tmp_path, clock=clock) as home:
        began = time.monotonic()
        handle = home.runner.start(home.load(workflow(text)))
        _until(lambda: home.runs.steps(handle.id))
        time.sleep(0.3)
        clock.off = jump
        assert handle.result(10).status == status
        assert 0.9 < time.monotonic() - began < 5


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
def test_a_run_keeps_its_owner_whatever_is_done_to_the_clock(tmp_path: Path, jump: float) -> None:
    url, clock = f"sqlite:///{tmp_path / 'journal.db'}", Settable()
    text = workflow("- a: {slice: notes, method: note, with: {log: LOG, text: a, seconds: 3}}")
    with house(url, tmp_path, clock=clock) as home, house(url, tmp_path, clock=clock) as other:
        handle = home.runner.start(home.load(text))
        _until(home.lines)
        clock.off = jump
        time.sleep(0.5)
        with pytest.raises(Conflict, match="is being run by process"):
            other.runner.resume(handle.id)
        assert handle.result(10).ok
        assert home.lines() == ["a"]


def test_a_wait_that_goes_on_under_an_earlier_clock_takes_no_longer_than_it_was_to_take(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'journal.db'}"
    with house(url, tmp_path) as home:
        parked = home.run(workflow("- w: {wait: {for: 1s}}"), park=True)
    with house(url, tmp_path, clock=Settable(-HOUR)) as home:
        assert home.runner.resume(parked.id).result(10).ok
