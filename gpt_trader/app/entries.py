"""What a distribution offers by entry points, read from its own file.

importlib.metadata knows more ways to install one, and is asked about what is not found here; but it imports e-mail and
sockets, which together with it take a twentieth of the time of most commands.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Entry:
    """One name, and what it stands for: a module and something in it, and extras, which are not looked at."""

    name: str
    value: str

    def load(self) -> Any:
        """Import what the name stands for."""
        module, _, path = self.value.partition("[")[0].replace(" ", "").partition(":")
        found: Any = import_module(module)
        for name in filter(None, path.split(".")):
            found = getattr(found, name)
        return found


def entries(distribution: str, group: str) -> list[Entry]:
    """What a distribution offers in a group, sorted by name; nothing if it is not installed."""
    info = next(_infos(_plain(distribution)), None)
    found = _asked(distribution, group) if info is None else _listed(info / "entry_points.txt", group)
    return sorted(found, key=lambda entry: entry.name)


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _infos(name: str) -> Iterator[Path]:
    """The folders that say what is installed under a name, those that Python finds first before others."""
    for place in sys.path:
        with suppress(OSError):
            for found in os.listdir(place or "."):  # noqa: PTH208 - a path for each of hundreds takes its time
                if found.endswith(".dist-info") and _plain(found.partition("-")[0]) == name:
                    yield Path(place, found)


def _listed(file: Path, group: str) -> Iterator[Entry]:
    try:
        text = file.read_text(encoding="utf-8")
    except OSError:
        return
    section = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            section = line.strip("[] ")
        elif section == group and "=" in line and not line.startswith(("#", ";")):
            name, _, value = line.partition("=")
            yield Entry(name.strip(), value.strip())


def _asked(distribution: str, group: str) -> Iterator[Entry]:
    from importlib import metadata

    with suppress(metadata.PackageNotFoundError):
        for each in metadata.distribution(distribution).entry_points.select(group=group):
            yield Entry(each.name, each.value)
