"""A workflow's definition: a frozen tree of steps that knows no code and can be stored whole."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, ClassVar, Literal

Json = Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """How often and how long apart a failed step is tried again; times are seconds."""

    max_attempts: int = 1
    backoff: Literal["fixed", "linear", "exponential"] = "exponential"
    delay: float = 1.0
    max_delay: float = 30.0
    jitter: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What every kind of step has; `path` is its place in the tree and its name in the journal."""

    kind: ClassVar[str]
    name: str
    path: str
    line: int = 0
    when: str | None = None
    params: Mapping[str, Json] = field(default_factory=dict)
    timeout: float | None = None
    retry: Retry = Retry()
    cache_ttl: float | None = None
    effect: Literal["none", "once"] = "none"
    reconcile: str | None = None
    on_error: Literal["fail", "continue", "pause"] = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Action(Step):
    """Calls one method of one slice."""

    kind: ClassVar[str] = "action"
    slice: str
    method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepare(Step):
    """Asks several slices whether what they need is there."""

    kind: ClassVar[str] = "slices"
    slices: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group(Step):
    """Steps under one name, one after the other."""

    kind: ClassVar[str] = "group"
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """One named branch of a parallel step."""

    name: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parallel(Step):
    """Branches side by side."""

    kind: ClassVar[str] = "parallel"
    branches: tuple[Branch, ...]
    max: int | None = None
    fail_fast: bool = True
    executor: Literal["threads", "processes"] = "threads"


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreach(Step):
    """The same steps for each item of a list; the list is given or an expression."""

    kind: ClassVar[str] = "foreach"
    items: Json
    var: str = "item"
    steps: tuple[Step, ...]
    max: int | None = None
    fail_fast: bool = True
    executor: Literal["threads", "processes"] = "threads"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One way of a switch; without a condition it is the last, `else`."""

    when: str | None = None
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch(Step):
    """The first case whose condition holds."""

    kind: ClassVar[str] = "switch"
    cases: tuple[Case, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop(Step):
    """The same steps for each event of a topic, until its end."""

    kind: ClassVar[str] = "loop"
    topic: str
    event_if: str | None = None
    steps: tuple[Step, ...]
    until: str | None = None
    max_events: int | None = None
    idle: float | None = None
    checkpoint_every: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval(Step):
    """Waits for a person's yes or no."""

    kind: ClassVar[str] = "approval"
    message: str = ""
    wait: float | None = None
    on_timeout: Literal["reject", "approve", "fail"] = "reject"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait(Step):
    """Waits for a length of time, a moment, or an event."""

    kind: ClassVar[str] = "wait"
    seconds: float | None = None
    until: str | None = None
    topic: str | None = None
    event_if: str | None = None
    wait: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubWorkflow(Step):
    """Runs another workflow, whole, as one step; its inputs are `params`."""

    kind: ClassVar[str] = "workflow"
    workflow: Workflow


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent(Step):
    """Hands one task to an outside program and takes one response."""

    kind: ClassVar[str] = "agent"
    command: tuple[str, ...]
    task_type: Literal["analyze", "execute", "report"] = "analyze"
    priority: Literal["low", "normal", "high", "critical"] = "normal"
    data: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Concurrency:
    """How many runs of one group go at once, and what happens to one too many."""

    group: str
    limit: int = 1
    on_conflict: Literal["queue", "skip", "replace"] = "queue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """What starts the workflow by itself; `options` are as written and checked."""

    kind: Literal["schedule", "event", "files", "interval"]
    options: Mapping[str, Json]


@dataclass(frozen=True, kw_only=True)
class Workflow:
    """A whole definition; `inputs` maps each name to the JSON Schema of its value."""

    name: str
    description: str = ""
    mode: Literal["backtest", "paper", "live", "real-time"] = "backtest"
    safety: Literal["standard", "maximum"] = "standard"
    inputs: Mapping[str, Json] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    concurrency: Concurrency | None = None
    steps: tuple[Step, ...]
    on_failure: tuple[Step, ...] = ()
    finally_: tuple[Step, ...] = ()

    # what follows from a definition is found once, for a program may start many runs of it

    @cached_property
    def text(self) -> str:
        """The normalised definition as one canonical JSON text."""
        return json.dumps(_plain(self), sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    @cached_property
    def hash(self) -> str:
        """The SHA-256 of the normalised definition."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @cached_property
    def width(self) -> int:
        """How many of its branches or items may go at once where they are most."""
        return max((getattr(step, "max", None) or 1 for step in walk(self.steps)), default=1)

    @cached_property
    def acting(self) -> tuple[str, ...]:
        """The slices that its steps call, in the order of the steps."""
        return tuple(dict.fromkeys(step.slice for step in walk(self.steps) if isinstance(step, Action)))

    @cached_property
    def all_secrets(self) -> tuple[str, ...]:
        """The names of the secrets that it lists, or a workflow inside it."""
        every = walk((*self.steps, *self.on_failure, *self.finally_))
        inside = [name for step in every if isinstance(step, SubWorkflow) for name in step.workflow.all_secrets]
        return tuple(dict.fromkeys((*self.secrets, *inside)))

    @staticmethod
    def from_json(text: str) -> Workflow:
        """The definition of such a text."""
        tree = _tree(json.loads(text))
        assert isinstance(tree, Workflow)
        return tree


def children(step: Step) -> Iterator[tuple[str, tuple[Step, ...]]]:
    """The step lists inside a step, each with a label for people."""
    match step:
        case Group() | Foreach() | Loop():
            yield "", step.steps
        case Parallel():
            yield from ((b.name, b.steps) for b in step.branches)
        case Switch():
            yield from ((c.when or "else", c.steps) for c in step.cases)
        case SubWorkflow():
            yield step.workflow.name, step.workflow.steps
        case _:
            return


def walk(steps: tuple[Step, ...]) -> Iterator[Step]:
    """Every step of a tree, each before what is inside it."""
    for step in steps:
        yield step
        for _, inner in children(step):
            yield from walk(inner)


_KINDS = (Action, Prepare, Group, Parallel, Foreach, Switch, Loop, Approval, Wait, SubWorkflow, Agent)
_CLASSES = {c.__name__: c for c in (Retry, Branch, Case, Concurrency, Trigger, Workflow, *_KINDS)}


def _plain(value: Any) -> Json:
    if type(value).__name__ in _CLASSES:
        shown = {f.name: _plain(getattr(value, f.name)) for f in fields(value) if getattr(value, f.name) is not None}
        return {"$": type(value).__name__, **shown}
    if isinstance(value, Mapping):
        return {"$map": {k: _plain(v) for k, v in value.items()}}
    if isinstance(value, tuple | list):
        return [_plain(v) for v in value] if isinstance(value, tuple) else {"$list": [_plain(v) for v in value]}
    return value


def _tree(value: Json) -> Any:
    if isinstance(value, list):
        return tuple(_tree(v) for v in value)
    if not isinstance(value, dict):
        return value
    if "$list" in value:
        return [_tree(v) for v in value["$list"]]
    if "$map" in value:
        return {k: _tree(v) for k, v in value["$map"].items()}
    made = {k: _tree(v) for k, v in value.items() if k != "$"}
    return _CLASSES[value["$"]](**made)
