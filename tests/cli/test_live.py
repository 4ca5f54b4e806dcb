"""The live view, drawn into a terminal that remembers."""

from __future__ import annotations

import io
import re

import pytest

from gpt_trader.cli import render
from gpt_trader.cli.live import Live
from gpt_trader.cli.tree import Tree
from gpt_trader.cli.views import Plain, Silent, observe, view_for
from gpt_trader.workflow.active import Change
from gpt_trader.workflow.definition import Action, Approval, Workflow


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True

    @property
    def text(self) -> str:
        return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", self.getvalue())


@pytest.fixture
def terminal(monkeypatch):
    made = Terminal()
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "90")
    monkeypatch.setenv("LINES", "24")
    monkeypatch.setattr(render, "screen", render.Screen(io.StringIO(), made))
    return made


@pytest.fixture
def tree() -> Tree:
    steps = (Action(name="fetch", path="steps[0]", slice="desk", method="work"), Approval(name="gate", path="steps[1]"))
    return Tree(Workflow(name="flow", steps=steps))


def test_the_view_is_live_on_a_terminal_plain_elsewhere_and_silent_with_quiet(terminal, tree, monkeypatch):
    assert isinstance(view_for(tree, "id", lambda: 0.0), Live)
    render.screen.quiet = True
    assert isinstance(view_for(tree, "id", lambda: 0.0), Silent)
    monkeypatch.setattr(render, "screen", render.Screen(io.StringIO(), io.StringIO()))
    assert isinstance(view_for(tree, "id", lambda: 0.0), Plain)


def test_the_live_view_shows_steps_times_progress_and_what_is_waited_for(terminal, tree):
    now = 100.0
    with Live(tree, "run-1", lambda: now) as view:
        changed = observe(tree, view, lambda: now)
        changed(Change("run-1", "steps[0]", "fetch", "RUNNING", 1))
        changed(Change("run-1", "steps[0]", "fetch", "PROGRESS", 1, "bars 3/10"))
        now = 102.0
        view._live.refresh()
        assert "bars 3/10" in terminal.text
        changed(Change("run-1", "steps[0]", "fetch", "SUCCEEDED", 1))
        changed(Change("run-1", "steps[1]", "gate", "RUNNING", 1))
        changed(Change("run-1", "", "flow", "WAITING", 0, "approval: Shall we?"))
        view._live.refresh()
        assert "waiting: approval: Shall we?" in terminal.text
        assert "gpt-trader runs approve run-1" in terminal.text
        render.note("printed above")
    assert "printed above" in terminal.text
    last = terminal.text.rpartition("flow")[2]
    assert "1/2 steps" in last
    assert re.search(r"✓ fetch +2\.0 s", last)


def test_a_long_reason_gives_way_and_not_the_name_of_the_step(terminal, tree):
    with Live(tree, "run-1", lambda: 0.0) as view:
        changed = observe(tree, view, lambda: 0.0)
        changed(Change("run-1", "steps[0]", "fetch", "FAILED", 1, "no venue is named; " * 9))
    last = terminal.text.rpartition("flow")[2]
    assert re.search(r"✗ fetch +no venue is named; ", last)
    assert max(len(line.rstrip()) for line in last.splitlines()) <= 90


def test_the_screen_is_given_back(terminal, tree):
    with Live(tree, "run-1", lambda: 0.0):
        assert render.screen.err is not terminal
    assert id(render.screen.err) == id(terminal)
    assert terminal.getvalue().rindex("\x1b[?25h") > terminal.getvalue().rindex("\x1b[?25l")


def test_a_view_that_breaks_does_not_break_the_run(tree):
    class Broken(Silent):
        calls = 0

        def changed(self, *_: object) -> None:
            self.calls += 1
            raise BrokenPipeError

    view = Broken()
    changed = observe(tree, view, lambda: 0.0)
    for _ in range(3):
        changed(Change("r", "steps[0]", "fetch", "RUNNING", 1))
    assert view.calls == 1


def test_nothing_goes_on_in_the_last_picture(terminal, tree):
    with Live(tree, "run-1", lambda: 1.0) as view:
        changed = observe(tree, view, lambda: 1.0)
        changed(Change("run-1", "steps[0]", "fetch", "RUNNING", 1))
    last = [line for line in terminal.text.splitlines() if "fetch" in line][-1]
    assert last.split()[0] == "◷"
