"""kill -9 at every named place, on both databases: nothing that was committed runs again, nothing is lost."""

from __future__ import annotations

import random
import re
import time
from pathlib import Path

import pytest

import gpt_trader
from gpt_trader.core.errors import Conflict, Fenced
from gpt_trader.journal.owners import Ownership
from tests.workflow.crashing import begin, crash, go_on, stopped
from tests.workflow.runhouse import House, house, workflow
from tests.workflow.test_runner import _until

STEPS = (
    workflow(
        "- a: {slice: notes, method: note, with: {log: LOG, text: a}}\n"
        "- g: {steps: [{b: {slice: notes, method: note, with: {log: LOG, text: b}}}, "
        "{t: {slice: count, method: table}}]}\n"
        "- p: {parallel: {branches: {x: [{c: {slice: notes, method: note, with: {log: LOG, text: c}}}], "
        "y: [{d: {slice: notes, method: note, with: {log: LOG, text: d}}}]}}}\n"
        "- o: {slice: notes, method: order, effect: once, reconcile: find_order, with: {log: LOG}}\n"
        "- r: {slice: count, method: rows}\n"
        "- f: {foreach: {in: [e, f], as: text}, steps: [{n: {slice: notes, method: note, with: {log: LOG}}}]}"
    )
    + "finally:\n  - z: {slice: notes, method: note, with: {log: LOG, text: z}}\n"
)

HIT = re.compile(r'\bhit\("([a-z.]+)"\)')
PLACES = (
    "journal.begin",
    "journal.inside",
    "journal.committed",
    "step.begun",
    "step.called",
    "artifact.written",
    "run.ending",
)
BOUNDARIES = [f"{place}=kill@{n}" for place in PLACES for n in range(1, 15)]
# of each place one, and some more
SHARE = sorted({f"{place}=kill@{n}" for n, place in enumerate(PLACES, 2)} | {*random.Random(7).sample(BOUNDARIES, 10)})
ELSEWHERE = {
    "run.waiting": "tests/workflow/test_crashes.py",
    "loop.saved": "tests/workflow/test_crashes.py",
    "migration.inside": "tests/journal/test_migrations.py",
    "event.published": "tests/journal/test_bus_crash.py",
    "event.handled": "tests/journal/test_bus_crash.py",
    "event.failed": "tests/journal/test_bus_crash.py",
    "bus.cursor": "tests/journal/test_bus_crash.py",
    "dead.recorded": "tests/journal/test_bus_crash.py",
}
"""The other named places, and where a process is killed there."""


def _survives(url: str, folder: Path, spec: str) -> None:
    """Kill a run there, kill its first resume at the same place, resume again; then look at what happened."""
    if not crash(url, folder, STEPS, spec):
        return
    with house(url, folder) as home:
        runs = home.runs.recent()
        if not runs:  # killed before the first commit: the run never was
            assert home.lines() == []
            return
        run_id, lines = runs[0].id, home.lines()
        committed = {r.path for r in home.runs.steps(run_id) if r.status == "SUCCEEDED"}
    crash(url, folder, STEPS, spec, run_id)
    with house(url, folder) as home:
        if home.runs.get(run_id).status != "SUCCEEDED":
            assert home.runner.resume(run_id).result(30).ok
        _nothing_lost_or_doubled(home, run_id, lines, committed)


def _nothing_lost_or_doubled(home: House, run_id: str, lines: list[str], committed: set[str]) -> None:
    after = home.lines()
    assert after[: len(lines)] == lines
    records = home.steps(run_id)
    for path, text in {
        "steps[0]": "a",
        "steps[1].steps[0]": "b",
        "steps[2].parallel.x[0]": "c",
        "steps[2].parallel.y[0]": "d",
        "steps[5].foreach[0].steps[0]": "e",
        "steps[5].foreach[1].steps[0]": "f",
        "finally[0]": "z",
    }.items():
        ended = [r for r in records[path] if r.status == "SUCCEEDED"]
        assert len(ended) == 1, (path, records[path])
        assert text in after
        if path in committed:
            assert after.count(text) == lines.count(text), f"{path} was committed and ran again"
    orders = [line for line in after if line.startswith("order")]
    assert len(orders) == 1, "an order was lost or doubled"
    assert home.runs.get(run_id).status == "SUCCEEDED"
    noted = [e for e in home.store.read("event.of_run", run_id=run_id) if e["topic"] == "notes.noted"]
    assert len(noted) == 7, "facts are committed with their step's outcome"


