"""Typer commands that are imported when called, explain themselves with an example first, and know typing errors."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module
from shutil import get_terminal_size
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from gpt_trader.cli import render, session
from gpt_trader.cli.table import Entry
from gpt_trader.cli.values import lighten
from gpt_trader.core.errors import GptTraderError, UsageError, did_you_mean

SETTINGS: Mapping[str, Any] = {"help_option_names": ["-h", "--help"]}
GLOBAL_HELP = (
    ("-q, --quiet", "Print results and errors only."),
    ("-v, --verbose", "Tell more on stderr."),
    ("--debug", "Show traces of errors."),
    ("--set NAME=VALUE", "Override a setting for this call; `gpt-trader config show` lists them."),
    ("-h, --help", "Show this."),
)
_FLAGS = {"-q": "quiet", "--quiet": "quiet", "-v": "verbose", "--verbose": "verbose", "--debug": "debug"}


def take_global(args: list[str]) -> list[str]:
    """Obey the options that every command has, and return the others."""
    left: list[str] = []
    rest = iter(args)
    for word in rest:
        name, equals, value = word.partition("=")
        if word == "--":
            return [*left, word, *rest]
        if word in _FLAGS:
            setattr(render.screen, _FLAGS[word], True)
        elif name == "--set":
            session.override(value if equals else next(rest, ""))
        else:
            left.append(word)
    return left


class _LightHelp:
    """The option --help, which typer would check with a large library."""

    def get_help_option(self, ctx: Any) -> Any:
        found = super().get_help_option(ctx)  # type: ignore[misc]
        lighten(found)
        return found


class Command(_LightHelp, TyperCommand):
    """One command; its docstring's first line is its summary, its lines that begin with `$ ` are examples."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for param in self.params:
            lighten(param)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take the options that every command has, then the command's own."""
        try:
            return super().parse_args(ctx, take_global(args))
        except UsageError as error:
            error.hint = error.hint or _more(ctx)
            raise
        except (GptTraderError, typer.Exit):
            raise
        except Exception as error:  # noqa: BLE001 - a parser's errors have no common public class
            raise told(error, ctx) from None

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the example first, then the usage, then what each word means."""
        about, examples = parts(self.help or "")
        records = [(p, p.get_help_record(ctx)) for p in self.params if not getattr(p, "hidden", False)]
        words = [p for p, _ in records if p.param_type_name == "argument"]
        usage = " ".join([ctx.command_path, "[OPTIONS]", *map(_in_usage, words)])
        arguments = [(_word(p), r[1]) for p, r in records if r and p.param_type_name == "argument"]
        options = [r for p, r in records if r and p.param_type_name == "option"]
        formatter.write(
            page(
                about,
                examples,
                usage,
                {"Arguments": arguments, "Options": options, "Global options": GLOBAL_HELP},
            )
        )


class Group(_LightHelp, TyperGroup):
    """A group whose commands stand in a table and are imported when they are called."""

    entries: Mapping[str, Entry] = {}
    examples: tuple[str, ...] = ()

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take the options that every command has, up to the command's name."""
        place = _command_place(args)
        given = [*take_global(args[:place]), *args[place:]]
        if not given and not ctx.resilient_parsing:
            render.note(ctx.get_help())
            raise typer.Exit(2)
        try:
            return super().parse_args(ctx, given)
        except (GptTraderError, typer.Exit):
            raise
        except Exception as error:  # noqa: BLE001 - a parser's errors have no common public class
            raise told(error, ctx) from None

    def list_commands(self, ctx: Any) -> list[str]:
        """The names in the order of the table."""
        del ctx
        return list(self.entries)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command, imported now."""
        del ctx
        entry = self.entries.get(cmd_name)
        return None if entry is None else load(cmd_name, entry)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that is meant; an error that names the nearest otherwise."""
        name = args[0]
        if name in self.entries:
            return name, self.get_command(ctx, name), args[1:]
        path = ctx.command_path
        hint = _elsewhere(name) or did_you_mean(name, self.entries) or f"`{path} --help` lists the commands"
        raise UsageError(f"there is no command '{path} {name}'", hint=hint)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write an example, and the commands with their summaries."""
        about, _ = parts(self.help or "")
        rows = [(name, entry.summary) for name, entry in self.entries.items()]
        usage = f"{ctx.command_path} [OPTIONS] COMMAND"
        examples = self.examples or tuple(f"{ctx.command_path} {name}" for name, _ in rows[:1])
        formatter.write(page(about, examples, usage, {"Commands": rows, "Global options": GLOBAL_HELP}))


def load(name: str, entry: Entry) -> Any:
    """The typer command of an entry."""
    if entry.commands:
        return group(name, entry)
    place, _, function = entry.target.partition(":")
    found = getattr(import_module(f"gpt_trader.cli.{place}"), function)
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    cls = getattr(found, "command_class", Command)
    app.command(name, cls=cls, context_settings=dict(SETTINGS), help=inspect.getdoc(found))(found)
    made = typer.main.get_command(app)
    made.name = name
    return made


def group(name: str, entry: Entry, examples: tuple[str, ...] = ()) -> Any:
    """The typer group of an entry."""
    made = Group(name=name, help=entry.summary, context_settings=dict(SETTINGS), rich_markup_mode=None)
    made.entries = entry.commands
    made.examples = examples
    return made


def _command_place(args: list[str]) -> int:
    """Where the command's name stands, behind global options and their values."""
    place = 0
    while place < len(args) and args[place].startswith("-"):
        place += 2 if args[place] == "--set" else 1
    return place


