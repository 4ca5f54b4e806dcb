"""`gpt-trader runs prune`: forget what is old."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from gpt_trader.cli import render
from gpt_trader.cli.documents import iso
from gpt_trader.cli.session import application
from gpt_trader.core.errors import UsageError

_AGE = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h|d|w)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def prune(
    older_than: Annotated[
        str | None, typer.Option(metavar="AGE", help="Such as 30d or 12h; retention_days otherwise.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count; forget nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> int:
    """Forget runs, events and artifacts that are old.

    $ gpt-trader runs prune --older-than 30d --dry-run

    Runs that are not over are kept, and so is every event that a subscriber has still to see.
    """
    with application() as app:
        age = seconds(older_than) if older_than else app.settings.retention_days * 86_400.0
        before = app.runs.now() - int(age * 1e6)
        forgotten = app.retention.forget(before=before, dry_run=dry_run)
    if as_json:
        render.document({"dry_run": dry_run, "before": iso(before), **forgotten.fields()})
        return 0
    word = "would forget" if dry_run else "forgot"
    size = f"{forgotten.bytes / 1e6:,.1f} MB"
    render.data(
        f"{word} {forgotten.runs} runs, {forgotten.events} events and {forgotten.artifacts} artifacts ({size}) "
        f"from before {iso(before)}"
    )
    return 0


def seconds(text: str) -> float:
    """An age such as `30d` in seconds."""
    found = _AGE.fullmatch(text.strip().lower())
    if found is None:
        raise UsageError(f"'{text}' is no age", hint="write 30d, 12h or 90m")
    return float(found[1]) * _SECONDS[found[2]]
