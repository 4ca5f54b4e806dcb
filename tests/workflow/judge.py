"""A judge of runs that were killed: it believes the witness's file, and what it saw committed, before the journal."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

from gpt_trader.journal.runs import StepRecord
from gpt_trader.workflow.definition import Workflow
from tests.workflow.runhouse import House
from tests.workflow.witness import lines

_SECTION = re.compile(r"(^|\.workflow\.)(on_failure|finally)\[")


class Judge:
    """Remembers what was committed whenever it looks, and finds what became untrue."""

    def __init__(self, home: House, run_id: str) -> None:
        self.home, self.run_id = home, run_id
        self.kept: dict[tuple[str, int], str] = {}
        self.ran: dict[tuple[str, int], int] = {}

    def look(self) -> None:
        """Look while nobody runs it; what was a success stays one, and runs no more."""
        told = Counter((w[2], w[3]) for w in self._lines() if w[0] != "agent")
        for record in self.home.runs.steps(self.run_id):
            place = (record.path, record.attempt)
            if record.status == "SUCCEEDED":
                if place in self.kept:
                    assert self.kept[place] == (record.outputs or ""), f"{place} has other outputs"
                self.kept[place] = record.outputs or ""
            elif place in self.kept and not self._anew(record):
                raise AssertionError(f"{place} was a success and is {record.status}")
        paths = Counter(path for path, _ in told.elements())
        for path, _ in self.kept:
            if not _afterwards(path) and ".loop[" not in path:
                now = paths[path]
                assert self.ran.setdefault((path, 0), now) == now, f"{path} was committed and ran again"

    def _anew(self, record: StepRecord) -> bool:
        """Whether a workflow that goes on did this again at its end, or will."""
        records = self.home.steps(self.run_id)
        for section in _SECTION.finditer(record.path):
            owner = records.get(re.sub(r"~\d+$", "", record.path[: section.start()]), [])
            if not owner or owner[-1].status != "SUCCEEDED" or records[record.path][-1].attempt > record.attempt:
                return True
        return False

    def _lines(self) -> list[list[Any]]:
        return [w for w in lines(self.home.log) if w[1] == self.run_id]

    def end(self) -> None:
        """Judge a run that is over."""
        self.look()
        run, records = self.home.runs.get(self.run_id), self.home.steps(self.run_id)
        assert not run.live, run
        assert run.request is None, run
        assert run.lease_until == 0
        assert run.ended_at is not None
        assert not [a for a in self.home.runs.open_approvals() if a.run_id == self.run_id]
        told = self._lines()
        for (path, attempt), count in Counter((w[2], w[3]) for w in told).items():
            assert count == 1 or ".loop[" in path, f"{path}#{attempt} ran {count} times"
        for path, attempts in records.items():
            self._judge_step(path, attempts, told)
        orders = Counter(w[2] for w in told if w[0] == "ordered")
        assert set(orders.values()) <= {1}, f"ordered twice: {orders}"
        self._judge_sights(records, told)
        self._judge_facts(records)
        if run.status == "SUCCEEDED":
            for path in orders:
                assert [r.status for r in records.get(path, [])][-1:] == ["SUCCEEDED"], f"order at {path} is lost"
            self._judge_whole(records)

    def _judge_step(self, path: str, attempts: list[StepRecord], told: list[list[Any]]) -> None:
        attempts = sorted(attempts, key=lambda r: r.attempt)
        assert [r.attempt for r in attempts] == list(range(1, len(attempts) + 1)), (path, attempts)
        statuses = [r.status for r in attempts]
        assert not {"RUNNING", "WAITING"} & set(statuses), (path, statuses)
        if not _afterwards(path):
            assert statuses.count("SUCCEEDED") <= 1, (path, statuses)
            if "SUCCEEDED" in statuses:
                assert statuses[-1] == "SUCCEEDED", (path, statuses)
        for record in attempts:
            assert record.ended_at is not None, record
            assert (record.error is None) or record.status in ("FAILED", "CANCELLED"), record
            if record.slice == "witness" and record.status == "SUCCEEDED":
                nonce = json.loads(record.outputs or "")["nonce"]
                assert [w for w in told if w[2] == path and w[4] == nonce], f"{path} has an output that nobody gave"

    def _judge_sights(self, records: dict[str, list[StepRecord]], told: list[list[Any]]) -> None:
        names: dict[str, set[str]] = {}
        for attempts in records.values():
            for record in attempts:
                if record.status == "SUCCEEDED" and record.slice == "witness":
                    names.setdefault(record.name, set()).add(json.loads(record.outputs or "")["nonce"])
        for word in told:
            for name, nonce in word[5].items():
                if ".loop[" in word[2]:
                    continue  # what ticks gave is not recorded
                assert nonce in names.get(name, ()), f"{word[2]} saw {nonce} of {name}, recorded is {names.get(name)}"

    def _judge_facts(self, records: dict[str, list[StepRecord]]) -> None:
        events = self.home.store.read("event.of_run", run_id=self.run_id)
        drew = Counter(
            (json.loads(e["payload"])["path"], json.loads(e["payload"])["nonce"])
            for e in events
            if e["topic"] == "witness.drew"
        )
        for path, attempts in records.items():
            for record in attempts:
                if record.method == "draw" and record.status == "SUCCEEDED":
                    assert drew[path, json.loads(record.outputs or "")["nonce"]] == 1, f"the fact of {path}"
        assert all(count == 1 for (path, _), count in drew.items() if ".loop[" not in path), drew
        begun = [e["topic"] for e in events if e["topic"] == "run.started"]
        assert begun == ["run.started"]

    def _judge_whole(self, records: dict[str, list[StepRecord]]) -> None:
        workflow = Workflow.from_json(self.home.runs.definition(self.home.runs.get(self.run_id).definition))
        for step in (*workflow.steps, *workflow.finally_):
            attempts = sorted(records.get(step.path, []), key=lambda r: r.attempt)
            assert attempts, f"{step.path} never was"
            assert attempts[-1].status in ("SUCCEEDED", "SKIPPED") or step.on_error == "continue", attempts[-1]


def _afterwards(path: str) -> bool:
    return _SECTION.search(path) is not None
