"""The canary: a secret that is planted everywhere a user may have one is found nowhere that the program writes."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import pandas as pd
import pytest

CANARY = "canary-93b1-never-to-be-seen"
PASSWORD = "canary-77f0-of-the-database"
SLICE = '''
import subprocess
import pandas as pd
import gpt_trader


class Given(gpt_trader.Params):
    fail: bool = False


class Gave(gpt_trader.Outputs):
    text: str
    table: gpt_trader.Frame
    page: str


class Desk(gpt_trader.Slice):
    """Gives its key away wherever it can."""

    name = "desk"

    @gpt_trader.method()
    def leak(self, params: Given, ctx: gpt_trader.StepContext) -> Gave:
        """Give it away."""
        key = ctx.secret("BROKER_KEY")
        print("printed", key)
        subprocess.run(["sh", "-c", "echo told $0 by a program; echo and $0 >&2", key], check=True)
        ctx.record("broker.called", {"key": key, "url": f"https://broker/?key={key}"})
        ctx.progress(1, 2, f"with {key}")
        page = ctx.artifacts.put(f"<p>{key}</p>".encode(), kind="html")
        if params.fail:
            raise ConnectionError(f"refused {key}")
        return Gave(text=key * 3000, table=pd.DataFrame({"key": [key]}), page=str(ctx.artifacts.path(page)))
'''
AGENT = """
import json, sys
task = json.load(sys.stdin)
key = "canary-93b1-" + "never-to-be-seen"  # as if it had found it somewhere
print(json.dumps({"task_id": task["task_id"], "agent_name": "a", "status": "success", "result": {"key": key}}))
"""
WORKFLOW = """
name: leaks
secrets: [BROKER_KEY]
inputs: {fail: {type: boolean, default: false}}
steps:
  - ask: {agent: [PYTHON, AGENT]}
  - leak: {slice: desk, method: leak, on_error: continue}
  - sure: {approval: {message: "Use ${{ steps.ask.result.key }}?"}}
  - again: {slice: desk, method: leak}
"""


@pytest.fixture
def leaky(project: Path) -> Path:
    (project / "plugins" / "slices" / "desk.py").write_text(SLICE)
    (project / "agent.py").write_text(AGENT)
    text = WORKFLOW.replace("PYTHON", sys.executable).replace("AGENT", str(project / "agent.py"))
    (project / "workflows" / "leaks.yaml").write_text(text)
    return project


CALLS = (
    ("plan", "leaks", "--json"),
    ("run", "leaks", "--no-wait"),
    ("run", "leaks", "--no-wait", "--fail", "true", "--json", "--debug"),
    ("run", "leaks", "--no-wait", "--fail", CANARY),
    ("runs", "approve", "latest", "--by", "ada", "--reason", CANARY, "--json"),
    ("runs", "retry", "latest", "--debug"),
    ("runs", "show", "latest"),
    ("runs", "show", "latest", "--json"),
    ("runs", "logs", "latest", "--debug"),
    ("runs", "logs", "latest", "--json"),
    ("runs", "list", "--json"),
    ("status", "--json"),
    ("events", "publish", "a.b", f'{{"key": "{CANARY}"}}', "--json"),
    ("events", "tail", "--count", "100", "--json"),
    ("config", "show", "--json"),
    ("doctor", "--json"),
    ("runs", "show", CANARY, "--json"),
)


def test_a_planted_secret_is_in_no_file_and_in_no_line_that_the_program_writes(leaky: Path, shell) -> None:
    world = {"BROKER_KEY": CANARY, "OTHER_API_TOKEN": PASSWORD}
    said = {words: shell(*words, **world) for words in CALLS}
    assert said[CALLS[2]].json["error"] is None or "***" in said[CALLS[2]].out
    assert "printed ***" in said[CALLS[1]].err, "the step had it"
    assert "told *** by a program" in said[CALLS[1]].err, "so had what the step started"
    assert said[CALLS[1]].code == 0, said[CALLS[1]].err
    for words, answer in said.items():
        assert CANARY not in answer.out + answer.err, words
        assert PASSWORD not in answer.out + answer.err, words
    _backed_up(leaky, world)
    written = [f for folder in (leaky.parent / "home", leaky) for f in folder.rglob("*") if f.is_file()]
    assert any(f.suffix == ".parquet" for f in written)
    assert any(f.suffix == ".html" for f in written)
    assert any(f.suffix == ".backup" for f in written)
    for file in written:
        assert CANARY.encode() not in _read(file), file


def _backed_up(project: Path, world: dict[str, str]) -> None:
    """What a migration would copy first."""
    from gpt_trader.app.settings import load_settings
    from gpt_trader.journal.migrations import backup, open_store
    from gpt_trader.trading.clocks import WallClock

    settings = load_settings(env={"GPT_TRADER_HOME": str(project.parent / "home"), **world}, cwd=project)
    assert CANARY not in repr(settings)
    store = open_store(settings.journal, WallClock())
    backup(store, WallClock(), label="now")
    store.close()


def _read(file: Path) -> bytes:
    if file.suffix == ".parquet":
        return pd.read_parquet(file).to_json().encode()
    return gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()


def test_a_password_of_the_journal_is_shown_by_no_error(shell, project: Path) -> None:
    url = f"postgresql://trader:{PASSWORD}@127.0.0.1:9/none?sslpassword={PASSWORD}"
    for words in (("status", "--json"), ("doctor", "--json"), ("config", "show"), ("run", "three", "--debug")):
        found = shell(*words, GPT_TRADER_JOURNAL=url)
        assert PASSWORD not in found.out + found.err, words


def test_a_run_without_its_secret_ends_before_it_begins_and_names_it(leaky: Path, shell) -> None:
    found = shell("run", "leaks", "--json")
    assert (found.code, found.json["error"]["type"]) == (3, "ConfigError")
    assert "export BROKER_KEY=" in found.json["error"]["hint"]
    assert shell("status", "--json").json["runs"] == []
    assert "not in the environment" in shell("plan", "leaks").out
