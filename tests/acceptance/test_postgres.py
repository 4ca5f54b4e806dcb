"""The same commands on a journal in PostgreSQL, chosen by one URL."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest


@pytest.fixture
def journal(new_url: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> str:
    url = new_url("postgresql")
    monkeypatch.setenv("GPT_TRADER_JOURNAL", url)
    return url


def test_a_project_lives_on_a_server(journal: str, shell) -> None:
    assert shell("status").out == "there are no runs yet\n"
    assert shell("run", "three", "--symbols", "IBM", "--json").json["outputs"]["names"] == ["IBM"]
    parked = shell("run", "gated", "--no-wait", "--json").json
    assert parked["status"] == "WAITING"
    approved = shell("runs", "approve", parked["id"], "--by", "ada", "--json")
    assert approved.json["status"] == "SUCCEEDED"
    assert shell("run", "three", "--fail", "true").code == 1
    assert shell("status", "--json").json["counts"]["SUCCEEDED"] >= 2
    assert shell("events", "publish", "a.b", "{}", "--json").json["topic"] == "a.b"
    assert shell("runs", "logs", "latest").code == 0
    checked = shell("doctor", "--json")
    assert (checked.code, checked.json["ok"]) == (0, True)
    assert shell("runs", "prune", "--older-than", "0s", "--json").json["runs"] >= 3
    assert shell("runs", "list", "--json").json["runs"] == []


def test_a_run_on_a_server_whose_process_was_killed_is_taken_over(journal: str, begin, until, shell) -> None:
    going = begin("run", "three", "--sleep", "3")
    until(lambda document: [s["name"] for s in document["steps"]] == ["first", "second"])
    going.signal(signal.SIGKILL)
    going.end()
    found = shell("runs", "resume", "latest", "--json")
    assert found.json["status"] == "SUCCEEDED"
    second = [s for s in found.json["steps"] if s["name"] == "second"]
    assert [s["status"] for s in second] == ["FAILED", "SUCCEEDED"]


def test_a_server_that_is_not_there_is_one_line(shell) -> None:
    found = shell("status", "--json", GPT_TRADER_JOURNAL="postgresql://nobody@127.0.0.1:1/none")
    assert (found.code, found.json["error"]["type"]) == (1, "JournalUnavailable")
    assert found.json["error"]["hint"] == "is the server up, and the URL right?"
    assert len(found.err.strip().splitlines()) == 3
