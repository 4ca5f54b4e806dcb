"""Who may go on with a run, and when: one owner at a time, leases of what is at work, groups that hold and let in."""

from __future__ import annotations

import time
from typing import Any

import pytest

from gpt_trader.core.errors import Conflict, Fenced
from tests.workflow.runhouse import House, house, workflow
from tests.workflow.test_runner import _until

SLOW = "- a: {slice: notes, method: note, with: {log: LOG, text: a, seconds: 0.6}}"
GATE = "- gate: {approval: {message: 'Go?'}}\n- order: {slice: notes, method: note, with: {log: LOG, text: sent}}"
GROUP = "concurrency: {{group: account, on_conflict: {conflict}}}"


def test_a_run_is_not_resumed_beside_itself(home: House) -> None:
    handle = home.runner.start(home.load(workflow(SLOW)))
    _until(home.lines)
    with pytest.raises(Conflict, match="by this process"):
        home.runner.resume(handle.id)
    assert handle.result(30).ok
    assert home.lines() == ["a"]


def test_a_run_that_was_cancelled_while_a_resume_waited_for_it_stays_so(home: House) -> None:
    parked = home.run(workflow(GATE), park=True)
    seen = home.runs.get(parked.id)
    home.runner.cancel(parked.id)
    with pytest.raises(Conflict, match="taken over, or ended"):
        home.runs.take(seen, "one:1:1:a")
    with pytest.raises(Conflict, match="has ended: CANCELLED"):
        home.runner.resume(parked.id)


def test_the_lease_of_a_parked_run_is_not_renewed_by_others_of_its_owner(home: House) -> None:
    parked = home.run(workflow(GATE), park=True)
    assert home.run(workflow("- w: {wait: {for: 1.3s}}")).ok
    assert home.runs.get(parked.id).lease_until == 0
    (asked,) = home.runs.open_approvals()
    home.runs.decide(parked.id, asked.path, approved=True, by="Ada")
    with house(home.url, home.folder) as other:
        began = time.monotonic()
        assert other.runner.resume(parked.id).result(30).ok
        assert time.monotonic() - began < 2


def test_an_approval_that_comes_too_late_is_none(home: House) -> None:
    gate = GATE.replace("'Go?'", "'Go?', timeout: 0.2, on_timeout: reject")
    parked = home.run(workflow(gate), park=True)
    (asked,) = home.runs.open_approvals()
    time.sleep(0.25)
    assert not home.runs.decide(parked.id, asked.path, approved=True, by="Ada")
    assert home.runner.resume(parked.id).result(30).status == "FAILED"
    assert home.lines() == []


def test_a_wait_for_an_event_keeps_its_deadline_over_a_resume(home: House) -> None:
    text = workflow("- w: {wait: {event: {topic: price.seen, timeout: 0.6}}}")
    parked = home.run(text, park=True)
    time.sleep(0.6)
    began = time.monotonic()
    assert "came in time" in str(home.runner.resume(parked.id).result(30).error)
    assert time.monotonic() - began < 0.5


def test_two_questions_at_once_keep_the_run_waiting_until_both_are_answered(home: House) -> None:
    text = workflow(
        "- p: {parallel: {branches: {x: [{g1: {approval: {message: one}}}], y: [{g2: {approval: {message: two}}}]}}}"
    )
    handle = home.runner.start(home.load(text))
    asked = _until(lambda: len(home.runs.open_approvals()) == 2 and home.runs.open_approvals())
    home.runs.decide(handle.id, asked[0].path, approved=True, by="Ada")
    time.sleep(0.3)
    assert home.runs.get(handle.id).status == "WAITING"
    home.runs.decide(handle.id, asked[1].path, approved=True, by="Ada")
    assert handle.result(30).ok


