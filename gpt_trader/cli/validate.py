"""`gpt-trader validate`: all faults of workflow files at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, cast

import typer

from gpt_trader.cli import render
from gpt_trader.cli.session import application
from gpt_trader.core.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from gpt_trader.workflow.faults import Fault, Format

_FORMATS = ("text", "json", "github", "sarif")


def validate(
    workflows: Annotated[list[str] | None, typer.Argument(metavar="[WORKFLOW]...", help="Names or files.")] = None,
    format: Annotated[str, typer.Option("--format", metavar="FORMAT", help="text, json, github or sarif.")] = "text",
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> int:
    """Look for faults in workflow files, all of them at once.

    $ gpt-trader validate workflows/momentum.yaml
    $ gpt-trader validate --format github

    Without a name, every workflow of the project is looked at. The exit code is 3 if there are faults.
    """
    from gpt_trader.app.library import shown

    way = "json" if as_json else format
    if way not in _FORMATS:
        raise UsageError(f"there is no format '{way}'", hint=did_you_mean(way, _FORMATS))
    with application() as app:
        names = workflows or [shown(e.file) for e in app.library.entries() if e.origin == "project"]
        if not names:
            raise UsageError("there are no workflows here", hint="name a file, or make a project: gpt-trader init")
        faults: list[Fault] = []
        for name in names:
            found = app.library.check(name).faults
            faults += found
            if not found and way == "text":
                render.note(f"{render.paint('ok', 'green', err=True)} {name}")
    _report(faults, cast("Format", way), len(names))
    return 3 if faults else 0


def _report(faults: list[Fault], way: Format, count: int) -> None:
    from gpt_trader.workflow.faults import render as written

    if way == "github" and not faults:
        return
    if way != "text":
        render.data(written(faults, way))
    elif faults:
        render.data(render.clean(written(faults, "text")))
        several = f"{len(faults)} faults" if len(faults) > 1 else "1 fault"
        render.error(f"{several} in {count} workflow{'s' if count > 1 else ''}")
