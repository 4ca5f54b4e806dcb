"""Where a series lies in the store, who may write it, and how a file appears there whole or not at all."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING
from urllib.parse import quote, unquote

from gpt_trader.core import failpoints
from gpt_trader.core.errors import GptTraderError, UsageError

if TYPE_CHECKING:
    from gpt_trader.core.feeds import Watch
    from gpt_trader.core.ports import Clock

LONGEST = 120
LOOK, PATIENCE = 0.1, 60.0
"""A series that another process writes is looked at so often, and waited for so many seconds."""


def path_of(folder: Path, provider: str, symbol: str, timeframe: str) -> Path:
    """The file of a series; whatever a symbol is written with, it names one folder below the provider's."""
    return folder / _plain(provider) / _plain(symbol) / f"{timeframe}.parquet"


def named(path: Path) -> tuple[str, str, str]:
    """The provider, symbol and timeframe of a file."""
    return unquote(path.parent.parent.name), unquote(path.parent.name), path.stem


def files(folder: Path) -> Iterator[Path]:
    """The file of every series."""
    yield from sorted(path for path in folder.glob("*/*/*.parquet") if not path.name.startswith("."))


def _plain(name: str) -> str:
    written = quote(name, safe="")
    written = "%2E" + written[1:] if written.startswith(".") else written
    if not written or len(written) > LONGEST:
        raise UsageError(f"'{name[:LONGEST]}' cannot be stored", hint=f"a name has 1 to {LONGEST} characters")
    return written


@contextmanager
def owned(path: Path, clock: Clock, watch: Watch) -> Iterator[None]:
    """Hold the series alone; the system lets go of it when its owner dies, however it dies."""
    name = path.with_name(f".{path.stem}.lock")
    with _taken(name, path, clock, watch):
        with told(path.parent):
            for left in path.parent.glob(f".{path.name}.*"):
                left.unlink(missing_ok=True)
        try:
            yield
        finally:
            if not path.exists():
                _forget(name)


def _taken(name: Path, path: Path, clock: Clock, watch: Watch) -> IO[str]:
    """The locked file; one that somebody removed meanwhile is nobody's lock."""
    until = clock.monotonic() + PATIENCE
    while True:
        with told(path.parent):
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = name.open("a+", encoding="ascii")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if name.exists() and os.path.samestat(os.fstat(lock.fileno()), name.stat()):
                return lock
        except BlockingIOError:
            if clock.monotonic() >= until:
                lock.close()
                problem = f"another process has been downloading {' '.join(named(path))} for over {PATIENCE:.0f} s"
                raise GptTraderError(problem, hint="wait until it is done, then run this again") from None
        lock.close()
        watch.check()
        clock.sleep(LOOK)


def _forget(lock: Path) -> None:
    """Leave no trace of a series of which nothing came."""
    lock.unlink(missing_ok=True)
    for folder in (lock.parent, lock.parent.parent):
        with suppress(OSError):
            folder.rmdir()


def put(path: Path, write: Callable[[Path], None]) -> None:
    """Have a file written, synced and put in place; whatever happens, the old file or the new one is there, whole."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    with told(path.parent):
        try:
            write(part)
            failpoints.hit("store.written")
            _sync(part)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        _sync(path.parent)
        failpoints.hit("store.replaced")


def set_aside(path: Path) -> Path:
    """Move a damaged file out of the way; it is kept for whoever wants to look."""
    kept = path.with_suffix(".damaged")
    with told(path.parent):
        path.replace(kept)
    return kept


def _sync(path: Path) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


@contextmanager
def told(folder: Path) -> Iterator[None]:
    """Turn a failure of the disk into an error that names the place."""
    try:
        yield
    except OSError as error:
        problem = f"the store of bars cannot be written: {error.strerror or error} ({folder})"
        hint = "make room or mend its rights; another folder: --set data=DIR; what was there before is whole"
        raise GptTraderError(problem, hint=hint) from error
