"""Migrations: numbered, each whole or not at all, a backup first, and a newer journal is refused."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gpt_trader.core import failpoints
from gpt_trader.core.errors import JournalNewer
from gpt_trader.journal import compile as compiling
from gpt_trader.journal.artifacts import ArtifactFolder
from gpt_trader.journal.migrations import MIGRATIONS, backup, open_store
from gpt_trader.trading.clocks import WallClock

_HERE = Path(open_store.__code__.co_filename).parent


def _folder(tmp_path: Path) -> Path:
    """The real migrations and one more, of two statements."""
    folder = tmp_path / "migrations"
    folder.mkdir()
    for file in _HERE.glob("*.sql"):
        (folder / file.name).write_text(file.read_text())
    for dialect in compiling.DIALECTS:
        (folder / f"0002_more.{dialect}.sql").write_text(
            "CREATE TABLE more (a VARCHAR);\nCREATE TABLE most (a VARCHAR);\n"
        )
    return folder


MORE = (*MIGRATIONS, "0002_more")


@pytest.mark.parametrize("dialect", compiling.DIALECTS)
def test_the_migrations_make_the_tables_that_the_code_declares(dialect: str) -> None:
    text = (_HERE / f"{MIGRATIONS[-1]}.{dialect}.sql").read_text()
    assert [s for s in text.split(";\n") if s] == compiling.ddl(dialect)


def test_the_compiled_statements_are_current() -> None:
    for path, text in compiling.files().items():
        assert path.read_text() == text, f"run `make schemas`: {path.name} is old"


def test_opening_twice_migrates_once(store_url: str) -> None:
    open_store(store_url, WallClock()).close()
    store = open_store(store_url, WallClock())
    assert [r["name"] for r in store.read("migration.list")] == list(MIGRATIONS)
    store.close()


def test_an_older_journal_is_backed_up_and_then_migrated(
    store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = open_store(store_url, WallClock())
    store.write([("meta.put", {"key": "epoch", "value": "kept"}, False)])
    store.close()
    store = open_store(store_url, WallClock(), names=MORE, folder=_folder(tmp_path))
    assert [r["version"] for r in store.read("migration.list")] == [1, 2]
    assert store.read("meta.get", key="epoch")[0]["value"] == "kept"
    store.close()
    (saved,) = [p for p in tmp_path.iterdir() if ".v1." in p.name]
    assert saved.stat().st_mode & 0o077 == 0
    if saved.suffix == ".gz":
        rows = [json.loads(line) for line in gzip.decompress(saved.read_bytes()).splitlines()]
        assert {"table": "meta", "row": {"key": "epoch", "value": "kept"}} in rows
    else:
        old = open_store(f"sqlite:///{saved}", WallClock())
        assert old.read("meta.get", key="epoch")[0]["value"] == "kept"
        old.close()


def test_an_older_program_refuses_a_newer_journal(
    store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    open_store(store_url, WallClock(), names=MORE, folder=_folder(tmp_path)).close()
    with pytest.raises(JournalNewer, match="version 2"):
        open_store(store_url, WallClock())


def test_a_migration_that_breaks_off_leaves_nothing_behind(
    store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    open_store(store_url, WallClock()).close()
    folder = _folder(tmp_path)
    failpoints.arm("migration.inside=full")
    with pytest.raises(OSError, match="No space"):
        open_store(store_url, WallClock(), names=MORE, folder=folder)
    failpoints.arm("")
    store = open_store(store_url, WallClock())
    assert [r["version"] for r in store.read("migration.list")] == [1]
    store.close()
    open_store(store_url, WallClock(), names=MORE, folder=folder).close()


def test_a_program_that_is_killed_while_it_migrates_leaves_the_journal_as_it_was(
    store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = open_store(store_url, WallClock())
    store.write([("meta.put", {"key": "epoch", "value": "kept"}, False)])
    store.close()
    folder = _folder(tmp_path)
    program = (
        "import sys; from pathlib import Path; from gpt_trader.core import failpoints; "
        "from gpt_trader.journal.migrations import open_store; from gpt_trader.trading.clocks import WallClock; "
        "failpoints.arm('migration.inside=kill'); "
        "open_store(sys.argv[1], WallClock(), names=tuple(sys.argv[3:]), folder=Path(sys.argv[2]))"
    )
    done = subprocess.run([sys.executable, "-c", program, store_url, str(folder), *MORE], timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL
    assert [p for p in tmp_path.iterdir() if ".v1." in p.name], "the backup was there before"
    store = open_store(store_url, WallClock())
    assert [r["version"] for r in store.read("migration.list")] == [1]
    assert store.read("meta.get", key="epoch")[0]["value"] == "kept"
    store.close()
    open_store(store_url, WallClock(), names=MORE, folder=folder).close()


def test_two_programs_that_open_at_once_migrate_once(new_url: Callable[[str], str]) -> None:
    for kind in ("sqlite", "postgresql"):
        url = new_url(kind)
        problems: list[BaseException] = []

        def opened(url: str = url, problems: list[BaseException] = problems) -> None:
            try:
                open_store(url, WallClock()).close()
            except BaseException as error:  # noqa: BLE001 - shown below
                problems.append(error)

        threads = [threading.Thread(target=opened) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert problems == []


def test_a_backup_can_be_made_at_any_time(store_url: str, tmp_path: Path) -> None:
    store = open_store(store_url, WallClock())
    saved = backup(store, WallClock(), label="now", folder=tmp_path)
    assert saved.stat().st_size > 0
    store.close()


def test_nobody_else_can_read_a_journal_or_a_backup_at_any_moment(
    store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is narrowed afterwards, so whatever is private at the end was so from its first byte."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the rights of a file are changed after it was made")

    monkeypatch.setattr(os, "chmod", refuse)
    monkeypatch.setattr(Path, "chmod", refuse)
    before = os.umask(0)
    try:
        store = open_store(store_url, WallClock())
        saved = backup(store, WallClock(), label="now", folder=tmp_path / "kept" if "postgres" in store_url else None)
        store.write([("meta.put", {"key": "a", "value": "b"}, False)])
        ArtifactFolder(tmp_path / "artifacts").put(b"{}", kind="json")
        files = [file for file in tmp_path.rglob("*") if file.is_file()]
        modes = {file.name: oct(file.stat().st_mode & 0o777) for file in files}
        store.close()
    finally:
        os.umask(before)
    assert saved.name in modes
    assert set(modes.values()) == {"0o600"}, modes


def test_a_backup_that_breaks_off_leaves_no_half_of_one(store_url: str, tmp_path: Path) -> None:
    store = open_store(store_url, WallClock())
    connect = store.driver.connect

    class Broken:
        """A connection that is lost as soon as it is asked."""

        def __enter__(self) -> Any:
            return self

        def __exit__(self, *_: object) -> None:
            return

        def execute(self, *_: object) -> Any:
            raise ConnectionError("gone")

        def close(self) -> None:
            return

    store.driver.connect = Broken  # type: ignore[method-assign]
    with pytest.raises(ConnectionError):
        backup(store, WallClock(), label="now", folder=tmp_path / "kept" if "postgres" in store_url else None)
    store.driver.connect = connect  # type: ignore[method-assign]
    assert not [file for file in tmp_path.rglob("*") if ".now." in file.name]
    store.close()
