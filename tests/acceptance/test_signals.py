"""Ctrl-C, SIGTERM and terminals, on the installed command."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import time

import pytest

from tests.cli.conftest import COMMAND


def in_second(document: dict) -> bool:
    return any(s["name"] == "second" and s["status"] == "RUNNING" for s in document["steps"])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_stops_after_the_step_and_the_run_can_be_resumed(number, begin, until, shell):
    going = begin("run", "three", "--sleep", "2")
    until(in_second)
    going.signal(number)
    found = going.end()
    assert found.code == 130
    assert found.out.startswith("three  WAITING")
    assert "was interrupted; 2 of 3 steps are done" in found.err
    run_id = shell("runs", "list", "--json").json["runs"][0]["id"]
    assert f"hint: go on with it: gpt-trader runs resume {run_id}" in found.err
    resumed = shell("runs", "resume", run_id)
    assert resumed.code == 0
    assert "second" not in resumed.err
    assert "third" in resumed.err


def test_the_second_signal_ends_at_once(begin, until, shell):
    going = begin("run", "three", "--sleep", "30")
    until(in_second)
    going.signal(signal.SIGINT)
    time.sleep(0.5)
    began = time.monotonic()
    going.signal(signal.SIGINT)
    found = going.end()
    assert found.code == 130
    assert time.monotonic() - began < 5
    assert "once more stops at once" in found.err
    document = shell("runs", "show", "latest", "--json").json
    assert [s["status"] for s in document["steps"]] == ["SUCCEEDED", "RUNNING"]


def test_a_run_whose_process_was_killed_is_taken_over(begin, until, shell):
    going = begin("run", "three", "--sleep", "3")
    until(in_second)
    going.signal(signal.SIGKILL)
    going.end()
    assert "its process is gone" in shell("status").out
    assert "its process is gone" in shell("runs", "list").out
    found = shell("runs", "resume", "latest", "--json")
    assert found.json["status"] == "SUCCEEDED"
    attempts = [(s["name"], s["attempt"], s["status"]) for s in found.json["steps"]]
    assert attempts == [
        ("first", 1, "SUCCEEDED"), ("second", 1, "FAILED"), ("second", 2, "SUCCEEDED"), ("third", 1, "SUCCEEDED"),
    ]  # fmt: skip


def test_a_definition_that_is_edited_while_its_run_is_in_flight_changes_nothing_of_it(begin, until, shell, project):
    going = begin("run", "three", "--sleep", "3")
    until(in_second)
    file = project / "workflows" / "three.yaml"
    file.write_text(file.read_text().replace("third", "another").replace("Three steps", "Other steps"))
    going.signal(signal.SIGKILL)
    going.end()
    found = shell("runs", "resume", "latest", "--json")
    assert [s["name"] for s in found.json["steps"] if s["status"] == "SUCCEEDED"] == ["first", "second", "third"]
    assert "another" in shell("run", "three").err, "a new run takes the new one"


def test_a_run_of_another_process_is_watched_and_cancelled(begin, until, shell):
    going = begin("run", "three", "--sleep", "30")
    until(in_second)
    watching = begin("runs", "watch", "latest")
    assert shell("runs", "resume", "latest").code == 1
    cancelled = shell("runs", "cancel", "latest", "--json")
    assert cancelled.json["status"] == "CANCELLED"
    assert going.end().code == 1
    seen = watching.end()
    assert seen.code == 1
    assert seen.out.startswith("three  CANCELLED")
    assert "done      first" in seen.err


def test_a_run_of_another_process_is_paused(begin, until, shell):
    going = begin("run", "three", "--sleep", "1.5")
    until(in_second)
    assert shell("runs", "pause", "latest").code == 0
    found = going.end()
    assert found.code == 0
    assert "waits: paused" in found.err
    assert shell("runs", "resume", "latest").code == 0


def test_an_approval_reaches_the_process_that_waits(begin, until, shell):
    going = begin("run", "gated")
    until(lambda document: document["status"] == "WAITING")
    answered = shell("runs", "approve", "latest", "--by", "ada", "--reason", "yes")
    assert answered.code == 0
    assert answered.out == ""
    assert going.end().out.startswith("gated  SUCCEEDED")


def test_new_events_are_followed(begin, shell):
    tail = begin("events", "tail", "a.*", "--follow", "--json")
    time.sleep(1.0)
    shell("events", "publish", "a.one")
    shell("events", "publish", "b.two")
    shell("events", "publish", "a.three")
    time.sleep(1.0)
    tail.signal(signal.SIGINT)
    found = tail.end()
    assert re.findall(r'"topic": "([a-z.]+)"', found.out) == ["a.one", "a.three"]
    assert found.code == 130


# --- on a terminal ----------------------------------------------------------------------------------------------------


class Terminal:
    """A run on a pseudo-terminal of 80 columns."""

    def __init__(self, folder, *words: str, **env: str) -> None:
        self.master, slave = pty.openpty()
        os.set_blocking(self.master, False)
        world = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24", **env}
        self.process = subprocess.Popen(
            [COMMAND, *words], cwd=folder, env=world, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            preexec_fn=lambda: _controlling(slave),  # noqa: PLW1509 - the child needs the terminal as its own
        )  # fmt: skip
        os.close(slave)
        self.raw = b""

    @property
    def text(self) -> str:
        return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", self.raw.decode(errors="replace"))

    def read_until(self, words: str, timeout: float = 20.0) -> None:
        end = time.monotonic() + timeout
        while words not in self.text:
            assert time.monotonic() < end, f"never saw {words!r} in {self.text[-2000:]!r}"
            self._read(0.1)

    def read_all(self) -> int:
        while self.process.poll() is None:
            self._read(0.1)
        self._read(0)
        return self.process.wait(20)

    def _read(self, seconds: float) -> None:
        if select.select([self.master], [], [], seconds)[0]:
            try:
                self.raw += os.read(self.master, 1 << 16)
            except OSError:
                time.sleep(0.05)

    def type(self, keys: bytes) -> None:
        os.write(self.master, keys)


def _controlling(slave: int) -> None:
    import fcntl
    import termios

    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)


def test_a_terminal_shows_the_live_tree_and_then_the_result(project):
    terminal = Terminal(project, "run", "three", "--sleep", "0.5")
    assert terminal.read_all() == 0
    assert "\x1b[?25l" in terminal.raw.decode()
    assert terminal.raw.decode().rindex("\x1b[?25h") > terminal.raw.decode().rindex("\x1b[?25l")
    assert "3/3 steps" in terminal.text
    assert re.search(r"✓ second +[0-9]+ ms", terminal.text)
    assert terminal.text.rstrip().splitlines()[-1].split() == ["names", '["AAPL",', '"MSFT"]']
    assert max(len(line) for line in terminal.text.splitlines()) <= 80


def test_ctrl_c_twice_on_a_terminal_gives_it_back(project, until):
    terminal = Terminal(project, "run", "three", "--sleep", "30")
    terminal.read_until("first")
    until(in_second)
    terminal.type(b"\x03")
    terminal.read_until("once more stops at once")
    terminal.type(b"\x03")
    assert terminal.read_all() == 130
    assert terminal.raw.decode().rindex("\x1b[?25h") > terminal.raw.decode().rindex("\x1b[?25l")


def test_what_a_step_prints_stands_above_the_live_view(project):
    terminal = Terminal(project, "run", "three", "--say", "words of a step", "--sleep", "0.3")
    assert terminal.read_all() == 0
    assert "words of a step\n" in terminal.text.replace("\r", "")


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_a_terminal_without_colours_gets_none(project, env):
    terminal = Terminal(project, "runs", "show", "latest", **env)
    assert terminal.read_all() == 2
    assert "\x1b" not in terminal.raw.decode()
