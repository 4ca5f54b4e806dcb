"""Steps that hang, exit or run in processes: the runner's time limits and cancellation act on all of them."""

from __future__ import annotations

import os
import time
from concurrent.futures import Future
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import pytest

from gpt_trader.cli import conduct
from gpt_trader.cli.signals import Stopping
from gpt_trader.core.errors import Conflict
from gpt_trader.workflow.active import Change
from gpt_trader.workflow.remote import _wait
from gpt_trader.workflow.results import RunResult
from gpt_trader.workflow.strand import Strand
from tests.workflow.crashing import crash
from tests.workflow.runhouse import House, house, workflow
from tests.workflow.test_runner import _until

NOTE = "{slice: notes, method: note, with: {log: LOG, text: after}}"
SLOW_NOTE = "{slice: notes, method: note, with: {log: LOG, text: a, seconds: 0.6}}"
HANG = "{slice: trouble, method: hang, with: {log: LOG, seconds: 20}"


def test_a_step_that_hangs_is_given_up_at_its_timeout(home: House) -> None:
    began = time.monotonic()
    result = home.run(workflow(f"- h: {HANG}, timeout: 0.3}}\n- n: {NOTE}"))
    assert time.monotonic() - began < 3
    assert (result.status, result.error["message"]) == ("FAILED", "step 'h' failed: its time has run out")
    assert home.lines() == ["hang"]
    assert home.statuses(result.id) == {"steps[0]": ["FAILED"]}


def test_an_answer_that_comes_at_the_last_moment_of_a_look_is_taken() -> None:
    """It is there when the look has run out, and before anybody asks whether it is."""

    class Late(Future[Any]):
        def result(self, timeout: float | None = None) -> Any:
            if not self.done():
                self.set_result("there")
                raise TimeoutError
            return super().result(timeout)

    assert _wait(cast("Strand", None), Late()) == "there"


