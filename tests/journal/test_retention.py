"""What is old is forgotten, and nothing that is still needed."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from gpt_trader.core.context import Artifact
from gpt_trader.journal.artifacts import ArtifactFolder
from gpt_trader.journal.history import History
from gpt_trader.journal.replays import replay_to
from gpt_trader.journal.retention import Retention
from gpt_trader.journal.runs import Runs
from gpt_trader.journal.store import Store
from gpt_trader.trading.clocks import WallClock

FUTURE = 1 << 60


def aged(folder: ArtifactFolder, data: bytes, kind: str = "json") -> str:
    """The hash of an artifact that was made long ago."""
    made = folder.put(data, kind=kind)
    os.utime(folder.path(made), (0, 0))
    return made.hash


def kept(folder: ArtifactFolder) -> set[str]:
    return {file.stem for file in folder.folder.glob("*/*")}


def test_an_artifact_that_nothing_names_is_removed_and_one_inside_a_named_one_is_not(tmp_path: Path) -> None:
    folder = ArtifactFolder(tmp_path)
    inner = aged(folder, b"table", "parquet")
    outer = aged(folder, f'{{"bars": {{"$artifact": "{inner}", "kind": "parquet"}}}}'.encode())
    lost = aged(folder, b'"nobody names me"')
    assert folder.sweep({outer}, before=1.0, dry_run=True) == (1, 17)
    assert kept(folder) == {inner, outer, lost}
    assert folder.sweep({outer}, before=1.0) == (1, 17)
    assert kept(folder) == {inner, outer}


def test_a_fresh_artifact_is_left_alone(tmp_path: Path) -> None:
    folder = ArtifactFolder(tmp_path)
    made = folder.put(b"a step that is not recorded yet", kind="json")
    assert folder.sweep(set(), before=1.0) == (0, 0)
    assert kept(folder) == {made.hash}


def test_an_artifact_that_is_made_again_at_any_moment_of_a_sweep_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is made again before the sweep's first touch of a file, then before the second, and so on to its last."""
    folder, data, sweeper = ArtifactFolder(tmp_path), b"a report that every run makes again", threading.current_thread()
    made: list[Artifact] = []
    touches, at = 0, 0

    def watched(touch: Callable[..., object]) -> Callable[..., object]:
        def touched(path: Path, *args: object, **options: object) -> object:
            nonlocal touches
            if path.suffix == ".html" and threading.current_thread() is sweeper:
                touches += 1
                if touches == at:
                    other = threading.Thread(target=lambda: made.append(folder.put(data, kind="html")))
                    other.start()
                    other.join(10)
            return touch(path, *args, **options)

        return touched

    for name in ("stat", "rename", "replace", "unlink"):
        monkeypatch.setattr(Path, name, watched(getattr(Path, name)))
    while touches >= at:
        at, touches = at + 1, 0
        aged(folder, data, "html")
        made.clear()
        touches = 0
        folder.sweep(set(), before=1.0)
        assert all(folder.get(artifact) == data for artifact in made)
    assert at > 3
    assert not kept(folder)


def test_an_artifact_that_goes_while_it_is_made_again_is_written_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, utime = ArtifactFolder(tmp_path), os.utime
    aged(folder, b"again", "html")

    def gone(path: Path) -> None:
        path.unlink()
        utime(path)

    monkeypatch.setattr(os, "utime", gone)
    assert folder.get(folder.put(b"again", kind="html")) == b"again"


@pytest.fixture
def retention(store: Store, tmp_path: Path) -> Retention:
    clock = WallClock()
    return Retention(Runs(store, clock), History(store, clock), ArtifactFolder(tmp_path / "artifacts"))


def test_a_dry_run_tells_what_would_be_forgotten_and_forgets_nothing(retention: Retention, store: Store) -> None:
    history = History(store, WallClock())
    for _ in range(3):
        history.append("a.b")
    told = retention.forget(before=FUTURE, dry_run=True)
    assert (told.runs, told.events) == (0, 2)
    assert history.last() == 3
    assert len(history.after(0)) == 3
    assert retention.forget(before=FUTURE).fields() == told.fields()
    assert [event.seq for event in history.after(0)] == [3]


def test_an_event_that_a_subscriber_has_yet_to_see_is_kept(retention: Retention, store: Store) -> None:
    history = History(store, WallClock())
    row = {"name": "late", "pattern": "**", "cursor": 1, "express": 1, "fence": 0, "updated_at": 0}
    store.write([("subscription.add", row, False)])
    for _ in range(4):
        history.append("a.b")
    retention.forget(before=FUTURE)
    assert min(event.seq for event in history.after(0)) <= 2