@pytest.mark.parametrize("spec", SHARE)
def test_a_run_survives_kill_minus_nine(store_url: str, tmp_path: Path, spec: str) -> None:
    _survives(store_url, tmp_path, spec)


def test_a_step_that_a_crash_met_before_its_params_were_there_fails_again(store_url: str, tmp_path: Path) -> None:
    text = workflow(
        "- a: {slice: count, method: inc}\n- b: {slice: count, method: inc, with: {v: '${{ [0][steps.a.v] }}'}}"
    )
    crashes = 0
    while crash(store_url, tmp_path, text, f"journal.committed=kill@{crashes + 1}"):
        crashes += 1
        with house(store_url, tmp_path) as home:
            result = home.runner.resume("latest").result(30) if home.runs.get("latest").live else None
        assert result is None or "${{ [0][steps.a.v] }}" in (result.error or {})["message"]
    assert crashes > 2


def test_what_a_crash_met_after_a_failure_that_is_none_any_more_is_not_running_for_ever(
    store_url: str, tmp_path: Path
) -> None:
    text = workflow("- f: {slice: notes, method: note, with: {log: LOG, text: f, fails: 1}}")
    text += "on_failure:\n  - n: {slice: notes, method: note, with: {log: LOG, text: n}}\n"
    assert crash(store_url, tmp_path, text, "step.begun=kill@2")
    with house(store_url, tmp_path) as home:
        result = home.runner.resume("latest").result(30)
        assert (result.status, home.lines()) == ("SUCCEEDED", ["f", "f"])
        assert home.statuses(result.id) == {"steps[0]": ["FAILED", "SUCCEEDED"], "on_failure[0]": ["CANCELLED"]}


def test_no_named_place_of_the_runner_or_the_journal_is_left_out() -> None:
    rooms = [Path(gpt_trader.__file__).parent / room for room in ("workflow", "journal")]
    named = {name for room in rooms for file in room.rglob("*.py") for name in HIT.findall(file.read_text())}
    assert named == {*PLACES, *ELSEWHERE}
    assert {spec.partition("=")[0] for spec in SHARE} == set(PLACES)
    for place, drill in ELSEWHERE.items():
        assert f"{place}=kill" in (Path(__file__).parents[2] / drill).read_text(), place


@pytest.mark.soak
@pytest.mark.timeout(300)
@pytest.mark.parametrize("spec", BOUNDARIES)
def test_a_run_survives_kill_minus_nine_everywhere(store_url: str, tmp_path: Path, spec: str) -> None:
    _survives(store_url, tmp_path, spec)


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_a_run_survives_kills_at_random_moments(store_url: str, tmp_path: Path) -> None:
    chance = random.Random(11)
    for number in range(40):
        folder = tmp_path / str(number)
        folder.mkdir()
        process = begin(store_url, folder, STEPS)
        time.sleep(chance.uniform(0.0, 0.25))
        process.kill()
        process.join()
        with house(store_url, folder) as home:
            found = [r for r in home.runs.recent(count=1) if r.live]
            if found and home.lines():
                run_id = found[0].id
                committed = {r.path for r in home.runs.steps(run_id) if r.status == "SUCCEEDED"}
                lines = home.lines()
                assert home.runner.resume(run_id).result(30).ok
                _nothing_lost_or_doubled(home, run_id, lines, committed)


def test_an_order_in_flight_without_a_way_to_look_waits_for_a_person(store_url: str, tmp_path: Path) -> None:
    text = workflow("- o: {slice: notes, method: order, effect: once, with: {log: LOG}}")
    assert crash(store_url, tmp_path, text, "step.called=kill")
    with house(store_url, tmp_path) as home:
        run_id = home.runs.recent()[0].id
        assert home.runner.resume(run_id, park=True).result(30).status == "WAITING"
        (asked,) = home.runs.open_approvals()
        assert "may have happened already" in asked.message
        home.runs.decide(run_id, asked.path, approved=False, by="Ada")
        result = home.runner.resume(run_id).result(30)
        assert (result.status, len(home.lines())) == ("FAILED", 1)


