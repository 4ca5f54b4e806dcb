"""`gpt-trader workflows`: what can be run by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from gpt_trader.cli import render
from gpt_trader.cli.session import application

if TYPE_CHECKING:
    from gpt_trader.app.library import Entry

_JSON = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def list_workflows(as_json: _JSON = False) -> int:
    """List the workflows: yours, and those shipped.

    $ gpt-trader workflows list
    """
    with application() as app:
        found = app.library.entries()
        rows = [_fields(entry) for entry in found]
    if as_json:
        render.document({"workflows": rows})
    elif rows:
        shown = [[r["name"], r["origin"], r["mode"] or "", r["description"] or ""] for r in rows]
        render.table(("WORKFLOW", "FROM", "MODE", "DESCRIPTION"), shown, styles={1: "dim", 2: "dim"})
    else:
        render.note("there are no workflows; make some: gpt-trader init")
    return 0


def _fields(entry: Entry) -> dict[str, Any]:
    """A workflow as its file tells of it, also when it has faults."""
    import yaml

    try:
        found = yaml.load(entry.file.read_bytes(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - a safe one
    except Exception:  # noqa: BLE001 - `validate` tells what is wrong with it
        found = None
    told = found if isinstance(found, dict) else {}
    return {
        "name": entry.name,
        "file": str(entry.file),
        "origin": entry.origin,
        "mode": _text(told.get("mode")) or ("backtest" if told else None),
        "description": _text(told.get("description")),
        "inputs": sorted(map(str, told["inputs"])) if isinstance(told.get("inputs"), dict) else [],
    }


def _text(value: Any) -> str | None:
    return " ".join(str(value).split()) if value is not None else None


def show(
    workflow: Annotated[str, typer.Argument(metavar="WORKFLOW", help="A name, or a file.")], as_json: _JSON = False
) -> int:
    """Show the file of a workflow.

    $ gpt-trader workflows show simple_backtest
    """
    from gpt_trader.workflow.loader import read_text as read

    with application() as app:
        file = app.library.file(workflow)
    text = read(file)
    if as_json:
        render.document({"name": file.stem, "file": str(file), "text": text})
    else:
        render.note(render.paint(f"# {file}", "dim", err=True))
        render.data(text.rstrip())
    return 0


def schema() -> int:
    """Print the JSON Schema of workflow files, for editors.

    $ gpt-trader workflows schema > workflow.schema.json
    """
    import json

    from gpt_trader.workflow.schema import workflow_schema

    with application() as app:
        render.data(json.dumps(workflow_schema(app.catalog), indent=2, ensure_ascii=False))
    return 0
