"""What the journal can count, for whoever watches over it; it is only read."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gpt_trader.journal.runs import RunRecord, Runs
    from gpt_trader.journal.store import Store


def facts_of(runs: Runs, store: Store, recent: int) -> dict[str, Any]:
    """Runs and steps by status, events, dead letters and open questions; and the newest runs, each with its steps."""
    newest = [_run(runs, run) for run in runs.recent(count=recent)] if recent else []
    every = {"runs": runs.counts(), "steps": runs.step_counts()}
    counts = {f"{what}_{status.lower()}": n for what, found in every.items() for status, n in found.items()}
    totals = {what: sum(found.values()) for what, found in every.items()}
    return {"counts": {**totals, **counts, **_history(runs, store)}, "recent": newest}


def _history(runs: Runs, store: Store) -> dict[str, int]:
    return {
        "events": int(store.read("event.last")[0]["seq"]),
        "dead_letters": int(store.read("dead.count")[0]["count"]),
        "open_approvals": len(runs.open_approvals()),
    }


def _run(runs: Runs, run: RunRecord) -> dict[str, Any]:
    ended = run.ended_at
    return {
        "id": run.id,
        "workflow": run.workflow,
        "mode": run.mode,
        "status": run.status,
        "seconds": None if ended is None else round((ended - run.created_at) / 1e6, 3),
        "steps": dict(Counter(step.status.lower() for step in runs.steps(run.id))),
    }
