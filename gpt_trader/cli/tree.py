"""The tree of a run's steps as a person watches it: built from the definition, moved by changes or by the journal."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gpt_trader.journal.runs import StepRecord
    from gpt_trader.workflow.definition import Step, Workflow

DONE = frozenset({"SUCCEEDED", "SKIPPED"})
OVER = DONE | {"FAILED", "CANCELLED"}
_PART = re.compile(r"(foreach|loop)\[(\d+)\]|~\d+")
_SHOWN_ITEMS = 6


@dataclass(slots=True)
class Node:
    """One step in the tree; `items` are the rounds of a foreach or loop that are under way or went wrong."""

    name: str
    path: str
    depth: int
    kind: str = ""
    label: str = ""
    status: str = ""
    attempt: int = 0
    started: float = 0.0
    ended: float = 0.0
    text: str = ""
    cached: bool = False
    rounds: int = 0
    failed_rounds: int = 0
    items: dict[str, Node] = field(default_factory=dict)

    def lasted(self, now: float) -> float:
        """How long it has been going, or took."""
        if not self.started:
            return 0.0
        return max(0.0, (self.ended or now) - self.started)


class Tree:
    """The steps of one run, in the order of its definition."""

    def __init__(self, workflow: Workflow) -> None:
        self.name = workflow.name
        self.status = "RUNNING"
        self.reason = ""
        self.nodes: dict[str, Node] = {}
        self._main = len(workflow.steps)
        self._grow(workflow.steps, 0)
        self._counted = list(self.nodes)
        self._grow(workflow.on_failure, 0, "on_failure")
        self._grow(workflow.finally_, 0, "finally")

    def _grow(self, steps: tuple[Step, ...], depth: int, label: str = "") -> None:
        from gpt_trader.workflow.definition import children

        for step in steps:
            self.nodes[step.path] = Node(step.name, step.path, depth, step.kind, label)
            for inner, found in children(step):
                self._grow(found, depth + 1, inner if step.kind in ("parallel", "switch") else label)

    # moving

    def apply(self, path: str, name: str, status: str, attempt: int, text: str, at: float) -> Node | None:
        """Take a change in; the node that it changed."""
        if path == "":
            self.status, self.reason = status, text
            return None
        node = self._node(path, name)
        if status == "PROGRESS":
            node.text = text
        elif status == "CACHED":
            node.cached = True
        else:
            self._move(node, status, attempt, text, at)
        return node

    def _move(self, node: Node, status: str, attempt: int, text: str, at: float) -> None:
        if status == "RUNNING":
            node.started, node.ended = at, 0.0
        elif status in OVER:
            node.started, node.ended = node.started or at, at
        node.status, node.attempt, node.text = status, attempt, text
        if status in DONE:
            self._pass_by(node)

    def _pass_by(self, node: Node) -> None:
        """What inside a step that is done never began was not chosen."""
        for path, inner in self.nodes.items():
            if path.startswith(f"{node.path}.") and not inner.status:
                inner.status, inner.text = "SKIPPED", "not taken"

    def _node(self, path: str, name: str) -> Node:
        """The node of an actual path; a step inside a foreach is an item of the foreach's node."""
        static = _PART.sub(lambda m: m[1] or "", path)
        plain = self.nodes.get(static)
        rounds = list(_PART.finditer(path))
        if plain is None:
            plain = self.nodes[static] = Node(name, static, 0)
        if not any(m[1] for m in rounds):
            return plain
        home = plain
        if path not in home.items:
            indices = ",".join(m[2] for m in rounds if m[1])
            home.items[path] = Node(name, path, plain.depth, plain.kind, f"[{indices}]")
        return home.items[path]

    def load(self, records: Iterable[StepRecord]) -> None:
        """Know what the journal knows; times become seconds."""
        for r in records:
            node = self.apply(r.path, r.name, "RUNNING", r.attempt, "", r.started_at / 1e6)
            if node is not None and r.status != "RUNNING":
                self._move(node, r.status, r.attempt, "", (r.ended_at or r.started_at) / 1e6)

    # reading

    def done(self) -> tuple[int, int]:
        """How many steps are done, of how many; what stands on_failure and finally does not count."""
        counted = [self.nodes[path] for path in self._counted]
        return sum(_settled(node) for node in counted), len(counted)

    def rows(self, room: int) -> Iterator[Node]:
        """The nodes to show in so many lines: first all, then without what is done or not yet begun deep inside."""
        shown = list(self._all())
        for drop in (_settled_deep, _pending_deep, _any_deep):
            if len(shown) > room:
                shown = [node for node in shown if not drop(node)]
        if len(shown) > room:
            busy = min(range(len(shown)), key=lambda i: (_urgency(shown[i]), i))
            start = max(0, min(busy - room // 2, len(shown) - room))
            shown = shown[start : start + room]
        yield from shown

    def _all(self) -> Iterator[Node]:
        for node in self.nodes.values():
            _fold(node)
            yield node
            going = [item for item in node.items.values() if item.status not in DONE]
            yield from going[:_SHOWN_ITEMS]


def _fold(node: Node) -> None:
    """A step inside a foreach is what its rounds are."""
    if not node.items:
        return
    items = list(node.items.values())
    node.rounds = sum(item.status in DONE for item in items)
    node.failed_rounds = sum(item.status == "FAILED" for item in items)
    going = any(item.status not in OVER for item in items)
    node.status = "RUNNING" if going else "FAILED" if node.failed_rounds else "SUCCEEDED"
    node.started = min(item.started for item in items)
    node.ended = 0.0 if going else max(item.ended for item in items)
    node.text = (
        f"{node.rounds} done, {len(items) - node.rounds - node.failed_rounds} going" if going else f"{len(items)} times"
    )
    if node.failed_rounds:
        node.text += f", {node.failed_rounds} failed"


def _urgency(node: Node) -> int:
    return 2 if node.status in DONE else 1 if not node.status else 0


def _settled(node: Node) -> bool:
    _fold(node)
    return node.status in DONE


def _settled_deep(node: Node) -> bool:
    return node.depth > 0 and node.status in DONE


def _pending_deep(node: Node) -> bool:
    return node.depth > 0 and not node.status


def _any_deep(node: Node) -> bool:
    return node.depth > 1 and node.status != "FAILED"
