"""What later steps see of earlier ones: one rule of wiring by name, for the plan (declared) and the run (real)."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping
from typing import Generic, Literal, TypeVar

from gpt_trader.workflow.paths import MISSING, Missing

V = TypeVar("V")
Origin = Literal["with", "item", "event", "input", "step"]
__all__ = ["MISSING", "Missing", "Origin", "Scope", "wire"]


class Scope(Generic[V]):
    """The finished steps and their outputs by name; a child sees outward and is not seen from outside."""

    __slots__ = ("_outputs", "_parent", "_steps")

    def __init__(self, parent: Scope[V] | None = None) -> None:
        self._parent = parent
        self._steps: dict[str, Mapping[str, V]] = {}
        self._outputs: dict[str, list[V]] = {}

    def succeed(self, step_name: str, outputs: Mapping[str, V]) -> None:
        """Record that a step ended with these outputs."""
        self._steps[step_name] = outputs
        for name, value in outputs.items():
            if name in self._outputs:
                self._outputs[name].append(value)
            else:
                self._outputs[name] = [value]

    def output(self, name: str) -> V | Missing:
        """The latest output of that name; MISSING if there is none."""
        if name in self._outputs:
            return self._outputs[name][-1]
        return MISSING if self._parent is None else self._parent.output(name)

    def candidates(self, name: str) -> Iterator[V]:
        """All outputs of that name, the latest first."""
        yield from reversed(self._outputs.get(name, ()))
        if self._parent is not None:
            yield from self._parent.candidates(name)

    def child(self) -> Scope[V]:
        """A scope for the body of a loop, or for one branch: it sees this one."""
        return Scope(self)

    def merge(self, child: Scope[V]) -> None:
        """Take in what a branch did, as if it had been written in place."""
        self._steps.update(child._steps)
        for name, values in child._outputs.items():
            self._outputs.setdefault(name, []).extend(values)

    def results(self) -> dict[str, V]:
        """The latest output under each name, of this scope alone."""
        return {name: values[-1] for name, values in self._outputs.items()}

    def names(self) -> Mapping[str, Mapping[str, V]]:
        """What `steps` stands for in expressions."""
        if self._parent is None:
            return self._steps
        return ChainMap(self._steps, self._parent.names())  # type: ignore[arg-type]  # it is only read

    def output_names(self) -> Iterable[str]:
        """Every name under which an output can be had."""
        yield from self._outputs
        if self._parent is not None:
            yield from self._parent.output_names()


def wire(
    param: str, *, given: Mapping[str, V], loop: Mapping[str, V], inputs: Mapping[str, V], scope: Scope[V]
) -> tuple[Origin, V] | None:
    """Where a param comes from: `with`, the loop's variables, the inputs, the latest output, or nowhere."""
    if param in given:
        return "with", given[param]
    if param in loop:
        return ("event" if param == "event" else "item"), loop[param]
    if param in inputs:
        return "input", inputs[param]
    value = scope.output(param)
    return None if isinstance(value, Missing) else ("step", value)