class TestGroupsAndResume:
    def _text(self, steps: str, conflict: str = "queue") -> str:
        return workflow(steps, head=GROUP.format(conflict=conflict))

    def test_a_retried_run_waits_for_room_like_any_other(self, home: House) -> None:
        failed = home.run(self._text("- f: {slice: notes, method: note, with: {log: LOG, text: f, fails: 1}}"))
        assert failed.status == "FAILED"
        holder = home.runner.start(home.load(self._text(SLOW)))
        _until(lambda: "a" in home.lines())
        again = home.runner.resume(failed.id)
        time.sleep(0.2)
        assert home.runs.get(failed.id).reason == "queued"
        assert holder.result(30).ok
        assert again.result(30).ok
        assert home.lines() == ["f", "a", "f"]

    def test_two_resumed_runs_of_a_group_go_one_after_the_other(self, home: House) -> None:
        failing = self._text("- f: {slice: notes, method: note, with: {log: LOG, text: '${{ run.id }}', fails: 1}}")
        ids = [home.run(failing).id for _ in range(2)]
        handles = [home.runner.resume(run_id) for run_id in ids]
        assert all(h.result(30).ok for h in handles)

    def test_newcomers_replace_what_is_older_and_not_one_another(self, home: House) -> None:
        steps = "- w: {wait: {for: 20s}}\n- n: {slice: count, method: inc}"
        first: Any = home.runner.start(home.load(self._text(steps, "replace")))
        _until(lambda: home.runs.checkpoint(first.id, "steps[0]"))
        second = home.runner.start(home.load(self._text(steps, "replace")))
        time.sleep(0.01)
        third = home.runner.start(home.load(self._text("- n: {slice: count, method: inc}", "replace")))
        assert [h.result(30).status for h in (first, second, third)] == ["CANCELLED", "CANCELLED", "SUCCEEDED"]


class TestAfterwards:
    def test_a_finally_that_was_skipped_does_not_stop_a_resume(self, home: House) -> None:
        text = workflow("- f: {slice: notes, method: note, with: {log: LOG, text: f, fails: 2}}")
        text += "finally:\n  - s: {slice: count, method: inc, if: '${{ 1 > 2 }}'}\n"
        failed = home.run(text)
        assert home.runner.resume(failed.id).result(30).status == "FAILED"
        assert home.runner.resume(failed.id).result(30).ok

    def test_finally_runs_though_on_failure_fails_and_the_first_error_is_told(self, home: House) -> None:
        text = workflow("- a: {slice: count, method: score, with: {symbol: BAD}}")
        text += "on_failure:\n  - x: {slice: trouble, method: refuse, with: {log: LOG}}\n"
        text += "finally:\n  - y: {slice: notes, method: note, with: {log: LOG, text: done}}\n"
        result = home.run(text)
        assert "no such thing as BAD" in result.error["message"]
        assert home.lines() == ["refuse", "done"]

    @pytest.mark.parametrize("section", ["on_failure", "finally"])
    def test_what_is_done_after_a_failure_hides_it_not_by_failing_itself(self, home: House, section: str) -> None:
        text = workflow("- a: {slice: count, method: score, with: {symbol: BAD}}")
        text += f"{section}:\n  - x: {{slice: count, method: inc, with: {{v: '${{{{ steps.a.score }}}}'}}}}\n"
        result = home.run(text)
        assert "no such thing as BAD" in result.error["message"]
        assert result.error["path"] == "steps[0]"
        assert home.statuses(result.id)[f"{section}[0]"] == ["FAILED"]

    def test_the_finally_of_a_sub_workflow_runs_again_after_a_retry(self, home: House) -> None:
        inner = workflow("- f: {slice: notes, method: note, with: {log: LOG, text: f, fails: 1}}", name="inner")
        inner += "finally:\n  - y: {slice: notes, method: note, with: {log: LOG, text: done}}\n"
        inner = inner.replace("LOG", str(home.log))
        outer = home.load(workflow("- sub: {workflow: inner}"), find=lambda name: (inner, "inner.yaml"))
        failed = home.runner.start(outer).result(30)
        assert home.runner.resume(failed.id).result(30).ok
        assert home.lines() == ["f", "done", "f", "done"]

    def test_what_a_sub_workflow_that_succeeded_did_at_its_end_stays_done_after_a_retry(self, home: House) -> None:
        inner = workflow("- a: {slice: notes, method: note, with: {log: LOG, text: a}}", name="inner")
        inner += "finally:\n  - y: {slice: notes, method: note, with: {log: LOG, text: done}}\n"
        inner = inner.replace("LOG", str(home.log))
        after = "- f: {slice: notes, method: note, with: {log: LOG, text: f, fails: 1}}"
        outer = home.load(workflow(f"- sub: {{workflow: inner}}\n{after}"), find=lambda name: (inner, "inner.yaml"))
        failed = home.runner.start(outer).result(30)
        before = [r for r in home.runs.steps(failed.id) if r.status == "SUCCEEDED"]
        assert "steps[0].workflow.finally[0]" in [r.path for r in before]
        assert home.runner.resume(failed.id).result(30).ok
        assert home.lines() == ["a", "done", "f", "f"]
        assert [r for r in home.runs.steps(failed.id) if r.path.startswith("steps[0]")] == before

    @pytest.mark.parametrize("where", ["on_failure", "finally"])
    def test_what_may_happen_once_only_is_not_done_again_nor_asked_about_after_a_resume(
        self, home: House, where: str
    ) -> None:
        text = workflow("- f: {slice: notes, method: note, with: {log: LOG, text: f, fails: 2}}")
        text += f"{where}:\n  - o: {{slice: notes, method: order, effect: once, with: {{log: LOG}}}}\n"
        text += "  - n: {slice: notes, method: note, with: {log: LOG, text: after}}\n"
        failed = home.run(text)
        again = home.runner.resume(failed.id, park=True).result(30)
        assert (again.status, again.reason) == ("FAILED", "")
        assert home.runner.resume(failed.id, park=True).result(30).ok
        assert [line for line in home.lines() if line.startswith("order")] == [f"order {failed.id}:{where}[0]"]
        assert home.statuses(failed.id)[f"{where}[0]"][-1] == ("SUCCEEDED" if where == "finally" else "CANCELLED")
        assert home.lines().count("after") == (2 if where == "on_failure" else 3)


