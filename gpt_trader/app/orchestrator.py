"""The Python face: run workflows, publish and hear events, with nothing to set up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from gpt_trader.app.wiring import Application
from gpt_trader.journal.bus import EventBus as JournalBus

if TYPE_CHECKING:
    from gpt_trader.app.settings import Settings
    from gpt_trader.workflow.definition import Workflow
    from gpt_trader.workflow.results import Handle, RunResult


class TradingOrchestrator:
    """Runs workflows by name, path or definition; its journal is that of the command line."""

    def __init__(self, settings: Settings | None = None) -> None:
        self._application = Application(settings)
        self._loaded: dict[str, Workflow] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def execute_workflow(self, workflow: str, *, mode: str | None = None, **inputs: Any) -> RunResult:
        """Run a workflow and wait for its result; its inputs are keyword arguments."""
        return self.start_workflow(workflow, mode=mode, **inputs).result()

    def start_workflow(self, workflow: str, *, mode: str | None = None, **inputs: Any) -> Handle:
        """Start a workflow and return at once."""
        if workflow not in self._loaded:
            self._loaded[workflow] = self._application.library.load(workflow)
        return self._application.runner.start(self._loaded[workflow], inputs, mode=mode)

    def resume_workflow(self, run_id: str) -> RunResult:
        """Go on with a run that was interrupted, paused or failed."""
        return self._application.runner.resume(run_id).result()

    @property
    def bus(self) -> JournalBus:
        """The event bus on the same journal."""
        return self._application.bus

    def close(self) -> None:
        """Let go of the journal, threads and processes."""
        self._application.close()


class EventBus(JournalBus):
    """The event bus on the journal of the settings in force."""

    def __init__(self, settings: Settings | None = None, **options: Any) -> None:
        self._application = Application(settings)
        super().__init__(self._application.store, self._application.clock, **options)

    def close(self, timeout: float = 5.0) -> bool:
        """Deliver what is under way, and let go of the journal."""
        ended = super().close(timeout)
        self._application.close()
        return ended