def test_a_run_that_ends_at_the_last_moment_of_a_look_is_told(lite: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """As above, by whoever conducts it."""
    handle = lite.runner.start(lite.load(workflow("- a: {slice: count, method: inc}")))
    done, result = handle.result(30), handle.result
    late = [True]

    def look(timeout: float | None = None) -> RunResult:
        if late:
            late.clear()
            raise TimeoutError
        return result(timeout)

    monkeypatch.setattr(handle, "result", look)
    assert conduct._wait(handle, Stopping()) == done


def test_a_step_that_hangs_is_retried_and_the_run_goes_on_without_it(home: House) -> None:
    text = workflow(
        f"- h: {HANG}, timeout: 0.2, retry: {{max_attempts: 2, delay: 0}}, on_error: continue}}\n- n: {NOTE}"
    )
    result = home.run(text)
    assert result.ok
    assert home.lines() == ["hang", "hang", "after"]
    assert home.statuses(result.id)["steps[0]"] == ["FAILED", "FAILED"]


def test_what_a_step_given_up_does_later_changes_nothing(lite: House) -> None:
    hang = HANG.replace("20", "0.8")
    result = lite.run(workflow(f"- h: {hang}, timeout: 0.2, on_error: continue}}\n- n: {NOTE}"))
    before = lite.runs.steps(result.id)
    _until(lambda: "woke" in lite.lines())
    time.sleep(0.1)
    assert lite.runs.steps(result.id) == before


def test_the_time_of_a_group_ends_the_step_inside_it(home: House) -> None:
    text = workflow(
        f"- g: {{timeout: 0.4, on_error: continue, steps: [{{n: {NOTE}}}, "
        f"{{h: {HANG}, retry: {{max_attempts: 9, delay: 0}}}}}}]}}\n- n: {NOTE}"
    )
    began = time.monotonic()
    result = home.run(text)
    assert result.ok
    assert time.monotonic() - began < 3
    assert home.lines() == ["after", "hang", "after"]


def test_a_branch_that_hangs_is_given_up_and_the_others_are_kept(home: House) -> None:
    text = workflow(
        f"- p: {{parallel: {{fail_fast: false, branches: {{h: [{{h: {HANG}, timeout: 0.3}}}}], "
        f"n: [{{n: {NOTE}}}]}}}}}}\n- m: {NOTE}"
    )
    result = home.run(text)
    assert result.ok
    assert result.steps["p"]["failed"] == ["h"]
    assert sorted(home.lines()) == ["after", "after", "hang"]


def test_steps_that_hang_do_not_use_up_the_places_of_others(lite: House) -> None:
    text = workflow(
        f"- f: {{foreach: {{in: [1, 2, 3, 4, 5, 6], as: i, fail_fast: false, max: 2}}, "
        f"steps: [{{h: {HANG}, timeout: 0.2, on_error: continue}}}}, {{n: {NOTE}}}]}}"
    )
    result = lite.run(text)
    assert result.ok
    assert lite.lines().count("after") == 6


def test_cancel_means_that_no_later_step_starts(home: House) -> None:
    text = workflow(f"- a: {{slice: notes, method: note, with: {{log: LOG, text: a, seconds: 0.4}}}}\n- n: {NOTE}")
    text += f"on_failure:\n  - x: {NOTE}\nfinally:\n  - y: {NOTE}\n"
    handle = home.runner.start(home.load(text))
    _until(home.lines)
    handle.cancel()
    assert handle.result(30).status == "CANCELLED"
    assert home.lines() == ["a"]
    assert home.runs.get(handle.id).status == "CANCELLED"


def test_cancel_also_ends_a_step_that_hangs(home: House) -> None:
    handle = home.runner.start(home.load(workflow(f"- h: {HANG}}}\n- n: {NOTE}")))
    _until(home.lines)
    began = time.monotonic()
    handle.cancel()
    assert handle.result(30).status == "CANCELLED"
    assert time.monotonic() - began < 3
    assert home.statuses(handle.id) == {"steps[0]": ["CANCELLED"]}


def test_a_run_of_another_process_is_cancelled_through_the_journal(home: House) -> None:
    handle = home.runner.start(home.load(workflow(f"- h: {HANG}}}")))
    _until(home.lines)
    with house(home.url, home.folder) as other:
        assert other.runner.cancel(handle.id) == "asked"
    assert handle.result(30).status == "CANCELLED"


def test_pause_stops_after_the_present_step_and_resume_goes_on(home: House) -> None:
    text = workflow(f"- a: {{slice: notes, method: note, with: {{log: LOG, text: a, seconds: 0.5}}}}\n- n: {NOTE}")
    handle = home.runner.start(home.load(text))
    _until(home.lines)
    home.runner.pause(handle.id)
    result = handle.result(30)
    assert (result.status, result.reason, home.lines()) == ("WAITING", "paused", ["a"])
    assert home.runner.resume(handle.id).result(30).ok
    assert home.lines() == ["a", "after"]


def test_a_pause_that_is_asked_for_after_a_cancel_does_not_undo_it(home: House) -> None:
    handle = home.runner.start(home.load(workflow(f"- a: {SLOW_NOTE}\n- n: {NOTE}")))
    _until(home.lines)
    with house(home.url, home.folder) as other:
        assert [other.runner.cancel(handle.id), other.runner.pause(handle.id)] == ["asked", "asked"]
    assert handle.result(30).status == "CANCELLED"
    assert home.lines() == ["a"]


def test_a_run_that_is_cancelled_in_the_moment_when_it_would_be_left_waiting_is_cancelled(home: House) -> None:
    text = workflow(f"- a: {NOTE}\n- f: {{slice: trouble, method: refuse, on_error: pause, with: {{log: LOG}}}}")

    def late(change: Change) -> None:
        if change.status == "FAILED":
            home.runs.ask(change.run_id, "cancel")

    with house(home.url, home.folder, observer=late) as other:
        result = other.run(text)
    assert result.status == "CANCELLED"
    record = home.runs.get(result.id)
    assert (record.status, record.request, record.lease_until) == ("CANCELLED", None, 0)
    assert home.statuses(result.id) == {"steps[0]": ["SUCCEEDED"], "steps[1]": ["FAILED"]}


def test_a_run_that_its_owner_lets_go_of_while_it_is_cancelled_is_cancelled(
    home: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = home.runner.start(home.load(workflow(f"- a: {SLOW_NOTE}\n- n: {NOTE}")))
    _until(home.lines)
    with house(home.url, home.folder) as other:
        ask = other.runs.ask

        def slowly(run_id: str, request: str) -> bool:
            handle.stop()
            assert handle.result(30).status == "WAITING"
            return ask(run_id, request)

        monkeypatch.setattr(other.runs, "ask", slowly)
        assert other.runner.cancel(handle.id) == "cancelled"
    assert home.runs.get(handle.id).status == "CANCELLED"


def test_a_cancel_that_its_owner_did_not_live_to_hear_is_not_forgotten(store_url: str, tmp_path: Path) -> None:
    text = workflow(f"- a: {SLOW_NOTE}\n- n: {NOTE}")
    assert crash(store_url, tmp_path, text, "step.called=kill")
    with house(store_url, tmp_path) as home:
        run_id = home.runs.recent()[0].id
        home.runs.ask(run_id, "cancel")
        with pytest.raises(Conflict, match="has ended: CANCELLED"):
            home.runner.resume(run_id)
        assert home.statuses(run_id) == {"steps[0]": ["CANCELLED"]}
        assert home.lines() == ["a"]
        assert home.runner.resume(run_id, again=True).result(30).ok
        assert home.lines() == ["a", "a", "after"]


def test_a_waiting_run_that_nobody_owns_is_cancelled_at_once(home: House) -> None:
    parked = home.run(workflow("- w: {wait: {for: 1h}}"), park=True)
    assert home.runner.cancel(parked.id) == "cancelled"
    assert home.runs.get(parked.id).status == "CANCELLED"


class TestProcesses:
    def test_items_may_run_in_processes(self, lite: House) -> None:
        text = workflow(
            "- f: {foreach: {in: [1, 2], as: i, executor: processes}, "
            "steps: [{w: {slice: trouble, method: where, with: {log: LOG}}}]}"
        )
        result = lite.run(text)
        assert result.ok, result.error
        pids = {item["said"] for item in result.steps["f"]["items"]}
        assert str(os.getpid()) not in pids
        assert len(pids) == 2

    def test_a_process_that_dies_fails_its_step_only(self, lite: House) -> None:
        text = workflow(
            "- p: {parallel: {executor: processes, fail_fast: false, branches: {"
            "bad: [{d: {slice: trouble, method: die, with: {log: LOG}}}], "
            f"good: [{{n: {NOTE}}}]}}}}}}"
        )
        result = lite.run(text)
        assert result.ok
        assert result.steps["p"]["failed"] == ["bad"]
        assert lite.lines() == ["after"]
        assert "ended before it answered" in str(lite.steps(result.id)["steps[0].parallel.bad[0]"][0].error)

    def test_a_process_that_hangs_is_killed(self, lite: House, tmp_path: Path) -> None:
        text = workflow(
            f"- f: {{foreach: {{in: [1], as: i, executor: processes}}, steps: [{{h: {HANG}, timeout: 2}}}}]}}"
        )
        result = lite.run(text)
        assert result.status == "FAILED"
        assert "its time has run out" in result.error["message"]
        time.sleep(0.3)
        assert "woke" not in lite.lines()

    def test_facts_of_a_process_reach_the_history(self, lite: House) -> None:
        text = workflow(f"- f: {{foreach: {{in: [1], as: i, executor: processes}}, steps: [{{n: {NOTE}}}]}}")
        result = lite.run(text)
        topics = [e["topic"] for e in lite.store.read("event.of_run", run_id=result.id)]
        assert topics == ["run.started", "notes.noted", "run.succeeded"]


class TestGroups:
    TEXT = "- a: {slice: notes, method: note, with: {log: LOG, text: '${{ inputs.n }}', seconds: 0.3}}"
    HEAD = "inputs: {{n: {{type: string}}}}\nconcurrency: {{group: account, limit: {limit}, on_conflict: {conflict}}}"

    def _start(self, home: House, n: str, conflict: str, limit: int = 1, *, then: str = "") -> Any:
        text = workflow(self.TEXT + then, head=self.HEAD.format(limit=limit, conflict=conflict))
        return home.runner.start(home.load(text), {"n": n})

    def test_queued_runs_go_one_after_the_other_in_their_order(self, home: House) -> None:
        handles = []
        for n in "abc":
            handles.append(self._start(home, n, "queue"))
            _until(lambda: len(home.runs.live()) == len(handles))
        assert all(h.result(30).ok for h in handles)
        assert home.lines() == ["a", "b", "c"]
        ends = [home.steps(h.id)["steps[0]"][0] for h in handles]
        assert all((a.ended_at or 0) <= b.started_at for a, b in pairwise(ends))

    def test_a_group_of_two_takes_two_at_once(self, home: House) -> None:
        began = time.monotonic()
        handles = [self._start(home, n, "queue", limit=2) for n in "ab"]
        assert all(h.result(30).ok for h in handles)
        assert time.monotonic() - began < 0.58

    def test_one_too_many_is_skipped(self, home: House) -> None:
        first = self._start(home, "a", "skip")
        _until(home.lines)
        second = self._start(home, "b", "skip").result(30)
        assert (second.status, second.ok) == ("SKIPPED", True)
        assert first.result(30).ok
        assert home.lines() == ["a"]
        assert home.runs.get(second.id).status == "SKIPPED"

    def test_a_newer_run_replaces_an_older_one(self, home: House) -> None:
        first = self._start(home, "a", "replace", then=f"\n- w: {{wait: {{for: 20s}}}}\n- n: {NOTE}")
        _until(home.lines)
        second = self._start(home, "b", "replace")
        assert second.result(30).ok
        assert first.result(30).status == "CANCELLED"
        assert home.lines() == ["a", "b"]

    def test_a_dead_process_keeps_nobody_out(self, store_url: str, tmp_path: Path) -> None:
        text = workflow(self.TEXT.replace("${{ inputs.n }}", "a"), head=self.HEAD.format(limit=1, conflict="queue"))
        text = text.replace("inputs: {n: {type: string}}\n", "")
        assert crash(store_url, tmp_path, text, "step.begun=kill")
        with house(store_url, tmp_path) as home:
            began = time.monotonic()
            assert home.run(text).ok
            assert time.monotonic() - began < 5


@pytest.mark.parametrize("count", [1000])
def test_many_runs_at_once_all_end_well(lite: House, count: int) -> None:
    loaded = lite.load(workflow("\n".join(f"- s{i}: {{slice: count, method: inc}}" for i in range(7))))
    handles = [lite.runner.start(loaded) for _ in range(count)]
    assert all(h.result(60).outputs == {"v": 7} for h in handles)
    assert lite.runs.counts() == {"SUCCEEDED": count}