class TestTries:
    def test_a_refused_step_is_not_called_again_when_a_later_one_hangs(self, home: House) -> None:
        text = workflow(
            "- r: {slice: trouble, method: refuse, with: {log: LOG}, on_error: continue, "
            "retry: {max_attempts: 3, delay: 0}}\n"
            "- h: {slice: trouble, method: hang, with: {log: LOG}, timeout: 0.3, on_error: continue}"
        )
        assert home.run(text).ok
        assert home.lines() == ["refuse", "hang"]

    def test_tries_that_were_left_are_made_after_a_resume(self, home: House) -> None:
        text = workflow(
            "- f: {slice: notes, method: note, with: {log: LOG, text: f, fails: 2}, on_error: continue, "
            "retry: {max_attempts: 3, delay: 5, jitter: false}}"
        )
        handle = home.runner.start(home.load(text))
        _until(home.lines)
        time.sleep(0.1)
        handle.stop()
        assert handle.result(30).status == "WAITING"
        quick = home.runs.get(handle.id)
        assert quick.status == "WAITING"
        resumed = home.runner.resume(handle.id)
        _until(lambda: len(home.lines()) == 2)
        resumed.stop()
        resumed.result(30)

    def test_a_reconcile_that_hangs_is_given_up_at_the_steps_timeout(self, home: House) -> None:
        text = workflow(
            "- o: {slice: trouble, method: send, effect: once, reconcile: hang, timeout: 0.4, with: {log: LOG}}"
        )
        assert home.run(text).status == "FAILED"
        began = time.monotonic()
        assert home.runner.resume("latest").result(30).status == "FAILED"
        assert time.monotonic() - began < 5
        assert home.runs.get("latest").status == "FAILED"

    def test_a_group_goes_on_being_recorded_when_a_reconcile_inside_it_hangs(self, home: House) -> None:
        send = "{slice: trouble, method: send, effect: once, reconcile: hang, timeout: 0.4, with: {log: LOG}}"
        failed = home.run(workflow(f"- g: {{steps: [{{o: {send}}}]}}"))
        again = home.runner.resume(failed.id).result(30)
        assert again.status == "FAILED"
        assert again.error is not None
        assert again.error["message"] == "step 'o' failed: its time has run out"
        assert home.statuses(failed.id) == {"steps[0]": ["FAILED"], "steps[0].steps[0]": ["FAILED"]}
        assert home.runs.get(failed.id).status == "FAILED"

    @pytest.mark.parametrize("look", ["leave", "quit_task", "refuse"])
    def test_a_reconcile_that_fails_or_exits_fails_its_step_and_is_over(self, home: House, look: str) -> None:
        text = f"- o: {{slice: trouble, method: send, effect: once, reconcile: {look}, with: {{log: LOG}}}}"
        failed = home.run(workflow(text))
        assert failed.status == "FAILED"
        assert home.runner.resume(failed.id).result(30).status == "FAILED"
        assert home.statuses(failed.id) == {"steps[0]": ["FAILED"]}

    def test_a_failed_look_leaves_nobody_to_be_given_up(self, home: House) -> None:
        """Else a later deadline would fail the step that was looked up, in the middle of another one."""
        order = (
            "{o: {slice: trouble, method: send, effect: once, reconcile: refuse, on_error: continue, with: {log: LOG}}}"
        )
        text = workflow(f"- g: {{timeout: 0.6, steps: [{order}, {{a: {{approval: {{message: Go?}}}}}}]}}")
        parked = home.run(text, park=True)
        with house(home.url, home.folder) as other:
            taken = other.runs.get(parked.id)
            other.store.write([("step.again", {"run_id": taken.id, "owner": taken.owner, "fence": taken.fence,
                                               "path": "steps[0].steps[0]", "attempt": 1}, True)])  # fmt: skip
            assert other.runner.resume(parked.id).result(30).status == "FAILED"
            errors = [r.error or "" for r in other.steps(parked.id)["steps[0].steps[0]"]]
        assert not any("time has run out" in error for error in errors)


