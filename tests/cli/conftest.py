"""Gives a test a project with a slice of its own, and two ways to call the program: here, and as a user does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest

from gpt_trader.cli import conduct, main, render, streams

COMMAND = Path(sys.executable).with_name("gpt-trader")
SLICE = '''
import time
import gpt_trader


class Given(gpt_trader.Params):
    symbols: list[str] = ["AAPL"]
    sleep: float = 0.0
    fail: bool = False
    say: str = ""
    times: int = 1


class Made(gpt_trader.Outputs):
    count: int
    score: float
    names: list[str]


class Desk(gpt_trader.Slice):
    """Does as it is told."""

    name = "desk"

    @gpt_trader.method()
    def work(self, params: Given, ctx: gpt_trader.StepContext) -> Made:
        """Work for a while."""
        end = time.monotonic() + params.sleep
        while time.monotonic() < end:
            ctx.check()
            time.sleep(0.02)
        for _ in range(params.times if params.say else 0):
            print(params.say)
        if params.fail:
            raise ValueError("no luck")
        return Made(count=len(params.symbols), score=0.5, names=params.symbols)

    @gpt_trader.method()
    def hang(self, params: Given, ctx: gpt_trader.StepContext) -> Made:
        """Never come back."""
        while True:
            time.sleep(0.05)
'''
WORKFLOWS = {
    "three": """
name: three
description: Three steps in a row.
inputs:
  symbols: {type: array, items: {type: string}, default: [AAPL, MSFT]}
  sleep: {type: number, default: 0}
  fail: {type: boolean, default: false}
  say: {type: string, default: ""}
  times: {type: integer, default: 1}
steps:
  - first: {slice: desk, method: work, with: {fail: false, sleep: 0.0}}
  - second: {slice: desk, method: work}
  - third: {slice: desk, method: work, with: {fail: false, sleep: 0.0}}
""",
    "gated": """
name: gated
steps:
  - before: {slice: desk, method: work}
  - gate: {approval: {message: Shall we?}}
  - after: {slice: desk, method: work}
""",
    "stuck": """
name: stuck
steps:
  - stuck: {slice: desk, method: hang, timeout: 300ms}
""",
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project in the current folder, with a journal of its own."""
    folder = tmp_path / "project"
    for name, text in {
        "gpt-trader.yaml": "plugins: plugins\nworkflows: [workflows]\n",
        "plugins/slices/desk.py": SLICE,
        **{f"workflows/{name}.yaml": text for name, text in WORKFLOWS.items()},
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("GPT_TRADER_HOME", str(tmp_path / "home"))
    for name in [n for n in sys.modules if n.startswith("gpt_trader_plugins_")]:
        del sys.modules[name]
    return folder


@dataclass(frozen=True)
class Answer:
    """What a call printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its one document."""
        return json.loads(self.out)


class Call(Protocol):
    """Calls the program."""

    def __call__(self, *words: str) -> Answer: ...


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Calls the program in this process: quick, and as wide as a person's terminal is not."""
    monkeypatch.setattr(streams, "divert", lambda: None)
    monkeypatch.setattr(conduct, "_leave", lambda app, code: app.close())

    def made(*words: str) -> Answer:
        render.set_up(colour=False)
        code = main._guarded(list(words))
        out, err = capsys.readouterr()
        return Answer(code, out, err)

    return made


class Shell(Protocol):
    """Runs the installed program."""

    def __call__(self, *words: str, **env: str) -> Answer: ...


@pytest.fixture
def shell(project: Path) -> Shell:
    """Runs the installed command in the project, as a user does."""

    def made(*words: str, **env: str) -> Answer:
        world = {**os.environ, **env}
        done = subprocess.run(
            [COMMAND, *words], cwd=project, env=world, capture_output=True, text=True, timeout=60, check=False
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    return made
