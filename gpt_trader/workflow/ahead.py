"""What is known of a run before its first step: params that inputs and constants give, looked at by their slices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gpt_trader.core.slices import Slice
from gpt_trader.workflow import definition as d
from gpt_trader.workflow.expressions import ExpressionError, template
from gpt_trader.workflow.plan import plan

if TYPE_CHECKING:
    from gpt_trader.core.slices import SliceCatalog
    from gpt_trader.workflow.plan import View, Wire


def look_ahead(workflow: d.Workflow, catalog: SliceCatalog, inputs: Mapping[str, Any]) -> None:
    """Raise what a slice has against params that are known by now; of steps that may not run nothing is said."""
    if not any(_foresees(name, catalog) for name in workflow.acting):
        return

    def look(step: d.Step, view: View, wires: Mapping[str, Wire], after: bool) -> None:  # noqa: ARG001, FBT001
        if isinstance(step, d.Action) and _runs(step) and _foresees(step.slice, catalog):
            given = {name: _value(wire, step.params.get(name), inputs) for name, wire in wires.items()}
            known = {name: value for name, value in given.items() if value is not None}
            catalog.instance(step.slice).foresee(step.method, known)

    plan(workflow, catalog, observe=look)


def _foresees(name: str, catalog: SliceCatalog) -> bool:
    return catalog[name].foresee is not Slice.foresee


def _runs(step: d.Action) -> bool:
    inside = (".workflow.", ".switch", "on_failure[", "finally[")
    return step.when is None and not any(part in step.path for part in inside)


def _value(wire: Wire, written: Any, inputs: Mapping[str, Any]) -> Any:
    if wire.origin == "input":
        return inputs[wire.sources[0]]
    if wire.origin != "with":
        return None
    try:
        found = template(written)
        ours = all(mention.path[0] == "inputs" for mention in found.mentions)
        return found.resolve({"inputs": inputs}) if ours else None
    except ExpressionError:  # it is told by its step
        return None
