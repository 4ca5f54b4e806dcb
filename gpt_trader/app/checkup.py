"""The examination behind `doctor`: each thing that a run needs is looked at, and nothing is changed."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from gpt_trader.app.settings import Settings
from gpt_trader.core.errors import GptTraderError
from gpt_trader.core.secrets import masked

_PYTHONS = ((3, 11), (3, 14))
_LITTLE_BYTES = 1 << 30
_TOO_LITTLE_BYTES = 100 << 20


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, how it is, and what to do."""

    name: str
    state: Literal["ok", "warning", "wrong"]
    told: str
    hint: str = ""


def checkup(settings: Settings) -> Iterator[Finding]:
    """All findings; a check that fails by itself is a finding too."""
    for check in (_python, _sqlite, _home, _space, _journal, _backups, _plugins, _folders):
        yield from _guarded(check, settings)


def _guarded(check: Callable[[Settings], Iterator[Finding]], settings: Settings) -> Iterator[Finding]:
    try:
        for found in check(settings):
            yield replace(found, hint="") if found.state == "ok" else found
    except GptTraderError as error:
        yield Finding(check.__name__.strip("_"), "wrong", error.message, error.hint or "")
    except OSError as error:
        yield Finding(check.__name__.strip("_"), "wrong", f"{error.strerror}: {error.filename}")


def _python(settings: Settings) -> Iterator[Finding]:
    del settings
    version = ".".join(map(str, sys.version_info[:3]))
    fits = _PYTHONS[0] <= sys.version_info[:2] <= _PYTHONS[1]
    yield Finding("python", "ok" if fits else "warning", version, "" if fits else "use 3.11, 3.12, 3.13 or 3.14")


def _sqlite(settings: Settings) -> Iterator[Finding]:
    from gpt_trader.journal.drivers import sqlite_module, wal_is_safe

    del settings
    module = sqlite_module()
    told = f"{module.sqlite_version} ({module.__name__.partition('.')[0]})"
    if wal_is_safe(module.sqlite_version_info):
        yield Finding("sqlite", "ok", f"{told}, write-ahead log")
    else:
        hint = "install the wheel pysqlite3; until then the slower rollback journal is used"
        yield Finding("sqlite", "warning", f"{told} can corrupt a database in WAL mode", hint)


def _home(settings: Settings) -> Iterator[Finding]:
    place = _existing(settings.home)
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        yield Finding("home", "wrong", f"{place} is not writable: {error.strerror}", "set GPT_TRADER_HOME")
    else:
        yield Finding("home", "ok", f"{settings.home}" + ("" if place == settings.home else " (not made yet)"))


def _space(settings: Settings) -> Iterator[Finding]:
    free = shutil.disk_usage(_existing(settings.home)).free
    state: Literal["ok", "warning", "wrong"] = "ok" if free >= _LITTLE_BYTES else "warning"
    told = f"{free / (1 << 30):,.1f} GiB free"
    hint = "free some, or forget old runs: gpt-trader runs prune"
    yield Finding("disk", "wrong" if free < _TOO_LITTLE_BYTES else state, told, hint)


def _existing(place: Path) -> Path:
    return next(p for p in (place, *place.parents) if p.exists())


def _journal(settings: Settings) -> Iterator[Finding]:
    from gpt_trader.journal.migrations import MIGRATIONS
    from gpt_trader.journal.store import Store

    driver = Store.at(settings.journal).driver
    shown = masked(settings.journal)
    path = _journal_file(settings)
    if path is not None and not path.exists():
        if path.with_name(f"{path.name}.exists").exists():
            yield Finding("journal", "wrong", f"{path} is gone, but it existed", "restore a backup")
        else:
            yield Finding("journal", "ok", f"{shown} (not made yet)")
        return
    connection = driver.connect()
    try:
        version = driver.version(connection)
    finally:
        connection.close()
    yield _version(shown, version, len(MIGRATIONS))
    damage = driver.check()
    told = "whole" if not damage else "; ".join(damage[:3])
    yield Finding("integrity", "wrong" if damage else "ok", told, "restore a backup" if damage else "")


def _version(shown: str, version: int, known: int) -> Finding:
    told = f"{shown}, version {version} of {known}"
    if version > known:
        return Finding("journal", "wrong", told, "a newer gpt-trader wrote it: use that one")
    hint = "the next command that opens it migrates it, with a backup first"
    return Finding("journal", "ok" if version == known else "warning", told, hint)


def _journal_file(settings: Settings) -> Path | None:
    prefix = "sqlite:///"
    return Path(settings.journal.removeprefix(prefix)) if settings.journal.startswith(prefix) else None


def _backups(settings: Settings) -> Iterator[Finding]:
    path = _journal_file(settings)
    if path is None:
        yield Finding("backups", "ok", "those of the PostgreSQL server are its own")
        return
    found = sorted(path.parent.glob(f"{path.name}.*.backup"), key=lambda f: f.stat().st_mtime)
    newest = f", the newest is {found[-1]}" if found else "; one is made before each migration"
    yield Finding("backups", "ok", f"{len(found)}{newest}")


def _plugins(settings: Settings) -> Iterator[Finding]:
    from gpt_trader.app.plugins import not_allowed, offers
    from gpt_trader.core.slices import Slice

    names = []
    barred = [f"{o.name} ({o.origin})" for o in not_allowed("slices", settings.allowed_plugins)]
    for offer in offers("slices", settings.plugins, settings.allowed_plugins, Slice):
        try:
            offer.load()
            names.append(offer.name)
        except GptTraderError as error:
            yield Finding("plugins", "wrong", error.message, error.hint or "")
    yield Finding("plugins", "ok", f"{settings.plugins}, {len(names)} slices: {', '.join(names) or 'none'}")
    if barred:
        hint = "add the distribution to allowed_plugins to use it"
        yield Finding("barred plugins", "warning", f"not allowed: {', '.join(barred)}", hint)


def _folders(settings: Settings) -> Iterator[Finding]:
    for folder in settings.workflows:
        if folder.is_dir():
            count = sum(1 for pattern in ("*.yaml", "*.yml") for _ in folder.glob(pattern))
            yield Finding("workflows", "ok" if os.access(folder, os.R_OK) else "wrong", f"{folder}, {count} files")
        elif settings.origins.get("workflows") != "default":
            yield Finding("workflows", "wrong", f"there is no folder {folder}", "make it, or change the setting")
