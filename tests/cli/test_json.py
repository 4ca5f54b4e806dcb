"""Who asks for JSON gets one document on stdout, whatever happens: a result, a dry run, or an error."""

from __future__ import annotations

import json

import pytest

from gpt_trader.cli import render
from tests.cli.test_conventions import ALL, TEXTS

pytestmark = pytest.mark.usefixtures("project")


@pytest.mark.parametrize(
    ("words", "code", "kind", "said"),
    [
        (("run", "thre"), 2, "NotFound", "no workflow is called 'thre'"),
        (("run", "three", "--sleep", "soon"), 3, "ValidationError", "sleep"),
        (("run", "three", "--mode", "live"), 4, "NotAuthorised", "refused without --live"),
        (("runs", "show", "nothing"), 2, "NotFound", "there is no run 'nothing'"),
        (("runs", "cancel", "latest"), 2, "NotFound", "there are no runs yet"),
        (("runs", "approve", "latest", "--dry-run"), 2, "NotFound", "there are no runs yet"),
        (("status", "--count", "none"), 2, "UsageError", "--count"),
        (("status", "--nonsense"), 2, "UsageError", "there is no option '--nonsense'"),
        (("stats",), 2, "UsageError", "there is no command 'gpt-trader stats'"),
        (("events", "publish", "a.b", "{"), 3, "ValidationError", "the payload is no JSON"),
        (("config", "show", "--set", "nonsense=1"), 2, "UsageError", "there is no setting 'nonsense'"),
    ],
)
def test_an_error_is_one_document_on_stdout_and_the_same_words_on_stderr(call, words, code, kind, said):
    found = call(*words, "--json")
    assert found.code == code
    told = found.json
    assert set(told) == {"version", "error", "exit_code"}
    assert (told["version"], told["exit_code"], told["error"]["type"]) == (1, code, kind)
    assert said in told["error"]["message"]
    assert f"error: {told['error']['message']}" in found.err
    assert (told["error"]["hint"] or "") in found.err


def test_the_faults_of_a_workflow_are_in_the_document(call, project):
    (project / "workflows" / "three.yaml").write_text("name: three\nsteps:\n  - a: {slice: desk, method: worc}\n")
    told = call("run", "three", "--json").json
    assert told["error"]["message"] == "1 fault in workflows/three.yaml"
    (fault,) = told["error"]["faults"]
    assert (fault["file"], fault["line"], fault["code"]) == ("workflows/three.yaml", 3, "unknown-method")


def test_an_unforeseen_error_and_an_interrupt_are_documents_too(capsys):
    for error, code in ((KeyError("x"), 1), (KeyboardInterrupt(), 130), (OSError(28, "No space left"), 1)):
        render.set_up(colour=False)
        render.screen.json = True
        assert render.failed(error) == code
        told = json.loads(capsys.readouterr().out)
        assert (told["exit_code"], told["error"]["type"]) == (code, type(error).__name__)


def test_what_was_answered_already_is_not_answered_twice(capsys):
    render.set_up(colour=False)
    render.screen.json = True
    render.document({"done": True})
    render.failed(ValueError("too late"))
    assert json.loads(capsys.readouterr().out) == {"version": 1, "done": True}


def test_without_the_option_stdout_stays_empty_and_behind_two_dashes_it_is_a_word(call):
    assert call("runs", "show", "nothing").out == ""
    assert call("runs", "show", "--", "--json").out == ""


def test_a_failed_run_is_one_document_with_its_exit_code(call):
    found = call("run", "three", "--fail", "true", "--json")
    assert (found.code, found.json["exit_code"], found.json["status"]) == (1, 1, "FAILED")


def test_a_dry_run_is_one_document(call):
    call("run", "gated", "--no-wait", "--json")
    told = {
        words: call(*words, "--dry-run", "--json").json
        for words in (
            ("run", "three"),
            ("runs", "cancel", "latest"),
            ("runs", "pause", "latest"),
            ("runs", "approve", "latest"),
            ("runs", "approve", "latest", "--reject"),
            ("runs", "resume", "latest"),
            ("runs", "retry", "latest"),
            ("runs", "rerun", "latest", "--from", "gate"),
            ("runs", "fork", "latest"),
            ("runs", "prune"),
            ("events", "publish", "a.b", "{}"),
            ("events", "replay", "1-", "--handler", "json:dumps"),
            ("events", "dead", "retry", "--all"),
            ("events", "dead", "drop", "--all"),
            ("init", "elsewhere"),
            ("strategies", "new", "mine"),
        )
    }
    would = {words[1:3]: found["would"] for words, found in told.items() if "would" in found}
    assert would[("cancel", "latest")] == "cancel"
    assert told[("runs", "approve", "latest", "--reject")]["would"] == "reject"
    assert told[("runs", "rerun", "latest", "--from", "gate")]["kept"] == ["before"]
    assert call("status", "--json").json["counts"] == {"WAITING": 1}, "a dry run changes nothing"


@pytest.mark.parametrize("words", sorted(set(ALL) - set(TEXTS)))
def test_every_command_that_takes_json_answers_an_unknown_option_in_json(call, words):
    found = call(*words.split(), "--json", "--no-such-option")
    assert (found.code, found.json["exit_code"]) == (2, 2)
