"""Paper trading: the same result as a backtest under the same limits, at the speed that was asked for."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pandas as pd
import pytest

from gpt_trader.adapters.feeds.replay import Replay
from gpt_trader.app.words import limits_of_words
from gpt_trader.core.errors import ConfigError, Interrupted, NotAuthorised, NotFound, RunCancelled, ValidationError
from gpt_trader.core.frames import frame_of
from gpt_trader.slices.backtest.params import BacktestParams
from gpt_trader.slices.backtest.slice import Backtest
from gpt_trader.slices.paper_trade.params import ReplayParams
from gpt_trader.slices.paper_trade.slice import PaperTrade
from gpt_trader.trading.clocks import BarClock
from gpt_trader.trading.sleeves import sizing_of
from tests.slices.market import bars_from, walk

SIZES = {"AAA": {"rule": "risk:0.008,cash:0.475", "atr_bars": 14, "stop_atrs": 2.0}}
DAY = 86_400.0


@pytest.fixture
def paper(ctx):
    return replace(ctx, mode="paper", clock=BarClock())


@pytest.fixture
def play(strategies, paper):
    slice_ = PaperTrade(strategies, Replay, limits_of_words)

    def made(*bars, ctx=paper, **more):
        return slice_.replay(ReplayParams(bars=frame_of(bars), **{"strategy": "sma_cross", **more}), ctx)

    return made


def test_it_is_what_a_backtest_under_the_same_limits_gives(play, strategies, ctx):
    bars = [walk(500, seed=1, drift=0.001), walk(500, seed=2, symbol="BBB", drift=0.001)]
    sizes = SIZES | {"BBB": SIZES["AAA"]}
    paper = play(*bars, sizes=sizes)
    params = BacktestParams(bars=frame_of(bars), strategy="sma_cross", sizes=sizes, limits="standard")
    tested = Backtest(strategies).execute(params, ctx)
    assert len(paper.trades) > 10
    assert paper.equity.equals(tested.equity)
    assert paper.trades.equals(tested.trades)
    assert (paper.metrics, paper.refusals, paper.details) == (tested.metrics, tested.refusals, tested.details)


@pytest.mark.parametrize(("speed", "lasts"), [(0.0, 0.0), (DAY, 39.0), (10 * DAY, 3.9)])
def test_the_data_takes_the_time_that_its_speed_gives_it_and_nothing_else_changes(play, paper, speed, lasts):
    bars = walk(40, seed=3)
    got = play(bars, speed=speed)
    assert paper.clock.monotonic() == pytest.approx(lasts, abs=1e-3)
    assert got.equity.equals(play(bars).equity)


def test_nights_and_weekends_last_one_bar(play, paper):
    bars = walk(8, seed=3)
    week = replace(bars, ts=bars.ts + (bars.ts >= bars.ts[4]) * 6 * 86_400 * 10**9)
    play(week, speed=DAY)
    assert paper.clock.monotonic() == pytest.approx(7.0, abs=1e-3)


def test_it_is_said_that_it_is_a_replay(play):
    got = play(walk(60, seed=3), speed=2 * DAY)
    assert got.period["words"] == (
        "2000-01-01 to 2000-02-29, on paper: a replay of recorded data, at 172,800 times its own speed; "
        "no order left this machine"
    )
    assert got.replay["recorded"] is True
    assert "as fast as it goes" in play(walk(60, seed=3)).replay["words"]


def test_a_slow_replay_is_ended_while_it_waits(play, paper):
    looks = []

    def check() -> None:
        looks.append(paper.clock.monotonic())
        if looks[-1] > 100.0:
            raise RunCancelled

    with pytest.raises(RunCancelled):
        play(walk(40, seed=3), ctx=replace(paper, check=check), speed=1.0)
    assert looks[-1] < 101.0  # within the first day, though the next bar was far away


def test_a_slow_replay_stops_when_it_is_asked_to_and_a_quick_one_is_done_anyway(play, paper):
    asked = replace(paper, stopping=lambda: paper.clock.monotonic() > 3.0)
    with pytest.raises(Interrupted, match="after 4 of 40 bars"):
        play(walk(40, seed=3), ctx=asked, speed=DAY)
    assert len(play(walk(40, seed=3), ctx=asked).equity) == 40


def test_progress_tells_the_day_and_the_equity(play, paper):
    told = []
    play(walk(5, seed=1), ctx=replace(paper, progress=lambda *words: told.append(words)), speed=DAY)
    assert told[0] == (1, 5, "2000-01-01 00:00, equity 100,000.00, bar")
    assert [done for done, *_ in told] == [1, 2, 3, 4, 5]


def test_without_sizes_no_position_risks_more_than_the_limit_and_none_is_larger_than_its_share(play):
    bars = walk(600, seed=1, drift=0.001, spread=0.02), walk(600, seed=2, symbol="BBB")
    got = play(*bars, limits={"consecutive_losses": "off"})
    assert len(got.trades) > 5
    assert {r["code"] for r in got.refusals} <= {"risk_per_position", "correlation_cluster"}
    worst = got.trades["profit"].min() / 100_000
    assert worst > -0.015  # a stop costs 1 % and what a gap adds
    values = got.trades["quantity"] * got.trades["entry_price"]
    assert values.max() < 0.475 * got.equity["equity"].max() * 1.02


def test_strategies_that_trade_all_symbols_together_are_sized_without_stops(play, strategies):
    from gpt_trader.strategies.pairs import Pairs

    strategies.add("pairs", lambda: Pairs)
    got = play(
        walk(200, seed=1), walk(200, seed=2, symbol="BBB"), strategy="pairs", params={"window": 10},
        limits={"shorting": "off"},
    )  # fmt: skip
    assert len(got.trades) > 0
    assert got.equity["exposure"].max() < 0.05  # without a stop all of a position counts as risk


def test_limits_cannot_be_left_out(play, tmp_path):
    bars = walk(60, seed=1)
    with pytest.raises(ConfigError, match="paper trading always has limits"):
        play(bars, limits="none")
    with pytest.raises(NotFound, match="no limits 'standart'") as caught:
        play(bars, limits="standart")
    assert "standard" in str(caught.value.hint)
    own = tmp_path / "limits.yaml"
    own.write_text("max_quantity: 1\n")
    assert {r["code"] for r in play(walk(300, seed=1), limits=str(own)).refusals} == {"max_quantity"}
    own.write_text("max_quantity: -1\n")
    with pytest.raises(ConfigError):
        play(bars, limits=str(own))
    from gpt_trader.trading.limits import PRE_TRADE, WATCHES

    for table in (PRE_TRADE, WATCHES):
        with pytest.raises(ConfigError, match="switched off"):
            play(bars, limits=dict.fromkeys(table, "off"))


def test_a_session_that_loses_too_much_is_flattened(play):
    limits = {"trailing_drawdown": 0.02, "risk_per_position": "off", "volume_share": "off"}
    falls = bars_from([100.0, 100.0, 100.0, 97.0, 96.0, 95.0])
    got = play(falls, strategy="buy_and_hold", limits=limits, sizes={"AAA": {"rule": "cash:0.9"}})
    assert [a["code"] for a in got.details["alerts"]] == ["trailing_drawdown"]
    assert [t["exit_price"] for t in got.trades.to_dict("records")] == [
        96.95
    ]  # the next open, less slippage, in whole cents
    assert got.positions == []


def test_it_does_not_pretend_to_trade_live(play, paper):
    with pytest.raises(NotAuthorised, match="does not trade live"):
        play(walk(60, seed=1), ctx=replace(paper, mode="live"))


def test_the_outputs_survive_the_journal(play, resumed):
    got = play(walk(300, seed=1))
    back = resumed(got)
    for name, value in got.__dict__.items():
        same = value.equals(back[name]) if isinstance(value, pd.DataFrame) else value == back[name]
        assert same, name


def test_wrong_speeds_are_refused():
    from gpt_trader.core.slices import Slice

    assert issubclass(PaperTrade, Slice)
    for speed in (-1.0, float("inf"), float("nan")):
        with pytest.raises(ValidationError):
            PaperTrade.methods["replay"].check({"bars": None, "speed": speed})


def test_the_least_of_several_rules_counts():
    least = sizing_of("units:10,units:3, units:7", Decimal(100), "s")
    assert least.quantity(None, None, 1.0, None) == 3  # type: ignore[arg-type]
    with pytest.raises(ConfigError):
        sizing_of("units:10,all", Decimal(100), "s")
