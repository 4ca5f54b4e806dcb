"""Several values after one option, and options that are inputs: words are sorted before typer reads them."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from gpt_trader.cli.lazy import Command, take_global
from gpt_trader.core.errors import UsageError

_NUMBER = re.compile(r"-\.?\d")
_META = "gpt_trader.inputs"


@dataclass(slots=True)
class Sorted:
    """The words of one call: those for typer, and the values of each input."""

    words: list[str] = field(default_factory=list)
    inputs: dict[str, list[str]] = field(default_factory=dict)
    positional: list[str] = field(default_factory=list)


def sort(args: list[str], *, flags: Collection[str], single: Collection[str], many: Collection[str]) -> Sorted:
    """Sort words: options of the command by how many values they take; any other long option is an input."""
    found, rest = Sorted(), list(args)
    while rest:
        word = rest.pop(0)
        name, equals, value = word.partition("=")
        if word == "--":
            found.positional += rest
            break
        if not _option(word):
            found.positional.append(word)
        elif name in flags:
            found.words.append(word)
        elif name in single:
            found.words += [word] if equals or not rest else [word, rest.pop(0)]
        elif name in many:
            values = [value] if equals else _values(rest)
            if not values:
                raise UsageError(f"{name} takes a value", hint="several may follow, with a space between them")
            found.words += [x for v in values for x in (name, v)]
        elif name.startswith("--"):
            values = [value] if equals else _values(rest)
            found.inputs.setdefault(name[2:].replace("-", "_"), []).extend(values)
        else:
            found.words.append(word)
    found.words += ["--", *found.positional] if found.positional else []
    return found


def _option(word: str) -> bool:
    return word.startswith("-") and word != "-" and not _NUMBER.match(word)


def _values(rest: list[str]) -> list[str]:
    values = []
    while rest and not _option(rest[0]):
        values.append(rest.pop(0))
    return values


class InputsCommand(Command):
    """A command whose unknown options are inputs of the workflow that it runs."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Sort the words, keep the inputs aside, and let typer read the rest."""
        options = [p for p in self.params if p.param_type_name == "option"]
        flags = {o for p in options if getattr(p, "is_flag", False) for o in (*p.opts, *p.secondary_opts)} | {
            "-h",
            "--help",
        }
        many = {o for p in options if p.multiple for o in p.opts}
        single = {o for p in options for o in p.opts} - flags - many
        found = sort(take_global(args), flags=flags, single=single, many=many)
        ctx.meta[_META] = found.inputs
        return super().parse_args(ctx, found.words)


def inputs_of(ctx: Any, pairs: list[str] | None) -> dict[str, list[str]]:
    """The words given for each input: as options, and as `--input NAME=VALUE`."""
    found = {name: list(words) for name, words in ctx.meta.get(_META, {}).items()}
    for pair in pairs or ():
        name, equals, value = pair.partition("=")
        if not equals:
            raise UsageError(f"--input takes NAME=VALUE, not '{pair}'", hint="for example: --input cash=5000")
        found.setdefault(name.replace("-", "_"), []).append(value)
    return found


def bare_flags(words: Mapping[str, list[str]], schemas: Mapping[str, Any]) -> dict[str, list[str]]:
    """An input without a value is a switch: `--fast` says true, `--no-fast` says false."""
    made: dict[str, list[str]] = {}
    for name, values in words.items():
        off = name.removeprefix("no_")
        if not values and name not in schemas and off in schemas and schemas[off].get("type") == "boolean":
            made[off] = ["false"]
        elif not values and schemas.get(name, {}).get("type") == "boolean":
            made[name] = ["true"]
        elif not values and name in schemas:
            raise UsageError(f"--{name.replace('_', '-')} takes a value")
        else:
            made[name] = values
    return made
