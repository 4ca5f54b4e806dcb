"""Runs and steps of the journal in the words of a list."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING

from gpt_trader.cli import render

if TYPE_CHECKING:
    from gpt_trader.journal.runs import RunRecord, StepRecord

_MARKS = {s: f" ({s.lower()})" for s in ("RUNNING", "WAITING", "FAILED", "CANCELLED", "SKIPPED")}
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
    return [[r.id, r.workflow, r.status, ago(now - r.created_at), _took(r, now), why(r, now)] for r in runs]


def _took(run: RunRecord, now: int) -> str:
    end = run.ended_at if run.ended_at is not None else now if run.status == "RUNNING" else None
    return "" if end is None else render.seconds((end - run.created_at) / 1e6)


def why(run: RunRecord, now: int) -> str:
    """The reason of a run's status in one line."""
    if alone(run, now):
        return "its process is gone"
    if run.error:
        return render.clean(json.loads(run.error).get("message", ""), 200)
    return render.clean(run.reason, 200) if run.reason else ""


@dataclass(frozen=True, slots=True)
class Placed:
    """A step's newest attempt, and where it stands: how deep, and in which branch, item or round."""

    step: StepRecord
    depth: int
    label: str


def placed(steps: list[StepRecord]) -> list[Placed]:
    """The newest attempt of each step, below the step around it; without what older attempts of that one held."""
    newest: dict[str, StepRecord] = {}
    for step in steps:
        if step.path not in newest or newest[step.path].attempt < step.attempt:
            newest[step.path] = step
    began: dict[str, int] = {}
    for step in newest.values():
        began[_list(step.path)] = min(step.started_at, began.get(_list(step.path), step.started_at))
    found = []
    for step in newest.values():
        around = _around(step.path)
        homes = [home for home, _ in around if home in newest]
        if all(newest[home].attempt == number for home, number in around if home in newest):
            order = [(began[_list(p)], _list(p), newest[p].started_at, p) for p in (*homes, step.path)]
            rest = step.path.removeprefix(homes[-1]) if homes else step.path
            found.append((order, Placed(step, len(homes), _label(rest))))
    return [row for _, row in sorted(found, key=itemgetter(0))]


def _list(path: str) -> str:
    """The list of steps that a step stands in."""
    return path.rpartition("[")[0]


def _around(path: str) -> list[tuple[str, int]]:
    """The paths that may be of steps around this one, outermost first, each with the attempt that it is inside of."""
    found = []
    for dot in re.finditer(r"\.", path):
        home, _, number = path[: dot.start()].rpartition("~")
        again = bool(home) and number.isdigit()
        found.append((home, int(number)) if again else (path[: dot.start()], 1))
    return found


def _label(rest: str) -> str:
    """The item or round, the branch, and what stands apart from the steps."""
    rounds = ",".join(re.findall(r"(?:foreach|loop)\[(\d+)\]", rest))
    own = _list(rest).rpartition(".")[2]
    return " ".join(filter(None, (own if own != "steps" else "", f"[{rounds}]" if rounds else "")))


def step_words(rows: list[Placed], *, waiting: bool = False) -> str:
    """The outermost steps by name, and whatever inside them is not done; what goes on in a run that waits, waits."""
    shown = [r.step for r in rows if r.depth == 0 or r.step.status not in ("SUCCEEDED", "SKIPPED")]
    status = {"RUNNING": "WAITING"} if waiting else {}
    words = [_marked(s.name, status.get(s.status, s.status)) for s in shown]
    more = [f"... {len(words) - _MOST} more"] if len(words) > _MOST else []
    return ", ".join(words[:_MOST] + more)


def _marked(name: str, status: str) -> str:
    return render.paint(name + _MARKS.get(status, ""), render.STATUS_STYLE.get(status, ""))