def test_who_decided_not_to_repeat_an_order_is_asked_anew_when_the_run_is_taken_up_again(
    store_url: str, tmp_path: Path
) -> None:
    """Else the run could never be ended but by giving it up."""
    text = workflow("- o: {slice: notes, method: order, effect: once, with: {log: LOG}}")
    assert crash(store_url, tmp_path, text, "step.called=kill")
    with house(store_url, tmp_path) as home:
        run_id = home.runs.recent()[0].id
        for approved, status, lines in ((False, "FAILED", 1), (True, "SUCCEEDED", 2)):
            assert home.runner.resume(run_id, park=True).result(30).status == "WAITING"
            (asked,) = home.runs.open_approvals()
            home.runs.decide(run_id, asked.path, approved=approved, by="Ada")
            assert home.runner.resume(run_id).result(30).status == status
            assert len(home.lines()) == lines


def test_a_run_is_taken_over_soon_after_its_process_was_killed(store_url: str, tmp_path: Path) -> None:
    assert crash(store_url, tmp_path, STEPS, "step.called=kill@2")
    began = time.monotonic()
    with house(store_url, tmp_path) as home:
        assert home.runner.resume("latest").result(30).ok
    assert time.monotonic() - began < 5


def test_of_two_processes_that_resume_a_run_at_once_one_does_it(store_url: str, tmp_path: Path) -> None:
    slow = STEPS.replace("text: c}", "text: c, seconds: 1}")
    assert crash(store_url, tmp_path, slow, "step.called=kill@2")
    with house(store_url, tmp_path) as home:
        run_id, lines = home.runs.recent()[0].id, home.lines()
        committed = {r.path for r in home.runs.steps(run_id) if r.status == "SUCCEEDED"}
        both = [begin(store_url, tmp_path, slow, "", run_id) for _ in range(2)]
        for process in both:
            process.join(60)
        assert sorted(process.exitcode for process in both) == [0, 1]
        _nothing_lost_or_doubled(home, run_id, lines, committed)


def test_a_run_whose_owner_lives_is_not_taken(store_url: str, tmp_path: Path) -> None:
    text = workflow("- a: {slice: notes, method: note, with: {log: LOG, seconds: 4}}")
    process = begin(store_url, tmp_path, text)
    with house(store_url, tmp_path) as home:
        while not home.lines():
            time.sleep(0.01)
        with pytest.raises(Conflict, match=f"is being run by process {process.pid}"):
            home.runner.resume("latest")
    process.join(30)
    assert process.exitcode == 0


def test_a_stopped_owner_that_wakes_up_late_writes_nothing(store_url: str, tmp_path: Path) -> None:
    # the first step takes a while, so that no other thread is inside the database when the process stops
    text = workflow(
        "- a: {slice: notes, method: note, with: {log: LOG, text: a, seconds: 0.1}}\n"
        "- b: {slice: notes, method: note, with: {log: LOG, text: b}}\n"
        "- c: {slice: notes, method: note, with: {log: LOG, text: c}}"
    )
    process = begin(store_url, tmp_path, text, "step.called=stop@2")
    stopped(process)
    with house(store_url, tmp_path) as home:
        run_id = home.runs.recent()[0].id
        assert home.runner.resume(run_id).result(30).ok
        before = (home.runs.get(run_id), home.runs.steps(run_id), home.lines())
        go_on(process)
        process.join(30)
        assert process.exitcode == 1, "it must end with an error"
        assert (home.runs.get(run_id), home.runs.steps(run_id), home.lines()) == before


def test_of_two_that_take_a_run_one_becomes_its_owner(home: House) -> None:
    parked = home.run(workflow("- w: {wait: {for: 1h}}"), park=True)
    seen = home.runs.get(parked.id)
    home.runs.take(seen, "one:1:1:a")
    with pytest.raises(Conflict):
        home.runs.take(seen, "two:2:2:b")


def test_a_write_of_a_former_owner_is_refused_whole(home: House) -> None:
    parked = home.run(workflow("- w: {wait: {for: 1h}}"), park=True)
    record = home.runs.get(parked.id)
    own = home.runs.take(record, "one:1:1:a")
    former = Ownership(record.id, record.owner, record.fence)
    seq = home.store.read("event.last")[0]["seq"]
    with pytest.raises(Fenced):
        home.store.write([("run.go", former.guard, True), home.runs.event("x.y", {}, run_id=record.id)])
    assert home.store.read("event.last")[0]["seq"] == seq
    home.store.write([("run.go", own.guard, True)])


