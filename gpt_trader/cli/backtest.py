"""`gpt-trader backtest`: a strategy over recorded bars, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gpt_trader.cli import render
from gpt_trader.cli.session import application
from gpt_trader.cli.wanted import (
    AdjustOption,
    DataOption,
    DataOptionsOption,
    FromOption,
    JsonOption,
    ManyCommand,
    ParamOption,
    SeedOption,
    StrategyOption,
    SymbolsOption,
    TimeframeOption,
    ToOption,
    market_of,
)

if TYPE_CHECKING:
    from gpt_trader.app.markets import Remark
    from gpt_trader.core.bars import Bars, Loaded
    from gpt_trader.trading.config import BacktestConfig
    from gpt_trader.trading.report import Report
    from gpt_trader.trading.seats import StrategySpec

_LONG = 50_000


def backtest(
    strategy: StrategyOption = "sma_cross",
    symbols: SymbolsOption = None,
    start: FromOption = None,
    end: ToOption = None,
    timeframe: TimeframeOption = None,
    data: DataOption = "sample",
    data_option: DataOptionsOption = None,
    adjust: AdjustOption = "splits",
    param: ParamOption = None,
    cash: Annotated[str, typer.Option(metavar="MONEY", help="The money at the start.")] = "100000",
    fee: Annotated[str, typer.Option(metavar="FEE", help="A part of the value (0.001 or 0.1%), or named parts.")] = "0",
    slippage: Annotated[
        str, typer.Option(metavar="PART", help="A part of the price, fixed:0.01, or volume:0.1.")
    ] = "0",
    spread: Annotated[str, typer.Option(metavar="PART", help="Between bid and ask, as a part of the price.")] = "0",
    fill: Annotated[
        str, typer.Option(metavar="FILL", help="next_open, or same_close, which is optimistic.")
    ] = "next_open",
    volume_share: Annotated[
        str, typer.Option(metavar="PART", help="Of a bar's volume that is filled; or off.")
    ] = "0.1",
    sizing: Annotated[
        str | None,
        typer.Option(metavar="SIZING", help="units:10, cash:0.5, value:5000 or risk:0.01; even shares if none."),
    ] = None,
    limits: Annotated[str, typer.Option(metavar="LIMITS", help="none, standard, or a YAML file of your own.")] = "none",
    leverage: Annotated[str, typer.Option(metavar="TIMES", help="Buying power in times of the equity.")] = "1",
    cost_basis: Annotated[str, typer.Option(metavar="BASIS", help="average or fifo.")] = "average",
    close_at_end: Annotated[
        str, typer.Option(metavar="END", help="Sell what is held at the last bar's close, or open; or no.")
    ] = "no",
    benchmark: Annotated[
        str | None, typer.Option(metavar="SYMBOL", help="For alpha and beta; the one symbol if none.")
    ] = None,
    seed: SeedOption = 0,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Save report.json and all tables here.")] = None,
    as_json: JsonOption = False,
) -> int:
    """Run a strategy over recorded bars, and print what came of it.

    $ gpt-trader backtest --symbols GOOG
    $ gpt-trader backtest --strategy momentum --symbols AAPL MSFT --param lookback=60 --fee 0.1% --out results

    A decision at a bar's close is filled at the next open. Fees are a part of the value (0.001 or 0.1%), or have parts:
    percent=0.1%,per_share=0.005,minimum=1,maximum=20,maker=-0.01%. A folder of results is written whole, or not at all.
    """
    from gpt_trader.app.backtesting import document_of, spec_of
    from gpt_trader.app.markets import load_markets, remarks

    config = _config(
        {"cash": cash, "leverage": leverage, "spread": spread, "fee": fee, "slippage": slippage},
        {"fill": fill, "volume_share": volume_share, "sizing": sizing, "limits": limits},
        {"cost_basis": cost_basis, "close_at_end": close_at_end, "seed": seed},
    )
    market = market_of(
        symbols, data=data, span=(start, end), timeframe=timeframe, adjust=adjust, options=data_option, seed=seed
    )
    with application() as app, _place(out) as folder:
        spec = spec_of(strategy, param or (), app.strategies)
        loaded = load_markets(market, app.feeds)
        bars = [one.bars for one in loaded]
        report = _run(spec, bars, _compared(config, loaded, benchmark))
        told = [remark for one in loaded for remark in remarks(one)]
        document = document_of(report, loaded, told)
        if folder is not None:
            from gpt_trader.app.backtesting import save

            save(report, document, folder)
    if as_json:
        render.document(document)
    else:
        from gpt_trader.cli.result import show

        show(document)
    return _end(document, told, out)


backtest.command_class = ManyCommand  # type: ignore[attr-defined]


def from_run(words: Mapping[str, list[str]], *, as_json: bool, dry_run: bool) -> int:
    """`gpt-trader run --strategy ...`: the same command with the same options."""
    from gpt_trader.cli.lazy import load
    from gpt_trader.cli.table import COMMANDS
    from gpt_trader.core.errors import UsageError

    if dry_run:
        raise UsageError("a backtest has no plan to show", hint="leave --dry-run out: it changes nothing anyway")
    said = [word for name, values in words.items() for word in (f"--{name.replace('_', '-')}", *values)]
    command = load("backtest", COMMANDS["backtest"])
    with command.make_context("gpt-trader backtest", [*said, *["--json"] * as_json]) as ctx:
        return int(command.invoke(ctx))


@contextmanager
def _place(out: Path | None) -> Iterator[Path | None]:
    """Where to write before all is written, if anything is to be saved."""
    if out is None:
        yield None
        return
    from gpt_trader.app.backtesting import whole_folder

    with whole_folder(out) as folder:
        yield folder


def _config(amounts: dict[str, str], rules: dict[str, Any], choices: dict[str, Any]) -> BacktestConfig:
    from gpt_trader.app.words import choice, fee_of, limits_of_words, number, part, slippage_of
    from gpt_trader.trading.config import BacktestConfig
    from gpt_trader.trading.costs import Costs
    from gpt_trader.trading.limits import limits_of
    from gpt_trader.trading.rules import FillRules
    from gpt_trader.trading.sizing import parse_sizing

    share = rules["volume_share"]
    chosen = limits_of_words(rules["limits"])
    limits_of(chosen)  # what is wrong with them is said before any data is read
    return BacktestConfig(
        cash=number(amounts["cash"], "--cash"),
        leverage=number(amounts["leverage"], "--leverage"),
        costs=Costs(
            fee=fee_of(amounts["fee"]),
            slippage=slippage_of(amounts["slippage"]),
            spread=part(amounts["spread"], "--spread"),
        ),
        fill=FillRules(
            same_close=choice(rules["fill"], "--fill", "next_open", "same_close") == "same_close",
            volume_share=None if share == "off" else number(share, "--volume-share"),
        ),
        sizing=parse_sizing(rules["sizing"]) if rules["sizing"] else None,
        limits=chosen,
        costing=choice(choices["cost_basis"], "--cost-basis", "average", "fifo"),
        close_at_end=choice(choices["close_at_end"], "--close-at-end", "no", "close", "open"),
        seed=choices["seed"],
    )


def _compared(config: BacktestConfig, loaded: list[Loaded], benchmark: str | None) -> BacktestConfig:
    """The config with the splits and dividends that are not in the prices, and one symbol to compare with."""
    from dataclasses import replace

    from gpt_trader.core.errors import NotFound

    names = [one.bars.symbol for one in loaded]
    if benchmark is not None and benchmark not in names:
        raise NotFound.among("traded symbol", benchmark, names)
    actions = tuple(action for one in loaded for action in one.actions)
    return replace(config, actions=actions, benchmark=benchmark or (names[0] if len(names) == 1 else None))


def _run(spec: StrategySpec, bars: list[Bars], config: BacktestConfig) -> Report:
    from gpt_trader.trading.modes import run_backtest

    total = sum(len(b) for b in bars)
    if total < _LONG or not render.on_terminal():
        return run_backtest(spec, bars, config)
    from gpt_trader.cli.progress import Bar

    with Bar(total, "bars") as bar:
        return run_backtest(spec, bars, config, progress=bar)


def _end(document: dict[str, Any], remarks: list[Remark], out: Path | None) -> int:
    """Say on stderr what a person must know; 1 where the strategy itself did not last."""
    for remark in remarks:
        (render.warn if remark.serious else render.detail)(remark.text)
    for alert in document["alerts"]:
        tell = {"critical": render.error, "warning": render.warn}.get(alert["severity"], render.detail)
        tell(f"{alert['at'][:19]} {alert['code']}: {alert['message']}")
    if not (document["orders"] or document["refusals"] or document["alerts"]):
        render.warn("the strategy gave no signal", "give more bars, or other params: `gpt-trader strategies show`")
    if document["refusals"] and not document["orders"]:
        _all_refused(document["refusals"])
    if out is not None:
        render.note(f"saved in {out}")
    return int(any(alert["code"] == "strategy_stopped" for alert in document["alerts"]))


def _all_refused(refusals: dict[str, int]) -> None:
    """Name the control that let nothing pass, and what would."""
    from gpt_trader.trading.limits import PRE_TRADE

    code, count = max(refusals.items(), key=lambda item: item[1])
    less = "`--sizing risk:0.01`" if code == "risk_per_position" else "`--sizing cash:0.1`"
    own = f", or allow more: `{code}` in a file of your own for `--limits`" if code in PRE_TRADE else ""
    told = f"every order was refused, {count:,} of {sum(refusals.values()):,} by {code}"
    render.warn(told, f"ask for less: {less}{own}")
