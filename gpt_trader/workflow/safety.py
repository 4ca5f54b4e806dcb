"""The rules of `safety: maximum` that a file alone can keep or break."""

from __future__ import annotations

from collections.abc import Iterator

from gpt_trader.workflow import definition as d
from gpt_trader.workflow.expressions import ExpressionError, condition

ARMED = ("inputs", "armed")
"""A condition on this input counts as an armed flag."""


def unapproved(workflow: d.Workflow) -> tuple[d.Step, ...]:
    """The steps with an effect that neither an approval nor an armed flag stands before."""
    return tuple(
        step for steps in (workflow.steps, workflow.on_failure, workflow.finally_) for step in _walk(steps, _State())
    )


class _State:
    __slots__ = ("approved",)

    def __init__(self, *, approved: bool = False) -> None:
        self.approved = approved


def _walk(steps: tuple[d.Step, ...], state: _State) -> Iterator[d.Step]:
    for step in steps:
        armed = _armed(step.when)
        if step.effect == "once" and not (state.approved or armed):
            yield step
        for label, inner in d.children(step):
            guarded = armed or (isinstance(step, d.Switch) and _armed(label))
            below = _State(approved=state.approved or guarded)
            yield from _walk(inner, below)
            if isinstance(step, d.Group) and step.when is None and not armed:
                state.approved = below.approved
        if _is_gate(step):
            state.approved = True


def _is_gate(step: d.Step) -> bool:
    """Whether nothing comes past this step without a person's yes."""
    if not isinstance(step, d.Approval):
        return False
    return step.when is None and step.on_error != "continue" and step.on_timeout != "approve"


def _armed(text: str | None) -> bool:
    if text is None:
        return False
    try:
        return any(mention.path[:2] == ARMED for mention in condition(text).mentions)
    except ExpressionError:
        return False
