"""The options that name a strategy and its bars, alike in all commands, with several values in a row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer

from gpt_trader.cli.args import sort
from gpt_trader.cli.lazy import Command, take_global
from gpt_trader.core.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from gpt_trader.app.markets import MarketChoice

StrategyOption = Annotated[
    str, typer.Option(metavar="STRATEGY", help="A name of `gpt-trader strategies list`, or a Python file.")
]
SymbolsOption = Annotated[
    list[str] | None, typer.Option("--symbols", metavar="SYMBOL", help="What is traded: AAPL MSFT, or AAPL,MSFT.")
]
FromOption = Annotated[str | None, typer.Option("--from", metavar="DAY", help="The first day or moment.")]
ToOption = Annotated[str | None, typer.Option("--to", metavar="DAY", help="The last day, included, or the end.")]
TimeframeOption = Annotated[
    str | None, typer.Option(metavar="LENGTH", help="1m, 4h, 1d, 1w ...: made of the data's own bars if longer.")
]
DataOption = Annotated[
    str,
    typer.Option(metavar="DATA", help="sample, synthetic[:SEED], or a CSV or Parquet file, or a folder of them."),
]
DataOptionsOption = Annotated[
    list[str] | None,
    typer.Option("--data-option", metavar="NAME=VALUE", help="How to read files (zone=UTC), or bars=5000 to make up."),
]
AdjustOption = Annotated[
    str, typer.Option(metavar="ADJUST", help="Restate raw prices for known splits, all (and dividends), or none.")
]
ParamOption = Annotated[
    list[str] | None, typer.Option("--param", metavar="NAME=VALUE", help="A param of the strategy; repeat it for more.")
]
SeedOption = Annotated[int, typer.Option(metavar="SEED", help="The seed of all that is drawn.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


class ManyCommand(Command):
    """A command whose options that repeat take several values in a row, too; `bare` are options that need no value."""

    bare: ClassVar[Mapping[str, tuple[str, tuple[str, ...]]]] = {"--close-at-end": ("close", ("no", "close", "open"))}

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Sort the words, refuse what nobody knows, and let typer read the rest."""
        options = [p for p in self.params if p.param_type_name == "option"]
        flags = {o for p in options if getattr(p, "is_flag", False) for o in p.opts} | {"-h", "--help"}
        many = {o for p in options if p.multiple for o in p.opts}
        single = {o for p in options for o in p.opts} - flags - many
        found = sort(self._filled(take_global(args)), flags=flags, single=single, many=many)
        for name in found.inputs:
            option = f"--{name.replace('_', '-')}"
            more = f"`{ctx.command_path} --help` shows what it takes"
            raise UsageError(f"there is no option '{option}'", hint=did_you_mean(option, flags | many | single) or more)
        return super().parse_args(ctx, found.words)

    def _filled(self, args: list[str]) -> list[str]:
        words = []
        for word, following in zip(args, [*args[1:], ""], strict=False):
            words.append(word)
            if word in self.bare and following not in self.bare[word][1] and (not following or following[0] == "-"):
                words.append(self.bare[word][0])
        return words


def market_of(
    symbols: list[str] | None,
    *,
    data: str,
    span: tuple[str | None, str | None],
    timeframe: str | None,
    adjust: str,
    options: list[str] | None,
    seed: int,
) -> MarketChoice:
    """The bars that a call names."""
    from gpt_trader.app.markets import MarketChoice
    from gpt_trader.app.words import choice

    return MarketChoice(
        symbols=tuple(one for word in symbols or () for one in word.split(",") if one),
        data=data,
        start=span[0],
        end=span[1],
        timeframe=timeframe,
        adjust=choice(adjust, "--adjust", "splits", "all", "none"),
        options=tuple(options or ()),
        seed=seed,
    )