def test_a_replay_asks_for_what_matches_and_names_who_is_unknown(store: Store) -> None:
    from gpt_trader.core.errors import NotFound

    history = History(store, WallClock())
    row = {"name": "alerts", "pattern": "trade.*", "cursor": 0, "express": 0, "fence": 0, "updated_at": 0}
    store.write([("subscription.add", row, False)])
    for topic in ("trade.executed", "market.moved", "trade.executed"):
        history.append(topic)
    assert replay_to(history, "alerts", 1, 10**9) == 2
    asked = [(r["key"], r["seq"]) for r in store.read("delivery.of", subscriber="alerts", count=10)]
    assert asked == [("#1", 1), ("#3", 3)]
    with pytest.raises(NotFound, match="no subscriber is called 'alert'") as found:
        replay_to(history, "alert", 1, 2)
    assert found.value.hint == "did you mean 'alerts'?"


def test_a_run_that_is_taken_up_again_while_it_is_pruned_stays_whole(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, read = Runs(store, WallClock()), store.read
    begun(store, "old-1", "FAILED")
    begun(store, "old-2", "FAILED")

    def taken_meanwhile(name: str, **params: object) -> object:
        rows = read(name, **params)
        if name == "run.old" and rows:
            runs.take(runs.get("old-2"), "me:1:1:a")
        return rows

    monkeypatch.setattr(store, "read", taken_meanwhile)
    assert runs.prune(before=FUTURE) == 1
    assert [(r.id, r.status) for r in runs.recent()] == [("old-2", "RUNNING")]
    assert (len(runs.steps("old-1")), len(runs.steps("old-2"))) == (0, 1)
    assert runs.approval("old-2", "steps[0]") is not None
    assert runs.checkpoint("old-2", "steps[0]") == (1, 2)


def begun(store: Store, run_id: str, status: str, definition: str = "d", cursor: int = 2) -> None:
    """A run with a step, a question and a checkpoint, whose owner is gone."""
    own = {"run_id": run_id, "owner": "gone:1:1:a", "fence": 1}
    step = {"path": "steps[0]", "attempt": 1, "name": "a", "slice": "", "method": "", "status": "FAILED"}
    store.write(
        [
            ("definition.put", {"hash": definition, "name": "w", "body": "{}"}, False),
            ("run.create", created(run_id, status, definition), True),
            ("step.begin", {**own, **step, "params_hash": "", "cache_key": None, "started_at": 1}, True),
            ("approval.ask", {"run_id": run_id, "path": "steps[0]", "message": "?", "asked_at": 1, "expires_at": None}
             | {"by": "", "reason": ""}, True),
            ("checkpoint.put", {**own, "path": "steps[0]", "count": 1, "cursor": cursor, "at": 1}, True),
        ]
    )  # fmt: skip


def created(run_id: str, status: str, definition: str) -> dict[str, object]:
    """The row of a run."""
    words = {"id": run_id, "workflow": "w", "mode": "paper", "status": status, "reason": "", "definition": definition}
    owned = {"owner": "gone:1:1:a", "fence": 1, "lease_until": 0, "created_at": 1, "group_key": None, "group_limit": 0}
    return {**words, **owned, "inputs": "{}", "versions": "{}", "forked_from": None}


def test_a_definition_is_not_swept_while_a_new_run_takes_it(store: Store) -> None:
    """The run is not committed yet when the sweep begins, so the sweep cannot see it and has to wait for it."""
    store.write([("definition.put", {"hash": "d", "name": "w", "body": "{}"}, False)])
    connection = store.driver.connect()
    cursor = connection.cursor()
    store.driver.begin(cursor, serial=True)  # as every run begins, because it begins with an event
    cursor.execute(store.sql["definition.put"], {"hash": "d", "name": "w", "body": "{}"})
    cursor.execute(store.sql["run.create"], created("new", "RUNNING", "d"))
    sweep = threading.Thread(target=lambda: store.write([("definition.sweep", {}, False)]))
    sweep.start()
    sweep.join(0.3)
    cursor.execute("COMMIT")
    connection.close()
    sweep.join(10)
    assert store.read("definition.get", hash="d")
    store.write([("run.end", {"run_id": "new", "owner": "gone:1:1:a", "fence": 1, "status": "FAILED", "reason": ""}
                  | {"ended_at": 1, "error": None}, True), ("run.delete", {"run_id": "new"}, True),
                 ("definition.sweep", {}, False)])  # fmt: skip
    assert not store.read("definition.get", hash="d")


@pytest.mark.parametrize(("status", "left"), [("WAITING", [3, 4]), ("RUNNING", [3, 4]), ("FAILED", [4])])
def test_an_event_that_a_loop_or_a_wait_has_yet_to_see_is_kept(
    retention: Retention, store: Store, status: str, left: list[int]
) -> None:
    """Its checkpoint says that it has come to the second; one that is over needs nothing more."""
    begun(store, "run-1", status)
    begun(store, "run-2", "RUNNING", cursor=0)
    own = {"run_id": "run-2", "owner": "gone:1:1:a", "fence": 1, "path": "steps[0]", "attempt": 1}
    store.write([("step.again", own, True)])
    store.write([("step.end", {**own, "status": "SUCCEEDED", "outputs": "{}", "error": None, "ended_at": 1}, True)])
    history = History(store, WallClock())
    for _ in range(4):
        history.append("a.b")
    retention.forget(before=FUTURE)
    assert [event.seq for event in history.after(0)] == left
