"""Workflows made by chance, of every kind of step; the same seed makes the same."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

Tree = dict[str, Any]
TOPIC = "ordeal.tick"
AGENT = """read -r task || exit 1
id=$(printf '%s' "$task" | sed 's/.*"task_id":"\\([^"]*\\)".*/\\1/')
place=${id#*:}
printf '["agent","%s","%s",%s,"",{}]\\n' "${id%%:*}" "${place%#*}" "${place##*#}" >> "$1"
printf '{"task_id":"%s","agent_name":"a","status":"success"}\\n' "$id"
"""


Made = tuple[Tree, list[str]]
"""A step's body, and the names of steps that later ones may surely look at."""


class Plot:
    """One workflow; what steps look at are the answers that earlier ones gave."""

    def __init__(self, seed: int, log: Path, *, leaves: int = 24) -> None:
        self.chance = random.Random(seed)
        self.log, self.left, self.count = str(log), leaves, 0
        self.inner: dict[str, str] = {}

    def text(self) -> str:
        """The workflow."""
        made: Tree = {"name": "ordeal", "steps": self._list([], 0, again=0.97)}
        for section, often in (("finally", 0.7), ("on_failure", 0.5)):
            if self._by(often):
                made[section] = [{self._name(): self._call([])}]
        if self._by(0.2):
            made["concurrency"] = {"group": "one", "limit": 1}
        return json.dumps(made)

    def find(self, name: str) -> tuple[str, str] | None:
        """A workflow inside it."""
        return (self.inner[name], f"{name}.yaml") if name in self.inner else None

    def _name(self) -> str:
        self.count += 1
        return f"s{self.count}"

    def _by(self, often: float) -> bool:
        return self.chance.random() < often

    def _list(self, seen: list[str], depth: int, *, again: float = 0.6) -> list[Tree]:
        known, made = list(seen), list[Tree]()
        while not made or (self.left > 0 and self._by(again)):
            name = self._name()
            body, sure = self._step(name, known, depth)
            made.append({name: body})
            known += sure
        return made

    def _step(self, name: str, seen: list[str], depth: int) -> Made:
        kinds = [self._draw] * 6 + [self._order] * 3
        kinds += [self._failing, self._conditional, self._hanging, self._wait, self._approval, self._agent]
        if depth < 3:
            kinds += [self._group, self._switch, self._sub_workflow, self._loop]
            kinds += [self._parallel, self._foreach] * 2
        kind = self.chance.choice(kinds)
        self.left -= 1
        body, sure = kind(name, seen, depth + 1)
        if not body.keys() & {"slice", "wait", "approval", "agent"}:
            self._around(body)
        return body, sure

    # leaves

    def _call(self, seen: list[str], method: str = "draw") -> Tree:
        looks = self.chance.sample(seen, min(len(seen), 2))
        given: Tree = {"log": self.log, "see": {n: f"${{{{ steps.{n}.nonce }}}}" for n in looks}}
        return {"slice": "witness", "method": method, "with": given}

    def _slow(self, body: Tree) -> Tree:
        if self._by(0.4):
            body["with"]["seconds"] = round(self.chance.uniform(0.005, 0.06), 3)
        return body

    def _draw(self, name: str, seen: list[str], depth: int) -> Made:
        body = self._slow(self._call(seen))
        if self._by(0.2):
            body["with"]["fails"] = 1
            body["retry"] = {"max_attempts": 3, "delay": 0.01}
        return body, [name]

    def _order(self, name: str, seen: list[str], depth: int) -> Made:
        return self._slow(self._call(seen, "order")) | {"effect": "once", "reconcile": "find"}, [name]

    def _failing(self, name: str, seen: list[str], depth: int) -> Made:
        body = self._slow(self._call(seen))
        body["on_error"] = self.chance.choice(["continue", "continue", "fail", "pause"])
        body["with"]["fails"] = self.chance.choice([1, 2, 99]) if body["on_error"] == "continue" else 1
        return body, []

    def _conditional(self, name: str, seen: list[str], depth: int) -> Made:
        return self._slow(self._call(seen)) | {"if": self._condition(seen)}, []

    def _condition(self, seen: list[str]) -> str:
        return f"${{{{ steps.{self.chance.choice(seen)}.number > 30000 }}}}" if seen else "${{ false }}"

    def _hanging(self, name: str, seen: list[str], depth: int) -> Made:
        body = self._call(seen)
        body["with"]["seconds"] = self.chance.choice([0.1, 0.14, 0.16, 0.3])
        return body | {"timeout": 0.15, "retry": {"max_attempts": 2, "delay": 0}, "on_error": "continue"}, []

    def _wait(self, name: str, seen: list[str], depth: int) -> Made:
        return {"wait": {"for": "0.05s"}}, []

    def _approval(self, name: str, seen: list[str], depth: int) -> Made:
        return {"approval": {"message": "Shall we?"}}, []

    def _agent(self, name: str, seen: list[str], depth: int) -> Made:
        return {"agent": ["/bin/sh", "-c", AGENT, "agent", self.log]}, []

    # containers

    def _around(self, body: Tree) -> None:
        if self._by(0.2):
            body["timeout"] = 20
        if self._by(0.15) and not re.search('"order"|"workflow"', json.dumps(body)):
            body["retry"] = {"max_attempts": 2, "delay": 0.01}

    def _group(self, name: str, seen: list[str], depth: int) -> Made:
        steps = self._list(seen, depth)
        return {"steps": steps}, _sure(steps)

    def _parallel(self, name: str, seen: list[str], depth: int) -> Made:
        branches = {f"b{i}": self._list(seen, depth) for i in range(self.chance.randint(2, 3))}
        fast = self._by(0.5)
        sure = [found for steps in branches.values() for found in _sure(steps)] if fast else []
        return {"parallel": {"branches": branches, "fail_fast": fast}}, sure

    def _foreach(self, name: str, seen: list[str], depth: int) -> Made:
        items: Tree = {"in": list("abc")[: self.chance.randint(1, 3)], "fail_fast": self._by(0.5)}
        if self._by(0.5):
            items["max"] = 2
        if self._by(0.1):
            items["executor"] = "processes"
        return {"foreach": items, "steps": self._list(seen, depth)}, []

    def _loop(self, name: str, seen: list[str], depth: int) -> Made:
        trigger = {"topic": TOPIC, "max": 3, "checkpoint_every": self.chance.randint(1, 3)}
        return {"trigger": trigger, "steps": self._list(seen, depth)}, []

    def _switch(self, name: str, seen: list[str], depth: int) -> Made:
        first = {"if": self._condition(seen), "steps": self._list(seen, depth)}
        return {"switch": [first, {"else": self._list(seen, depth)}]}, []

    def _sub_workflow(self, name: str, seen: list[str], depth: int) -> Made:
        inner = {"name": f"w{name}", "steps": self._list([], depth), "finally": [{self._name(): self._call([])}]}
        self.inner[f"w{name}"] = json.dumps(inner)
        return {"workflow": f"w{name}"}, []


def _sure(steps: list[Tree]) -> list[str]:
    """The names in a list that are there for sure once it is done."""
    unsure = {"if", "on_error", "timeout"}
    return [name for step in steps for name, body in step.items() if "slice" in body and not unsure & body.keys()]
