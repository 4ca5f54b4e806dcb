"""Drives the installed command as a user would: from a shell, in a project, with signals and terminals."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gpt_trader import TradingOrchestrator
from gpt_trader.app.settings import load_settings
from tests.cli.conftest import COMMAND, Answer, call, project, shell

__all__ = ["Answer", "call", "project", "shell"]


class Going:
    """A call that has not ended yet."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def end(self, timeout: float = 30.0) -> Answer:
        out, err = self.process.communicate(timeout=timeout)
        return Answer(self.process.returncode, out, err)


@pytest.fixture
def begin(project: Path) -> Iterator[Callable[..., Going]]:
    """Starts the installed command and leaves it running."""
    begun: list[Going] = []

    def made(*words: str) -> Going:
        process = subprocess.Popen(
            [COMMAND, *words], cwd=project, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        begun.append(Going(process))
        return begun[-1]

    yield made
    for going in begun:
        if going.process.poll() is None:
            going.process.kill()
            going.process.communicate()


@pytest.fixture
def until(shell) -> Callable[..., None]:
    """Waits until the newest run's document satisfies a condition."""

    def wait(condition: Callable[[dict], bool], timeout: float = 20.0) -> None:
        end = time.monotonic() + timeout
        while True:
            found = shell("runs", "show", "latest", "--json")
            if found.code == 0 and condition(found.json):
                return
            assert time.monotonic() < end, f"it never came to that: {found}"
            time.sleep(0.1)

    return wait


@pytest.fixture
def installed(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """The installed command outside any project, with a home of its own."""

    def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "GPT_TRADER_HOME": str(tmp_path / "home"), **environment}
        return subprocess.run(
            [COMMAND, *words], capture_output=True, text=True, env=env, cwd=tmp_path, timeout=100, check=False
        )

    return run


@pytest.fixture
def house(tmp_path: Path) -> Iterator[TradingOrchestrator]:
    """The same home, from Python."""
    settings = load_settings(env={"GPT_TRADER_HOME": str(tmp_path / "home")}, cwd=tmp_path)
    with TradingOrchestrator(settings) as orchestrator:
        yield orchestrator


def as_shell(line: str, folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """A line of bash, in which gpt-trader is the installed one."""
    world = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", **env}
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", line],
        cwd=folder,
        env=world,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
