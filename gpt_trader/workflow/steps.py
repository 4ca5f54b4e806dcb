"""Turns the steps of a workflow file into the frozen tree, one function for each kind of step."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gpt_trader.core.errors import GptTraderError, ValidationError, did_you_mean
from gpt_trader.workflow import definition as d
from gpt_trader.workflow.building import Broken, Reading, truth
from gpt_trader.workflow.grammar import BODY_KINDS, KIND_KEYS, NAME
from gpt_trader.workflow.leaves import (
    Common,
    action,
    agent,
    approval,
    by_default,
    loop_topic,
    prepare,
    sub_workflow,
    wait,
)

if TYPE_CHECKING:
    from gpt_trader.workflow.strictyaml import Node


def steps(reading: Reading, node: Node | None, path: str) -> tuple[d.Step, ...]:
    """The steps of a list; each one that is wrong is noted and keeps its place."""
    if node is None or node.kind != "list":
        return ()
    found: dict[str, int] = {}
    made = []
    for index, item in enumerate(node.items):
        step = _step(reading, item, f"{path}[{index}]")
        made.append(step)
        if step.name in found:
            message = f"two steps of this list are called '{step.name}'"
            reading.fault("duplicate-step", message, _named_at(item), hint=f"the first is in line {found[step.name]}")
        elif step.name:
            found[step.name] = step.line
    return tuple(made)


def _named_at(item: Node) -> tuple[int, int]:
    return next(iter(item.pairs.values()))[0].place if item.kind == "map" and item.pairs else item.place


def _step(reading: Reading, node: Node, path: str) -> d.Step:
    line = node.place[0]
    if node.kind == "scalar" and isinstance(node.value, str):
        reading.bodies[path], reading.heads[path] = node, node.place
        return _bare(reading, node, path)
    if node.kind != "map" or len(node.pairs) != 1:
        message = "a step is a name, or a map with one key: its name"
        hint = (
            "check the indentation below the name" if len(node.pairs) > 1 else "write - name: {slice: ..., method: ...}"
        )
        reading.fault("bad-step", message, node.place, hint=hint)
        return Broken(name="", path=path, line=line)
    name, (key, body) = next(iter(node.pairs.items()))
    reading.bodies[path], reading.heads[path] = body, key.place
    if not _named(reading, key):
        name = ""
    if body.kind == "list":
        return d.Group(name=name, path=path, line=line, steps=_inner(reading, body, f"{path}.steps"))
    if body.kind != "map":
        reading.fault("bad-step", f"'{key.value}' needs a list of steps or a map", body.place, hint=_forms(key.value))
        return Broken(name=name, path=path, line=line)
    return _of_kind(reading, name, body, path)


def _forms(name: str) -> str:
    return f"write {name}: {{slice: ..., method: ...}}, or the name alone if it is a method"


def _named(reading: Reading, key: Node) -> bool:
    import re

    if re.fullmatch(NAME, key.value):
        return True
    message = f"'{key.value:.80}' is no name of a step"
    reading.fault("bad-name", message, key.place, hint="use letters, digits, _ and -, and begin with no digit")
    return False


def _bare(reading: Reading, node: Node, path: str) -> d.Step:
    try:
        method = reading.catalog.bare(node.value)
    except GptTraderError as error:
        code = "ambiguous-method" if isinstance(error, ValidationError) else "unknown-method"
        reading.error(code, error, node.place)
        return Broken(name=node.value, path=path, line=node.place[0])
    return d.Action(
        name=node.value,
        path=path,
        line=node.place[0],
        slice=method.slice,
        method=method.name,
        effect=method.effect,
        **by_default(reading, method.effect),
    )


def _of_kind(reading: Reading, name: str, body: Node, path: str) -> d.Step:
    kind = _kind(reading, name, body)
    broken = Broken(name=name, path=path, line=reading.heads[path][0])
    if kind is None:
        steps(reading, body.get("steps"), f"{path}.steps")
        return broken
    whole = _shaped(reading, kind, body)
    count = len(reading.faults)
    common = _common(reading, name, body, path) if whole else None
    made = _MAKERS[kind](reading, body, path, common)
    return made if made is not None and name and len(reading.faults) == count else broken


def _kind(reading: Reading, name: str, body: Node) -> str | None:
    found = [key for key in KIND_KEYS if key in body.pairs]
    if len(found) == 2 and "steps" in found and found[0] in BODY_KINDS:
        return found[0]
    if len(found) == 1:
        return found[0]
    kinds = ", ".join(KIND_KEYS)
    if found:
        both = " and ".join(f"'{key}'" for key in found)
        reading.fault("two-kinds", f"'{name}' has {both}; a step is of one kind", body.key_place(found[1]))
        return None
    for key in body.pairs:
        near = did_you_mean(key, KIND_KEYS)
        if near and near.startswith("did"):
            reading.fault("unknown-key", f"'{key:.80}' is no kind of step", body.key_place(key), hint=near)
            return None
    reading.fault("no-kind", f"'{name}' does not say what it does", body.place, hint=f"give it one of {kinds}")
    return None


def _shaped(reading: Reading, kind: str, body: Node) -> bool:
    from gpt_trader.workflow.building import grammar
    from gpt_trader.workflow.jsonchecks import problems

    meant = {"with": "actions and sub-workflows", "cache": "actions", "reconcile": "actions", "data": "agents"}
    found = []
    for problem in problems(grammar(f"step-{kind}"), body.plain()):
        key = problem.path[0] if problem.path else ""
        if problem.code == "unknown-key" and len(problem.path) == 1 and key in meant:
            message = f"'{key}' means nothing here: it is for {meant[str(key)]}"
            reading.fault("unused-key", message, body.key_place(str(key)))
            found.append(problem)
        else:
            found.append(problem)
            reading.note([problem], body)
    return not found


def _common(reading: Reading, name: str, body: Node, path: str) -> dict[str, Any]:
    written = body.plain()
    return {
        "name": name,
        "path": path,
        "line": reading.heads[path][0],
        "when": truth(written.get("if")),
        "timeout": reading.seconds(body, "timeout"),
        "retry": reading.retry(body, d.Retry()),
        "effect": written.get("effect", "none"),
        "on_error": written.get("on_error", "fail"),
    }


def _inner(reading: Reading, node: Node | None, path: str) -> tuple[d.Step, ...]:
    if node is not None and node.kind == "list" and not node.items:
        reading.fault("empty", "a list of steps must not be empty", node.place)
    return steps(reading, node, path)


def _map(node: Node | None) -> Node | None:
    return node if node is not None and node.kind == "map" else None


def _group(reading: Reading, body: Node, path: str, common: Common) -> d.Step | None:
    inner = steps(reading, body.get("steps"), f"{path}.steps")
    return None if common is None else d.Group(**common, steps=inner)


def _parallel(reading: Reading, body: Node, path: str, common: Common) -> d.Step | None:
    options = _map(body.get("parallel"))
    branches = _map(options.get("branches")) if options is not None else None
    pairs = branches.pairs.items() if branches is not None else ()
    made = tuple(
        d.Branch(name=name, steps=steps(reading, node, f"{path}.parallel.{name}")) for name, (_, node) in pairs
    )
    if common is None or options is None:
        return None
    return d.Parallel(**common, branches=made, **_side_by_side(options))


def _side_by_side(options: Node) -> dict[str, Any]:
    written = options.plain()
    return {key: written[key] for key in ("max", "fail_fast", "executor") if key in written}


_TAKEN = frozenset({"inputs", "steps", "run", "event", "error", "true", "false", "null", "in"})


def _foreach(reading: Reading, body: Node, path: str, common: Common) -> d.Step | None:
    inner = steps(reading, body.get("steps"), f"{path}.foreach.steps")
    options = _map(body.get("foreach"))
    if common is None or options is None:
        return None
    written = options.plain()
    var = written.get("as", "item")
    if var in _TAKEN:
        reading.fault("bad-name", f"'{var}' already means something else", options.pairs["as"][1].place)
    return d.Foreach(**common, items=written["in"], var=var, steps=inner, **_side_by_side(options))


def _switch(reading: Reading, body: Node, path: str, common: Common) -> d.Step | None:
    cases = body.pairs["switch"][1]
    made = [_case(reading, node, f"{path}.switch[{index}]") for index, node in enumerate(cases.items)]
    for index, case in enumerate(made):
        if case is not None and case.when is None and index < len(made) - 1:
            reading.fault("else-not-last", "`else` must be the last case", cases.items[index].place)
    return None if common is None else d.Switch(**common, cases=tuple(c for c in made if c is not None))


def _case(reading: Reading, node: Node, path: str) -> d.Case | None:
    if node.kind != "map":
        return None
    inner = steps(reading, node.get("else") or node.get("steps"), f"{path}.steps")
    keys = set(node.pairs)
    if keys == {"else"}:
        return d.Case(when=None, steps=inner)
    if keys == {"if", "steps"}:
        return d.Case(when=truth(node.pairs["if"][1].plain()), steps=inner)
    if keys <= {"if", "steps", "else"}:
        hint = "write - if: ${{ ... }} with steps: [...], or - else: [...]"
        reading.fault("bad-case", "a case has `if` and `steps`, or `else` alone", node.place, hint=hint)
    return None


def _loop(reading: Reading, body: Node, path: str, common: Common) -> d.Step | None:
    inner = steps(reading, body.get("steps"), f"{path}.loop.steps")
    if common is None:
        return None
    trigger = body.pairs["trigger"][1]
    written = trigger.plain() if trigger.kind == "map" else {"topic": trigger.plain()}
    topic = loop_topic(reading, written["topic"], (trigger.get("topic") or trigger).place)
    return d.Loop(
        **common,
        topic=topic,
        event_if=truth(written.get("if")),
        steps=inner,
        until=truth(written.get("until")),
        max_events=written.get("max"),
        idle=reading.seconds(body, "trigger", "idle"),
        checkpoint_every=written.get("checkpoint_every", 100),
    )


_MAKERS: dict[str, Callable[[Reading, Node, str, Common], d.Step | None]] = {
    "slice": action,
    "slices": prepare,
    "parallel": _parallel,
    "foreach": _foreach,
    "switch": _switch,
    "trigger": _loop,
    "approval": approval,
    "wait": wait,
    "workflow": sub_workflow,
    "agent": agent,
    "steps": _group,
}