def test_a_run_that_would_begin_with_a_record_that_was_forgotten_meanwhile_does_not_begin(home: House) -> None:
    """Else it would hold its step for done, and a resume would do it again."""
    text = workflow("- a: {slice: notes, method: note, with: {log: LOG, text: a}}\n- b: {slice: count, method: inc}")
    first = home.run(text)
    records = home.runs.steps

    def pruned_meanwhile(run_id: str) -> Any:
        found = records(run_id)
        home.runs.prune(before=home.runs.now())
        return found

    home.runs.steps = pruned_meanwhile  # type: ignore[method-assign]
    with pytest.raises(Fenced):
        home.runner.rerun(first.id, from_step="b").result(30)
    assert home.runs.recent() == []


@pytest.mark.parametrize("method", ["leave", "quit_task"])
def test_whatever_a_step_raises_fails_it_and_is_recorded(home: House, method: str) -> None:
    result = home.run(workflow(f"- l: {{slice: trouble, method: {method}, with: {{log: LOG}}}}"))
    assert result.status == "FAILED"
    assert home.runs.get(result.id).status == "FAILED"


def test_a_process_that_exits_fails_its_step(lite: House) -> None:
    leave = "{slice: trouble, method: leave, with: {log: LOG}}"
    text = workflow(f"- f: {{foreach: {{in: [1], as: i, executor: processes}}, steps: [{{l: {leave}}}]}}")
    assert lite.run(text).status == "FAILED"


def test_a_cache_grows_old_also_while_it_is_used(lite: House) -> None:
    text = workflow("- a: {slice: notes, method: note, with: {log: LOG, text: x}, cache: {ttl: 0.6}}")
    end = time.monotonic() + 1.5
    while time.monotonic() < end:
        assert lite.run(text).ok
        time.sleep(0.1)
    assert 2 <= len(lite.lines()) <= 4
