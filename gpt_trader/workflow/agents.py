"""Agents: outside programs that take one task and give one response, each one JSON message, and get no secrets."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from gpt_trader.core.errors import AgentFailed, StepTimeout
from gpt_trader.core.strictjson import read_json
from gpt_trader.journal.artifacts import BARS, MARK
from gpt_trader.workflow.active import monotonic
from gpt_trader.workflow.definition import Agent
from gpt_trader.workflow.expressions import template
from gpt_trader.workflow.pen import Attempt, Work, params_hash

if TYPE_CHECKING:
    from gpt_trader.workflow.strand import Strand

MOST_OUTPUT_BYTES = 10_000_000
_KEPT_ERROR_BYTES = 4_000
_MARK = "GPT_TRADER_TASK"
"""What every process below an agent inherits, however it tried to get away."""
_LOOK_SECONDS = 0.02
_going: set[int] = set()
"""The programs that this process waits for; each leads a group of its own."""
_LAST_WORDS_SECONDS = 1.0
_STDERR = 2
"""Where whatever programs that steps start say goes too."""


def end_all() -> None:
    """End every program that is going, for this process ends at once; quick enough for a signal's handler."""
    for pid in list(_going):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)


def agent(strand: Strand, attempt: Attempt) -> Work:
    """Hand the task to the program and take its response."""
    step = attempt.step
    assert isinstance(step, Agent)
    view = attempt.spot.view()
    command = [str(part) for part in template(step.command).resolve(view)]
    task = {
        "task_id": f"{strand.run.id}:{attempt.path}#{attempt.number}",
        "agent_target": Path(command[0]).stem,
        "task_type": step.task_type,
        "priority": step.priority,
        "data": template(step.data).resolve(view) if step.data is not None else {},
        "dependencies": list(attempt.spot.scope.names()),
        "timeout": step.timeout,
        "retry_count": attempt.number - 1,
    }
    text = strand.run.parts.artifacts.encode(task)

    def call() -> Mapping[str, Any]:
        began = monotonic()
        response = _checked(_Talk(strand, command, text.encode(), name=task["task_id"]).run(), command[0])
        response.setdefault("execution_time", round(monotonic() - began, 6))
        if response["status"] == "failure":
            raise AgentFailed(f"{command[0]} reports: {'; '.join(map(str, response['errors'])) or 'failure'}")
        if response["task_id"] != task["task_id"]:
            hint = f"it was given {task['task_id']}"
            raise AgentFailed(f"{command[0]} answers another task: {response['task_id']:.60}", hint=hint)
        return response

    return Work(call, params_hash=params_hash({"command": command, "data": task["data"]}))


def _checked(text: bytes, program: str) -> dict[str, Any]:
    from jsonschema import Draft7Validator

    from gpt_trader.workflow.schema import agent_response_schema

    try:
        response = read_json(text)
    except (ValueError, RecursionError) as error:
        shown = text[:200].decode(errors="replace")
        raise AgentFailed(f"{program} answered with no JSON: {error}", hint=f"it began: {shown!r}") from None
    faults = sorted(
        Draft7Validator(agent_response_schema()).iter_errors(response), key=lambda e: list(map(str, e.path))
    )
    if faults:
        where = ".".join(map(str, faults[0].path)) or "response"
        raise AgentFailed(f"{program}: {where}: {faults[0].message}", hint="see schemas/agent_response.schema.json")
    for mark in (MARK, BARS):
        if _names(response, mark):
            raise AgentFailed(f"{program}: a response must not name artifacts", hint=f"leave out '{mark}'")
    return {"result": None, "errors": [], "next_actions": [], **response}


def _names(value: Any, mark: str) -> bool:
    """Whether a key is this mark, however deep, and however the JSON wrote it."""
    if isinstance(value, dict):
        return mark in value or any(_names(inner, mark) for inner in value.values())
    return isinstance(value, list) and any(_names(inner, mark) for inner in value)


