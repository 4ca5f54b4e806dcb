"""Each built-in strategy decides what a plain calculation over the whole series decides."""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np
import pytest

from gpt_trader.core.errors import ValidationError
from gpt_trader.core.market import DAY, MarketData, time_of
from gpt_trader.core.orders import Side, Trade
from gpt_trader.strategies.breakout import Breakout
from gpt_trader.strategies.buy_and_hold import BuyAndHold
from gpt_trader.strategies.mean_reversion import MeanReversion
from gpt_trader.strategies.momentum import Momentum
from gpt_trader.strategies.pairs import Pairs
from gpt_trader.strategies.sma_cross import SmaCross
from gpt_trader.strategies.volatility import Volatility
from gpt_trader.trading.seats import StrategySpec

BUILT_IN = [Breakout, BuyAndHold, MeanReversion, Momentum, Pairs, SmaCross, Volatility]


def series(count=400, seed=3, sigma=0.02):
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, sigma, count)))
    return close, close * (1 + rng.random(count) * 0.01), close * (1 - rng.random(count) * 0.01)


def bar(number, close, high=None, low=None, symbol="X"):
    high, low = close if high is None else high, close if low is None else low
    return MarketData(symbol, time_of(number * DAY), close, 1000.0, close, high, low)


def started(kind, **params):
    strategy = kind()
    strategy.initialize(StrategySpec("s", kind, params).checked_params())
    return strategy


def stances(strategy, closes, highs=None, lows=None):
    """Long (1), flat (0) or short (-1) after each bar, as the signals say."""
    highs, lows = closes if highs is None else highs, closes if lows is None else lows
    now, out = 0, []
    for number, row in enumerate(zip(closes, highs, lows, strict=True)):
        signal = strategy.on_market_data(bar(number, *map(float, row)))
        if signal is not None:
            assert signal.target
            now = 0 if signal.quantity == 0 else 1 if signal.side is Side.BUY else -1
        out.append(now)
    return out


@pytest.mark.parametrize("kind", BUILT_IN)
def test_each_has_checked_parameters_with_defaults(kind):
    params = StrategySpec("s", kind).checked_params()
    started(kind)
    assert params["quantity"] is None
    with pytest.raises(ValidationError, match=r"quantity must be greater than 0"):
        StrategySpec("s", kind, {"quantity": -1.0}).checked_params()
    with pytest.raises(ValidationError, match="windoww"):
        StrategySpec("s", kind, {"windoww": 3}).checked_params()


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        (SmaCross, {"fast": 30, "slow": 10}),
        (MeanReversion, {"entry": 1.0, "exit": 1.0}),
        (Pairs, {"entry": 1.0, "exit": 2.0}),
        (Pairs, {"first": "A"}),
        (Momentum, {"lookback": 0}),
        (Momentum, {"threshold": math.nan}),
        (Breakout, {"entry": "20"}),
    ],
)
def test_parameters_that_make_no_sense_are_refused(kind, params):
    with pytest.raises(ValidationError):
        StrategySpec("s", kind, params).checked_params()


@pytest.mark.parametrize("below", ["flat", "short"])
def test_sma_cross_is_long_while_the_fast_mean_is_above(below):
    close, _, _ = series()
    fast = np.convolve(close, np.ones(5) / 5, "valid")[15:]
    slow = np.convolve(close, np.ones(20) / 20, "valid")
    expected = [0] * 19 + [1 if f > s else (0 if below == "flat" else -1) for f, s in zip(fast, slow, strict=True)]
    assert stances(started(SmaCross, fast=5, slow=20, below=below), close) == expected


def test_sma_cross_can_wait_for_the_first_cross():
    close, _, _ = series()
    waiting = stances(started(SmaCross, fast=5, slow=20, wait_for_cross=True), close)
    at_once = stances(started(SmaCross, fast=5, slow=20), close)
    first = next(i for i in range(20, 400) if at_once[i] != at_once[19])
    assert not any(waiting[:first])
    assert waiting[first:] == at_once[first:]


@pytest.mark.parametrize("below", ["flat", "short"])
def test_momentum_follows_the_sign_of_the_move(below):
    close, _, _ = series()
    expected, now = [0] * 20, 0
    for i in range(20, 400):
        move = close[i] / close[i - 20] - 1
        now = 1 if move > 0.03 else (0 if below == "flat" else -1) if move < -0.03 else now
        expected.append(now)
    assert stances(started(Momentum, lookback=20, threshold=0.03, below=below), close) == expected
    assert len(set(expected)) > 1


