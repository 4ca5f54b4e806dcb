"""The log of finished trials: one line for each job that ended, synced before anybody hears of it.

It is a file among the artifacts, named after the step, so that the step finds it again after a crash, and what clears
old artifacts away clears it, too. Nothing but the search reads it: its outputs carry the trials in the end.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self

from pydantic_core import from_json, to_json

from gpt_trader.core.context import Artifact

if TYPE_CHECKING:
    from gpt_trader.core.context import Artifacts

KIND = "trials"


def place_of(artifacts: Artifacts, key: str, part: int = 0) -> Path:
    """Where the log of a step is; a step that searches several times has a part for each search."""
    name = hashlib.sha256(f"optimize:{key}:{part}".encode()).hexdigest()
    return artifacts.path(Artifact(name, KIND, 0))


class TrialLog:
    """The log of one search; a log of other params, or a line that was not written whole, is not believed."""

    def __init__(self, place: Path, head: Mapping[str, Any]) -> None:
        self._place, self._head = place, dict(head)
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Self:
        self._place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lines, good = _good_lines(self._place)
        fits = bool(lines) and lines[0] == from_json(to_json(self._head))
        number = os.open(self._place, os.O_RDWR | os.O_CREAT, 0o600)
        self._file = os.fdopen(number, "r+b")
        self._file.truncate(good if fits else 0)
        self._file.seek(0, os.SEEK_END)
        self.earlier = lines[1:] if fits else []
        if not fits:
            self._file.write(_line(self._head))  # it is synced with the first row; alone it is worth nothing
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, row: Mapping[str, Any]) -> None:
        """Keep a row; it is on the disk when this returns."""
        assert self._file is not None
        self._file.write(_line(row))
        self._file.flush()
        os.fsync(self._file.fileno())


class Tail:
    """Reads a log that another thread or process writes, as far as it is there."""

    def __init__(self, place: Path) -> None:
        self._place, self._at = place, 0

    def rows(self) -> Iterator[dict[str, Any]]:
        """The rows that were added since it was last asked; the first of all is the head."""
        with suppress(OSError), self._place.open("rb") as file:
            file.seek(self._at)
            for line in file:
                row = _row(line)
                if row is None:
                    return
                self._at += len(line)
                yield row


def _line(row: Mapping[str, Any]) -> bytes:
    text = to_json(row, inf_nan_mode="constants")
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _row(line: bytes) -> dict[str, Any] | None:
    if not line.endswith(b"\n") or line[8:9] != b" " or line[:8] != b"%08x" % zlib.crc32(line[9:-1]):
        return None
    found: dict[str, Any] = from_json(line[9:-1])
    return found


def _good_lines(place: Path) -> tuple[list[dict[str, Any]], int]:
    """Read the lines that are whole, up to the first that is not, and how many bytes they are."""
    tail = Tail(place)
    return list(tail.rows()), tail._at  # noqa: SLF001 - one file, one reader
