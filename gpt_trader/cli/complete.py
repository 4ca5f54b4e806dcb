"""Answers a shell that asks for values, such as the names of workflows, quickly: no typer, no pydantic."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from gpt_trader.app.settings import Settings, load_settings

_RUNS = 40


def answer(words: list[str]) -> int:
    """Print what may stand in this place, one to a line; whatever goes wrong, a shell gets no answer."""
    try:
        found = _KINDS[words[0]](load_settings(), words[1:])
        sys.stdout.write("".join(f"{line}\n" for line in found))
        sys.stdout.flush()
    except Exception:  # noqa: BLE001 - a person who types wants no traceback
        return 1
    return 0


def _workflows(mine: Settings, rest: list[str]) -> Iterable[str]:
    del rest
    return sorted({file.stem for folder in _folders(mine) for file in _yaml(folder)})


def _folders(mine: Settings) -> list[Path]:
    from gpt_trader.app.library import shipped

    return [*mine.workflows, mine.user_file.parent / "workflows", shipped("workflows")]


def _yaml(folder: Path) -> list[Path]:
    return [file for pattern in ("*.yaml", "*.yml") for file in folder.glob(pattern)]


def _inputs(mine: Settings, rest: list[str]) -> Iterable[str]:
    """The options that are inputs of a workflow."""
    import yaml

    name = rest[0]
    named = [Path(name)] if name.endswith((".yaml", ".yml")) else []
    files = named + [f for folder in _folders(mine) for f in _yaml(folder) if f.stem == name]
    with files[0].open(encoding="utf-8") as source:
        found = yaml.load(source, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - a safe one
    return [f"--{str(n).replace('_', '-')}" for n in found.get("inputs") or {}]


def _runs(mine: Settings, rest: list[str]) -> Iterable[str]:
    """The newest runs; a journal that is not there is not made."""
    del rest
    from gpt_trader.journal.store import Store

    path = Path(mine.journal.removeprefix("sqlite:///"))
    if mine.journal.startswith("sqlite:") and not path.exists():
        return []
    store = Store.at(mine.journal)
    rows = store.read("run.list", status=None, workflow=None, before="~", count=_RUNS)
    return ["latest", *(str(row["id"]) for row in rows)]


def _slices(mine: Settings, rest: list[str]) -> Iterable[str]:
    return _offered(mine, "slices", rest)


def _strategies(mine: Settings, rest: list[str]) -> Iterable[str]:
    return _offered(mine, "strategies", rest)


def _offered(mine: Settings, kind: str, rest: list[str]) -> Iterable[str]:
    del rest
    from importlib.metadata import entry_points

    own = [file.stem for file in (mine.plugins / kind).glob("*.py") if not file.name.startswith("_")]
    return sorted({entry.name for entry in entry_points(group=f"gpt_trader.{kind}")} | set(own))


def _settings(mine: Settings, rest: list[str]) -> Iterable[str]:
    del rest
    return [f"{name}=" for name in mine.origins]


_KINDS: dict[str, Callable[[Settings, list[str]], Iterable[str]]] = {
    "workflows": _workflows,
    "inputs": _inputs,
    "runs": _runs,
    "slices": _slices,
    "strategies": _strategies,
    "settings": _settings,
}