@pytest.mark.parametrize("short", [False, True])
def test_mean_reversion_enters_far_away_and_leaves_near(short):
    close, _, _ = series()
    expected, now = [0] * 19, 0
    for i in range(19, 400):
        window = close[i - 19 : i + 1]
        z = (window[-1] - window.mean()) / window.std(ddof=1)
        if z <= -1.5:
            now = 1
        elif z >= 1.5:
            now = -1 if short else 0
        elif (now > 0 and z >= -0.5) or (now < 0 and z <= 0.5):
            now = 0
        expected.append(now)
    assert stances(started(MeanReversion, entry=1.5, short=short), close) == expected
    assert 1 in expected
    assert (-1 in expected) is short


@pytest.mark.parametrize("short", [False, True])
def test_breakout_enters_at_new_extremes_and_leaves_at_the_opposite_ones(short):
    close, high, low = series()
    expected, now = [0] * 20, 0
    for i in range(20, 400):
        if close[i] > high[i - 20 : i].max():
            now = 1
        elif close[i] < low[i - 20 : i].min() and short:
            now = -1
        elif (now > 0 and close[i] < low[i - 10 : i].min()) or (now < 0 and close[i] > high[i - 10 : i].max()):
            now = 0
        expected.append(now)
    assert stances(started(Breakout, short=short), close, high, low) == expected
    assert 1 in expected
    assert (-1 in expected) is short


def test_volatility_enters_with_a_leap_and_brings_a_stop_of_the_same_measure():
    close, high, low = series()
    close[200], high[200] = close[199] * 1.2, close[199] * 1.2
    before = np.concatenate(([math.nan], close[:-1]))
    reach = np.maximum(high, before) - np.minimum(low, before)
    average = reach[1:15].mean()
    for i in range(15, 201):
        average += (reach[i] - average) / 14
    strategy, signals = started(Volatility, multiple=4.0), {}
    for i in range(201):
        signals[i] = strategy.on_market_data(bar(i, float(close[i]), float(high[i]), float(low[i])))
    assert [i for i, signal in signals.items() if signal] == [200]
    assert signals[200].side is Side.BUY
    assert signals[200].terms.trailing_loss == pytest.approx(3 * average)


def test_volatility_knows_from_its_trades_what_it_holds():
    strategy = started(Volatility, window=2, multiple=0.5)
    rows = [(100, 101, 99), (100, 101, 99), (100, 101, 99), (110, 111, 100), (120, 121, 110), (100, 120, 99)]
    signals = [strategy.on_market_data(bar(i, *row)) for i, row in enumerate(rows[:4])]
    assert signals[3].side is Side.BUY
    strategy.on_trade_executed(
        Trade("X", Side.BUY, Decimal(5), Decimal(110), time_of(4 * DAY), Decimal(0), Decimal(5), "1")
    )
    assert strategy.on_market_data(bar(4, *rows[4])) is None
    out = strategy.on_market_data(bar(5, *rows[5]))
    assert (out.side, out.quantity) == (Side.SELL, 0)


def test_buy_and_hold_buys_once():
    close, _, _ = series(50)
    strategy = started(BuyAndHold, quantity=3.0)
    signals = [strategy.on_market_data(bar(i, float(price))) for i, price in enumerate(close)]
    assert signals[0].side is Side.BUY
    assert signals[0].quantity == 3
    assert not any(signals[1:])


def test_pairs_buys_the_cheap_one_and_sells_the_dear_one():
    rng = np.random.default_rng(1)
    second = 50 * np.exp(np.cumsum(rng.normal(0, 0.01, 300)))
    ratio = np.exp(rng.normal(0, 0.02, 300))
    first = 2 * second * ratio
    strategy, now, got = started(Pairs, window=30, entry=1.5), 0, []
    for i in range(300):
        assert strategy.on_market_data(bar(i, float(first[i]), symbol="A")) is None
        signals = strategy.on_market_data(bar(i, float(second[i]), symbol="B"))
        if signals:
            assert [s.symbol for s in signals] == ["A", "B"]
            stance = [0 if s.quantity == 0 else 1 if s.side is Side.BUY else -1 for s in signals]
            assert stance[0] == -stance[1]
            now = stance[0]
        got.append(now)
    expected, now = [0] * 29, 0
    for i in range(29, 300):
        window = np.log(first[i - 29 : i + 1] / second[i - 29 : i + 1])
        z = (window[-1] - window.mean()) / window.std(ddof=1)
        if abs(z) >= 1.5:
            now = -1 if z > 0 else 1
        elif (now > 0 and z >= -0.5) or (now < 0 and z <= 0.5):
            now = 0
        expected.append(now)
    assert got == expected
    assert {-1, 0, 1} <= set(got)


def test_pairs_takes_no_notice_of_a_moment_that_it_sees_by_half():
    strategy = started(Pairs, first="A", second="B", window=3)
    for i in range(10):
        assert strategy.on_market_data(bar(i, 100.0, symbol="A")) is None
    assert not strategy.ratios
