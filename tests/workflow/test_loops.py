"""Loops hear requests and deadlines whatever others publish, remember every order, and leave nothing behind."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.workflow.runhouse import House, house, workflow
from tests.workflow.test_runner import _until

LOOP = "- l: {{trigger: {{topic: market.tick, {options}}}, steps: [{steps}]}}"
COUNT = "{n: {slice: count, method: inc}}"
ORDER = "{o: {slice: notes, method: order, effect: once, reconcile: find_order, with: {log: LOG}}}"


def looping(options: str, steps: str = COUNT, more: str = "") -> str:
    return workflow(LOOP.format(options=options, steps=steps) + more)


def ticks(home: House, *numbers: int, topic: str = "market.tick") -> None:
    for n in numbers:
        home.store.write([home.runs.event(topic, {"n": n}, run_id="")])


def foreign(home: House, monkeypatch: pytest.MonkeyPatch, count: Callable[[int], int]) -> None:
    """Whoever reads on in the history finds more of others' events, and never comes to the end."""
    read = home.store.read

    def endless(name: str, **params: Any) -> Any:
        if name != "event.after":
            return read(name, **params)
        first = int(params["seq"]) + 1
        row = {"topic": "other.thing", "key": "", "at": 0, "run_id": "", "payload": "{}"}
        return [{**row, "seq": seq} for seq in range(first, first + count(int(params["count"])))]

    monkeypatch.setattr(home.store, "read", endless)


def whole_pages(count: int) -> int:
    return count


def one_by_one(count: int) -> int:
    return min(count, 1)


@pytest.mark.parametrize("pages", [whole_pages, one_by_one])
def test_a_loop_among_others_events_without_end_is_cancelled(
    lite: House, monkeypatch: pytest.MonkeyPatch, pages: Callable[[int], int]
) -> None:
    foreign(lite, monkeypatch, pages)
    handle = lite.runner.start(lite.load(looping("max: 2")))
    _until(lambda: lite.runs.checkpoint(handle.id, "steps[0]"))
    handle.cancel()
    assert handle.result(10).status == "CANCELLED"


@pytest.mark.parametrize("pages", [whole_pages, one_by_one])
def test_the_time_of_a_loop_runs_out_among_others_events_too(
    lite: House, monkeypatch: pytest.MonkeyPatch, pages: Callable[[int], int]
) -> None:
    foreign(lite, monkeypatch, pages)
    text = workflow(f"- l: {{trigger: {{topic: market.tick}}, timeout: 0.3, steps: [{COUNT}]}}")
    result = lite.runner.start(lite.load(text)).result(10)
    assert (result.status, (result.error or {})["cause"]) == ("FAILED", "StepTimeout")


def test_a_loop_is_quiet_though_others_never_are(lite: House, monkeypatch: pytest.MonkeyPatch) -> None:
    foreign(lite, monkeypatch, one_by_one)
    handle = lite.runner.start(lite.load(looping("idle: 0.2")))
    assert handle.result(10).steps["l"]["count"] == 0