class _Talk:
    """One conversation with one program, in a process group of its own."""

    def __init__(self, strand: Strand, command: list[str], task: bytes, *, name: str) -> None:
        self.strand = strand
        self.name = name
        self.command = command
        self.task = task
        self.output = bytearray()
        self.errors = bytearray()
        self.flooded = False

    def run(self) -> bytes:
        process = self._start()
        _going.add(process.pid)
        threads = [
            threading.Thread(target=self._feed, args=(process.stdin,), daemon=True),
            threading.Thread(target=self._read, args=(process.stdout,), daemon=True),
            threading.Thread(target=self._read_errors, args=(process.stderr,), daemon=True),
        ]
        for thread in threads:
            thread.start()
        orderly = False
        try:
            self._wait(process, threads[1])
            orderly = not (self.flooded or threads[1].is_alive())
        finally:
            _going.discard(process.pid)
            _kill_group(process)
            if not orderly:
                _kill_strays(self.name)
            for thread in threads:
                thread.join(1.0)
            for pipe in filter(None, (process.stdin, process.stdout, process.stderr)):
                with suppress(OSError):  # it was closed at the other end
                    pipe.close()
        if self.flooded:
            raise AgentFailed(f"{self.command[0]} wrote more than {MOST_OUTPUT_BYTES:,} bytes", hint="it was stopped")
        if process.returncode:
            told = self.errors[-500:].decode(errors="replace").strip()
            raise AgentFailed(f"{self.command[0]} ended with code {process.returncode}", hint=told or None)
        return bytes(self.output)

    def _start(self) -> subprocess.Popen[bytes]:
        pipe = subprocess.PIPE
        env, folder = {**self.strand.run.parts.agent_env, _MARK: self.name}, self.strand.run.parts.agent_folder
        try:
            return subprocess.Popen(
                self.command, stdin=pipe, stdout=pipe, stderr=pipe, env=env, cwd=folder, start_new_session=True
            )
        except (OSError, ValueError) as error:  # a part of the command may hold what no program can be given
            raise AgentFailed(
                f"{self.command[0]} cannot be started: {getattr(error, 'strerror', error)}",
                hint="is the path right, and the file executable?",
            ) from None

    def _wait(self, process: subprocess.Popen[bytes], reader: threading.Thread) -> None:
        ended: float | None = None
        while process.poll() is None or reader.is_alive():
            if process.returncode is not None:
                ended = ended or monotonic()
            if self.flooded or (ended and monotonic() - ended > _LAST_WORDS_SECONDS):
                return  # whoever still holds its output is not the program that was asked
            if self.strand.run.request == "cancel" or self.strand.dead:
                self.strand.check()
            try:
                self.strand.raise_overdue()
            except StepTimeout as error:
                raise StepTimeout(f"{self.command[0]} did not answer in time", path=error.path) from None
            reader.join(_LOOK_SECONDS)

    def _feed(self, pipe: IO[bytes]) -> None:
        try:
            pipe.write(self.task + b"\n")
            pipe.close()
        except OSError:
            pass  # a program need not read its task

    def _read(self, pipe: IO[bytes]) -> None:
        while chunk := os.read(pipe.fileno(), 65536):
            self.output += chunk
            if len(self.output) > MOST_OUTPUT_BYTES:
                self.flooded = True
                return

    def _read_errors(self, pipe: IO[bytes]) -> None:
        while chunk := os.read(pipe.fileno(), 4096):
            self.errors += chunk
            del self.errors[:-_KEPT_ERROR_BYTES]
            with suppress(OSError):  # nobody listens
                os.write(_STDERR, chunk)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """End the program and every child that it left behind."""
    import psutil

    try:
        children = psutil.Process(process.pid).children(recursive=True)
    except psutil.Error:
        children = []
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    for child in children:
        with suppress(psutil.Error):
            child.kill()
    process.wait()


def _kill_strays(task: str) -> None:
    """End what left the program's group and outlived its parent: it still carries the name of the task."""
    import psutil

    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.environ().get(_MARK) == task:
                process.kill()
