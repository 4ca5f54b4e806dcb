"""Runs a workflow in a process of its own that a named failpoint kills, stops or robs of its disk."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from pathlib import Path
from typing import Any

from gpt_trader.core import failpoints
from tests.workflow.runhouse import house

_server = multiprocessing.get_context("forkserver")
_server.set_forkserver_preload(["tests.workflow.runhouse", "gpt_trader.workflow.tries", "gpt_trader.workflow.waits"])


def _work(url: str, folder: Path, text: str, spec: str, run_id: str | None, options: dict[str, Any]) -> None:
    failpoints.arm(spec)
    with house(url, folder, **options) as home:
        if run_id is None:
            home.runner.start(home.load(text)).result(60)
        else:
            home.runner.resume(run_id).result(60)


def begin(url: str, folder: Path, text: str, spec: str = "", run_id: str | None = None, **options: Any) -> Any:
    """Start such a process."""
    process = _server.Process(target=_work, args=(url, folder, text, spec, run_id, options), daemon=False)
    process.start()
    return process


def crash(url: str, folder: Path, text: str, spec: str, run_id: str | None = None) -> bool:
    """Run until the failpoint kills the process; False if it ended by itself, because the place was never passed."""
    process = begin(url, folder, text, spec, run_id)
    process.join(60)
    code = process.exitcode
    process.close()
    assert code in (0, -signal.SIGKILL), code
    return bool(code)


def stopped(process: Any, seconds: float = 20.0) -> None:
    """Wait until a process has stopped itself."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        state = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0]
        if state == "T":
            return
        time.sleep(0.01)
    raise AssertionError("it did not stop")


def go_on(process: Any) -> None:
    """Let a stopped process go on."""
    os.kill(process.pid, signal.SIGCONT)
