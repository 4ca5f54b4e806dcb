"""The runner walks every kind of step, records what it did, and replays what is recorded."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pydantic_core import from_json

from gpt_trader.core.context import StepContext
from gpt_trader.core.errors import Conflict, NotFound, StepFailed, ValidationError
from gpt_trader.core.secrets import Secrets
from gpt_trader.core.slices import method
from gpt_trader.workflow.active import failure
from gpt_trader.workflow.definition import Retry
from gpt_trader.workflow.tries import pause_before
from tests.workflow.runhouse import Count, House, Number, Value, workflow

SEVEN = workflow("\n".join(f"- s{i}: {{slice: count, method: inc}}" for i in range(7)))


def test_outputs_feed_later_steps_by_name(home: House) -> None:
    result = home.run(SEVEN)
    assert (result.status, result.outputs) == ("SUCCEEDED", {"v": 7})
    assert [s.status for records in home.steps(result.id).values() for s in records] == ["SUCCEEDED"] * 7
    record = home.runs.get(result.id)
    assert (record.status, record.workflow, record.error) == ("SUCCEEDED", "test", None)


def test_an_output_that_is_not_there_says_why(lite: House) -> None:
    with pytest.raises(NotFound, match="no output is called 'w'"):
        lite.run(SEVEN)["w"]
    with pytest.raises(StepFailed, match="no such thing as BAD"):
        lite.run(workflow("- a: {slice: count, method: score, with: {symbol: BAD}}"))["score"]


def test_a_run_leaves_its_beginning_and_end_in_the_history(home: House) -> None:
    result = home.run(workflow("- a: {slice: notes, method: note, with: {log: LOG, text: hello}}"))
    topics = [(e["topic"], e["run_id"]) for e in home.store.read("event.of_run", run_id=result.id)]
    assert topics == [(t, result.id) for t in ("run.started", "notes.noted", "run.succeeded")]


def test_the_facts_of_a_failed_attempt_are_not_lost_and_not_doubled(home: House) -> None:
    text = workflow(
        "- a: {slice: notes, method: note, with: {log: LOG, text: x, fails: 2}, retry: {max_attempts: 3, delay: 0}}"
    )
    result = home.run(text)
    assert result.ok
    assert home.statuses(result.id) == {"steps[0]": ["FAILED", "FAILED", "SUCCEEDED"]}
    noted = [e for e in home.store.read("event.of_run", run_id=result.id) if e["topic"] == "notes.noted"]
    assert len(noted) == 1


def test_tables_are_kept_as_artifacts_and_handed_on(home: House) -> None:
    result = home.run(workflow("- t: {slice: count, method: table, with: {v: 4}}\n- s: {slice: count, method: rows}"))
    assert result.outputs["v"] == 15
    kept = home.runner.parts.artifacts.decode(home.steps(result.id)["steps[0]"][0].outputs or "")
    pd.testing.assert_frame_equal(kept["bars"], pd.DataFrame({"close": [1.0, 2.5, 4.0]}))


def test_a_first_run_and_a_resumed_one_see_the_same_outputs(home: House) -> None:
    """Whatever a method returns, later steps see what a resume would read from the journal."""
    text = workflow(
        "- e: {slice: count, method: exact}\n- n: {slice: notes, method: note, with: {log: LOG, text: n, fails: 1}}\n"
        "- k: {slice: count, method: kind}"
    )
    at_once = home.run(text.replace("fails: 1", "fails: 0"))
    assert (at_once.outputs["said"], at_once.outputs["pair"]) == ("'1.10'", [1, 2])
    failed = home.run(text.replace("text: n", "text: m"))
    assert home.runner.resume(failed.id).result(30).outputs["said"] == "'1.10'"


def test_outputs_that_cannot_be_kept_fail_the_step(home: House) -> None:
    result = home.run(workflow("- s: {slice: count, method: strange}"))
    assert "cannot be kept" in result.error["message"]
    assert home.statuses(result.id) == {"steps[0]": ["FAILED"]}


@pytest.mark.parametrize("on_error", ["fail", "continue", "pause"])
def test_an_error_that_no_database_can_keep_as_it_is_fails_its_step_as_any_other(
    home: House, monkeypatch: pytest.MonkeyPatch, on_error: str
) -> None:
    def inc(self: Count, params: Number, ctx: StepContext) -> Value:
        """Fail."""
        raise OSError("cannot open 'caf\udce9.csv': \0")

    monkeypatch.setattr(Count, "inc", method()(inc))
    result = home.run(workflow(f"- a: {{slice: count, method: inc, on_error: {on_error}}}"))
    assert result.status == {"fail": "FAILED", "continue": "SUCCEEDED", "pause": "WAITING"}[on_error]
    (step,) = home.runs.steps(result.id)
    assert step.status == "FAILED"
    assert from_json(step.error or "")["message"] == "cannot open 'caf\\udce9.csv': \\0"


@pytest.mark.parametrize("on_error", ["fail", "continue", "pause"])
def test_an_error_that_cannot_even_be_told_fails_its_step_as_any_other(lite: House, on_error: str) -> None:
    retry = "retry: {max_attempts: 2, delay: 0}"
    text = f"- m: {{slice: trouble, method: mumble, {retry}, on_error: {on_error}, with: {{log: LOG}}}}"
    result = lite.run(workflow(text))
    assert result.status == {"fail": "FAILED", "continue": "SUCCEEDED", "pause": "WAITING"}[on_error]
    assert lite.statuses(result.id) == {"steps[0]": ["FAILED", "FAILED"]}
    told = [from_json(r.error or "")["message"] for r in lite.runs.steps(result.id)]
    assert told == ["it cannot say what went wrong"] * 2
    if on_error == "fail":
        assert result.error["message"] == "step 'm' failed: Mumble: it cannot say what went wrong"


def test_a_question_and_an_answer_that_no_database_can_keep_as_they_are(home: House) -> None:
    text = workflow("- a: {approval: {message: 'Trade ${{ inputs.what }}?'}}", head="inputs: {what: {type: string}}")
    handle = home.runner.start(home.load(text), {"what": "a\0b"})
    (asked,) = _until(home.runs.open_approvals)
    assert asked.message == "Trade a\\0b?"
    assert home.runs.decide(handle.id, asked.path, approved=True, by="caf\udce9", reason="\0")
    answer = handle.result(30).steps["a"]
    assert (answer["by"], answer["reason"]) == ("caf\\udce9", "\\0")


def test_a_secret_at_the_edge_of_what_is_kept_of_a_trace_is_not_kept_in_part() -> None:
    secrets = Secrets(["sesame-street-4711"])
    try:
        raise OSError("sesame-street-4711" + "x" * 2990)
    except OSError as error:
        told = failure(error, secrets)
    assert "4711" not in told["trace"]
    assert len(told["trace"]) == 3000


@pytest.mark.parametrize("on_error", ["fail", "continue"])
def test_a_step_whose_condition_cannot_be_told_has_failed_and_its_record_says_why(home: House, on_error: str) -> None:
    steps = f"""
