"""A stop in the midst of branches that may each fail alone is no failure of those that it kept from running."""

from __future__ import annotations

import pytest

from gpt_trader.workflow.active import Request
from tests.workflow.runhouse import House, workflow
from tests.workflow.test_runner import _until

EACH = """
- each:
    foreach: {in: [a, b, c, d, e, f], as: name, max: 2, fail_fast: false}
    steps: [{say: {slice: notes, method: note, with: {log: "LOG", text: "${{ name }}", seconds: 0.3}}}]
- after: {slice: notes, method: note, with: {log: "LOG", text: after}}
"""


@pytest.mark.parametrize("request_", ["stop", "pause"])
def test_the_items_that_a_stop_kept_from_running_run_when_the_run_goes_on(lite: House, request_: str) -> None:
    handle = lite.runner.start(lite.load(workflow(EACH)))
    _until(lambda: len(lite.lines()) >= 1)
    (handle.stop if request_ == "stop" else lambda: lite.runner.pause(handle.id))()
    parked = handle.result(30)
    assert parked.status == "WAITING"
    assert len(lite.lines()) < 6
    assert lite.statuses(handle.id)["steps[0]"] == ["RUNNING"]
    resumed = lite.runner.resume(handle.id).result(30)
    assert resumed.ok
    assert resumed.steps["each"]["failed"] == []
    assert sorted(lite.lines()) == ["a", "after", "b", "c", "d", "e", "f"]


def test_a_cancelled_run_does_not_count_its_branches_as_failed(lite: House) -> None:
    handle = lite.runner.start(lite.load(workflow(EACH)))
    _until(lambda: len(lite.lines()) >= 1)
    handle.cancel()
    assert handle.result(30).status == "CANCELLED"
    assert "after" not in lite.lines()
    assert lite.statuses(handle.id)["steps[0]"] != ["SUCCEEDED"]


NEVER = "{never: {slice: count, method: inc}}"
SIDE_BY_SIDE = """
- look:
    parallel:
      branches:
        left:
        - {one: {slice: notes, method: note, with: {log: "LOG", text: one, seconds: 0.6}}}
        - {two: {slice: notes, method: note, with: {log: "LOG", text: two}}}
        right:
        - {three: {slice: notes, method: note, with: {log: "LOG", text: three, seconds: 0.4}}}
        - {four: {slice: notes, method: note, with: {log: "LOG", text: four}}}
"""


@pytest.mark.parametrize("request_", ["stop", "pause", "cancel"])
def test_what_branches_did_before_a_stop_is_not_done_again(lite: House, request_: Request) -> None:
    handle = lite.runner.start(lite.load(workflow(SIDE_BY_SIDE)))
    _until(lambda: len(lite.lines()) >= 2)
    handle._run.ask(request_)
    handle.result(30)
    assert lite.statuses(handle.id)["steps[0].parallel.left[0]"] == ["SUCCEEDED"]
    assert lite.statuses(handle.id)["steps[0].parallel.right[0]"] == ["SUCCEEDED"]
    assert lite.runner.resume(handle.id, again=True).result(30).ok
    assert sorted(lite.lines()) == ["four", "one", "three", "two"]


NESTED = """
- p:
    parallel:
      fail_fast: FAST
      branches:
        left:
        - each:
            foreach: {in: [a, b], as: name, max: 1, fail_fast: false}
            steps:
            - {one: {slice: notes, method: note, with: {log: "LOG", text: "one ${{ name }}", seconds: 0.4}}}
            - {two: {slice: notes, method: note, with: {log: "LOG", text: "two ${{ name }}"}}}
        right: [{f: {slice: notes, method: note, on_error: ON_ERROR, with: {log: "LOG", text: f, fails: 1}}}]
"""


@pytest.mark.parametrize(("fast", "on_error"), [("false", "pause"), ("true", "pause"), ("true", "fail")])
def test_a_foreach_that_is_stopped_from_further_out_has_not_succeeded(home: House, fast: str, on_error: str) -> None:
    stopped = home.run(workflow(NESTED.replace("FAST", fast).replace("ON_ERROR", on_error)))
    assert stopped.status == ("WAITING" if on_error == "pause" else "FAILED")
    assert home.statuses(stopped.id)["steps[0].parallel.left[0]"] != ["SUCCEEDED"]
    assert home.runner.resume(stopped.id).result(30).ok
    assert sorted(home.lines()) == ["f", "f", "one a", "one b", "two a", "two b"]


def test_what_a_branch_did_before_another_one_failed_is_recorded(lite: House) -> None:
    steps = """
- look:
    parallel:
      branches:
        left:
        - {wait: {slice: notes, method: note, with: {log: "LOG", text: slow, seconds: 0.4}}}
        - {never: {slice: notes, method: note, with: {log: "LOG", text: never}}}
        right:
        - {bad: {slice: notes, method: note, with: {log: "LOG", text: bad, fails: 1}}}
"""
    result = lite.run(workflow(steps))
    assert result.status == "FAILED"
    assert lite.statuses(result.id)["steps[0].parallel.left[0]"] == ["SUCCEEDED"]
    assert lite.runner.resume(result.id).result(30).ok
    assert sorted(lite.lines()) == ["bad", "bad", "never", "slow"]


def test_no_step_of_a_run_that_is_over_is_running(lite: House) -> None:
    slow = "{slow: {steps: [{nap: {slice: notes, method: note, with: {log: LOG, text: slow, seconds: 0.4}}}, never]}}"
    bad = "{bad: {slice: notes, method: note, with: {log: LOG, text: bad, fails: 1}}}"
    both = f"parallel: {{branches: {{left: [{slow}], right: [{bad}]}}}}".replace("never", NEVER)
    failed = lite.run(workflow(f"- both: {{{both}}}"))
    passed = lite.run(workflow(f"- both: {{{both.replace('bad}', 'worse}')}, on_error: continue}}"))
    handle = lite.runner.start(lite.load(workflow("- g: [{h: {slice: trouble, method: hang, with: {log: LOG}}}]")))
    _until(lambda: "hang" in lite.lines())
    handle.cancel()
    assert (failed.status, passed.status, handle.result(30).status) == ("FAILED", "SUCCEEDED", "CANCELLED")
    for run_id in (failed.id, passed.id, handle.id):
        assert ["RUNNING"] not in lite.statuses(run_id).values()
    assert lite.statuses(failed.id)["steps[0].parallel.left[0]"] == ["CANCELLED"]
    assert lite.runner.resume(failed.id).result(30).ok
    assert lite.lines().count("slow") == 2, "what was done is not done again"