def test_a_loop_is_not_quiet_while_the_events_that_came_lie_behind_others(
    lite: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may take longer to come to them than the loop would wait for new ones."""
    from gpt_trader.workflow import waits

    ticks(lite, *range(400), topic="other.thing")
    ticks(lite, 1, 2)
    monkeypatch.setattr(waits, "last_seq", lambda strand: 0)
    monkeypatch.setattr(waits, "_PAGE", 1)
    assert lite.run(looping("idle: 0.001")).steps["l"]["count"] == 2


def test_a_loop_remembers_that_what_others_published_does_not_concern_it(
    home: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gpt_trader.workflow import waits

    monkeypatch.setattr(waits, "_FAR", 5)
    handle = home.runner.start(home.load(looping("max: 1")))
    _until(lambda: home.runs.checkpoint(handle.id, "steps[0]"))
    home.store.write([home.runs.event("other.thing", {"n": n}, run_id="") for n in range(6)])  # all at once
    far = home.store.read("event.last")[0]["seq"]
    _until(lambda: (home.runs.checkpoint(handle.id, "steps[0]") or (0, 0)) == (0, far))
    ticks(home, 1)
    assert handle.result(30).steps["l"] == {"count": 1, "last_seq": far + 1}


@pytest.mark.parametrize(
    ("options", "steps", "expected"),
    [
        ("max: 5, checkpoint_every: 1000", f"{COUNT}, {ORDER}", [1, 2, 3, 4, 5]),
        ("max: 5, checkpoint_every: 1000", ORDER.replace("{o: {", "{o: {if: '${{ event.n == 2 }}', "), [3, 5]),
        ("max: 7, checkpoint_every: 3", COUNT, [3, 6, 7]),
    ],
)
def test_a_loop_checkpoints_at_every_order_and_else_as_often_as_it_is_told(
    home: House, options: str, steps: str, expected: list[int]
) -> None:
    handle = home.runner.start(home.load(looping(options, steps)))
    _until(lambda: home.runs.checkpoint(handle.id, "steps[0]"))
    saved: list[int] = []
    write = home.store.write

    def noted(ops: Any) -> Any:
        saved.extend(row["count"] for name, row, _ in ops if name == "checkpoint.put")
        return write(ops)

    home.store.write = noted  # type: ignore[method-assign]
    write([home.runs.event("market.tick", {"n": n}, run_id="") for n in range(expected[-1])])
    assert handle.result(30).ok
    assert saved == expected


def test_each_attempt_to_wait_for_an_event_waits_its_time(home: House) -> None:
    began = time.monotonic()
    text = "- w: {wait: {event: {topic: a.b, timeout: 300ms}}, retry: {max_attempts: 3, delay: 0}}"
    result = home.run(workflow(text))
    assert time.monotonic() - began >= 0.9
    assert (result.status, result.error["cause"]) == ("FAILED", "StepTimeout")
    assert home.statuses(result.id) == {"steps[0]": ["FAILED"] * 3}


def test_an_event_that_came_between_two_attempts_is_found_by_the_second(home: House) -> None:
    run = home.run(workflow("- w: {wait: {event: {topic: a.b, timeout: 100ms}}}"))
    ticks(home, 7, topic="a.b")
    result = home.runner.resume(run.id).result(30)
    assert result.steps["w"]["event"]["n"] == 7


def test_a_loop_that_is_over_holds_no_event_back(home: House) -> None:
    """Also one that failed before, while its run lives on."""
    steps = "{n: {slice: notes, method: note, with: {log: LOG, text: t, fails: 1}}}"
    loop = LOOP.format(options="max: 1", steps=steps).replace("- l: {", "- l: {retry: {max_attempts: 2, delay: 0}, ")
    handle = home.runner.start(home.load(workflow(f"{loop}\n- a: {{approval: {{message: 'Go on?'}}}}")))
    _until(lambda: home.runs.checkpoint(handle.id, "steps[0]"))
    ticks(home, 1)
    assert _until(lambda: home.runs.checkpoint(handle.id, "steps[0]~2"))
    ticks(home, 2)
    (asked,) = _until(home.runs.open_approvals)
    assert rows(home, "checkpoint", handle.id) == []
    assert home.store.read("event.needed")[0]["seq"] is None
    home.runs.decide(handle.id, asked.path, approved=True, by="Ada")
    assert handle.result(30).ok


WAITING = "{w: {wait: {for: 1ms}}}, {g: {approval: {message: 'Go on?'}}}"


def test_what_ticks_waited_for_is_gone_when_they_are_over(home: House) -> None:
    handle = home.runner.start(home.load(looping("max: 3, checkpoint_every: 2", WAITING)))
    _until(lambda: home.runs.checkpoint(handle.id, "steps[0]"))
    ticks(home, 0, 1, 2)
    for _ in range(3):
        (asked,) = _until(home.runs.open_approvals)
        assert home.runs.decide(handle.id, asked.path, approved=True, by="Ada")
    assert handle.result(30).ok
    assert rows(home, "checkpoint", handle.id) == []
    assert rows(home, "approval", handle.id) == []
    said = [e["topic"] for e in home.store.read("event.of_run", run_id=handle.id) if "approval" in e["topic"]]
    assert said == ["approval.asked", "approval.approved"] * 3  # the history keeps who said what


def test_a_tick_that_waits_for_a_person_is_not_asked_about_again(home: House) -> None:
    """Other ticks before it are over and forgotten when the process leaves; its own question stands."""
    handle = home.runner.start(home.load(looping("max: 2, checkpoint_every: 50", WAITING)))
    _until(lambda: home.runs.checkpoint(handle.id, "steps[0]"))
    ticks(home, 0, 1)
    (first,) = _until(home.runs.open_approvals)
    home.runs.decide(handle.id, first.path, approved=True, by="Ada")
    second = _until(lambda: [a for a in home.runs.open_approvals() if a.path != first.path])[0]
    handle.stop()
    assert handle.result(30).status == "WAITING"
    assert rows(home, "approval", handle.id) == [second.path]
    assert home.runs.decide(handle.id, second.path, approved=True, by="Ada")
    with house(home.url, home.folder) as other:
        assert other.runner.resume(handle.id).result(30).ok
    asked = [e for e in home.store.read("event.of_run", run_id=handle.id) if e["topic"] == "approval.asked"]
    assert len(asked) == 2


def rows(home: House, table: str, run_id: str) -> list[str]:
    """The paths that a table holds of a run."""
    connection = home.store.driver.connect()
    try:
        found = connection.execute(f"SELECT path FROM {table} WHERE run_id = '{run_id}' ORDER BY path").fetchall()
    finally:
        connection.close()
    return [str(row[0]) for row in found]


def test_a_loop_forgets_its_ticks_while_a_branch_beside_it_takes_steps(lite: House) -> None:
    before, items = sys.getswitchinterval(), list(range(1000))
    each = f"{{each: {{foreach: {{in: {items}}}, steps: [{COUNT}]}}}}"
    loop = f"{{l: {{trigger: {{topic: market.tick, max: {len(items)}}}, steps: [{COUNT}]}}}}"
    sys.setswitchinterval(1e-5)
    try:
        handle = lite.runner.start(
            lite.load(workflow(f"- p: {{parallel: {{branches: {{x: [{loop}], y: [{each}]}}}}}}"))
        )
        _until(lambda: lite.runs.checkpoint(handle.id, "steps[0].parallel.x[0]"))
        lite.store.write([lite.runs.event("market.tick", {"n": n}, run_id="") for n in items])
        result = handle.result(60)
    finally:
        sys.setswitchinterval(before)
    assert result.ok, result.error
