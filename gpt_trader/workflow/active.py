"""A run in flight: what it has done so far, who owns it, and what was asked of it from outside."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from gpt_trader.core.context import StepContext
from gpt_trader.core.errors import GptTraderError, RunCancelled, StepTimeout
from gpt_trader.core.ports import Clock
from gpt_trader.core.secrets import Secrets
from gpt_trader.core.slices import SliceCatalog
from gpt_trader.core.texts import storable, words
from gpt_trader.journal.artifacts import ArtifactFolder
from gpt_trader.journal.owners import Ownership
from gpt_trader.journal.runs import Runs, StepRecord
from gpt_trader.journal.writer import Op
from gpt_trader.workflow.definition import Step, Workflow
from gpt_trader.workflow.executors import DaemonThreads, LazyProcesses
from gpt_trader.workflow.scope import Scope
from gpt_trader.workflow.secrets import secrets_of, taken

Request = Literal["cancel", "pause", "stop"]


@dataclass(frozen=True, slots=True)
class Change:
    """Something that became different in a run, for whoever watches."""

    run_id: str
    path: str
    name: str
    status: str
    attempt: int = 0
    text: str = ""


Observer = Callable[[Change], None]


def unobserved(change: Change) -> None:
    """Watch nothing."""


def unlimited(moment: float) -> None:
    """Have nobody look at deadlines."""


def no_secret(name: str) -> str:
    """Have no secret of this name."""
    del name
    return ""


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What every run of one runner shares."""

    runs: Runs
    catalog: SliceCatalog
    artifacts: ArtifactFolder
    clock: Clock
    owner: str
    agent_env: Mapping[str, str]
    agent_folder: Path | None = None
    secret: Callable[[str], str] = no_secret
    secrets: Secrets = field(default_factory=Secrets)
    max_steps: int = 5
    observer: Observer = unobserved
    look_at: Callable[[float], None] = unlimited
    threads: DaemonThreads = field(default_factory=DaemonThreads)
    heavy: Executor = field(default_factory=LazyProcesses)


def _unwatched(run: ActiveRun) -> None:
    """Nobody watches over this run."""


