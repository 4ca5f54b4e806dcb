"""Judges what expressions refer to: whether the name exists, is declared, and was there before the step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gpt_trader.core.errors import did_you_mean
from gpt_trader.workflow import definition as d
from gpt_trader.workflow.plan import OPEN
from gpt_trader.workflow.scope import MISSING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gpt_trader.workflow.expressions import Mention
    from gpt_trader.workflow.plan import View

RUN_NAMES = ("id", "mode", "workflow")
_ONLY_INSIDE = {
    "item": "`item` exists inside a foreach alone",
    "event": "`event` exists inside a loop over events alone",
    "error": "`error` exists in on_failure and finally alone",
}


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with a reference."""

    code: str
    message: str
    hint: str | None = None


class Judge:
    """Knows all step names of one workflow, so that a wrong reference can be told from one that comes too early."""

    def __init__(self, workflow: d.Workflow) -> None:
        self.where: dict[str, tuple[int, tuple[str, ...]]] = {}
        self.order: dict[str, int] = {}
        lists = (*workflow.steps, *workflow.on_failure, *workflow.finally_)
        for number, (step, loops) in enumerate(_walk(lists, ())):
            self.where.setdefault(step.name, (number, loops))
            self.order[step.path] = number

    def wrong(self, mention: Mention, step: d.Step, view: View) -> Wrong | None:
        """What is wrong with a reference that this step makes, if anything is."""
        root, *rest = (str(part) for part in mention.path)
        if root == "inputs":
            return wrong_input(rest, view.inputs)
        if root == "steps":
            return self._step(rest, step, view) if rest else None
        if root == "run":
            return _wrong_run(rest)
        if root in view.extras or (root == "error" and ".finally" in f".{step.path}"):
            return None
        return self._unknown(root, view)

    def _step(self, rest: list[str], step: d.Step, view: View) -> Wrong | None:
        name, *deeper = rest
        known = view.scope.names()
        if name not in known:
            return None if view.scope.output(OPEN) is not MISSING else self._not_there(name, step, list(known))
        outputs = known[name]
        if not deeper or deeper[0] in outputs or OPEN in outputs:
            return None
        hint = did_you_mean(deeper[0], outputs) or f"'{name}' has no outputs; name the steps inside it"
        return Wrong("unknown-output", f"step '{name}' has no output '{deeper[0]}'", hint)

    def _not_there(self, name: str, step: d.Step, known: list[str]) -> Wrong:
        if name not in self.where:
            names = {*known, *self.where}
            dashed = next((f"write steps['{n}'], for a - means minus" for n in names if n.startswith(f"{name}-")), None)
            return Wrong("unknown-step", f"no step is called '{name}'", dashed or did_you_mean(name, names))
        number, loops = self.where[name]
        if number >= self.order.get(step.path, 0):
            return Wrong(
                "later-step", f"step '{name}' has not run yet when '{step.name}' does", did_you_mean(name, known)
            )
        if loops:
            hint = f"from outside use steps.{loops[0]}.items"
            return Wrong("hidden-step", f"step '{name}' runs inside '{loops[0]}' and is not seen from outside", hint)
        return Wrong("hidden-step", f"step '{name}' runs in another branch than '{step.name}'")

    def _unknown(self, root: str, view: View) -> Wrong:
        if root in _ONLY_INSIDE:
            return Wrong("unknown-name", f"there is no '{root}' here", _ONLY_INSIDE[root])
        for kind, names in (("inputs", view.inputs), ("steps", view.scope.names())):
            if root in names:
                return Wrong("unknown-name", f"there is no '{root}' here", f"did you mean '{kind}.{root}'?")
        known = ("inputs", "steps", "run", *view.extras)
        return Wrong("unknown-name", f"there is no '{root}' here", did_you_mean(root, known))


def wrong_input(rest: list[str], inputs: Mapping[str, str]) -> Wrong | None:
    """What is wrong with `inputs.` and what follows it."""
    if not rest or rest[0] in inputs:
        return None
    hint = did_you_mean(rest[0], inputs) or "declare it under `inputs`"
    return Wrong("unknown-input", f"no input is called '{rest[0]}'", hint)


def _wrong_run(rest: list[str]) -> Wrong | None:
    if not rest or rest[0] in RUN_NAMES:
        return None
    return Wrong("unknown-name", f"there is no 'run.{rest[0]}'", did_you_mean(rest[0], RUN_NAMES))


def _walk(steps: tuple[d.Step, ...], loops: tuple[str, ...]) -> Iterator[tuple[d.Step, tuple[str, ...]]]:
    for step in steps:
        yield step, loops
        if isinstance(step, d.SubWorkflow):
            continue
        inside = (*loops, step.name) if isinstance(step, d.Foreach | d.Loop) else loops
        for _, inner in d.children(step):
            yield from _walk(inner, inside)
