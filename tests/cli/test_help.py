"""Help, and what happens when somebody types something else than was meant."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from importlib import import_module

import pytest

from gpt_trader.cli.table import COMMANDS, Entry


def leaves(
    entries: Mapping[str, Entry] = COMMANDS, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Entry]]:
    for name, entry in entries.items():
        if entry.commands:
            yield from leaves(entry.commands, (*path, name))
        else:
            yield (*path, name), entry


LEAVES = dict(leaves())


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_the_table_says_of_a_command_what_its_docstring_says(path):
    place, _, function = LEAVES[path].target.partition(":")
    found = getattr(import_module(f"gpt_trader.cli.{place}"), function)
    assert (inspect.getdoc(found) or "").partition("\n")[0] == LEAVES[path].summary


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
@pytest.mark.parametrize("option", ["-h", "--help"])
def test_every_command_explains_itself_with_an_example_first(path, option, call):
    found = call(*path, option)
    assert found.code == 0
    assert found.out.startswith("Example")
    assert f"  gpt-trader {' '.join(path)}" in found.out
    assert found.err == ""


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_every_option_of_every_command_has_a_help(path, call):
    lines = call(*path, "--help").out.splitlines()
    bare = [line for line in lines if line.startswith("  -") and "  " not in line.strip()]
    assert bare == []


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_the_use_of_every_command_is_plain_words_in_single_brackets(path, call):
    (use,) = [line for line in call(*path, "--help").out.splitlines() if line.startswith("Usage: ")]
    words = use.removeprefix(f"Usage: gpt-trader {' '.join(path)} ").split()
    assert words[0] == "[OPTIONS]"
    assert [word for word in words[1:] if not re.fullmatch(r"[A-Z_]+(\.\.\.)?|\[[A-Z_]+\](\.\.\.)?", word)] == []


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_help_fits_into_eighty_columns(path, call, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    lines = call(*path, "--help").out.splitlines()
    assert [line for line in lines if len(line) > 80 and "gpt-trader" not in line] == []


def test_the_example_of_every_group_is_one_of_its_commands(call):
    groups = {path[:depth] for path in LEAVES for depth in range(1, len(path))}
    assert ("events", "dead") in groups
    for path in groups:
        example = call(*path, "--help").out.splitlines()[1].split()
        assert (example[0], tuple(example[1:])) == ("gpt-trader", (*path, example[-1]))
        assert tuple(example[1:]) in LEAVES


def test_the_whole_program_explains_itself(call):
    found = call("--help")
    assert found.code == 0
    assert all(f"  {name}" in found.out for name in COMMANDS)
    assert call().code == 2
    assert call("runs").code == 2
    assert "Commands:" in call("events", "dead", "-h").out


def test_the_version_is_that_of_the_package(call):
    assert call("--version").out == "gpt-trader 0.1.0\n"


@pytest.mark.parametrize(
    ("words", "wrong", "hint"),
    [
        (("vaildate",), "there is no command 'gpt-trader vaildate'", "did you mean 'validate'?"),
        (("resume",), "there is no command 'gpt-trader resume'", "did you mean 'gpt-trader runs resume'?"),
        (("runs", "lst"), "there is no command 'gpt-trader runs lst'", "did you mean 'list'?"),
        (("runs", "qqqqq"), "there is no command", "there are: approve, cancel"),
        (("runs", "list", "--jsno"), "there is no option '--jsno'", "did you mean '--json'?"),
        (("runs", "list", "--zzz"), "there is no option '--zzz'", "`gpt-trader runs list --help`"),
        (("runs", "show"), "RUN is missing", "`gpt-trader runs show --help`"),
        (("runs", "list", "-n", "many"), "--count must be a whole number, not 'many'", ""),
        (("runs", "list", "-n", "0"), "--count must be at least 1, not 0", ""),
        (("runs", "list", "--status", "faild"), "there is no status 'faild'", "did you mean 'FAILED'?"),
        (("runs", "prune", "--older-than", "soon"), "'soon' is no age", "write 30d"),
        (("validate", "--format", "jsn"), "there is no format 'jsn'", "did you mean 'json'?"),
        (("completions", "fsh"), "there are no completions for 'fsh'", "did you mean 'fish'"),
        (("status", "--set", "jurnal=x"), "there is no setting 'jurnal'", "did you mean 'journal'?"),
        (("status", "--set"), "--set takes NAME=VALUE", "for example"),
        (("status", "extra"), "got unexpected extra argument(s) (extra)", ""),
        (("events", "replay", "1"), "to whom?", "--to NAME"),
        (("events", "replay", "1-x", "--to", "a"), "'1-x' is no range", "12-40"),
        (("events", "dead", "drop"), "which ones?", "--all"),
        (("--nope",), "there is no option '--nope'", ""),
    ],
)
def test_a_call_that_cannot_be_meant_is_a_usage_error_with_a_hint(words, wrong, hint, call, project):
    found = call(*words)
    assert found.code == 2
    assert found.out == ""
    assert f"error: {wrong}" in found.err
    assert hint in found.err
    assert "Traceback" not in found.err


def test_global_options_stand_before_or_behind_the_command(call, project):
    assert call("-q", "workflows", "list").code == 0
    assert call("--set", "workflows=none", "workflows", "list", "-q").err == ""
    assert "hidden" not in call("workflows", "list", "--quiet").err
