"""What a run takes over from an older one: the records of the steps that stand before the one it begins with."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from gpt_trader.core.errors import Conflict, NotFound
from gpt_trader.workflow.definition import Step, Workflow, walk
from gpt_trader.workflow.pen import unready

if TYPE_CHECKING:
    from gpt_trader.journal.runs import StepRecord

_ROUNDS = re.compile(r"(?<=\.foreach)\[\d+\]|(?<=\.loop)\[\d+\]|~\d+")


def inherited(records: list[StepRecord], workflow: Workflow, from_step: str | None) -> list[StepRecord]:
    """The records before a step; a record is of the step at its place, or it is an error and not a guess."""
    if from_step is None:
        return []
    names = [step.name for step in workflow.steps]
    if from_step not in names:
        raise NotFound.among("step", from_step, names)
    kept = []
    for index, step in enumerate(workflow.steps[: names.index(from_step)]):
        found = [r for r in records if _below(r.path, step.path) and r.status != "RUNNING"]
        for wrong in _others(found, step):
            raise Conflict(wrong, hint=f"keep what stands before it alone: --from {names[index]}")
        kept += found
    return kept


def _others(records: list[StepRecord], step: Step) -> Iterator[str]:
    """What is wrong with records of other steps, or of others' work."""
    known = {inner.path: inner for inner in walk((step,))}
    for record in records:
        here = known.get(_ROUNDS.sub("", record.path))
        if here is None:
            continue
        work = unready(here)
        if here.name != record.name:
            yield f"step '{here.name}' stands where the older run has '{record.name}' ({record.path})"
        elif record.status == "SUCCEEDED" and (record.slice, record.method) != (work.slice, work.method):
            yield f"step '{here.name}' was recorded as '{record.slice}.{record.method}' in the older run"


def _below(path: str, root: str) -> bool:
    return path == root or path.startswith((f"{root}.", f"{root}~"))
