"""Reads a workflow file into a checked definition, or tells all that is wrong with it; before anything runs."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpt_trader.core.errors import GptTraderError
from gpt_trader.workflow import strictyaml
from gpt_trader.workflow.building import Defaults, Find, Reading, TooMany, grammar
from gpt_trader.workflow.checks import Checker, check_approvals
from gpt_trader.workflow.definition import Concurrency, Retry, Trigger, Workflow
from gpt_trader.workflow.faults import Fault, FaultsFound, Source
from gpt_trader.workflow.jsonchecks import problems
from gpt_trader.workflow.plan import plan
from gpt_trader.workflow.steps import steps
from gpt_trader.workflow.triggers import check_template, trigger

if TYPE_CHECKING:
    from gpt_trader.core.slices import SliceCatalog
    from gpt_trader.workflow.faults import Place
    from gpt_trader.workflow.strictyaml import Node

MAX_DEPTH = 8
STANDARD_INPUTS: dict[str, Any] = {
    "account": {"type": "string", "default": "default", "description": "The trading account that a run acts for."}
}
"""Inputs that any workflow may refer to without declaring them."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """The definition, or what is wrong with its file."""

    workflow: Workflow | None
    faults: tuple[Fault, ...]


def nothing_else(name: str) -> None:
    """The `find` of a place where there are no other workflows."""
    del name


def load(text: str, *, file: str, catalog: SliceCatalog, find: Find = nothing_else) -> Loaded:
    """The workflow of a text, or all its faults; it raises for no text whatever."""
    reading = Reading(Source(file, text), catalog, find, _embedded)
    workflow = _read(reading)
    faults = tuple(sorted(dict.fromkeys(reading.faults), key=lambda f: (f.file != file, f.file, f.line, f.col)))
    return Loaded(None if faults else workflow, faults)


def load_or_raise(text: str, *, file: str, catalog: SliceCatalog, find: Find = nothing_else) -> Workflow:
    """The workflow of a text; FaultsFound carries all faults where there are any."""
    loaded = load(text, file=file, catalog=catalog, find=find)
    if loaded.workflow is None:
        raise FaultsFound(loaded.faults)
    return loaded.workflow


def read_text(path: Path) -> str:
    """The text of a file; FaultsFound where it is no readable UTF-8 text."""
    name = str(path)
    try:
        with path.open("rb") as file:
            data = file.read(strictyaml.MAX_BYTES + 1)
    except IsADirectoryError:
        raise _unreadable("not-a-file", "this is a directory", name) from None
    except FileNotFoundError:
        raise _unreadable("no-file", "there is no such file", name) from None
    except (OSError, ValueError) as error:
        raise _unreadable(
            "unreadable", f"it cannot be read: {getattr(error, 'strerror', None) or error}", name
        ) from None
    return _decoded(data, name)


def load_file(path: Path, *, catalog: SliceCatalog, find: Find = nothing_else) -> Loaded:
    """The workflow of a file, or all its faults, those of its encoding among them."""
    try:
        text = read_text(path)
    except FaultsFound as found:
        return Loaded(None, found.faults)
    return load(text, file=str(path), catalog=catalog, find=find)


def _unreadable(code: str, message: str, file: str) -> FaultsFound:
    return FaultsFound([Fault(code=code, message=message, file=file)])


def _decoded(data: bytes, file: str) -> str:
    if len(data) > strictyaml.MAX_BYTES:
        raise _unreadable("yaml-size", f"the file is larger than {strictyaml.MAX_BYTES:,} bytes", file)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        source = Source(file, data.decode(errors="replace"))
        before = data[: error.start].decode()
        utf16 = data[:2] in {b"\xff\xfe", b"\xfe\xff"}
        what = "UTF-16" if utf16 else f"not UTF-8: byte 0x{data[error.start]:02x}"
        fault = source.fault("yaml-encoding", f"the file is {what}", source.place(len(before)), hint="save it as UTF-8")
        raise FaultsFound([fault]) from None


def _read(reading: Reading) -> Workflow | None:
    root, faults = strictyaml.read(reading.source)
    reading.faults.extend(faults)
    if root is None:
        return None
    try:
        if root.kind != "map":
            hint = "begin with `name:` and `steps:`"
            reading.fault("not-a-workflow", f"a workflow is a map, not a {root.kind}", root.place, hint=hint)
            return None
        return _File(reading, root).workflow()
    except TooMany:
        return None


def _embedded(reading: Reading, name: str, place: Place, prefix: str) -> Workflow | None:
    """Another workflow, read to stand as one step of this one."""
    if name in reading.above:
        chain = " > ".join((*reading.above[reading.above.index(name) :], name))
        reading.fault("workflow-cycle", f"'{name}' would contain itself: {chain}", place)
        return None
    if len(reading.above) > MAX_DEPTH:
        reading.fault("workflow-depth", f"workflows nest more than {MAX_DEPTH} levels deep", place)
        return None
    try:
        found = reading.find(name)
    except GptTraderError as error:
        reading.error("unknown-workflow", error, place)
        return None
    if found is None:
        reading.fault("unknown-workflow", f"no workflow is called '{name}'", place)
        return None
    source = Source(found[1], found[0])
    inner = Reading(source, reading.catalog, reading.find, _embedded, prefix, reading.maximum, (*reading.above, name))
    workflow = _read(inner)
    reading.faults.extend(inner.faults)
    return None if inner.faults else workflow


class _File:
    """The sections of one file; a section with faults is left out, the others are still read."""

    def __init__(self, reading: Reading, root: Node) -> None:
        self.reading, self.root = reading, root
        found = list(problems(grammar("workflow"), root.plain()))
        reading.note(found, root)
        self.bad = {problem.path[:2] for problem in found}
        self.whole = not found

    def workflow(self) -> Workflow | None:
        reading = self.reading
        name = self._value("name", "")
        if not reading.above:
            reading.above = (name,)
        reading.maximum = reading.maximum or self._value("safety", "standard") == "maximum"
        inputs = self._inputs()
        self._section("defaults", self._defaults)
        workflow = Workflow(
            name=name,
            description=self._value("description", ""),
            mode=self._value("mode", "backtest"),
            safety="maximum" if reading.maximum else "standard",
            inputs=inputs,
            secrets=tuple(self._value("secrets", ())),
            triggers=self._triggers(inputs),
            concurrency=self._section("concurrency", lambda node: self._concurrency(node, inputs)),
            steps=self._steps("steps"),
            on_failure=self._steps("on_failure"),
            finally_=self._steps("finally"),
        )
        plan(workflow, reading.catalog, observe=Checker(reading, workflow))
        check_approvals(reading, workflow)
        return workflow if self.whole and not reading.faults else None

    def _value(self, key: str, otherwise: Any) -> Any:
        node = self.root.get(key)
        return otherwise if node is None or self._is_bad(key) else node.plain()

    def _section(self, key: str, read: Callable[[Node], Any]) -> Any:
        node = self.root.get(key)
        return None if node is None or self._is_bad(key) else read(node)

    def _is_bad(self, key: str) -> bool:
        return any(path[:1] == (key,) for path in self.bad)

    def _steps(self, key: str) -> tuple[Any, ...]:
        return steps(self.reading, self.root.get(key), f"{self.reading.prefix}{key}")

    def _defaults(self, node: Node) -> None:
        self.reading.defaults = Defaults(
            timeout=self.reading.seconds(node, "timeout"),
            retry=self.reading.retry(node, Retry()),
            on_error=node.plain().get("on_error", "fail"),
        )

    def _triggers(self, inputs: dict[str, Any]) -> tuple[Trigger, ...]:
        node = self.root.get("triggers")
        good = [n for i, n in enumerate(node.items if node else ()) if ("triggers", i) not in self.bad]
        made = [trigger(self.reading, n, inputs) for n in good]
        return tuple(t for t in made if t is not None)

    def _concurrency(self, node: Node, inputs: dict[str, Any]) -> Concurrency:
        check_template(self.reading, node.pairs["group"][1], inputs)
        return Concurrency(**node.plain())

    # inputs

    def _inputs(self) -> dict[str, Any]:
        node = self.root.get("inputs")
        declared = dict(node.plain()) if node is not None and node.kind == "map" else {}
        for name, (_, schema) in node.pairs.items() if node is not None else ():
            if ("inputs", name) not in self.bad:
                self._input(name, schema)
        for name, schema in STANDARD_INPUTS.items():
            if name not in declared and re.search(rf"\binputs\s*\.\s*{name}\b", self.reading.source.text):
                declared[name] = schema
        return {name: schema if isinstance(schema, dict) else {} for name, schema in declared.items()}

    def _input(self, name: str, node: Node) -> None:
        count = len(self.reading.faults)
        for inner in _patterns(node):
            try:
                re.compile(inner.value)
            except (re.error, RecursionError, OverflowError) as error:
                self.reading.fault("wrong-form", f"this is no regular expression: {error}", inner.place)
        default = node.get("default")
        if default is None or len(self.reading.faults) > count:
            return
        for problem in problems(node.plain(), default.plain()):
            message = f"the default of '{name}' does not fit: {problem.message.strip()}"
            self.reading.fault("wrong-default", message, default.place, hint=problem.hint)


def _patterns(node: Node) -> list[Node]:
    found = []
    for key, (_, inner) in node.pairs.items():
        if key == "pattern" and inner.kind == "scalar":
            found.append(inner)
        elif key in {"items", "properties"} and inner.kind == "map":
            found += _patterns(inner)
            found += [p for _, each in inner.pairs.values() if key == "properties" for p in _patterns(each)]
    return found
