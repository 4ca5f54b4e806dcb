"""What a run begins with: its definition, its own row, what it keeps of another run, and the fact that it began."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gpt_trader.journal.runs import versions
from gpt_trader.workflow.expressions import template
from gpt_trader.workflow.secrets import refuse_written

if TYPE_CHECKING:
    from gpt_trader.journal.writer import Op
    from gpt_trader.workflow.active import ActiveRun

Keep = tuple[tuple[str, int], ...]
"""Records of another run, by path and attempt."""


def opening(run: ActiveRun, forked_from: str | None, keep: Keep) -> list[Op]:
    """What is committed together with a run's first step."""
    parts, own = run.parts, run.own
    hashed, body = run.workflow.hash, run.workflow.text
    if parts.secrets:
        refuse_written(parts.secrets, body, run.inputs)
    ops: list[Op] = [
        ("definition.put", {"hash": hashed, "name": run.workflow.name, "body": body}, False),
        ("run.create", {**_row(run), "definition": hashed, "forked_from": forked_from}, False),
    ]
    for path, attempt in keep:
        copied = {"run_id": forked_from, "path": path, "attempt": attempt}
        ops.append(("step.copy", {**copied, "new_run_id": own.run_id, "new_fence": own.fence}, True))
    ops.append(parts.runs.event("run.started", {"workflow": run.workflow.name, "mode": run.mode}, run_id=own.run_id))
    return ops


def _row(run: ActiveRun) -> Mapping[str, Any]:
    runs, own, concurrency = run.parts.runs, run.own, run.workflow.concurrency
    group = _group(run)
    return {
        "id": own.run_id,
        "workflow": run.workflow.name,
        "mode": run.mode,
        "status": "RUNNING" if group is None else "WAITING",
        "reason": "" if group is None else "queued",
        "inputs": run.parts.artifacts.encode(run.inputs),
        "versions": versions(),
        "created_at": runs.now(),
        "group_key": group,
        "group_limit": concurrency.limit if concurrency else 0,
        "owner": own.owner,
        "fence": own.fence,
        "lease_until": runs.lease(),
    }


def _group(run: ActiveRun) -> str | None:
    """The concurrency group that a run belongs to."""
    concurrency = run.workflow.concurrency
    if concurrency is None:
        return None
    view = {"inputs": run.inputs, "run": run.view, "steps": {}}
    return f"{run.workflow.name}:{template(concurrency.group).resolve(view)}"
