"""What holds for every command: an example first, JSON where something is read, and no secret among the options."""

from __future__ import annotations

import re

import pytest

from gpt_trader.cli.lazy import load
from gpt_trader.cli.table import COMMANDS, Entry


def _leaves(entries: dict[str, Entry], before: str = "") -> dict[str, Entry]:
    found: dict[str, Entry] = {}
    for name, entry in entries.items():
        inner = _leaves(dict(entry.commands), f"{before}{name} ") if entry.commands else {f"{before}{name}": entry}
        found |= inner
    return found


ALL = _leaves(dict(COMMANDS))
TEXTS = {"completions": "a script for a shell", "workflows schema": "a document already"}
"""What prints no document of its own, and why."""
CHANGES = ("run", "runs cancel", "runs pause", "runs approve", "runs resume", "runs retry", "runs rerun", "runs fork",
           "runs prune", "events publish", "events replay", "events dead retry", "events dead drop", "init",
           "data fetch", "strategies new", "optimize")  # fmt: skip


def _options(words: str) -> set[str]:
    command = load(words.rpartition(" ")[2], ALL[words])
    return {name for param in command.params for name in param.opts}


@pytest.mark.parametrize("words", sorted(ALL))
def test_every_command_prints_json(words: str) -> None:
    assert ("--json" in _options(words)) == (words not in TEXTS)


@pytest.mark.parametrize("words", CHANGES)
def test_what_changes_things_can_be_tried_dry(words: str) -> None:
    assert "--dry-run" in _options(words)


@pytest.mark.parametrize("words", sorted(ALL))
def test_no_option_takes_a_secret(words: str) -> None:
    """Whatever stands on a command line is seen by everybody in the list of processes."""
    secret = re.compile(r"key|secret|token|password|credential")
    harmless = {"--key"} if words == "events publish" else set()  # the key of an event: what is handled in order
    assert not [name for name in _options(words) - harmless if secret.search(name)]


@pytest.mark.parametrize("words", sorted(ALL))
def test_every_command_has_an_example(words: str) -> None:
    command = load(words.rpartition(" ")[2], ALL[words])
    assert f"$ gpt-trader {words.partition(' ')[0]}" in (command.help or "")
