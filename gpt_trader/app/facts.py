"""What the journal can count, for whoever watches over it; it is only read."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gpt_trader.app.wiring import Application
    from gpt_trader.journal.runs import RunRecord


def facts_of(app: Application, recent: int) -> dict[str, Any]:
    """Runs by status, events, dead letters and open questions; and the newest runs, each with its steps by status."""
    runs = [_run(app, run) for run in app.runs.recent(count=recent)] if recent else []
    steps: Counter[str] = Counter()
    for run in runs:
        steps.update({f"steps_{status}": number for status, number in run["steps"].items()})
    counts = {f"runs_{status.lower()}": number for status, number in app.runs.counts().items()}
    return {"counts": {"runs": sum(counts.values()), **counts, **steps, **_history(app)}, "recent": runs}


def _history(app: Application) -> dict[str, int]:
    read = app.store.read
    return {
        "events": int(read("event.last")[0]["seq"]),
        "dead_letters": int(read("dead.count")[0]["count"]),
        "open_approvals": len(app.runs.open_approvals()),
    }


def _run(app: Application, run: RunRecord) -> dict[str, Any]:
    ended = run.ended_at
    return {
        "id": run.id,
        "workflow": run.workflow,
        "mode": run.mode,
        "status": run.status,
        "seconds": None if ended is None else round((ended - run.created_at) / 1e6, 3),
        "steps": dict(Counter(step.status.lower() for step in app.runs.steps(run.id))),
    }