- list: {{slice: count, method: inc}}
- ask: {{slice: count, method: inc, if: "${{{{ [1][steps.list.v] > 0 }}}}", on_error: {on_error}}}
- last: {{slice: count, method: inc}}
"""
    result = home.run(workflow(steps))
    assert result.status == ("FAILED" if on_error == "fail" else "SUCCEEDED")
    (record,) = home.steps(result.id)["steps[1]"]
    assert record.status == "FAILED"
    assert "${{ [1][steps.list.v] > 0 }}" in (record.error or "")
    assert [c.status for c in home.changes if c.name == "ask"] == ["RUNNING", "FAILED"]


def test_a_condition_that_does_not_hold_skips_the_step(home: House) -> None:
    text = workflow("- a: {slice: count, method: inc}\n- b: {slice: count, method: inc, if: '${{ steps.a.v > 5 }}'}")
    result = home.run(text)
    assert result.outputs == {"v": 1}
    assert home.statuses(result.id) == {"steps[0]": ["SUCCEEDED"], "steps[1]": ["SKIPPED"]}


def test_a_group_and_a_switch_are_seen_as_if_written_in_place(home: House) -> None:
    text = workflow(
        "- g: {steps: [{one: {slice: count, method: inc}}, {two: {slice: count, method: inc}}]}\n"
        "- s: {switch: [{if: '${{ steps.two.v == 2 }}', steps: [{yes: {slice: count, method: inc}}]}, "
        "{else: [{no: {slice: count, method: inc, with: {v: 100}}}]}]}\n"
        "- end: {slice: count, method: inc}"
    )
    result = home.run(text)
    assert result.outputs["v"] == 4
    assert "steps[1].switch[0].steps[0]" in home.statuses(result.id)


def test_parallel_branches_all_run_and_merge_in_written_order(home: House) -> None:
    text = workflow(
        "- p: {parallel: {max: 2, branches: {"
        "slow: [{a: {slice: notes, method: note, with: {log: LOG, text: slow, seconds: 0.2}}}], "
        "fast: [{b: {slice: notes, method: note, with: {log: LOG, text: fast}}}]}}}\n"
    )
    result = home.run(text)
    assert result.steps["a"]["said"] == "slow"
    assert result.outputs["said"] == "fast"


def test_foreach_gives_each_item_and_the_best(home: House) -> None:
    text = workflow(
        "- f: {foreach: {in: '${{ inputs.symbols }}', as: symbol, max: 2}, "
        "steps: [{s: {slice: count, method: score}}]}\n"
        "- next: {slice: count, method: inc, with: {v: 10}, if: '${{ steps.f.best > 4.0 && steps.f.count == 3 }}'}",
        head="inputs: {symbols: {type: array, items: {type: string}}}",
    )
    result = home.run(text, {"symbols": ["A", "GOOGL", "IBM"]})
    assert result.steps["f"]["best_item"] == "GOOGL"
    assert [i["score"] for i in result.steps["f"]["items"]] == [1.0, 5.0, 3.0]
    assert result.outputs["v"] == 11
    assert "steps[0].foreach[2].steps[0]" in home.statuses(result.id)


def test_one_branch_may_fail_alone(home: House) -> None:
    text = workflow(
        "- f: {foreach: {in: [A, BAD, CC], as: symbol, fail_fast: false}, steps: [{s: {slice: count, method: score}}]}"
    )
    result = home.run(text)
    assert result.ok
    assert result.steps["f"]["failed"] == [1]
    assert result.steps["f"]["items"][1] is None


def test_one_failing_branch_stops_the_others_at_their_next_step(home: House) -> None:
    text = workflow(
        "- p: {parallel: {branches: {"
        "bad: [{w: {wait: {for: 0.1}}}, {x: {slice: count, method: score, with: {symbol: BAD}}}], "
        "slow: [{a: {slice: notes, method: note, with: {log: LOG, text: one, seconds: 0.5}}}, "
        "{b: {slice: notes, method: note, with: {log: LOG, text: two}}}]}}}"
    )
    result = home.run(text)
    assert result.status == "FAILED"
    assert "no such thing as BAD" in result.error["message"]
    assert home.lines() == ["one"]


def test_at_most_so_many_steps_run_at_once(lite: House) -> None:
    text = workflow(
        "- f: {foreach: {in: [a, b, c, d, e, f, g, h], as: text}, "
        "steps: [{n: {slice: notes, method: note, with: {log: LOG, seconds: 0.05}}}]}"
    )
    at_once, most, lock = set(), 0, threading.Lock()

    def watch(change: object) -> None:
        nonlocal most
        with lock:
            if change.status == "RUNNING" and "foreach[" in change.path:  # type: ignore[attr-defined]
                at_once.add(change.path)  # type: ignore[attr-defined]
            elif change.status == "SUCCEEDED":  # type: ignore[attr-defined]
                at_once.discard(change.path)  # type: ignore[attr-defined]
            most = max(most, len(at_once))

    object.__setattr__(lite.runner.parts, "observer", watch)
    assert lite.run(text).ok
    assert 2 <= most <= 5


def test_a_sub_workflow_runs_with_its_own_inputs(home: House) -> None:
    inner = workflow(
        "- i: {slice: count, method: inc, with: {v: '${{ inputs.start }}'}}",
        name="inner",
        head="inputs: {start: {type: integer, default: 1}}",
    )
    outer = home.load(
        workflow("- sub: {workflow: inner, with: {start: 41}}\n- after: {slice: count, method: inc}"),
        find=lambda name: (inner, "inner.yaml"),
    )
    result = home.runner.start(outer).result(30)
    assert result.steps["sub"] == {"v": 42}
    assert result.outputs["v"] == 43
    assert "steps[0].workflow.steps[0]" in home.statuses(result.id)


def test_a_failure_names_the_step_and_runs_what_is_to_run_then(home: House) -> None:
    text = (
        workflow(
            "- a: {slice: count, method: inc}\n- bad: {slice: count, method: score, with: {symbol: BAD}}\n"
            "- c: {slice: count, method: inc}"
        )
        + "on_failure:\n  - tell: {slice: notes, method: note, with: {log: LOG, text: '${{ error.message }}'}}\n"
        + "finally:\n  - save: {slice: notes, method: note, with: {log: LOG, text: saved}}\n"
    )
    result = home.run(text)
    assert result.status == "FAILED"
    assert result.error["message"] == "step 'bad' failed: ValueError: no such thing as BAD"
    assert result.error["path"] == "steps[1]"
    assert home.lines() == ["step 'bad' failed: ValueError: no such thing as BAD", "saved"]
    assert "steps[2]" not in home.statuses(result.id)


def test_on_error_continue_goes_on_and_pause_waits_for_a_resume(home: House) -> None:
    go_on = workflow(
        "- a: {slice: count, method: score, with: {symbol: BAD}, on_error: continue}\n- b: {slice: count, method: inc}"
    )
    assert home.run(go_on).outputs == {"v": 1}
    paused = home.run(
        workflow("- a: {slice: notes, method: note, with: {log: LOG, text: p, fails: 1}, on_error: pause}")
    )
    assert (paused.status, "paused" in paused.reason) == ("WAITING", True)
    assert home.runs.get(paused.id).status == "WAITING"
    assert home.runner.resume(paused.id).result(30).ok


@pytest.mark.parametrize(
    ("backoff", "delays"),
    [("fixed", [2, 2, 2, 2]), ("linear", [2, 4, 6, 7]), ("exponential", [2, 4, 7, 7])],
)
def test_the_pause_before_a_retry_grows_as_told_and_is_capped(backoff: Any, delays: list[float]) -> None:
    plain = Retry(max_attempts=9, backoff=backoff, delay=2, max_delay=7, jitter=False)
    assert [pause_before(plain, tries) for tries in (1, 2, 3, 4)] == delays
    spread = [pause_before(replace(plain, jitter=True), 1) for _ in range(50)]
    assert all(1 <= pause <= 2 for pause in spread)
    assert len(set(spread)) > 10


def test_a_refusal_is_not_retried(home: House) -> None:
    result = home.run(
        workflow("- a: {slice: trouble, method: refuse, with: {log: LOG}, retry: {max_attempts: 5, delay: 0}}")
    )
    assert result.status == "FAILED"
    assert result.error["exit_code"] == 5
    assert home.lines() == ["refuse"]


def test_a_container_is_retried_on_new_paths(home: House) -> None:
    text = workflow(
        "- g: {retry: {max_attempts: 2, delay: 0}, steps: [{ok: {slice: count, method: inc}}, "
        "{n: {slice: notes, method: note, with: {log: LOG, text: x, fails: 1}}}]}"
    )
    result = home.run(text)
    assert result.ok
    paths = home.statuses(result.id)
    assert paths["steps[0]"] == ["FAILED", "SUCCEEDED"]
    assert paths["steps[0]~2.steps[1]"] == ["SUCCEEDED"]


def test_a_method_that_breaks_its_promise_fails_the_step(home: House) -> None:
    result = home.run(workflow("- a: {slice: trouble, method: wrong}"))
    assert "gave a Value, not its Noted" in result.error["message"]


def test_a_step_that_calls_exit_fails_and_the_program_lives(home: House) -> None:
    result = home.run(workflow("- a: {slice: trouble, method: leave, with: {log: LOG}}"))
    assert result.status == "FAILED"
    assert "exit" in result.error["message"].lower()


def test_a_cached_step_is_not_called_again(home: House) -> None:
    text = workflow("- a: {slice: notes, method: note, with: {log: LOG, text: once}, cache: {ttl: 1h}}")
    first, second = home.run(text), home.run(text)
    assert home.lines() == ["once"]
    assert second.outputs == first.outputs
    home.run(text.replace("once", "other"))
    assert home.lines() == ["once", "other"]


@pytest.mark.parametrize("harm", [Path.unlink, lambda file: file.write_bytes(b"x" * file.stat().st_size)])
def test_a_cached_step_whose_artifact_is_gone_or_damaged_is_called_again(
    home: House, harm: Callable[[Path], object]
) -> None:
    text = workflow("- a: {slice: count, method: table, cache: {ttl: 1h}}\n- b: {slice: count, method: rows}")
    first = home.run(text)
    (file,) = (home.folder / "artifacts").glob("*/*.parquet")
    harm(file)
    for cached in (0, 1):
        again = home.run(text)
        assert (again.status, again.outputs["v"]) == ("SUCCEEDED", first.outputs["v"])
        assert [c.status for c in home.changes if c.run_id == again.id].count("CACHED") == cached


def test_a_huge_output_is_kept_as_one_artifact(lite: House) -> None:
    result = lite.run(workflow("- a: {slice: trouble, method: big, with: {v: 100}}"))
    assert result.ok
    outputs = lite.steps(result.id)["steps[0]"][0].outputs
    assert outputs is not None
    assert len(outputs) < 1000
    assert len(lite.runner.parts.artifacts.decode(outputs)["said"]) == 100_000_000


def test_wrong_inputs_are_told_before_anything_runs(lite: House) -> None:
    loaded = lite.load(workflow("- a: {slice: count, method: inc}", head="inputs: {v: {type: integer}}"))
    with pytest.raises(ValidationError):
        lite.runner.start(loaded, {"v": "seven"})
    assert lite.runs.recent() == []


class TestResume:
    def test_an_ended_run_is_not_resumed(self, home: House) -> None:
        result = home.run(SEVEN)
        with pytest.raises(Conflict, match="has ended"):
            home.runner.resume(result.id)

    def test_a_failed_run_goes_on_where_it_failed(self, home: House) -> None:
        text = (
            workflow(
                "- a: {slice: notes, method: note, with: {log: LOG, text: a}}\n"
                "- b: {slice: notes, method: note, with: {log: LOG, text: b, fails: 1}}"
            )
            + "finally:\n  - f: {slice: notes, method: note, with: {log: LOG, text: f}}\n"
        )
        failed = home.run(text)
        assert failed.status == "FAILED"
        again = home.runner.resume(failed.id).result(30)
        assert again.ok
        assert home.lines() == ["a", "b", "f", "b", "f"]
        assert home.statuses(failed.id)["steps[0]"] == ["SUCCEEDED"]

    @pytest.mark.parametrize("inside", [False, True])
    def test_a_run_whose_artifact_is_gone_has_failed_and_says_how_it_can_be_made_again(
        self, home: House, inside: bool
    ) -> None:
        sums = "{r: {slice: count, method: rows}}"
        both = f"p: {{parallel: {{fail_fast: false, branches: {{a: [{sums}], b: [{sums}]}}}}}}"
        last = both if inside else sums[1:-1]
        note = "{slice: notes, method: note, with: {log: LOG, text: f, fails: 1}}"
        failed = home.run(workflow(f"- t: {{slice: count, method: table}}\n- f: {note}\n- {last}"))
        shutil.rmtree(home.folder / "artifacts")
        again = home.runner.resume(failed.id).result(30)
        assert (again.status, home.runs.get(failed.id).status) == ("FAILED", "FAILED")
        assert again.error is not None
        assert "cannot be read: No such file or directory" in again.error["message"]
        assert "gpt-trader runs rerun RUN --from STEP" in again.error["hint"]
        assert home.runner.rerun(failed.id, from_step="t").result(30).ok

    def test_what_a_failed_group_had_done_is_not_done_again(self, home: House) -> None:
        text = workflow(
            "- g: {steps: [{a: {slice: notes, method: note, with: {log: LOG, text: a}}}, "
            "{b: {slice: notes, method: note, with: {log: LOG, text: b, fails: 1}}}]}"
        )
        failed = home.run(text)
        assert home.runner.resume(failed.id).result(30).ok
        assert home.lines() == ["a", "b", "b"]
        assert home.statuses(failed.id)["steps[0]"] == ["SUCCEEDED"]

    def test_a_run_finishes_on_the_definition_that_it_began_with(self, home: House) -> None:
        text = workflow(
            "- a: {slice: count, method: inc}\n- b: {slice: notes, method: note, with: {log: LOG, text: old, fails: 1}}"
        )
        failed = home.run(text)
        home.run(text.replace("old", "new"))
        home.runner.resume(failed.id).result(30)
        assert home.lines().count("old") == 2

    def test_a_record_of_another_method_is_an_error_not_a_guess(self, home: House) -> None:
        failed = home.run(
            workflow("- a: {slice: count, method: inc}\n- b: {slice: count, method: score, with: {symbol: BAD}}")
        )
        other = home.load(workflow("- a: {slice: count, method: table}\n- b: {slice: count, method: inc}"))
        with pytest.raises(Conflict, match=r"recorded as 'count\.inc'"):
            home.runner.fork(failed.id, other, {}, from_step="b").result(30)

    def test_rerun_keeps_what_was_done_before_a_step(self, home: House) -> None:
        text = workflow(
            "\n".join(f"- {t}: {{slice: notes, method: note, with: {{log: LOG, text: {t}}}}}" for t in "abc")
        )
        first = home.run(text)
        second = home.runner.rerun(first.id, from_step="c").result(30)
        assert second.ok
        assert second.id != first.id
        assert home.lines() == ["a", "b", "c", "c"]
        assert home.runs.get(second.id).forked_from == first.id
        third = home.runner.rerun(second.id).result(30)
        assert third.ok
        assert home.lines()[4:] == ["a", "b", "c"]
        with pytest.raises(NotFound):
            home.runner.rerun(first.id, from_step="d")

    @pytest.mark.parametrize(
        ("edited", "wrong"),
        [
            ("- new: {slice: count, method: inc}\n- a: {slice: count, method: inc}", "'new' stands where .* has 'a'"),
            (
                "- a: {slice: count, method: table}\n- new: {slice: count, method: inc}",
                "'a' was recorded as 'count.inc'",
            ),
            ("- a: {slice: count, method: inc}\n- f: [{new: {slice: count, method: inc}}]", "'new' stands where"),
            ("- a: {slice: count, method: inc}\n- f: [{b: {slice: count, method: inc}}]", None),
        ],
    )
    def test_a_fork_keeps_no_results_of_another_step(self, home: House, edited: str, wrong: str | None) -> None:
        last = "\n- last: {slice: count, method: inc}"
        first = home.run(workflow("- a: {slice: count, method: inc}\n- f: [{b: {slice: count, method: inc}}]" + last))
        other = home.load(workflow(edited + last))
        if wrong is None:
            assert home.runner.fork(first.id, other, {}, from_step="last").result(30).outputs["v"] == 3
            return
        with pytest.raises(Conflict, match=wrong) as caught:
            home.runner.fork(first.id, other, {}, from_step="last")
        assert "--from " in (caught.value.hint or "")
        assert len(home.runs.recent()) == 1, "nothing began"

    def test_fork_takes_other_inputs_from_a_step_on(self, home: House) -> None:
        text = workflow(
            "- a: {slice: notes, method: note, with: {log: LOG, text: a}}\n"
            "- b: {slice: count, method: inc, with: {v: '${{ inputs.n }}'}}",
            head="inputs: {n: {type: integer, default: 1}}",
        )
        first = home.run(text)
        forked = home.runner.fork(first.id, home.load(text), {"n": 50}, from_step="b").result(30)
        assert forked.outputs["v"] == 51
        assert home.lines() == ["a"]


class TestWaiting:
    GATE = "- gate: {approval: {message: 'Go?'}}\n- order: {slice: notes, method: note, with: {log: LOG, text: sent}}"

    def test_an_approval_is_waited_for_and_lets_the_run_go_on(self, home: House) -> None:
        handle = home.runner.start(home.load(workflow(self.GATE)))
        (asked,) = _until(home.runs.open_approvals)
        assert (asked.message, home.runs.get(handle.id).status, home.lines()) == ("Go?", "WAITING", [])
        assert home.runs.decide(handle.id, asked.path, approved=True, by="Ada")
        result = handle.result(30)
        assert (result.ok, result.steps["gate"]["by"], home.lines()) == (True, "Ada", ["sent"])
        assert not home.runs.decide(handle.id, asked.path, approved=False, by="Eve")

    def test_a_rejection_stops_the_run_before_the_next_step(self, home: House) -> None:
        handle = home.runner.start(home.load(workflow(self.GATE)))
        (asked,) = _until(home.runs.open_approvals)
        home.runs.decide(handle.id, asked.path, approved=False, by="Ada", reason="no")
        result = handle.result(30)
        assert (result.status, home.lines()) == ("FAILED", [])
        assert "rejected by Ada: no" in str(result.error)

    @pytest.mark.parametrize(("on_timeout", "sent"), [("reject", []), ("fail", []), ("approve", ["sent"])])
    def test_an_approval_that_nobody_gives_times_out_as_told(
        self, lite: House, on_timeout: str, sent: list[str]
    ) -> None:
        gate = self.GATE.replace("'Go?'", f"'Go?', timeout: 0.2, on_timeout: {on_timeout}")
        assert lite.run(workflow(gate)).ok is bool(sent)
        assert lite.lines() == sent

    @pytest.mark.parametrize(
        "gate",
        [
            "approval: {message: 'Go?'}, timeout: 0.2, on_error: continue",
            "approval: {message: 'Go?', timeout: 0.2, on_timeout: reject}, on_error: continue",
            "approval: {message: 'Go?', timeout: 0.2, on_timeout: approve}",
            "parallel: {branches: {x: [{q: {approval: {message: 'Go?'}}}], y: [BAD]}}, on_error: continue",
        ],
    )
    def test_a_question_that_nobody_waits_for_any_more_is_open_no_longer_and_the_run_is_running(
        self, home: House, gate: str
    ) -> None:
        gate = gate.replace("BAD", "{z: {slice: notes, method: note, with: {log: LOG, fails: 9, seconds: 0.2}}}")
        after = "{slice: notes, method: note, with: {log: LOG, text: after, seconds: 1}}"
        handle = home.runner.start(home.load(workflow(f"- gate: {{{gate}}}\n- after: {after}")))
        _until(home.runs.open_approvals)
        _until(lambda: "after" in home.lines())
        assert home.runs.open_approvals() == []
        assert (home.runs.get(handle.id).status, home.runs.get(handle.id).reason) == ("RUNNING", "")
        assert handle.result(30).ok

    def test_a_question_of_a_run_that_was_cancelled_is_asked_once_when_it_goes_on(self, home: House) -> None:
        handle = home.runner.start(home.load(workflow(self.GATE)))
        _until(home.runs.open_approvals)
        handle.cancel()
        assert handle.result(30).status == "CANCELLED"
        again = home.runner.resume(handle.id, again=True)
        (asked,) = _until(home.runs.open_approvals)
        home.runs.decide(handle.id, asked.path, approved=True, by="Ada")
        assert again.result(30).ok

    def test_a_parked_approval_outlives_its_process(self, home: House) -> None:
        parked = home.run(workflow(self.GATE), park=True)
        assert parked.status == "WAITING"
        again = home.runner.resume(parked.id, park=True).result(30)
        assert again.status == "WAITING"
        (asked,) = home.runs.open_approvals()
        home.runs.decide(parked.id, asked.path, approved=True, by="Ada")
        assert home.runner.resume(parked.id).result(30).ok
        assert home.lines() == ["sent"]

    def test_a_wait_takes_its_time_and_a_resumed_one_only_the_rest(self, home: House) -> None:
        text = workflow("- w: {wait: {for: 0.5s}}\n- n: {slice: notes, method: note, with: {log: LOG, text: after}}")
        parked = home.run(text, park=True)
        assert parked.status == "WAITING"
        time.sleep(0.5)
        began = time.monotonic()
        assert home.runner.resume(parked.id).result(30).ok
        assert time.monotonic() - began < 0.4

    def test_a_wait_for_an_event_takes_one_that_fits(self, home: House) -> None:
        text = workflow("- w: {wait: {event: {topic: price.seen, if: '${{ event.price > 10.0 }}', timeout: 20}}}")
        handle = home.runner.start(home.load(text))
        _until(lambda: home.runs.checkpoint(handle.id, "steps[0]"))
        for price in (5, 15):
            home.store.write([home.runs.event("price.seen", {"price": price}, run_id="")])
        assert handle.result(30).steps["w"]["event"]["price"] == 15

    def test_a_wait_for_an_event_that_does_not_come_times_out(self, lite: House) -> None:
        result = lite.run(workflow("- w: {wait: {event: {topic: price.seen, timeout: 0.2}}}"))
        assert "no event price.seen came in time" in result.error["message"]


class TestLoops:
    TEXT = workflow(
        "- loop: {trigger: {topic: market.tick, max: 5, checkpoint_every: 2}, steps: ["
        "{n: {slice: notes, method: note, with: {log: LOG, text: 'n${{ event.n }}'}}}]}"
    )

    def test_a_loop_takes_events_in_order_and_records_no_tick(self, home: House) -> None:
        handle = home.runner.start(home.load(self.TEXT))
        _until(lambda: home.runs.checkpoint(handle.id, "steps[0]"))
        for n in range(5):
            home.store.write([home.runs.event("market.tick", {"n": n}, run_id="")])
        result = handle.result(30)
        assert result.steps["loop"]["count"] == 5
        assert home.lines() == ["n0", "n1", "n2", "n3", "n4"]
        assert list(home.statuses(result.id)) == ["steps[0]"]
        assert home.runs.checkpoint(result.id, "steps[0]") is None  # it is over

    def test_a_stopped_loop_goes_on_after_its_last_event(self, home: House) -> None:
        handle = home.runner.start(home.load(self.TEXT))
        _until(lambda: home.runs.checkpoint(handle.id, "steps[0]"))
        for n in range(3):
            home.store.write([home.runs.event("market.tick", {"n": n}, run_id="")])
        _until(lambda: len(home.lines()) == 3)
        handle.stop()
        assert handle.result(30).status == "WAITING"
        for n in (3, 4):
            home.store.write([home.runs.event("market.tick", {"n": n}, run_id="")])
        assert home.runner.resume(handle.id).result(30).ok
        assert home.lines() == ["n0", "n1", "n2", "n3", "n4"]

    def test_a_quiet_loop_ends_when_told_so(self, lite: House) -> None:
        text = workflow("- l: {trigger: {topic: market.tick, idle: 0.1}, steps: [{n: {slice: count, method: inc}}]}")
        assert lite.run(text).steps["l"]["count"] == 0

    def test_an_order_inside_a_loop_is_recorded(self, home: House) -> None:
        text = workflow(
            "- l: {trigger: {topic: market.tick, max: 2}, steps: ["
            "{n: {slice: count, method: inc}}, "
            "{o: {slice: notes, method: order, effect: once, reconcile: find_order, with: {log: LOG}}}]}"
        )
        handle = home.runner.start(home.load(text))
        _until(lambda: home.runs.checkpoint(handle.id, "steps[0]"))
        for n in range(2):
            home.store.write([home.runs.event("market.tick", {"n": n}, run_id="")])
        result = handle.result(30)
        recorded = [p for p in home.statuses(result.id) if "loop[" in p]
        assert len(recorded) == 2
        assert all(p.endswith(".steps[1]") for p in recorded)
        assert len(home.lines()) == 2


def _until(look: Callable[[], Any], seconds: float = 10.0) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError("it did not come about")
