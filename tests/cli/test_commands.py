"""The commands one by one: exit codes, what goes where, and the shapes of their documents."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft7Validator

from tests.cli.conftest import WORKFLOWS

pytestmark = pytest.mark.usefixtures("project")


def ran(call, *words: str) -> str:
    """The id of a run that was just made."""
    found = call("run", "three", "--json", *words)
    return str(found.json["id"])


# --- validate, plan, workflows, slices --------------------------------------------------------------------------------


def test_validate_looks_at_every_workflow_of_the_project(call):
    found = call("validate")
    assert (found.code, found.out) == (0, "")
    assert "ok workflows/three.yaml" in found.err


def test_validate_tells_all_faults_with_their_places(call, project):
    (project / "bad.yaml").write_text(
        "name: bad\nsteps:\n  - one: {slice: dsk, method: work}\n  - two: {slise: desk}\n"
    )
    found = call("validate", "bad.yaml")
    assert found.code == 3
    assert "bad.yaml:3:" in found.out
    assert "bad.yaml:4:" in found.out
    assert "did you mean 'desk'?" in found.out
    assert "error:" in found.err


@pytest.mark.parametrize("way", ["json", "github", "sarif"])
def test_validate_writes_for_machines(call, project, way):
    (project / "bad.yaml").write_text("name: bad\n")
    found = call("validate", "bad.yaml", "--format", way)
    assert found.code == 3
    assert found.err == ""
    if way == "github":
        assert found.out.startswith("::error file=bad.yaml")
        assert call("validate", "three", "--format", way).out == ""
    else:
        assert found.json["version"] in (1, "2.1.0")


def test_validate_json_is_a_document_also_without_faults(call):
    assert call("validate", "three", "--json").json == {"version": 1, "faults": []}


def test_a_workflow_that_does_not_exist_is_guessed(call):
    found = call("validate", "thre")
    assert found.code == 2
    assert "did you mean 'three'?" in found.err


def test_plan_shows_what_feeds_what(call):
    found = call("plan", "three")
    assert found.code == 0
    assert "second  desk.work" in found.out
    assert "symbols <- input symbols" in found.out
    assert call("plan", "three", "--json").json["steps"][0]["does"] == "desk.work"


def test_plan_says_what_is_asked_and_what_silence_means(call, project):
    """An approval that nobody answers may count as a yes: that is to be seen beforehand."""
    text = (
        "name: slow\nsteps:\n"
        "  - gate: {approval: {message: Buy?, timeout: 10m, on_timeout: approve}}\n"
        "  - rest: {wait: {for: 90s}}\n"
        "  - bell: {wait: {event: {topic: trade.*, timeout: 1h}}}\n"
    )
    (project / "workflows" / "slow.yaml").write_text(text)
    steps = call("plan", "slow", "--json").json["steps"]
    assert [s["does"] for s in steps] == [
        "asks 'Buy?', approved after 600 s without an answer",
        "waits 90 s",
        "waits for trade.*, for 3600 s at most",
    ]


def test_a_workflow_that_lies_beside_is_told_from_one_that_can_be_named(call, project):
    (project / "near.yaml").write_text("name: near\nsteps: [{sub: {workflow: nearer}}]\n")
    (project / "nearer.yaml").write_text("name: nearer\nsteps: [{w: {wait: {for: 1s}}}]\n")
    told = "nearer.yaml is found by its path; by its name only in workflows"
    assert f"hint: {told}" in call("run", "nearer").err
    assert f"hint: {told}" in call("validate", "near.yaml").out


def test_workflows_are_listed_and_shown(call, project):
    rows = call("workflows", "list", "--json").json["workflows"]
    assert [(r["name"], r["origin"]) for r in rows if r["origin"] == "project"] == [
        ("gated", "project"),
        ("stuck", "project"),
        ("three", "project"),
    ]
    assert "Three steps in a row." in call("workflows", "list").out
    assert call("workflows", "show", "three").out.strip() == (project / "workflows/three.yaml").read_text().strip()
    assert call("workflows", "show", "three", "--json").json["name"] == "three"


def test_a_broken_file_is_still_listed(call, project):
    (project / "workflows/broken.yaml").write_text("a: [")
    assert "broken" in call("workflows", "list").out


def test_the_schema_takes_the_workflows_of_the_project(call, project):
    schema = json.loads(call("workflows", "schema").out)
    Draft7Validator.check_schema(schema)
    Draft7Validator(schema).validate(yaml.safe_load((project / "workflows/three.yaml").read_text()))
    assert "params.desk.work" in schema["definitions"]


def test_slices_are_listed_and_shown(call):
    rows = call("slices", "list", "--json").json["slices"]
    (desk,) = [r for r in rows if r["name"] == "desk"]
    assert [m["name"] for m in desk["methods"]] == ["hang", "work"]
    assert "hang, work" in call("slices", "list").out
    shown = call("slices", "show", "desk")
    assert "symbols: list[str], ['AAPL'] by default" in shown.out
    assert "gives count, score, names" in shown.out
    assert "did you mean 'desk'?" in call("slices", "show", "dsk").err


def test_a_slice_that_cannot_be_loaded_is_told_and_spoils_no_other(call, project):
    (project / "plugins/slices/broken.py").write_text("import nothing_of_this_name")
    found = call("slices", "list")
    assert found.code == 3
    assert "cannot be used" in found.out
    assert "hang, work" in found.out


# --- run and runs -----------------------------------------------------------------------------------------------------


def test_run_prints_the_outputs_on_stdout_and_its_steps_on_stderr(call):
    found = call("run", "three", "--symbols", "IBM", "KO")
    assert found.code == 0
    assert found.out.startswith("three  SUCCEEDED")
    assert '  names  ["IBM", "KO"]' in found.out
    assert [line.split()[:2] for line in found.err.splitlines()[1:]] == [
        ["done", "first"],
        ["done", "second"],
        ["done", "third"],
    ]


@pytest.mark.parametrize(
    "words",
    [
        ("--symbols", "IBM", "KO"),
        ("--symbols", "IBM,KO"),
        ("--symbols=IBM", "--symbols=KO"),
        ("--input", "symbols=IBM,KO"),
    ],
)
def test_an_input_takes_several_values_in_every_way(call, words):
    assert call("run", "three", "--json", *words).json["outputs"]["names"] == ["IBM", "KO"]


def test_run_json_is_one_document(call):
    found = call("run", "three", "--json")
    document = found.json
    assert {"version", "id", "workflow", "mode", "status", "error", "steps", "outputs", "exit_code"} <= set(document)
    assert (document["version"], document["status"], document["exit_code"]) == (1, "SUCCEEDED", 0)
    assert [s["name"] for s in document["steps"]] == ["first", "second", "third"]
    assert document["steps"][0]["seconds"] >= 0


def test_a_workflow_that_an_option_swallowed_is_found_again(call):
    found = call("run", "--symbols", "IBM", "three")
    assert found.code == 2
    assert "name the workflow first: gpt-trader run three --symbols IBM" in found.err


def test_an_unknown_input_may_be_an_option(call):
    assert "did you mean '--symbols'" in call("run", "three", "--symbol", "IBM").err
    assert "did you mean '--json'" in call("run", "three", "--jsno").err


def test_a_wrong_input_is_a_validation_error(call):
    found = call("run", "three", "--sleep", "long")
    assert found.code == 3
    assert "must be a number" in found.err


def test_no_workflow_and_no_such_mode(call):
    assert call("run").code == 2
    assert "did you mean 'paper'?" in call("run", "three", "--mode", "papr").err


def test_live_trading_is_refused_with_the_reason(call):
    refused = call("run", "--mode", "live", "--strategy", "momentum")
    assert refused.code == 4
    assert "live trading is refused without --live: orders would be real" in refused.err
    assert call("run", "live_check").code == 4
    unfit = call("run", "three", "--mode", "live", "--live")
    assert unfit.code == 2
    assert "made for backtest" in unfit.err
    assert call("run", "three", "--mode", "paper", "--live").code == 2
    assert call("run", "three", "--live").code == 2


def test_live_trading_names_what_is_missing(call):
    live = ("run", "--mode", "live", "--live")
    faulty = call(*live, "--strategy", "momentun", "--limits", "none")
    assert faulty.code == 3
    for words in ("no symbol is named", "no venue is named", "no account is named", "'momentun'", "always has limits"):
        assert words in faulty.err
    whole = call(*live, "--strategy", "momentum", "--symbols", "AAPL", "--venue", "alpaca", "--account", "a")
    assert whole.code == 4
    assert "this version has no venue to send orders to" in whole.err


def test_a_dry_run_runs_nothing(call):
    found = call("run", "three", "--symbols", "IBM", "--dry-run")
    assert found.code == 0
    assert 'input symbols: ["IBM"]' in found.out
    assert call("runs", "list", "--json").json["runs"] == []


def test_a_failed_run_says_which_step_why_what_was_done_and_what_goes_on(call):
    found = call("run", "three", "--fail")
    assert found.code == 1
    assert found.out.startswith("three  FAILED")
    assert "error: step 'second' failed: ValueError: no luck; 1 of 3 steps are done" in found.err
    run_id = call("runs", "list", "--json").json["runs"][0]["id"]
    assert f"hint: go on where it failed: gpt-trader runs resume {run_id}" in found.err
    assert "Traceback" not in found.err


def test_quiet_prints_results_and_errors_alone(call):
    assert call("run", "three", "-q").err == ""
    assert call("run", "three", "--fail", "-q").err.startswith("error: step 'second' failed")


def test_runs_are_listed_shown_and_logged(call):
    run_id = ran(call)
    assert [r["id"] for r in call("runs", "list", "--json").json["runs"]] == [run_id]
    assert call("runs", "list", "--status", "failed", "--json").json["runs"] == []
    assert run_id in call("runs", "list", "--workflow", "three").out
    shown = call("runs", "show", "latest")
    assert "third" in shown.out
    assert "score=0.5" in shown.out
    assert call("runs", "show", run_id[-5:], "--json").json["inputs"]["symbols"] == ["AAPL", "MSFT"]
    topics = [json.loads(line)["topic"] for line in call("runs", "logs", run_id, "--json").out.splitlines()]
    assert topics[0] == "run.started"
    assert topics.count("step.succeeded") == 3
    assert "run.succeeded" in call("runs", "logs", run_id).out


def test_the_events_of_a_failed_run_say_why_it_failed(call):
    call("run", "three", "--fail")
    assert "error=step 'second' failed: ValueError: no luck" in call("events", "tail", "run.failed").out


def test_a_run_that_does_not_exist_is_a_usage_error(call):
    assert call("runs", "show", "nothing").code == 2
    assert call("runs", "show", "latest").code == 2


def test_retry_goes_on_and_rerun_begins_again(call):
    call("run", "three", "--fail")
    failed = call("runs", "retry", "latest")
    assert failed.code == 1
    assert "first" not in failed.err
    again = call("runs", "rerun", "latest", "--json")
    assert again.code == 1
    assert again.json["forked_from"] is not None


def test_fork_changes_inputs_and_keeps_results(call):
    ran(call)
    found = call("runs", "fork", "latest", "--from", "third", "--symbols", "KO", "--json")
    assert found.json["outputs"]["names"] == ["KO"]
    assert "would keep: first, second" in call("runs", "fork", "latest", "--from", "third", "--dry-run").out
    assert "did you mean 'third'?" in call("runs", "rerun", "latest", "--from", "thrid", "--dry-run").err


def test_what_a_fork_or_a_rerun_keeps_counts_as_done(call):
    ran(call)
    call("runs", "rerun", "latest", "--from", "second")
    failed = call("runs", "fork", "latest", "--from", "second", "--fail")
    assert failed.code == 1
    assert "no luck; 1 of 3 steps are done" in failed.err
    assert "first" not in failed.err


def test_a_run_that_ended_cannot_be_resumed_cancelled_or_approved(call):
    ran(call)
    for words in (("resume",), ("cancel",), ("pause",), ("approve",)):
        found = call("runs", *words, "latest")
        assert found.code == 1, words
        assert found.err.startswith("error: run ")


def test_a_run_that_is_shown_says_what_goes_on_with_it(call):
    call("run", "gated", "--no-wait")
    assert "hint: answer it: gpt-trader runs approve" in call("runs", "show", "latest").err
    call("runs", "cancel", "latest")
    assert "hint: go on with it: gpt-trader runs retry" in call("runs", "show", "latest").err


def test_watching_a_run_that_ended_tells_its_end(call):
    ran(call, "--fail")
    found = call("runs", "watch", "latest")
    assert found.code == 1
    assert found.out.startswith("three  FAILED")
    assert "failed    second" in found.err
    assert call("runs", "watch", "latest", "--json").json["status"] == "FAILED"


# --- approvals --------------------------------------------------------------------------------------------------------


def test_a_parked_run_waits_for_its_approval_and_goes_on_with_it(call):
    parked = call("run", "gated", "--no-wait")
    assert parked.code == 0
    assert parked.out.startswith("gated  WAITING")
    assert "gpt-trader runs approve" in parked.err
    waiting = call("status")
    assert "Shall we?" in waiting.out
    assert "before, gate (waiting)" in waiting.out
    assert call("runs", "approve", "latest", "--dry-run").out.startswith("would approve 'Shall we?'")
    answered = call("runs", "approve", "latest", "--by", "ada", "--reason", "all is well")
    assert answered.code == 0
    assert answered.out.startswith("gated  SUCCEEDED")
    assert "by     ada" not in call("status").out
    outputs = call("runs", "show", "latest", "--json").json["steps"]
    (gate,) = [s for s in outputs if s["name"] == "gate" and s["outputs"]]
    assert gate["outputs"] == {"approved": True, "by": "ada", "reason": "all is well"}


def test_an_approval_is_named_by_its_step(call):
    call("run", "gated", "--no-wait")
    wrong = call("runs", "approve", "latest", "--step", "gaet")
    assert (wrong.code, "did you mean 'gate'?" in wrong.err) == (2, True)
    assert call("runs", "approve", "latest", "--step", "gate").code == 0


def test_an_answer_that_comes_too_late_says_so(call, project):
    text = WORKFLOWS["gated"].replace("Shall we?", "Shall we?, timeout: 1ms")
    (project / "workflows" / "gated.yaml").write_text(text)
    call("run", "gated", "--no-wait")
    assert "its time has run out: gpt-trader runs resume " in call("status").out
    late = call("runs", "approve", "latest")
    assert (late.code, "the time to answer steps[1] of run " in late.err) == (1, True)


def test_a_rejected_run_fails_with_the_reason(call):
    call("run", "gated", "--no-wait")
    found = call("runs", "approve", "latest", "--reject", "--by", "ada", "--reason", "too large")
    assert found.code == 1
    assert "rejected by ada: too large" in found.err


def test_what_a_workflow_says_never_steers_the_terminal_of_who_answers_it(call, project):
    """A question may hold what came from outside, and is shown where somebody says yes to it."""
    (project / "workflows" / "sly.yaml").write_text(
        "name: sly\nsteps:\n"
        '  - gate: {approval: {message: "Buy 1?\\e[8m\\nBuy 9?\\e[0m"}}\n'
        '  - ask: {agent: ["./x\\e[31m"], on_error: continue}\n'
    )
    (project / "odd.yaml").write_text('name: odd\nsteps: [{a: {switch: [{if: "1 + \\e[8m\\nx", steps: [desk]}]}}]\n')
    shown = [
        call("plan", "sly"),
        call("validate", "odd.yaml"),
        call("run", "sly", "--no-wait"),
        call("runs", "approve", "latest", "--dry-run"),
        call("runs", "approve", "latest"),
    ]
    assert not [a for a in shown if "\x1b" in a.out + a.err]
    assert shown[3].out.startswith(r"would approve 'Buy 1?\x1b[8m Buy 9?\x1b[0m' (steps[0])")
    assert r"Buy 1?\x1b[8m Buy 9?" in shown[4].err


def test_an_answer_alone_leaves_the_run_where_it_is(call):
    call("run", "gated", "--no-wait")
    assert call("runs", "approve", "latest", "--no-resume", "--json").json["decision"] == "approved"
    assert call("runs", "show", "latest", "--json").json["status"] == "WAITING"
    assert call("runs", "resume", "latest").code == 0


def test_a_run_that_nobody_owns_is_cancelled_at_once(call):
    call("run", "gated", "--no-wait")
    assert "would cancel" in call("runs", "cancel", "latest", "--dry-run").out
    assert call("runs", "cancel", "latest", "--json").json["status"] == "CANCELLED"
    assert call("status", "--json").json["approvals"] == []


def test_pausing_a_run_that_nobody_owns_says_so(call):
    call("run", "gated", "--no-wait")
    found = call("runs", "pause", "latest")
    assert found.code == 0
    assert "resume" in found.err


# --- status, events, config, doctor, prune ----------------------------------------------------------------------------


def test_status_of_nothing_and_of_something(call):
    assert call("status").out == "there are no runs yet\n"
    ran(call)
    call("run", "three", "--fail")
    found = call("status")
    assert "1 FAILED, 1 SUCCEEDED" in found.out
    assert "first, second (failed)" in found.out
    document = call("status", "--json").json
    assert document["counts"] == {"FAILED": 1, "SUCCEEDED": 1}
    assert document["dead_letters"] == 0
    assert [s["name"] for s in document["runs"][1]["steps"]] == ["first", "second", "third"]


def test_events_are_published_and_shown(call):
    assert call("events", "publish", "market.data.updated", '{"symbol": "AAPL"}', "--dry-run").code == 0
    assert call("events", "tail").out == ""
    published = call("events", "publish", "market.data.updated", '{"symbol": "AAPL"}', "--key", "AAPL", "--json").json
    assert (published["seq"], published["key"], published["payload"]) == (1, "AAPL", {"symbol": "AAPL"})
    assert "symbol=AAPL" in call("events", "tail", "market.*").out
    assert call("events", "tail", "trade.*").out == ""
    assert json.loads(call("events", "tail", "--json").out)["topic"] == "market.data.updated"


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("Bad Topic", "{}"),
        ("a.b", "{"),
        ("a.b", "[1]"),
        ("a.b", '{"price": NaN}'),
        ("a.b", '{"price": [-Infinity]}'),
        ("a.b", '{"price": 1e999}'),
    ],
)
def test_what_is_no_event_is_not_published(call, topic, payload):
    assert call("events", "publish", topic, payload).code == 3
    assert call("events", "tail").out == ""


def test_a_range_of_events_that_ends_before_it_begins_is_refused(call):
    found = call("events", "replay", "5-1", "--to", "alerts")
    assert (found.code, "'5-1' is no range of events" in found.err) == (2, True)


def test_events_are_replayed_to_a_function_of_the_project(call, project, monkeypatch):
    monkeypatch.syspath_prepend(str(project))
    (project / "hearers.py").write_text("heard = []\ndef hear(event):\n    heard.append(event.topic)\n")
    for topic in ("a.one", "a.two", "a.three"):
        call("events", "publish", topic)
    found = call("events", "replay", "2-", "--handler", "hearers:hear", "--json")
    assert found.json["handed_over"] == {"hearers:hear": 2}
    assert import_module("hearers").heard == ["a.two", "a.three"]
    assert call("events", "replay", "1", "--handler", "hearers:nothing").code == 2
    assert "did you mean" not in call("events", "replay", "1", "--to", "nobody").err


def _fail(event):
    raise ValueError("no luck")


def test_dead_letters_are_listed_retried_and_dropped(call):
    from gpt_trader.app.wiring import Application
    from gpt_trader.journal.bus import BusSettings, EventBus

    with Application() as app:
        bus = EventBus(app.store, app.clock, BusSettings(tries=1))
        bus.subscribe("trade.*", _fail, name="alerts")
        for _ in range(2):
            bus.publish("trade.executed", {"symbol": "AAPL"})
        bus.flush(10)
        bus.close()
    letters = call("events", "dead", "list", "--json").json["dead_letters"]
    assert [(d["subscriber"], d["event"]["topic"]) for d in letters] == [("alerts", "trade.executed")] * 2
    assert "2 dead letters" in call("status").out
    first, second = (str(d["seq"]) for d in letters)
    assert "would be dropped" in call("events", "dead", "drop", first, "--dry-run").out
    assert call("events", "dead", "drop", first).code == 0
    assert call("events", "dead", "retry", second, "--json").json["dead_letters"] == [
        {"seq": int(second), "subscriber": "alerts"}
    ]
    assert call("events", "dead", "list").err == "there are no dead letters\n"
    assert call("events", "dead", "drop", "999").code == 2
    heard: list[int] = []
    with Application() as app:
        bus = EventBus(app.store, app.clock)
        bus.subscribe("trade.*", lambda event: heard.append(event.seq), name="alerts")
        bus.flush(10)
        bus.close()
    assert int(second) in heard


def test_a_replay_reaches_the_named_subscriber_and_nobody_else(call):
    from gpt_trader.app.wiring import Application

    heard: dict[str, list[int]] = {"alerts": [], "others": []}

    def served() -> None:
        with Application() as app:
            app.bus.subscribe("trade.*", lambda event: heard["alerts"].append(event.seq), name="alerts")
            app.bus.subscribe("trade.*", lambda event: heard["others"].append(event.seq), name="others")
            app.bus.flush(10)

    served()
    for topic in ("trade.executed", "market.moved", "trade.executed"):
        call("events", "publish", topic)
    served()
    assert heard == {"alerts": [1, 3], "others": [1, 3]}
    assert call("events", "replay", "1-3", "--to", "alerts").out == "handed 2 events to alerts\n"
    served()
    assert heard == {"alerts": [1, 3, 1, 3], "others": [1, 3]}
    last = json.loads(call("events", "tail", "--count", "1", "--json").out.splitlines()[-1])
    assert (last["topic"], last["payload"]["subscriber"]) == ("bus.replay.asked", "alerts")  # no dead letter was there


def test_settings_tell_where_they_come_from(call, project, monkeypatch):
    monkeypatch.setenv("GPT_TRADER_RETENTION_DAYS", "7")
    found = call("config", "show", "--origin", "--json", "--set", "max_concurrent_agents=9").json["settings"]
    assert found["retention_days"] == {
        "value": 7,
        "origin": "environment GPT_TRADER_RETENTION_DAYS",
        "meaning": "for how long `runs prune` keeps runs that ended",
    }
    assert (found["max_concurrent_agents"]["value"], found["max_concurrent_agents"]["origin"]) == (9, "flag")
    assert found["plugins"]["origin"] == str(project / "gpt-trader.yaml")
    assert found["allowed_plugins"]["origin"] == "default"
    assert "FROM" in call("config", "show", "--origin").out
    assert "FROM" not in call("config", "show").out


@pytest.mark.parametrize("words", [("config", "show"), ("config", "show", "--json"), ("doctor",), ("doctor", "--json")])
def test_a_password_in_the_journal_url_is_never_shown(call, words, monkeypatch):
    monkeypatch.setenv("GPT_TRADER_JOURNAL", "postgresql://ada:s3cret@127.0.0.1:9/x")
    found = call(*words)
    assert "s3cret" not in found.out + found.err
    assert "127.0.0.1" in found.out + found.err or "PostgreSQL" in found.out


def test_settings_are_checked(call, project):
    assert call("config", "check").code == 0
    (project / "gpt-trader.yaml").write_text("plugins: nowhere\n")
    assert call("config", "check").code == 3
    assert call("config", "check", "--json").json["ok"] is False
    (project / "gpt-trader.yaml").write_text("plugns: plugins\n")
    found = call("config", "check")
    assert found.code == 3
    assert "did you mean 'plugins'?" in found.err


def test_the_doctor_finds_a_healthy_project_in_order(call):
    ran(call)
    found = call("doctor")
    assert found.code == 0
    findings = call("doctor", "--json").json["findings"]
    assert not [f for f in findings if f["hint"]]
    names = [f["name"] for f in findings]
    assert names == ["python", "sqlite", "home", "disk", "journal", "integrity", "backups", "plugins", "workflows"]


def test_the_doctor_finds_a_journal_that_is_gone_damaged_or_newer(call, tmp_path):
    ran(call)
    journal = tmp_path / "home/journal.db"
    whole = journal.read_bytes()
    for path in tmp_path.glob("home/journal.db-*"):
        path.unlink()
    journal.write_bytes(b"no database at all" * 1000)
    assert call("doctor").code == 1
    journal.write_bytes(whole)
    assert call("doctor").code == 0
    import sqlite3

    with sqlite3.connect(journal) as connection:
        connection.execute("PRAGMA user_version=99")
    connection.close()
    found = call("doctor")
    assert found.code == 1
    assert "version 99 of" in found.out
    journal.unlink()
    for path in tmp_path.glob("home/journal.db-*"):
        path.unlink()
    assert "is gone, but it existed" in call("doctor").out


def test_the_doctor_makes_nothing(call, tmp_path):
    assert call("doctor").code == 0
    assert not (tmp_path / "home").exists()


def test_the_doctor_names_a_broken_plugin(call, project):
    (project / "plugins/slices/broken.py").write_text("1 / 0")
    found = call("doctor")
    assert found.code == 1
    assert "ZeroDivisionError" in found.out


def test_old_runs_are_counted_then_forgotten(call):
    ran(call)
    ran(call)
    counted = call("runs", "prune", "--older-than", "0s", "--dry-run", "--json").json
    assert (counted["runs"], counted["dry_run"]) == (2, True)
    assert len(call("runs", "list", "--json").json["runs"]) == 2
    assert call("runs", "prune", "--older-than", "1h", "--json").json["runs"] == 0
    assert call("runs", "prune", "--older-than", "0s").out.startswith("forgot 2 runs")
    assert call("runs", "list", "--json").json["runs"] == []


# --- init -------------------------------------------------------------------------------------------------------------


def test_init_overwrites_nothing(call, project):
    found = call("init")
    assert found.code == 1
    assert "nothing was written" in found.err
    assert not (project / "schemas").exists()
    assert call("init", "gpt-trader.yaml").code == 1


def test_init_names_its_files_without_writing_them(call, tmp_path):
    found = call("init", str(tmp_path / "new"), "--dry-run", "--json")
    assert found.json["written"] is False
    assert not (tmp_path / "new").exists()


def test_what_init_makes_validates_and_runs(call, tmp_path, monkeypatch):
    assert call("init", str(tmp_path / "new")).code == 0
    monkeypatch.chdir(tmp_path / "new")
    assert call("validate").code == 0
    assert call("config", "check").code == 0
    assert call("run", "ranking", "--keep", "1", "--json").json["outputs"]["symbols"] == ["AAPL"]
    schema = json.loads(Path("schemas/workflow.schema.json").read_text())
    Draft7Validator(schema).validate(yaml.safe_load(Path("workflows/ranking.yaml").read_text()))
    assert "params.ranking.score" in schema["definitions"]
    settings = json.loads(Path("schemas/config.schema.json").read_text())
    Draft7Validator(settings).validate(yaml.safe_load(Path("gpt-trader.yaml").read_text()))
    modeline = Path("workflows/ranking.yaml").read_text().splitlines()[0]
    assert (Path("workflows") / modeline.partition("$schema=")[2]).resolve() == Path(
        "schemas/workflow.schema.json"
    ).resolve()
