"""`gpt-trader init`: a project that validates, runs and is tested from the first minute."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from gpt_trader.cli import render
from gpt_trader.core.errors import Conflict, GptTraderError

_TEMPLATES = Path(__file__).parent / "project"
_FILES = {
    "gpt-trader.yaml": "gpt-trader.yaml",
    "workflows/ranking.yaml": "ranking.yaml",
    "plugins/slices/ranking.py": "ranking.py.txt",
    "tests/test_ranking.py": "test_ranking.py.txt",
}
_SCHEMAS = ("schemas/workflow.schema.json", "schemas/config.schema.json")


def init(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where; this folder otherwise.")] = Path(),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Name the files; write nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> int:
    """Make a project: settings, a workflow, a slice of your own and its test.

    $ gpt-trader init momentum

    Nothing that exists is overwritten.
    """
    targets = [folder / name for name in (*_FILES, *_SCHEMAS)]
    _refuse(folder, targets)
    if not dry_run:
        for target, name in zip(targets, _FILES.values(), strict=False):
            _write(target, (_TEMPLATES / name).read_text(encoding="utf-8"))
        for target, schema in zip(targets[len(_FILES) :], _schemas(folder), strict=True):
            _write(target, json.dumps(schema, indent=2, ensure_ascii=False) + "\n")
    if as_json:
        render.document({"folder": str(folder), "files": [str(t) for t in targets], "written": not dry_run})
        return 0
    for target in targets:
        render.data(str(target))
    if not dry_run:
        into = "" if folder == Path() else f"cd {folder} && "
        render.hint(f"try it: {into}gpt-trader run ranking")
    return 0


def _refuse(folder: Path, targets: list[Path]) -> None:
    if folder.exists() and not folder.is_dir():
        raise Conflict(f"{folder} is a file")
    there = [str(t) for t in targets if t.exists()]
    if there:
        raise Conflict(f"nothing was written, because there is {' and '.join(there)}", hint="choose another folder")


def _write(target: Path, text: str) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise GptTraderError(f"{target} cannot be written: {error.strerror}") from None


def _schemas(folder: Path) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The schemas, with the params of the project's own slice inside."""
    from gpt_trader.app.settings import config_schema, load_settings
    from gpt_trader.app.wiring import Application
    from gpt_trader.workflow.schema import workflow_schema

    return workflow_schema(Application(load_settings(cwd=folder.resolve())).catalog), config_schema()
