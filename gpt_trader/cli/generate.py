"""Writes the files that are made from the code: `python -m gpt_trader.cli.generate schemas|completions`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import gpt_trader


def schemas() -> Mapping[str, str]:
    """The JSON Schemas of workflows, of settings, of limits, and of what agents read and write."""
    from gpt_trader.app.settings import config_schema, load_settings
    from gpt_trader.app.wiring import Application
    from gpt_trader.trading.limits import limits_schema
    from gpt_trader.workflow.schema import agent_response_schema, agent_task_schema, workflow_schema

    nowhere = load_settings(env={"GPT_TRADER_HOME": os.devnull}, cwd=Path(os.devnull))  # only what is shipped
    made = {
        "workflow": workflow_schema(Application(nowhere).catalog),
        "config": config_schema(),
        "limits": limits_schema(),
        "agent_task": agent_task_schema(),
        "agent_response": agent_response_schema(),
    }
    return {f"{name}.schema.json": text_of(schema) for name, schema in made.items()}


def text_of(schema: Mapping[str, Any]) -> str:
    """A schema as the text of its file."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def completions() -> Mapping[str, str]:
    """The completion scripts."""
    from gpt_trader.cli.completions import FILES
    from gpt_trader.cli.shells import SCRIPTS

    return {FILES[shell]: make() for shell, make in SCRIPTS.items()}


_KINDS: Mapping[str, Callable[[], Mapping[str, str]]] = {"schemas": schemas, "completions": completions}


def main() -> int:
    """Write the files of each kind that is named into its folder beside the package."""
    kinds = sys.argv[1:]
    if not kinds or set(kinds) - set(_KINDS):
        sys.stderr.write(f"usage: python -m gpt_trader.cli.generate {'|'.join(_KINDS)}\n")
        return 2
    for kind in kinds:
        folder = Path(gpt_trader.__file__).resolve().parents[1] / kind
        folder.mkdir(exist_ok=True)
        for name, text in _KINDS[kind]().items():
            (folder / name).write_text(text, encoding="utf-8")
        if kind == "schemas":
            _inner()
    return 0


def _inner() -> None:
    """What the journal and the sweeps make of themselves lies beside them: it is no one's business but theirs."""
    from gpt_trader.journal import compile as statements
    from gpt_trader.trading.loops import prepare

    for path, text in {**statements.files(), **prepare.files()}.items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
