"""Runs and steps of the journal in the words of a list."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

from gpt_trader.cli import render

if TYPE_CHECKING:
    from gpt_trader.journal.runs import RunRecord, StepRecord

_MARKS = {"RUNNING": " (running)", "FAILED": " (failed)", "CANCELLED": " (cancelled)", "SKIPPED": " (skipped)"}
_MOST = 24


def ago(micros: int) -> str:
    """How long ago, to one unit."""
    passed = max(0, micros) / 1e6
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if passed >= length:
            return f"{int(passed // length)} {unit} ago"
    return f"{int(passed)} s ago"


def alone(run: RunRecord, now: int) -> bool:
    """Whether a run should be going, but its process is gone."""
    from gpt_trader.journal.owners import owner_alive

    return run.status == "RUNNING" and (owner_alive(run.owner) is False or run.lease_until < now)


def run_rows(now: int, runs: Iterable[RunRecord]) -> list[list[str]]:
    """A row for each run: id, workflow, status, when, how long, why."""
    return [[r.id, r.workflow, r.status, ago(now - r.created_at), _took(r, now), why(r)] for r in runs]


def _took(run: RunRecord, now: int) -> str:
    end = run.ended_at if run.ended_at is not None else now if run.status == "RUNNING" else None
    return "" if end is None else render.seconds((end - run.created_at) / 1e6)


def why(run: RunRecord) -> str:
    """The reason of a run's status in one line."""
    if run.error:
        return render.clean(json.loads(run.error).get("message", ""), 200)
    return render.clean(run.reason, 200) if run.reason else ""


def newest_attempts(steps: list[StepRecord]) -> list[StepRecord]:
    """The last attempt of each step, in the order in which the steps began."""
    found: dict[str, StepRecord] = {}
    for step in steps:
        if step.path not in found or found[step.path].attempt < step.attempt:
            found[step.path] = step
    return list(found.values())


def step_words(steps: list[StepRecord]) -> str:
    """The outermost steps by name, and whatever inside them is not done."""
    shown = [s for s in steps if s.path.count(".") == 0 or s.status not in ("SUCCEEDED", "SKIPPED")]
    words = [render.paint(s.name + _MARKS.get(s.status, ""), render.STATUS_STYLE.get(s.status, "")) for s in shown]
    more = [f"... {len(words) - _MOST} more"] if len(words) > _MOST else []
    return ", ".join(words[:_MOST] + more)
