"""What whoever started a run holds of it: a handle while it goes, and its result when its runner lets it go."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from gpt_trader.core.errors import NotFound, StepFailed

if TYPE_CHECKING:
    from gpt_trader.workflow.active import ActiveRun


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """How a run stands when its runner lets it go."""

    id: str
    workflow: str
    status: str
    reason: str = ""
    error: Mapping[str, Any] | None = None
    outputs: Mapping[str, Any] = field(default_factory=dict, repr=False)
    steps: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)

    @property
    def ok(self) -> bool:
        """Whether nothing went wrong: it succeeded, or was skipped as told."""
        return self.status in ("SUCCEEDED", "SKIPPED")

    def __getitem__(self, name: str) -> Any:
        if name not in self.outputs and self.error:
            raise StepFailed(str(self.error["message"]), hint=self.error.get("hint"))
        if name not in self.outputs:
            raise NotFound.among("output", name, self.outputs)
        return self.outputs[name]


class Handle:
    """A run that was started; wait for its result, or ask it to stop."""

    def __init__(self, run: ActiveRun, future: Future[RunResult]) -> None:
        self.id = run.id
        self._run = run
        self._future = future

    def result(self, timeout: float | None = None) -> RunResult:
        """Wait until the run ends, is parked or fails to be written; raises TimeoutError when that takes longer."""
        try:
            return self._future.result(timeout)
        except FutureTimeout:
            raise TimeoutError(f"run {self.id} goes on") from None

    def done(self) -> bool:
        """Whether the result is there."""
        return self._future.done()

    def cancel(self) -> None:
        """No later step starts, and a step that hangs is given up."""
        self._run.ask("cancel")

    def stop(self) -> None:
        """Let go of the run after the present step; it can be resumed."""
        self._run.ask("stop")


def read_error(text: str | None) -> Mapping[str, Any] | None:
    """An error as it was recorded."""
    return from_json(text) if text else None