class Unwound(BaseException):
    """Leaves the walk of a run without an outcome: the run waits, and can be resumed."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Superseded(BaseException):
    """This thread was given up; another goes on in its place."""


class Halted(BaseException):
    """A sibling failed; this strand stops at its next step."""


@dataclass(slots=True)
class Last:
    """The newest attempt of a step."""

    attempt: int
    status: str
    outputs: Any = None
    text: str | None = None
    error: dict[str, Any] | None = None
    started_at: int = 0
    slice: str = ""
    method: str = ""


class Calling(Protocol):
    """A strand whose thread is inside foreign code, as far as the keeper needs to know it."""

    run: ActiveRun
    limits: list[tuple[str, float]]

    def give_up(self, error: dict[str, Any]) -> None:
        """Abandon the thread and go on in another."""


class ActiveRun:
    """The state of one run in this process; every strand of it writes through here."""

    def __init__(self, parts: Parts, workflow: Workflow, inputs: Mapping[str, Any], own: Ownership, mode: str) -> None:
        self.parts = parts
        self.workflow = workflow
        self.inputs = inputs
        self.own = own
        self.mode = mode
        self.id = own.run_id
        self.last: dict[str, Last] = {}
        self.tries: dict[str, int] = {}
        self.deadlines: dict[str, float] = {}
        self.opening: list[Op] = []
        self.calling: set[Calling] = set()
        self.let_go: Callable[[ActiveRun], None] = _unwatched
        self.waiters = 0
        self.effects = 0
        self.request: Request | None = None
        self.parking = False
        self.resumed = self.halted = False
        self._slots: threading.BoundedSemaphore | None = None
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        secrets = self.secrets = secrets_of(workflow, parts.secret, parts.secrets)
        self.context = StepContext(
            run_id=self.id,
            path="",
            attempt=0,
            mode=mode,
            clock=parts.clock,
            artifacts=parts.artifacts,
            executor=parts.heavy,
            secret=lambda name: taken(name, secrets),
        )
        self.view: Mapping[str, Any] = {"id": self.id, "workflow": workflow.name, "mode": mode}

    @property
    def slots(self) -> threading.BoundedSemaphore:
        """How many steps may be inside foreign code at once; only strands beside others ask for it."""
        with self.lock:
            if self._slots is None:
                self._slots = threading.BoundedSemaphore(max(self.parts.max_steps, self.workflow.width))
            return self._slots

    def load(self, records: list[StepRecord]) -> None:
        """Know what the journal knows."""
        for r in records:
            error = self.parts.artifacts.decode(r.error) if r.error else None
            self.last[r.path] = Last(r.attempt, r.status, None, r.outputs, error, r.started_at, r.slice, r.method)

    def reopen(self, prefix: str) -> list[Op]:
        """Have what a workflow at this path does at its end done anew, for it goes on; what takes that down."""
        sections = [f"{prefix}{name}[" for name in ("on_failure", "finally")]
        for path, last in list(self.last.items()):
            if path.startswith(tuple(sections)):
                last.status = "CANCELLED"
        return [("step.reopen", {**self.own.guard, "prefix": section}, False) for section in sections]

    def outputs_of(self, last: Last) -> Any:
        """What a successful attempt gave."""
        if last.outputs is None and last.text is not None:
            last.outputs = self.parts.artifacts.decode(last.text)
        return last.outputs or {}

    def commit(self, ops: list[Op]) -> None:
        """Write to the journal as the owner; raises Fenced when somebody else is."""
        if self.opening:
            with self.lock:
                ops = [*self.opening, *ops]
                self.parts.runs.store.write(ops)
                self.opening = []
        elif ops:
            self.parts.runs.store.write(ops)

    def ask(self, request: Request) -> None:
        """Ask the run to stop at its next step; a cancel outranks the rest."""
        with self.changed:
            if self.request != "cancel":
                self.request = request
            self.changed.notify_all()

    def raise_request(self) -> None:
        """Leave the walk if that was asked for."""
        if self.request == "cancel":
            raise RunCancelled
        if self.request == "pause":
            raise Unwound("paused")
        if self.request == "stop":
            raise Unwound("interrupted")

    def tell(self, path: str, name: str, status: str, attempt: int = 0, text: str = "") -> None:
        """Let the observer know, if there is one."""
        observer = self.parts.observer
        if observer is not unobserved:
            observer(Change(self.id, path, name, status, attempt, self.parts.secrets.clean(text)))

    def failure(self, error: BaseException) -> dict[str, Any]:
        """An error as the journal keeps it, and as others are told of it."""
        return failure(error, self.parts.secrets)


@dataclass(slots=True)
class Spot:
    """Where in the tree a strand is: what it sees there, and how paths of that place are written."""

    run: ActiveRun
    inputs: Mapping[str, Any]
    scope: Scope[Any]
    extras: Mapping[str, Any] = field(default_factory=dict)
    static: str = ""
    actual: str = ""
    journaled: bool = True

    def path(self, step: Step) -> str:
        """The step's path in this run."""
        return self.actual + step.path[len(self.static) :] if self.static else step.path

    def view(self) -> Mapping[str, Any]:
        """What expressions see."""
        return {"inputs": self.inputs, "steps": self.scope.names(), "run": self.run.view, **self.extras}

    def inside(self, static: str, actual: str, *, scope: Scope[Any] | None = None, **extras: Any) -> Spot:
        """The spot of a body; extras such as `item` are added to what is seen."""
        return Spot(
            self.run,
            self.inputs,
            self.scope if scope is None else scope,
            {**self.extras, **extras} if extras else self.extras,
            static,
            actual,
            self.journaled,
        )


def failure(error: BaseException, secrets: Secrets) -> dict[str, Any]:
    """An error as the journal keeps it; its trace is cut last, lest the rest of a secret be kept."""
    message = error.message if isinstance(error, GptTraderError) else words(error)
    told = {"type": type(error).__name__, "message": message or type(error).__name__}
    if isinstance(error, GptTraderError):
        if error.hint:
            told["hint"] = error.hint
        if isinstance(error, StepTimeout) and error.path:
            told["path"] = error.path
    else:
        told["trace"] = "".join(traceback.format_exception(error))
    kept: dict[str, Any] = {name: storable(secrets.clean(text)) for name, text in told.items()}
    if "trace" in kept:
        kept["trace"] = kept["trace"][-3000:]
    return kept


def monotonic() -> float:
    """Seconds for deadlines of this process; the journal's times come from the clock."""
    return time.monotonic()