@pytest.mark.parametrize("nth", [1, 2, 4, 8])
@pytest.mark.parametrize("fault", ["full", "broken"])
def test_a_full_or_broken_disk_fails_plainly_and_the_run_goes_on_later(
    store_url: str, tmp_path: Path, nth: int, fault: str
) -> None:
    process = begin(store_url, tmp_path, STEPS, f"journal.inside={fault}@{nth}")
    process.join(60)
    assert process.exitcode == 1
    with house(store_url, tmp_path) as home:
        runs = home.runs.recent()
        if nth == 1:
            assert (runs, home.lines()) == ([], [])
            return
        lines = home.lines()
        committed = {r.path for r in home.runs.steps(runs[0].id) if r.status == "SUCCEEDED"}
        assert home.runner.resume(runs[0].id).result(30).ok
        _nothing_lost_or_doubled(home, runs[0].id, lines, committed)


@pytest.mark.parametrize("nth", [2, 3, 4, 5, 6, 7])
def test_a_full_disk_is_no_failure_of_the_branch_that_met_it(store_url: str, tmp_path: Path, nth: int) -> None:
    each = "foreach: {in: [a, b, c], as: text, max: 1, fail_fast: false}"
    text = workflow(f"- f: {{{each}, steps: [{{n: {{slice: notes, method: note, with: {{log: LOG}}}}}}]}}")
    process = begin(store_url, tmp_path, text, f"journal.inside=full@{nth}")
    process.join(60)
    with house(store_url, tmp_path) as home:
        run = home.runs.get("latest")
        assert (process.exitcode, run.live) in [(1, True), (0, False)]  # or it ended before so many were written
        if run.live:
            assert home.runner.resume(run.id).result(30).ok
        assert home.runs.get(run.id).status == "SUCCEEDED"
        ended = {r.path for r in home.runs.steps(run.id) if r.status == "SUCCEEDED"}
        assert ended == {"steps[0]", *(f"steps[0].foreach[{n}].steps[0]" for n in range(3))}


@pytest.mark.parametrize("spec", ["run.waiting=kill", "journal.inside=kill@2", "journal.committed=kill@3"])
def test_a_wait_survives_a_kill_and_takes_only_the_rest(store_url: str, tmp_path: Path, spec: str) -> None:
    text = workflow("- w: {wait: {for: 1.5s}}\n- n: {slice: notes, method: note, with: {log: LOG, text: n}}")
    began = time.monotonic()
    if not crash(store_url, tmp_path, text, spec):
        return
    with house(store_url, tmp_path) as home:
        assert home.runner.resume("latest").result(30).ok
        assert home.lines() == ["n"]
    assert time.monotonic() - began >= 1.4


@pytest.mark.parametrize(
    "spec", ["loop.saved=kill@2", "loop.saved=kill@3", "step.called=kill@3", "journal.inside=kill@5"]
)
def test_a_loop_survives_a_kill_and_doubles_no_order(store_url: str, tmp_path: Path, spec: str) -> None:
    """Ticks since the last checkpoint are taken again; an order is looked up, and there is one for each event."""
    text = workflow(
        "- l: {trigger: {topic: market.tick, max: 6, checkpoint_every: 2}, steps: ["
        "{o: {slice: notes, method: order, effect: once, reconcile: find_order, with: {log: LOG}}}]}"
    )
    process = begin(store_url, tmp_path, text, spec)
    with house(store_url, tmp_path) as home:
        _until(lambda: home.runs.recent() and home.runs.checkpoint(home.runs.recent()[0].id, "steps[0]"), 30)
        for n in range(6):
            home.store.write([home.runs.event("market.tick", {"n": n}, run_id="")])
        process.join(30)
        run = home.runs.recent()[0]
        if run.status != "SUCCEEDED":
            assert home.runner.resume(run.id).result(30).steps["l"]["count"] == 6
        assert len(home.lines()) == len(set(home.lines())) == 6


def test_processes_that_begin_at_once_on_an_empty_journal_all_do_their_work(store_url: str, tmp_path: Path) -> None:
    text = workflow("- a: {slice: count, method: inc}")
    processes = [begin(store_url, tmp_path, text) for _ in range(4)]
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * 4
    with house(store_url, tmp_path) as home:
        assert home.runs.counts() == {"SUCCEEDED": 4}