def _elsewhere(name: str) -> str | None:
    """The group that has a command of this name, such as `runs` for `resume`."""
    from gpt_trader.cli.table import COMMANDS

    homes = [f"gpt-trader {group} {name}" for group, entry in COMMANDS.items() if name in entry.commands]
    return f"did you mean '{homes[0]}'?" if len(homes) == 1 else None


# --- help -------------------------------------------------------------------------------------------------------------


def parts(text: str) -> tuple[str, tuple[str, ...]]:
    """What a docstring says, and its examples."""
    lines = text.splitlines()
    examples = tuple(line[2:] for line in lines if line.startswith("$ "))
    return "\n".join(line for line in lines if not line.startswith("$ ")).strip(), examples


def _word(argument: Any) -> str:
    """What an argument is called."""
    return str(argument.metavar or argument.name.upper()).strip("[].")


def _in_usage(argument: Any) -> str:
    """An argument where a command's use is shown: in brackets where it may be left out."""
    word = _word(argument) if argument.required else f"[{_word(argument)}]"
    return word if argument.nargs == 1 else f"{word}..."


def page(about: str, examples: tuple[str, ...], usage: str, sections: Mapping[str, Any]) -> str:
    """A page of help: an example first."""
    width = min(get_terminal_size().columns, 110)
    rows: list[str] = []
    if examples:
        rows += [_bold("Example:" if len(examples) == 1 else "Examples:"), *(f"  {e}" for e in examples), ""]
    for paragraph in about.split("\n\n"):
        rows += [textwrap.fill(" ".join(paragraph.split()), width), ""]
    rows += [f"{_bold('Usage:')} {usage}"]
    left = min(28, max((len(name) for found in sections.values() for name, _ in found), default=0))
    for title, found in sections.items():
        if found:
            rows += ["", _bold(f"{title}:"), *(_line(name, text, left, width) for name, text in found)]
    return "\n".join(rows) + "\n"


def _bold(text: str) -> str:
    return render.paint(text, "bold")


def _line(name: str, text: str, left: int, width: int) -> str:
    first = f"  {render.paint(name, 'cyan')}" + " " * max(left - len(name), 0)
    wrapped = textwrap.wrap(" ".join(text.split()), max(width - left - 4, 20)) or [""]
    if len(name) > left:
        wrapped = ["", *wrapped]
    return ("\n" + " " * (left + 4)).join([f"{first}  {wrapped[0]}".rstrip(), *wrapped[1:]])


# --- typing errors ----------------------------------------------------------------------------------------------------


def _more(ctx: Any) -> str:
    return f"`{ctx.command_path} --help` shows what it takes"


def told(error: BaseException, ctx: Any) -> BaseException:
    """A parser's error in the voice of the house; anything else as it is."""
    if not hasattr(error, "format_message"):
        return error
    more = _more(ctx)
    unknown = getattr(error, "option_name", None)
    if unknown is not None and hasattr(error, "possibilities"):
        known = [o for p in ctx.command.params for o in p.opts if o.startswith("--")] + ["--help", "--debug", "--set"]
        near = get_close_matches(unknown, known, n=2)
        return UsageError(f"there is no option '{unknown}'", hint=did_you_mean(unknown, near) or more)
    message = error.format_message().strip().rstrip(".")
    return UsageError(message[:1].lower() + message[1:], hint=more)
