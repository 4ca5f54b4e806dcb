"""`gpt-trader doctor`: whether everything is here that a run needs, and the journal is whole."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from gpt_trader.cli import render
from gpt_trader.cli.session import settings

_STYLES = {"ok": "green", "warning": "yellow", "wrong": "bold red"}


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False) -> int:
    """Examine this installation and its journal.

    $ gpt-trader doctor

    The exit code is 1 if something is wrong; a warning is not.
    """
    from gpt_trader.app.checkup import checkup

    found = list(checkup(settings()))
    wrong = [f for f in found if f.state == "wrong"]
    if as_json:
        render.document({"ok": not wrong, "findings": [asdict(f) for f in found]})
        return 1 if wrong else 0
    width = max(len(f.name) for f in found)
    for finding in found:
        word = render.paint(f"{finding.state:<7}", _STYLES[finding.state])
        render.data(f"{word}  {finding.name:<{width}}  {render.clean(finding.told)}")
        if finding.hint:
            render.data(f"{'':<{width + 11}}{render.paint(finding.hint, 'dim')}")
    if wrong:
        render.error("1 thing is wrong" if len(wrong) == 1 else f"{len(wrong)} things are wrong")
    return 1 if wrong else 0
