"""What the journal counts is what happened."""

from __future__ import annotations

import pytest

from gpt_trader.app.settings import load_settings
from gpt_trader.app.wiring import Application

WORKFLOW = """
name: watched
steps:
  - fetch_data: {slice: data, method: get_historical, with: {symbols: [AAPL], start: "2012-01-01"}}
  - counted: {slice: monitor, method: metrics}
"""


@pytest.fixture
def app(tmp_path):
    settings = load_settings(env={"GPT_TRADER_HOME": str(tmp_path / "home")}, cwd=tmp_path)
    (tmp_path / "watched.yaml").write_text(WORKFLOW)
    with Application(settings) as made:
        yield made


def test_a_step_counts_runs_steps_and_events_its_own_run_too(app, tmp_path):
    workflow = app.library.load(str(tmp_path / "watched.yaml"))
    first = app.runner.start(workflow, {}).result()
    second = app.runner.start(workflow, {}).result()
    assert second.ok, second.error
    counts = second.outputs["counts"]
    assert (counts["runs"], counts["runs_succeeded"], counts["runs_running"]) == (2, 1, 1)
    assert (counts["steps_succeeded"], counts["steps_running"]) == (3, 1)
    assert (counts["dead_letters"], counts["open_approvals"]) == (0, 0)
    assert counts["events"] > first.outputs["counts"]["events"] > 0
    newest, oldest = second.outputs["recent_runs"]
    assert (newest["id"], newest["status"], newest["seconds"]) == (second.id, "RUNNING", None)
    assert (oldest["id"], oldest["steps"]) == (first.id, {"succeeded": 2})
    assert oldest["seconds"] > 0


def test_the_steps_of_all_runs_are_counted_however_few_are_told(app, tmp_path):
    workflow = app.library.load(str(tmp_path / "watched.yaml"))
    for _ in range(3):
        assert app.runner.start(workflow, {}).result().ok
    told = app.facts(1)
    assert len(told["recent"]) == 1
    assert (told["counts"]["steps"], told["counts"]["steps_succeeded"]) == (6, 6)


def test_no_run_is_told_where_none_is_asked_for(app):
    nothing = dict.fromkeys(("runs", "steps", "events", "dead_letters", "open_approvals"), 0)
    assert app.facts(0) == {"counts": nothing, "recent": []}
