"""What a shell may offer behind each command's words, read from the commands themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gpt_trader.cli.lazy import GLOBAL_HELP, load
from gpt_trader.cli.runs import STATUSES
from gpt_trader.cli.table import COMMANDS, Entry

CHOICES: Mapping[str, str] = {
    "FORMAT": "text json github sarif",
    "SHELL": "bash zsh fish",
    "MODE": "backtest paper live",
    "FORM": "html md json",
    "FILL": "next_open same_close",
    "BASIS": "average fifo",
    "END": "no close open",
    "ADJUST": "splits all none",
    "PROVIDER": "sample csv parquet ccxt alpaca yfinance",
    "STATUS": " ".join(s.lower() for s in STATUSES),
}
ASKED = {"WORKFLOW": "workflows", "RUN": "runs", "SLICE": "slices", "STRATEGY": "strategies"}
FILES = frozenset({"WORKFLOW", "DIR", "FILE"})


@dataclass(frozen=True, slots=True)
class Flag:
    """An option: its names, what it means, and the word for its value, if it takes one."""

    names: tuple[str, ...]
    help: str
    value: str


@dataclass(frozen=True, slots=True)
class Menu:
    """What may stand behind one command's words."""

    path: str
    commands: Mapping[str, str]
    flags: tuple[Flag, ...]
    argument: str
    inputs: bool


def menus() -> list[Menu]:
    """Every command, the groups before what is in them."""
    return list(_walk("", COMMANDS))


def _walk(path: str, entries: Mapping[str, Entry]) -> Iterator[Menu]:
    yield Menu(path, {name: e.summary for name, e in entries.items()}, _global(), "", inputs=False)
    for name, entry in entries.items():
        inner = f"{path} {name}".strip()
        if entry.commands:
            yield from _walk(inner, entry.commands)
        else:
            yield _leaf(inner, name, entry)


def _leaf(path: str, name: str, entry: Entry) -> Menu:
    command = load(name, entry)
    flags, argument = [], ""
    for param in command.params:
        word = (param.metavar or "").strip("[].")
        if param.param_type_name == "argument":
            argument = argument or word
        elif not param.hidden:
            flags.append(Flag((*param.opts, *param.secondary_opts), param.help or "", "" if param.is_flag else word))
    inputs = type(command).__name__ == "InputsCommand"
    return Menu(path, {}, (*flags, *_global()), argument, inputs)


def _global() -> tuple[Flag, ...]:
    made = []
    for names, text in GLOBAL_HELP:
        value = "SETTING" if "NAME=VALUE" in names else ""
        made.append(Flag(tuple(n.strip().split(" ")[0] for n in names.split(",")), text, value))
    return tuple(made)


def names_of(menu: Menu) -> str:
    """The long names of all options."""
    return " ".join(name for flag in menu.flags for name in flag.names if name.startswith("--"))
