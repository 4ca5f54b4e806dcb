"""Retention: what ended long ago is forgotten, runs first, then events, then artifacts that nothing names."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from gpt_trader.journal.artifacts import ArtifactFolder
from gpt_trader.journal.history import History
from gpt_trader.journal.runs import Runs

_ALL = 1 << 40
_FRESH_SECONDS = 86_400.0
"""An artifact so young may belong to a step that has not been recorded yet."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How much was forgotten, or would be."""

    runs: int
    events: int
    artifacts: int
    bytes: int

    def fields(self) -> dict[str, Any]:
        """The counts by name."""
        return asdict(self)


class Retention:
    """Forgets what is old; what a run, a subscriber or a dead letter still needs is kept."""

    def __init__(self, runs: Runs, history: History, artifacts: ArtifactFolder) -> None:
        self._runs, self._history, self._artifacts = runs, history, artifacts

    def forget(self, *, before: int, dry_run: bool = False) -> Forgotten:
        """Forget what is older than a moment in microseconds; a dry run only counts."""
        if dry_run:
            runs = len(self._runs.store.read("run.old", before=before, count=_ALL))
            events = self._history.forgettable(before=before)
        else:
            runs, events = self._runs.prune(before=before), self._history.forget(before=before)
        oldest = min(before / 1e6, self._runs.now() / 1e6 - _FRESH_SECONDS)
        count, size = self._artifacts.sweep(self._runs.artifacts_in_use(), before=oldest, dry_run=dry_run)
        return Forgotten(runs, events, count, size)
