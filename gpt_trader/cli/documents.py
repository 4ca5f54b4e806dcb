"""The JSON documents that commands print: runs, steps and events as plain values, times in ISO 8601."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gpt_trader.journal.runs import ApprovalRecord, RunRecord, Runs, StepRecord


def iso(micros: int | None) -> str | None:
    """A moment of the journal as text."""
    return None if micros is None else datetime.fromtimestamp(micros / 1e6, UTC).isoformat(timespec="milliseconds")


def run_fields(run: RunRecord) -> dict[str, Any]:
    """A run without its steps."""
    return {
        "id": run.id,
        "workflow": run.workflow,
        "mode": run.mode,
        "status": run.status,
        "reason": run.reason,
        "error": json.loads(run.error) if run.error else None,
        "created_at": iso(run.created_at),
        "ended_at": iso(run.ended_at),
        "forked_from": run.forked_from,
    }


def step_fields(step: StepRecord) -> dict[str, Any]:
    """One attempt of a step; large outputs are named by the hash of their artifact."""
    return {
        "path": step.path,
        "name": step.name,
        "attempt": step.attempt,
        "status": step.status,
        "slice": step.slice or None,
        "method": step.method or None,
        "started_at": iso(step.started_at),
        "ended_at": iso(step.ended_at),
        "seconds": None if step.ended_at is None else round((step.ended_at - step.started_at) / 1e6, 6),
        "outputs": _loaded(step.outputs),
        "error": _loaded(step.error),
    }


def approval_fields(question: ApprovalRecord) -> dict[str, Any]:
    """A question to a person."""
    return {
        "run": question.run_id,
        "workflow": question.workflow or None,
        "step": question.path,
        "message": question.message,
        "asked_at": iso(question.asked_at),
        "expires_at": iso(question.expires_at),
    }


def run_document(runs: Runs, run_id: str, outputs: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A run with its steps, and with its outputs where they are at hand."""
    steps = [step_fields(step) for step in runs.steps(run_id)]
    shown = run_fields(runs.get(run_id)) | {"steps": steps}
    return shown if outputs is None else shown | {"outputs": plain(outputs)}


def plain(value: Any) -> Any:
    """Outputs as JSON has them: a table is told by its size and columns, no number is infinite."""
    from pydantic_core import from_json, to_json

    return from_json(to_json(value, fallback=_told, inf_nan_mode="null"))


def _told(value: Any) -> Any:
    if hasattr(value, "to_parquet"):
        return {"table": {"rows": len(value), "columns": [str(c) for c in value.columns]}}
    if hasattr(value, "tolist"):
        return value.tolist()
    return str(value)


def _loaded(text: str | None) -> Any:
    return json.loads(text, parse_constant=lambda _: None) if text else None
