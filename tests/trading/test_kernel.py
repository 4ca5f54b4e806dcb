"""The compiled kernel trades as the desk does, fill by fill, and its figures are the desk's."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpt_trader.core import metrics
from gpt_trader.core.bars import Bars, Provenance
from gpt_trader.core.errors import ConfigError, NoBars, ValidationError
from gpt_trader.core.market import Instrument, Split, Timeframe
from gpt_trader.core.orders import BUY
from gpt_trader.strategies.breakout import Breakout
from gpt_trader.strategies.buy_and_hold import BuyAndHold
from gpt_trader.strategies.mean_reversion import MeanReversion
from gpt_trader.strategies.momentum import Momentum
from gpt_trader.strategies.sma_cross import SmaCross
from gpt_trader.strategies.volatility import Volatility
from gpt_trader.trading import kernel, native
from gpt_trader.trading.config import BacktestConfig
from gpt_trader.trading.costs import Costs, Fee, Slippage
from gpt_trader.trading.kernel import Grid
from gpt_trader.trading.modes import run_backtest
from gpt_trader.trading.rules import FillRules
from gpt_trader.trading.seats import StrategySpec
from gpt_trader.trading.sizing import Risk, Share, Units

MINUTE = 60_000_000_000
FREE = FillRules(volume_share=None)


def walk(seed: int, count: int = 120, *, silent: float = 0.0, spread: float = 0.01) -> Bars:
    """Random bars on ticks of a cent; some without any volume, in which nothing can fill."""
    rng = np.random.default_rng(seed)
    close = np.round(50.0 * np.exp(np.cumsum(rng.normal(0.0, spread, count))), 2)
    opened = np.round(np.concatenate(([50.0], close[:-1])) * np.exp(rng.normal(0.0, spread / 3, count)), 2)
    high = np.round(np.maximum(opened, close) * (1 + np.abs(rng.normal(0.0, spread / 2, count))), 2)
    low = np.round(np.minimum(opened, close) * (1 - np.abs(rng.normal(0.0, spread / 2, count))), 2)
    high, low = np.maximum(high, np.maximum(opened, close)), np.minimum(low, np.minimum(opened, close))
    volume = np.where(rng.random(count) < silent, 0.0, rng.integers(1_000, 9_000, count).astype(np.float64))
    return Bars(
        symbol="X",
        timeframe=Timeframe(1, "m"),
        ts=np.arange(count, dtype=np.int64) * MINUTE,
        open=opened,
        high=high,
        low=low,
        close=close,
        volume=volume,
        provenance=Provenance(origin="synthetic", source=f"walk {seed}"),
    )


def compare(strategy: Any, bars: Bars, grid: Grid, config: BacktestConfig) -> None:
    """Every set of the grid: the same fills, and the same figures, from the kernel and from the desk."""
    swept = kernel.sweep(strategy, bars, grid, config=config)
    for number in range(len(grid)):
        report = run_backtest(StrategySpec("it", strategy, grid[number]), bars, config)
        ours = [
            (f.ns, f.quantity, f.price, f.fee) for f in kernel.fills_of(strategy, bars, grid, number, config=config)
        ]
        desks = [
            (f.ns, float(f.quantity if f.side is BUY else -f.quantity), float(f.price), float(f.fee))
            for f in report.fills
        ]
        assert [fill[0] for fill in ours] == [fill[0] for fill in desks], grid[number]
        assert np.array(ours) == pytest.approx(np.array(desks), rel=1e-9), grid[number]
        assert swept.fills[number] == len(desks)
        assert swept.trades[number] == len(report.trades)
        assert swept.refused[number] == len(report.refusals) + sum(e.code == "buying_power" for e in report.ended)
        returns = metrics.returns_of(report.equity)
        figures = (swept.total_return[number], swept.max_drawdown[number], swept.fees[number])
        theirs = (metrics.total_return(returns), metrics.max_drawdown(report.equity), sum(fill[3] for fill in desks))
        assert figures == pytest.approx(theirs, rel=1e-9, abs=1e-12)
        sharpe = metrics.sharpe(returns, periods=metrics.observed_periods(bars.ts))
        assert swept.sharpe[number] == pytest.approx(sharpe, rel=1e-7, nan_ok=True)


SIZINGS = st.sampled_from([None, Share(Decimal("0.4")), Units(Decimal(7)), Units(Decimal(3_000))])
FEES = st.sampled_from(
    [
        Fee(),
        Fee(percent=Decimal("0.001")),
        Fee(per_share=Decimal("0.005"), minimum=Decimal(1)),
        Fee(percent=Decimal("0.002"), minimum=Decimal(2), maximum=Decimal(5)),
    ]
)
SLIPPAGES = st.sampled_from(
    [
        Slippage(),
        Slippage("fixed", Decimal("0.03")),
        Slippage("percent", Decimal("0.0007")),
        Slippage("volume", Decimal("0.1")),
    ]
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10_000),
    fast=st.integers(1, 8),
    gap=st.integers(1, 12),
    below=st.sampled_from(["flat", "short"]),
    wait=st.booleans(),
    silent=st.sampled_from([0.0, 0.15]),
    sizing=SIZINGS,
    fee=FEES,
    slippage=SLIPPAGES,
    spread=st.sampled_from([Decimal(0), Decimal("0.0004")]),
    lot=st.sampled_from([Decimal(1), Decimal(10), Decimal("0.001")]),
)
def test_moving_averages_trade_as_on_the_desk(  # noqa: PLR0917
    seed, fast, gap, below, wait, silent, sizing, fee, slippage, spread, lot
) -> None:
    config = BacktestConfig(
        fill=FREE,
        sizing=sizing,
        costs=Costs(fee=fee, slippage=slippage, spread=spread),
        instruments={"X": Instrument("X", lot=lot)},
    )
    grid = Grid({"fast": np.array([fast]), "slow": np.array([fast + gap])}, {"below": below, "wait_for_cross": wait})
    compare(SmaCross, walk(seed, silent=silent), grid, config)


def test_too_little_money_for_a_lot_when_it_is_decided_is_no_order_as_on_the_desk() -> None:
    """There are 100; a unit costs 110 when the averages cross, 90 at the next open, and 95 when they cross again."""
    close = np.array([90.0, 110.0, 90.0, 80.0, 95.0, 96.0])
    opened = np.array([90.0, 110.0, 90.0, 80.0, 95.0, 94.0])
    bars = replace(walk(3, 6), open=opened, close=close, high=np.maximum(opened, close), low=np.minimum(opened, close))
    bars = replace(bars, volume=np.full(6, 1e6))
    grid = Grid({"fast": np.array([1]), "slow": np.array([2])})
    config = BacktestConfig(cash=Decimal(100), fill=FREE)
    fills = kernel.fills_of(SmaCross, bars, grid, 0, config=config)
    assert [(fill.quantity, fill.price) for fill in fills] == [(1.0, 94.0)]
    compare(SmaCross, bars, grid, config)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10_000),
    lookback=st.integers(1, 20),
    threshold=st.sampled_from([0.0, 0.005, 0.02]),
    below=st.sampled_from(["flat", "short"]),
    silent=st.sampled_from([0.0, 0.15]),
    fee=FEES,
)
def test_momentum_trades_as_on_the_desk(seed, lookback, threshold, below, silent, fee) -> None:
    grid = Grid({"lookback": np.array([lookback, 130]), "threshold": np.array([threshold, 0.0])}, {"below": below})
    compare(Momentum, walk(seed, silent=silent), grid, BacktestConfig(fill=FREE, costs=Costs(fee=fee)))


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10_000),
    entry=st.integers(1, 20),
    leave=st.integers(1, 20),
    short=st.booleans(),
    silent=st.sampled_from([0.0, 0.15]),
    fee=FEES,
)
def test_breakouts_trade_as_on_the_desk(seed, entry, leave, short, silent, fee) -> None:
    grid = Grid({"entry": np.array([entry, 130]), "exit": np.array([leave, 5])}, {"short": short})
    compare(Breakout, walk(seed, silent=silent), grid, BacktestConfig(fill=FREE, costs=Costs(fee=fee)))


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10_000),
    window=st.integers(2, 25),
    entry=st.sampled_from([0.5, 1.0, 1.5, 2.0]),
    leave=st.sampled_from([0.0, 0.25, 0.4]),
    short=st.booleans(),
    coarse=st.booleans(),
    fee=FEES,
)
def test_mean_reversion_trades_as_on_the_desk(seed, window, entry, leave, short, coarse, fee) -> None:  # noqa: PLR0917
    """Coarse prices stand still or repeat, so that scores lie exactly on their levels."""
    bars = walk(seed)
    if coarse:
        bars = replace(bars, **{name: np.round(getattr(bars, name)) for name in ("open", "high", "low", "close")})
    grid = Grid({"window": np.array([window, 130])}, {"entry": entry, "exit": leave, "short": short})
    compare(MeanReversion, bars, grid, BacktestConfig(fill=FREE, costs=Costs(fee=fee)))


@settings(max_examples=10, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000), quantity=st.sampled_from([None, 5.0]), fee=FEES)
def test_buying_and_holding_trades_as_on_the_desk(seed: int, quantity: float | None, fee: Fee) -> None:
    config = BacktestConfig(fill=FREE, costs=Costs(fee=fee))
    compare(BuyAndHold, walk(seed), Grid({}, {"quantity": quantity}), config)


def test_every_built_in_strategy_that_offers_its_targets_is_compared_above() -> None:
    from importlib.metadata import entry_points

    compared = {SmaCross, Momentum, Breakout, MeanReversion, BuyAndHold}
    built_in = {point.load() for point in entry_points(group="gpt_trader.strategies") if point.dist is not None}
    assert {kind for kind in built_in if hasattr(kind, "targets")} == compared


def test_a_whole_grid_is_traded_as_on_the_desk() -> None:
    grid = Grid.of({"fast": [2, 3, 5, 8], "slow": range(4, 40, 7)}, where=lambda fast, slow: fast < slow)
    costs = Costs(fee=Fee(percent=Decimal("0.001")))
    compare(SmaCross, walk(5, 3_000), grid, BacktestConfig(fill=FREE, costs=costs))


def test_a_short_that_is_ruined_is_followed_below_zero_as_on_the_desk() -> None:
    bars = walk(1, 60)
    up = np.exp(np.linspace(0.0, 1.6, 60))
    columns = {name: np.round(getattr(bars, name) * up, 2) for name in ("open", "high", "low", "close")}
    soaring = Bars(
        symbol="X", timeframe=bars.timeframe, ts=bars.ts, volume=bars.volume, provenance=bars.provenance, **columns
    )
    grid = Grid({"fast": np.array([1]), "slow": np.array([2])}, {"below": "short"})
    compare(SmaCross, soaring, grid, BacktestConfig(fill=FREE, sizing=Units(Decimal(1_800))))


def test_too_dear_a_trade_is_refused_and_counted() -> None:
    grid = Grid({"fast": np.array([2]), "slow": np.array([5])}, {"quantity": 5_000.0})
    swept = kernel.sweep(SmaCross, walk(3), grid, config=BacktestConfig(fill=FREE))
    assert swept.fills[0] == 0
    assert swept.refused[0] > 0


def test_fills_beyond_the_share_of_the_volume_are_counted() -> None:
    grid = Grid({"fast": np.array([2]), "slow": np.array([5])})
    swept = kernel.sweep(SmaCross, walk(3), grid, config=BacktestConfig())
    assert 0 < swept.capped[0] <= swept.fills[0]
    assert kernel.sweep(SmaCross, walk(3), grid, config=BacktestConfig(fill=FREE)).capped[0] == 0


def test_threads_change_nothing() -> None:
    grid = Grid.of({"fast": range(2, 20), "slow": range(4, 60)}, where=lambda fast, slow: fast < slow)
    bars, config = walk(9, 5_000), BacktestConfig(fill=FREE)
    one, two = (kernel.sweep(SmaCross, bars, grid, config=config, threads=threads) for threads in (1, 2))
    for figure in ("total_return", "sharpe", "max_drawdown", "trades", "fees"):
        assert np.array_equal(getattr(one, figure), getattr(two, figure), equal_nan=True)


def test_progress_tells_how_many_sets_are_done() -> None:
    grid = Grid.of({"fast": [2, 3], "slow": range(5, 105)})
    seen: list[int] = []
    kernel.sweep(SmaCross, walk(9), grid, config=BacktestConfig(), progress=seen.append)
    assert seen[-1] == len(grid) == 200
    assert seen == sorted(seen)


def test_the_best_set_ignores_figures_that_are_not_defined() -> None:
    grid = Grid.of({"fast": [2, 118], "slow": [119, 121]})
    swept = kernel.sweep(SmaCross, walk(9, 120), grid, config=BacktestConfig(fill=FREE))
    assert np.isnan(swept.sharpe).any()
    assert math.isfinite(swept.sharpe[swept.best()])
    assert swept.max_drawdown[swept.best("max_drawdown")] == swept.max_drawdown.max()


def test_a_set_of_the_grid_is_a_config_of_the_strategy() -> None:
    grid = Grid.of({"fast": [2, 3], "slow": 9, "below": "short"})
    assert grid[1] == {"slow": 9, "below": "short", "fast": 3}
    assert SmaCross.Params(**grid[1]).fast == 3


@pytest.mark.parametrize(
    ("config", "named"),
    [
        (BacktestConfig(limits="standard"), "limits"),
        (BacktestConfig(fill=FillRules(same_close=True)), "fills at the same close"),
        (BacktestConfig(close_at_end="close"), "closing at the end"),
        (BacktestConfig(actions=(Split("X", 0, 2),)), "splits and dividends"),
        (BacktestConfig(borrow_rate=Decimal("0.01")), "borrow costs"),
        (BacktestConfig(sizing=Risk()), "this sizing"),
        (BacktestConfig(instruments={"X": Instrument("X", multiplier=Decimal(50))}), "a contract multiplier"),
        (BacktestConfig(instruments={"X": Instrument("X", currency="EUR")}, rates={"EUR": Decimal(2)}), "another curr"),
        (BacktestConfig(currency="EUR", rates={"USD": Decimal(2)}), "another currency"),
        (BacktestConfig(instruments={"X": Instrument("X", minimum=Decimal(100))}), "a minimum"),
    ],
)
def test_what_only_the_desk_knows_is_refused_by_name(config: BacktestConfig, named: str) -> None:
    grid = Grid({"fast": np.array([2]), "slow": np.array([5])})
    with pytest.raises(ConfigError, match=f"a sweep does not know {named}"):
        kernel.sweep(SmaCross, walk(3), grid, config=config)


@pytest.mark.parametrize("price", [math.nan, 0.0])
@pytest.mark.parametrize("at", [0, 50, 119])
def test_bars_without_a_price_are_left_to_the_desk(at: int, price: float) -> None:
    bars = walk(3)
    close = bars.close.copy()
    close[at] = price
    with pytest.raises(ConfigError, match="a sweep does not know bars without a price"):
        kernel.sweep(Momentum, replace(bars, close=close), Grid.of({"lookback": [5, 9]}), config=BacktestConfig())


def test_a_set_that_does_not_exist_has_no_fills_and_a_negative_number_counts_from_the_end() -> None:
    grid, config, bars = Grid.of({"fast": [2, 3], "slow": [9]}), BacktestConfig(fill=FREE), walk(3)
    for number in (2, -3, 10_000):
        with pytest.raises(IndexError):
            kernel.fills_of(SmaCross, bars, grid, number, config=config)
    last = kernel.fills_of(SmaCross, bars, grid, -1, config=config)
    assert last == kernel.fills_of(SmaCross, bars, grid, 1, config=config) != ()


def test_columns_of_different_lengths_are_no_grid() -> None:
    with pytest.raises(ValidationError, match="differ in length: fast 2, slow 1"):
        Grid({"fast": np.array([2, 3]), "slow": np.array([9])})


def test_a_loop_does_not_write_where_nobody_may() -> None:
    grid, bars = Grid.of({"fast": [2, 3], "slow": [9]}), walk(3)
    out = np.zeros((2, len(bars)), dtype=np.int8)
    out.flags.writeable = False
    with pytest.raises(TypeError, match="out cannot be written"):
        SmaCross.targets(bars, grid)(slice(0, 2), out)
    assert not out.any()


def test_impossible_grids_are_refused_with_their_first_wrong_set() -> None:
    with pytest.raises(ValidationError, match="no set of parameters"):
        Grid.of({"fast": [5], "slow": [3]}, where=lambda fast, slow: fast < slow)
    with pytest.raises(ValidationError, match=r"\{'fast': 5, 'slow': 3\}: fast must be shorter"):
        kernel.sweep(SmaCross, walk(3), Grid.of({"fast": [2, 5], "slow": [3]}), config=BacktestConfig())
    grid = Grid.of({"fast": [2], "slow": [3], "quantity": [1.0, 2.0]})
    with pytest.raises(ValidationError, match="'quantity' cannot be swept"):
        kernel.sweep(SmaCross, walk(3), grid, config=BacktestConfig())


def test_a_strategy_without_targets_and_a_parameter_that_it_has_not_are_named() -> None:
    grid = Grid.of({"window": [5, 6]})
    with pytest.raises(ValidationError, match="Volatility offers no targets"):
        kernel.sweep(Volatility, walk(3), grid, config=BacktestConfig())  # type: ignore[arg-type]
    with pytest.raises(ValidationError, match="SmaCross: there is no 'fsat'"):
        kernel.sweep(SmaCross, walk(3), Grid.of({"fsat": [2], "slow": [5]}), config=BacktestConfig())


def test_two_bars_are_too_few() -> None:
    with pytest.raises(NoBars, match="three bars"):
        kernel.sweep(SmaCross, walk(3, 2), Grid.of({"fast": [2], "slow": [3]}), config=BacktestConfig())


def test_a_missing_compiler_is_named_with_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    native.compiled.cache_clear()
    native._engine.cache_clear()
    monkeypatch.setitem(sys.modules, "llvmlite", None)
    with pytest.raises(Exception, match="llvmlite, which is not installed") as error:
        kernel.sweep(SmaCross, walk(3), Grid.of({"fast": [2], "slow": [3]}), config=BacktestConfig())
    assert "gpt-trader[sweep]" in error.value.hint  # type: ignore[attr-defined]
