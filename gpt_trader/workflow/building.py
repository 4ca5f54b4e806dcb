"""What the reading of one workflow file shares: its places, its faults, and the catalog that names are looked up in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from gpt_trader.core.errors import GptTraderError, ValidationError, did_you_mean
from gpt_trader.workflow.definition import Retry, Step
from gpt_trader.workflow.grammar import Schema, definitions, ref
from gpt_trader.workflow.jsonchecks import Path, Problem, problems
from gpt_trader.workflow.times import seconds

if TYPE_CHECKING:
    from gpt_trader.core.slices import Method, SliceCatalog
    from gpt_trader.workflow.definition import Workflow
    from gpt_trader.workflow.faults import Fault, Place, Source
    from gpt_trader.workflow.strictyaml import Node

Find = Callable[[str], tuple[str, str] | None]
Embed = Callable[["Reading", str, "Place", str], "Workflow | None"]
"""Reads another workflow, named at a place, to stand as one step below a path."""
MAX_FAULTS = 100


class TooMany(Exception):
    """The file has more faults than anybody reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken(Step):
    """A step with faults: it keeps its place, so that what follows is still checked."""

    kind: ClassVar[str] = "broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What actions and agents have unless they say otherwise."""

    timeout: float | None = None
    retry: Retry = field(default_factory=Retry)
    on_error: str = "fail"


@dataclass(slots=True)
class Reading:
    """One file while it is read."""

    source: Source
    catalog: SliceCatalog
    find: Find
    embed: Embed
    prefix: str = ""
    maximum: bool = False
    above: tuple[str, ...] = ()
    defaults: Defaults = field(default_factory=Defaults)
    faults: list[Fault] = field(default_factory=list)
    bodies: dict[str, Node] = field(default_factory=dict)
    heads: dict[str, Place] = field(default_factory=dict)
    methods: dict[str, Method] = field(default_factory=dict)

    def fault(self, code: str, message: str, place: Place, *, hint: str | None = None) -> None:
        """Note a fault."""
        self.faults.append(self.source.fault(code, message, place, hint=hint))
        if len(self.faults) >= MAX_FAULTS:
            raise TooMany

    def error(self, code: str, error: GptTraderError, place: Place) -> None:
        """Note an error of some other part of the house as a fault."""
        self.fault(code, error.message, place, hint=error.hint)

    def check(self, name: str, node: Node) -> bool:
        """Whether a node has the shape of this definition; notes what is wrong with it."""
        return self.note(problems(grammar(name), node.plain()), node)

    def note(self, found: Iterable[Problem], node: Node) -> bool:
        """Note problems with what is inside a node; whether there were none."""
        count = len(self.faults)
        for problem in found:
            self.fault(problem.code, problem.message, place_of(node, problem.path, problem.at_key), hint=problem.hint)
        return len(self.faults) == count

    def seconds(self, node: Node | None, *keys: str) -> float | None:
        """The seconds of a length of time behind these keys; None where none is written."""
        found = at(node, keys)
        if found is None:
            return None
        try:
            value = seconds(found.plain())
        except ValidationError as error:
            self.error("out-of-range", error, found.place)
            return None
        if value <= 0 and "delay" not in keys[-1]:
            self.fault("out-of-range", f"'{keys[-1]}' must be more than 0", found.place)
        return value

    def retry(self, body: Node, defaults: Retry) -> Retry:
        """The retry policy that a map writes under `retry`, over its defaults."""
        written = body.get("retry")
        if written is None:
            return defaults
        delays = {key: self.seconds(written, key) for key in ("delay", "max_delay")}
        return replace(defaults, **written.plain() | {k: v for k, v in delays.items() if v is not None})

    def unknown(self, code: str, message: str, place: Place, *, name: str, among: Iterable[str]) -> None:
        """Note a name that nothing has, with what it may have been meant to be."""
        self.fault(code, message, place, hint=did_you_mean(name, among))


@cache
def grammar(name: str) -> Schema:
    """The schema of one definition of the grammar."""
    return {"allOf": [ref(name)], "definitions": definitions()}


def at(node: Node | None, keys: tuple[str, ...]) -> Node | None:
    """What stands behind a path of keys, if all of it is there."""
    for key in keys:
        node = node.get(key) if node is not None and node.kind == "map" else None
    return node


def place_of(node: Node, path: Path, at_key: bool = False) -> Place:  # noqa: FBT001, FBT002 - a place is of a key or of its value
    """Where the value at a path inside a node stands, as far as the path leads."""
    for depth, part in enumerate(path):
        inner = None
        if node.kind == "map" and isinstance(part, str) and part in node.pairs:
            if at_key and depth == len(path) - 1:
                return node.key_place(part)
            inner = node.get(part)
        elif node.kind == "list" and isinstance(part, int) and part < len(node.items):
            inner = node.items[part]
        if inner is None:
            return node.place
        node = inner
    return node.place


def truth(value: Any) -> str | None:
    """A condition as text; YAML's true and false are expressions too."""
    if value is None:
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)
