"""Conducts one run in this process: begins it, shows it, hears signals, and says how it ended."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from gpt_trader.cli import main, render, session, streams
from gpt_trader.cli.documents import run_document
from gpt_trader.cli.signals import Stopping
from gpt_trader.cli.summary import code_of, outcome, outputs
from gpt_trader.cli.tree import Tree
from gpt_trader.cli.views import View, observe, view_for
from gpt_trader.core.errors import Conflict, Fenced, Interrupted, JournalError
from gpt_trader.workflow.active import unobserved

if TYPE_CHECKING:
    from gpt_trader.app.wiring import Application
    from gpt_trader.journal.runs import StepRecord
    from gpt_trader.workflow.active import Change
    from gpt_trader.workflow.definition import Workflow
    from gpt_trader.workflow.results import Handle, RunResult
    from gpt_trader.workflow.runner import Runner

_LOOK_SECONDS = 0.25
_STOP_SECONDS = 20.0
Begin = Callable[["Runner"], "Handle"]
Look = Callable[[Tree, str, Callable[[], float]], View]


class Ear:
    """An observer that can be told later whom to tell."""

    def __init__(self) -> None:
        self.hear: Callable[[Change], None] = unobserved

    def __call__(self, change: Change) -> None:
        self.hear(change)


def application() -> tuple[Application, Ear]:
    """The application of this call, and the ear that hears its runs."""
    ear = Ear()
    return session.application(ear), ear


def conduct(
    app: Application,
    ear: Ear,
    workflow: Workflow,
    begin: Begin,
    *,
    as_json: bool,
    known: str | None = None,
    done: Iterable[StepRecord] = (),
    view: Look = view_for,
    show: Callable[[RunResult, float], None] = outputs,
) -> int:
    """Begin a run, see it through, print how it ended; the exit code.

    `known` is a run that is gone on with, `done` are the records that the run begins with.
    """
    tree = Tree(workflow)
    tree.load(done)

    def now() -> float:
        return app.clock.now().timestamp()

    streams.divert()
    with Stopping(_end_agents) as stopping:
        began = now()
        with view(tree, known or "", now) as seen:
            ear.hear = observe(tree, seen, now)
            handle = begin(app.runner)
            seen.title = handle.id
            _announce(handle.id, workflow.name, known)
            stopping.tell(handle.stop)
            result = _result(handle, stopping)
        streams.finish()
        code = code_of(result, interrupted=bool(stopping.count))
        with suppress(BrokenPipeError):  # the exit code is that of the run
            if as_json:
                render.document(run_document(app.runs, result.id, result.outputs) | {"exit_code": code})
            else:
                show(result, now() - began)
            render.screen.out.flush()
        _explain(app, result, tree, interrupted=bool(stopping.count))
    _leave(app, code)
    return code


def _explain(app: Application, result: RunResult, tree: Tree, *, interrupted: bool) -> None:
    outcome(result, tree, interrupted=interrupted)
    if not render.screen.debug:
        return
    for step in app.runs.steps(result.id):
        trace = (app.artifacts.decode(step.error) if step.error else {}).get("trace")
        if trace:
            render.note(f"\n{step.path}\n{render.clean(trace)}")


def _announce(run_id: str, workflow: str, known: str | None) -> None:
    if not (render.on_terminal() and not render.screen.verbose):
        render.note(f"{'going on with' if known else 'run'} {run_id} ({workflow})")


def _result(handle: Handle, stopping: Stopping) -> RunResult:
    """The result; where the journal fails a run, the error names the command that goes on with it."""
    try:
        return _wait(handle, stopping)
    except JournalError as error:
        if not isinstance(error, Conflict):
            word = "watch" if isinstance(error, Fenced) else "resume"
            error.hint = "\n".join(filter(None, (error.hint, f"gpt-trader runs {word} {handle.id}")))
        raise


def _wait(handle: Handle, stopping: Stopping) -> RunResult:
    """The result; a person who wants to stop is told what happens, and is not kept waiting for ever."""
    waited: float | None = None
    while True:
        try:
            return handle.result(_LOOK_SECONDS)
        except TimeoutError:
            if handle.done():  # just now
                return handle.result()
        if stopping.count and waited is None:
            waited = 0.0
            render.note("stopping after the present step; once more stops at once")
        elif waited is not None:
            waited += _LOOK_SECONDS
            if waited >= _STOP_SECONDS:
                _end_agents()
                left = f"run {handle.id} was left in its step"
                main.end(render.failed(Interrupted(left, hint=f"gpt-trader runs resume {handle.id}")), at_once=True)


def _end_agents() -> None:
    """Outside programs do not outlive a process that does not wait for them."""
    used = sys.modules.get("gpt_trader.workflow.agents")
    if used is not None:
        used.end_all()


def _leave(app: Application, code: int) -> None:
    """Close what was opened; a thread that was given up does not keep the process."""
    app.close()
    kept = [t for t in threading.enumerate() if t is not threading.main_thread() and _stays(t)]
    if kept:
        main.end(code, at_once=True)


def _stays(thread: threading.Thread) -> bool:
    thread.join(0.02 if thread.daemon else 0)
    return thread.is_alive()
