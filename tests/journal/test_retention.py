"""What is old is forgotten, and nothing that is still needed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

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
