"""The library of workflows: those of the project, of the user, and those shipped with the program."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gpt_trader.core.errors import NotFound

if TYPE_CHECKING:
    from gpt_trader.core.slices import SliceCatalog
    from gpt_trader.workflow.definition import Workflow
    from gpt_trader.workflow.loader import Loaded

_PACKAGE = Path(__file__).resolve().parents[1]


def shipped(kind: str) -> Path:
    """The folder of shipped workflows, schemas or completions, in an installed wheel or a checkout."""
    inside = _PACKAGE / "_shipped" / kind
    return inside if inside.is_dir() else _PACKAGE.parent / kind


@dataclass(frozen=True, slots=True)
class Entry:
    """A workflow file under its name."""

    name: str
    file: Path
    origin: str


class Library:
    """Finds workflow files by name or path, and loads them."""

    def __init__(self, folders: tuple[Path, ...], catalog: SliceCatalog, user: Path) -> None:
        self._folders = [(f, "project") for f in folders] + [(user, "user"), (shipped("workflows"), "shipped")]
        self._catalog = catalog

    def entries(self) -> list[Entry]:
        """Every workflow that can be named; the project's own come before the shipped ones of the same name."""
        found: dict[str, Entry] = {}
        for folder, origin in self._folders:
            for file in sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")]) if folder.is_dir() else ():
                found.setdefault(file.stem, Entry(file.stem, file, origin))
        return [found[name] for name in sorted(found)]

    def file(self, name: str) -> Path:
        """The file of a workflow, by its name or its path."""
        path = Path(name).expanduser()
        if path.suffix in (".yaml", ".yml") or "/" in name:
            if not path.exists():
                raise NotFound(f"there is no file {name}", hint="`gpt-trader workflows list` shows the known ones")
            return path
        for entry in self.entries():
            if entry.name == name:
                return entry.file
        error = NotFound.among("workflow", name, (e.name for e in self.entries()))
        beside = next((f for f in (Path(f"{name}.yaml"), Path(f"{name}.yml")) if f.is_file()), None)
        if beside is not None:
            folders = " or ".join(shown(folder) for folder, origin in self._folders if origin == "project")
            error.hint = f"{beside} is found by its path; by its name only in {folders}"
        error.hint = error.hint or "`gpt-trader workflows list` shows them"
        raise error

    def find(self, name: str) -> tuple[str, str]:
        """Text and file of another workflow that a workflow names."""
        from gpt_trader.workflow.loader import read_text

        file = self.file(name)
        return read_text(file), shown(file)

    def check(self, name: str) -> Loaded:
        """The workflow and all faults of its file."""
        from gpt_trader.workflow.loader import load_file

        return load_file(Path(shown(self.file(name))), catalog=self._catalog, find=self.find)

    def load(self, name: str) -> Workflow:
        """The workflow, or all faults of its file at once, raised."""
        from gpt_trader.workflow.faults import FaultsFound

        loaded = self.check(name)
        if loaded.workflow is None:
            raise FaultsFound(loaded.faults)
        return loaded.workflow


def shown(file: Path) -> str:
    """The path as a person would write it."""
    here = Path.cwd()
    return str(file.relative_to(here)) if file.is_absolute() and file.is_relative_to(here) else str(file)
