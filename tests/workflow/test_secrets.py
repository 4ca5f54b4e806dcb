"""A step gets the secrets that its workflow lists; no record, event, artifact or message of the run holds one."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pydantic_core import from_json

from gpt_trader.core.context import StepContext
from gpt_trader.core.errors import ConfigError, ValidationError
from gpt_trader.core.secrets import Secrets
from gpt_trader.core.slices import Frame, Outputs, Params, Slice, method
from gpt_trader.journal.history import History
from gpt_trader.journal.migrations import backup
from tests.workflow.runhouse import House, house, workflow

CANARY = "canary-5f3b-of-the-broker"
LISTED = "secrets: [BROKER_KEY]"


class Leak(Params):
    way: str = "none"
    name: str = "BROKER_KEY"


class Leaked(Outputs):
    length: int
    text: str = ""
    table: Frame = None


class Leaky(Slice):
    """Uses a secret, and gives it away in some way."""

    name = "leaky"

    @method()
    def use(self, params: Leak, ctx: StepContext) -> Leaked:
        """Use it."""
        value = ctx.secret(params.name)
        if params.way == "raise":
            raise ConnectionError(f"401 for https://broker/?key={value}")
        if params.way == "record":
            ctx.record("broker.called", {"key": value})
        if params.way == "progress":
            ctx.progress(1, 2, f"calling with {value}")
        if params.way == "artifact":
            ctx.artifacts.put(f"<p>{value}</p>".encode(), kind="html")
        table = pd.DataFrame({"key": [value, "b"], "n": [1, 2]}) if params.way == "table" else None
        text = value * 5000 if params.way == "long" else value if params.way == "return" else ""
        return Leaked(length=len(value), text=text, table=table)


def _look(name: str) -> str:
    return CANARY if name == "BROKER_KEY" else "short" if name == "SHORT" else ""


@pytest.fixture
def kept(store_url: str, tmp_path: Path) -> Iterator[House]:
    secrets = Secrets()
    with house(store_url, tmp_path, secret=_look, secrets=secrets) as made:
        made.catalog.offer("leaky", lambda: Leaky)
        made.store.secrets = made.runner.parts.artifacts.secrets = secrets
        yield made


def everything(home: House) -> bytes:
    """All that lies on the disk, and all that a watcher was told."""
    backup(home.store, home.clock, label="now", folder=home.folder)
    texts = [_read(file) for file in home.folder.rglob("*") if file.is_file()]
    texts += [repr(home.store.read(name)).encode() for name in ("step.outputs", "run.inputs", "run.live")]
    texts.append(repr(home.store.read("event.after", seq=0, count=1000)).encode())
    texts.append(repr([home.runs.steps(run.id) for run in home.runs.recent()]).encode())
    return b"\n".join([*texts, repr(home.runs.recent()).encode(), repr(home.changes).encode()])


def _read(file: Path) -> bytes:
    if file.suffix == ".parquet":
        return pd.read_parquet(file).to_json().encode()
    return gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()


@pytest.mark.parametrize("way", ["none", "raise", "record", "progress", "artifact", "table", "return", "long"])
def test_a_step_may_use_a_secret_and_nothing_keeps_it(kept: House, way: str) -> None:
    text = workflow(f"- use: {{slice: leaky, method: use, with: {{way: {way}}}}}", head=LISTED)
    result = kept.run(
        text + "on_failure:\n  - n: {slice: notes, method: note, with: {log: LOG, text: '${{ error.message }}'}}\n"
    )
    assert result.ok == (way != "raise")
    if way != "raise":
        assert result["length"] == len(CANARY)
    assert CANARY.encode() not in everything(kept)
    assert CANARY not in repr(result)
    if way == "raise":
        assert "401 for https://broker/?key=***" in result.error["message"]
        assert kept.lines() == [
            f"step 'use' failed: ConnectionError: {result.error['message'].partition('Error: ')[2]}"
        ]


def test_what_a_run_sees_at_first_it_sees_again_when_it_goes_on(kept: House) -> None:
    text = workflow(
        "- use: {slice: leaky, method: use, with: {way: return}}\n"
        "- n: {slice: notes, method: note, with: {log: LOG, text: '${{ steps.use.text }}', fails: 1}}",
        head=LISTED,
    )
    failed = kept.run(text)
    assert kept.runner.resume(failed.id).result(30).ok
    assert kept.lines() == ["***", "***"]


def test_an_agent_is_not_given_it_and_may_not_bring_it_in(kept: House) -> None:
    program = kept.folder / "agent.py"
    program.write_text(
        "import json, os, sys\ntask = json.load(sys.stdin)\n"
        "answer = {'task_id': task['task_id'], 'agent_name': 'a', 'status': 'success',\n"
        "          'result': {'found': 'canary-' + '5f3b-of-the-broker', 'env': dict(os.environ)}}\n"
        "sys.stderr.write('canary-' + '5f3b-of-the-broker')\nprint(json.dumps(answer))\n"
    )
    text = workflow(f"- a: {{agent: ['{_python()}', '{program}']}}", head=LISTED)
    result = kept.run(text)
    assert result.steps["a"]["result"]["found"] == "***"
    assert "BROKER_KEY" not in result.steps["a"]["result"]["env"]
    assert CANARY.encode() not in everything(kept)


def _python() -> str:
    import sys

    return sys.executable


def test_items_in_processes_get_it_too(kept: House) -> None:
    kept.catalog.offer("remote", lambda: Remote)
    text = workflow(
        "- f: {foreach: {in: [1], executor: processes}, "
        "steps: [{use: {slice: remote, method: use, with: {way: return}}}]}",
        head=LISTED,
    )
    result = kept.run(text)
    assert result.ok, result.error
    assert result.steps["f"]["items"][0] == {"length": len(CANARY), "text": "***", "table": None}
    assert CANARY.encode() not in everything(kept)


class Remote(Leaky):
    """The same, under a name of its own."""

    name = "remote"


def test_a_secret_that_the_workflow_does_not_list_is_not_had(kept: House) -> None:
    result = kept.run(workflow("- use: {slice: leaky, method: use}"))
    assert "lists no secret 'BROKER_KEY'" in result.error["message"]
    assert result.error["hint"] == "write secrets: [BROKER_KEY]"


@pytest.mark.parametrize(
    ("names", "told"), [("OTHER_KEY, BROKER_KEY", "needs the secret OTHER_KEY"), ("SHORT", "SHORT is too short")]
)
def test_a_run_without_its_secrets_does_not_begin(kept: House, names: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        kept.run(workflow("- n: {slice: count, method: inc}", head=f"secrets: [{names}]"))
    assert kept.runs.recent() == []


def test_a_run_whose_secret_is_gone_stays_as_it_was(kept: House) -> None:
    parked = kept.run(workflow("- g: {approval: {}}\n- use: {slice: leaky, method: use}", head=LISTED), park=True)
    before = kept.runs.get(parked.id)
    with house(kept.url, kept.folder) as other, pytest.raises(ConfigError, match="needs the secret BROKER_KEY"):
        other.runner.resume(parked.id)
    assert kept.runs.get(parked.id) == before


@pytest.mark.parametrize("where", ["inputs", "file"])
def test_a_secret_written_into_what_is_kept_is_refused(kept: House, where: str) -> None:
    note = "- n: {slice: notes, method: note, with: {log: LOG, text: TEXT}}"
    head = f"{LISTED}\ninputs: {{key: {{type: string, default: none}}}}"
    text = workflow(note.replace("TEXT", CANARY if where == "file" else "x"), head=head)
    with pytest.raises(ValidationError, match="holds a secret of the environment") as refused:
        kept.run(text, {"key": CANARY} if where == "inputs" else {})
    assert CANARY not in str(refused.value)
    assert CANARY.encode() not in everything(kept)


def test_what_is_published_is_kept_without_it(kept: House) -> None:
    from gpt_trader.journal.bus import EventBus

    kept.runner.parts.secrets.know(CANARY)
    heard: list[Any] = []
    with EventBus(kept.store, kept.clock) as bus:
        bus.subscribe("a.*", lambda event: heard.append(event.payload))
        bus.publish("a.b", {"key": CANARY})
        bus.publish_many([("a.c", {"key": f"x{CANARY}"})])

        def fails(event: Any) -> None:
            raise RuntimeError(CANARY)

        bus.subscribe("d.*", fails, name="fails")
        bus.publish("d.e")
        assert bus.flush(20)
    assert heard == [{"key": "***"}, {"key": "x***"}]
    assert re.search("RuntimeError: .*", repr(kept.store.read("dead.list", subscriber=None, count=5)))
    assert CANARY.encode() not in everything(kept)


def test_figures_of_a_secret_that_a_runs_id_happens_to_hold_do_not_lose_the_run(kept: House) -> None:
    kept.runner.parts.secrets.know(kept.runs.new_id()[:8])  # the day, which may be somebody's key
    result = kept.run(
        workflow("- a: {slice: notes, method: note, with: {log: LOG, text: a}}\n- g: {approval: {}}"), park=True
    )
    (asked,) = kept.runs.open_approvals()
    assert kept.runs.decide(result.id, asked.path, approved=True, by="Ada")
    assert kept.runner.resume(result.id).result(30).ok
    assert [run.id for run in kept.runs.recent()] == [result.id]


def test_a_secret_of_figures_changes_no_number_of_a_run(kept: House) -> None:
    kept.runner.parts.secrets.know("10000000")
    text = workflow(
        "- n: {slice: notes, method: note, with: {log: LOG, text: a}}",
        head="inputs: {cash: {type: number}, limit: {type: number, default: 10000000}}",
    )
    assert kept.run(text, {"cash": 10000000}).ok
    History(kept.store, kept.clock).append("a.b", {"cash": 10000000, "pin": "10000000"})
    artifacts = kept.runner.parts.artifacts
    made = {"cash": 10000000, "equity": 110000000.25, "long": [0.10000000123] * 9000, "pin": "10000000"}
    (row,) = kept.store.read("run.inputs")
    assert from_json(row["inputs"]) == {"cash": 10000000, "limit": 10000000}
    (event,) = [e for e in kept.store.read("event.after", seq=0, count=100) if e["topic"] == "a.b"]
    assert from_json(event["payload"]) == {"cash": 10000000, "pin": "***"}
    assert artifacts.decode(artifacts.encode(made)) == {**made, "pin": "***"}
    assert artifacts.get(artifacts.put(b'{"cash":10000000}', kind="json")) == b'{"cash":10000000}'
