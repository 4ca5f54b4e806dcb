"""`gpt-trader config`: the settings in force, and where each comes from."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from gpt_trader.app.settings import OPTIONS, Settings
from gpt_trader.cli import render
from gpt_trader.cli.session import settings
from gpt_trader.core.secrets import masked

_JSON = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def show(
    origin: Annotated[bool, typer.Option("--origin", help="Say where each value comes from.")] = False,
    as_json: _JSON = False,
) -> int:
    """Show every setting and where it comes from.

    $ gpt-trader config show --origin

    A flag (`--set NAME=VALUE`) outranks the environment (GPT_TRADER_NAME), which outranks the
    project's gpt-trader.yaml, which outranks the user's config.yaml.
    """
    mine = settings()
    values = _values(mine)
    if as_json:
        shown = {n: {"value": v, "origin": mine.origins[n], "meaning": OPTIONS[n].meaning} for n, v in values.items()}
        render.document({"settings": shown, **_places(mine)})
        return 0
    header = ("SETTING", "VALUE", "FROM") if origin else ("SETTING", "VALUE")
    rows = [[n, _text(v), mine.origins[n]][: len(header)] for n, v in values.items()]
    render.table(header, rows, styles={2: "dim"})
    for name, place in _places(mine).items():
        render.detail(f"{name}: {place or 'none'}")
    return 0


def _values(mine: Settings) -> dict[str, Any]:
    found = {name: getattr(mine, name) for name in OPTIONS}
    found["journal"] = masked(mine.journal)
    return {name: _plain(value) for name, value in found.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_plain(v) for v in value]
    return value if isinstance(value, int | str | None) else str(value)


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _places(mine: Settings) -> dict[str, Any]:
    return {
        "home": str(mine.home),
        "project_file": str(mine.project_file) if mine.project_file else None,
        "user_file": str(mine.user_file) if mine.user_file.exists() else None,
    }


def check(as_json: _JSON = False) -> int:
    """Look for faults in the settings.

    $ gpt-trader config check
    """
    mine = settings()
    wrong = [f"{name}: there is no {place}" for name, place in _missing(mine)]
    if as_json:
        render.document({"ok": not wrong, "faults": wrong, **_places(mine)})
    elif wrong:
        for line in wrong:
            render.error(line)
    else:
        files = [str(f) for f in (mine.user_file if mine.user_file.exists() else None, mine.project_file) if f]
        render.note(f"the settings are in order ({', '.join(files) or 'no file; all defaults'})")
    return 3 if wrong else 0


def _missing(mine: Settings) -> list[tuple[str, Any]]:
    """Folders that somebody named and that are not there."""
    named = [("plugins", mine.plugins), *(("workflows", folder) for folder in mine.workflows)]
    return [(name, place) for name, place in named if mine.origins[name] != "default" and not place.is_dir()]
