"""A stop in the midst of branches that may each fail alone is no failure of those that it kept from running."""

from __future__ import annotations

import pytest

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
