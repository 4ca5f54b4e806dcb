"""The report: figures equal to an independent calculation, exact columns, and the same content in every form."""

from __future__ import annotations

import csv
import hashlib
import json
import math
import warnings
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from gpt_trader.core.errors import UsageError
from gpt_trader.core.market import DAY, Dividend, Instrument, Split
from gpt_trader.strategies import sma_cross
from gpt_trader.strategies.buy_and_hold import BuyAndHold
from gpt_trader.strategies.sma_cross import SmaCross
from gpt_trader.trading.config import BacktestConfig
from gpt_trader.trading.costs import Costs, Fee
from gpt_trader.trading.modes import run_backtest
from gpt_trader.trading.seats import StrategySpec
from tests.trading.bars import by_hand, drawn
from tests.trading.scripted import buy, sell, trade

D = Decimal
QUIET = (100, 101, 99, 100)


@pytest.fixture(scope="module")
def report():
    rng = np.random.default_rng(11)
    close = np.round(100 * np.exp(np.cumsum(rng.normal(0.0005, 0.015, 700))), 2)
    rows = [
        (a, max(a, b) * 1.002, min(a, b) * 0.998, b, 1e6) for a, b in zip(np.r_[100, close[:-1]], close, strict=True)
    ]
    spec = StrategySpec("sma", SmaCross, {"fast": 5, "slow": 20, "below": "short"})
    config = BacktestConfig(costs=Costs(Fee(D("0.0005"))), benchmark="X", seed=9, periods=252.0)
    return run_backtest(spec, by_hand(rows), config)


def test_the_figures_are_those_of_another_library(report):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import empyrical

    returns = np.diff(report.equity) / report.equity[:-1]
    figures = report.metrics
    assert figures["sharpe"] == pytest.approx(empyrical.sharpe_ratio(returns), rel=1e-9)
    assert figures["sortino"] == pytest.approx(empyrical.sortino_ratio(returns), rel=1e-9)
    assert figures["max_drawdown"] == pytest.approx(empyrical.max_drawdown(returns), rel=1e-9)
    assert figures["volatility"] == pytest.approx(empyrical.annual_volatility(returns), rel=1e-9)
    assert figures["annual_return"] == pytest.approx(empyrical.annual_return(returns), rel=1e-9)
    assert figures["calmar"] == pytest.approx(empyrical.calmar_ratio(returns), rel=1e-9)
    theirs = np.diff(report.benchmark) / report.benchmark[:-1]
    assert figures["beta"] == pytest.approx(empyrical.beta(returns, theirs), rel=1e-6)
    assert figures["alpha"] == pytest.approx(empyrical.alpha(returns, theirs), rel=1e-6)


def test_the_columns_add_up_to_the_equity_exactly(report):
    position = report.portfolio.positions["sma", "X"]
    assert report.final_equity - report.cash == position.net + position.unrealised(D(str(last_close(report))))
    closed = sum((t.profit for t in report.trades), D(0))
    still_open = position.fees - sum((t.fees for t in report.trades), D(0))
    assert closed == position.net + still_open
    assert report.costs["fees"] == sum((f.fee for f in report.fills), D(0))
    assert len(report.trades) == report.metrics["trades"] > 10


def last_close(report):
    held = report.portfolio.positions["sma", "X"]
    return float((report.final_equity - report.portfolio.cash["USD"]) / held.quantity)


def test_exposure_is_the_share_of_bars_with_a_position():
    bars = by_hand([QUIET] * 10)
    report = trade(bars, {2: buy(10), 6: sell(10)})
    assert report.metrics["exposure"] == pytest.approx(0.4)
    assert report.metrics["turnover"] > 0


def test_figures_of_several_currencies_are_in_the_accounts_money():
    """2 A are bought at 100 and sold at 150; 3 contracts of 5 E, at 1.5 a unit of their money, at 100 and at 90."""
    flat = [QUIET, QUIET, QUIET]
    bars = [by_hand([*flat[:2], (150, 151, 149, 150)], symbol="A"), by_hand([*flat[:2], (90, 91, 89, 90)], symbol="E")]
    instruments = {"A": Instrument("A"), "E": Instrument("E", currency="EUR", multiplier=D(5))}
    script = {0: [buy(2, symbol="A"), buy(3, symbol="E")], 1: [sell(2, symbol="A"), sell(3, symbol="E")]}
    report = trade(bars, script, instruments=instruments, rates={"EUR": D("1.5")}, cash=D(10_000), periods=3.0)
    figures = report.metrics
    assert figures["profit_factor"] == pytest.approx(100 / 225)
    assert figures["expectancy"] == pytest.approx((100 - 225) / 2)
    assert (figures["best_trade"], figures["worst_trade"]) == pytest.approx((0.5, -0.1))
    traded = 2 * 100 + 2 * 150 + 15 * 100 * 1.5 + 15 * 90 * 1.5
    assert figures["turnover"] == pytest.approx(traded / report.equity.mean())
    assert report.final_equity == 10_000 + 100 - 225


def test_trade_figures_by_hand():
    rows = [QUIET, QUIET, (110, 111, 109, 110), (110, 111, 109, 110), (105, 106, 104, 105), QUIET]
    report = trade(by_hand(rows), {0: buy(10), 1: sell(10), 2: buy(10), 3: sell(10)})
    assert [t.profit for t in report.trades] == [D(100), D(-50)]
    figures = report.metrics
    assert figures["win_rate"] == 0.5
    assert figures["profit_factor"] == 2
    assert figures["profit_factor_of_returns"] == pytest.approx(0.1 / (5 / 110))
    assert figures["expectancy"] == 25
    assert figures["best_trade"] == pytest.approx(0.1)
    assert figures["worst_trade"] == pytest.approx(-5 / 110)
    assert figures["equity_peak"] == 1_000_100


def test_a_report_of_nothing_says_so_in_json():
    report = trade(by_hand([QUIET] * 3), {})
    told = report.to_dict()
    assert told["metrics"]["win_rate"] is None
    assert told["metrics"]["total_return"] == 0
    assert told["drawdown"] is None
    json.dumps(told, allow_nan=False)


def test_the_document_names_all_that_made_it(report):
    told = report.to_dict()
    made = told["provenance"]
    assert len(made["data"][0]["hash"]) == 64
    assert made["data"][0]["bars"] == 700
    assert made["data"][0]["origin"] == "synthetic"
    assert made["strategies"][0]["params"]["fast"] == 5
    source = Path(sma_cross.__file__).read_bytes()
    assert made["strategies"][0]["source"] == hashlib.sha256(source).hexdigest()
    assert made["seed"] == 9
    assert set(made["versions"]) == {"python", "gpt-trader", "numpy"}
    assert made["config"]["costs"]["fee"]["percent"] == "0.0005"
    assert told["final_equity"] == str(report.final_equity)
    assert json.loads(json.dumps(told, allow_nan=False)) == told


def test_the_strategies_parameters_hash_and_data_change_with_what_they_name():
    spec = StrategySpec("hold", BuyAndHold)
    one, other = (run_backtest(spec, drawn(50, seed=s)).provenance["data"][0]["hash"] for s in (1, 2))
    assert one != other


def test_every_form_holds_the_same_rows(report, tmp_path):
    import pyarrow.parquet as pq

    written = report.save(str(tmp_path))
    assert set(written) == {"report.json"} | {
        f"{name}.{kind}" for name in ("equity", "trades", "fills", "orders", "refusals") for kind in ("csv", "parquet")
    }
    assert json.loads((tmp_path / "report.json").read_text()) == report.to_dict()
    for name, count in (("equity", 700), ("trades", len(report.trades)), ("fills", len(report.fills))):
        with (tmp_path / f"{name}.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        table = pq.read_table(tmp_path / f"{name}.parquet").to_pylist()
        assert len(rows) == len(table) == count
        assert list(rows[0]) == list(table[0])
        if name == "fills":
            assert D(rows[0]["price"]) == report.fills[0].price
            assert rows[0]["time"].endswith("+00:00")


def test_a_form_that_does_not_exist_is_refused(report, tmp_path):
    with pytest.raises(UsageError, match="xlsx"):
        report.save(str(tmp_path), kinds=("xlsx",))


def test_data_frames_are_made_on_demand(report):
    frame = report.equity_frame()
    assert frame["equity"].tolist() == report.equity.tolist()
    assert str(frame.index.tz) == "UTC"
    assert len(report.trades_frame()) == len(report.trades)
    assert report.fills_frame()["price"].iloc[0] == float(report.fills[0].price)


def test_refusals_are_rows_with_code_and_reason(tmp_path):
    report = trade(by_hand([QUIET] * 3), {0: buy(0.5)})
    report.save(str(tmp_path), kinds=("csv",))
    with (tmp_path / "refusals.csv").open() as file:
        row = next(csv.DictReader(file))
    assert row["code"] == "bad_number"
    assert row["reason"]


def test_drawdowns_and_months_come_with_their_dates():
    rows = [QUIET, (100, 121, 99, 120), (120, 121, 89, 90), (90, 131, 89, 130)]
    report = trade(by_hand(rows), {0: buy(100)}, cash=D(10_000))
    assert [round(d.depth, 6) for d in report.drawdowns] == [-0.25]
    assert report.to_dict()["drawdown"]["trough"].startswith("1970-01-03")
    assert report.monthly()[0]["total"] == pytest.approx(0.3)
    assert math.isclose(report.metrics["max_drawdown_days"], 2.0)


def test_a_benchmark_that_splits_and_pays_is_a_unit_bought_and_kept():
    """By hand: a unit at 100 becomes two at 50 and earns 1 for each, so 102 at the end; the account holds as much."""
    rows = [QUIET, QUIET, (50, 51, 49, 50), (50, 51, 49, 50)]
    events = [Split("X", 2 * DAY, 2), Dividend("X", 3 * DAY, D(1))]
    found = trade(by_hand(rows), {0: buy(10)}, actions=events, benchmark="X")
    assert found.benchmark.tolist() == [100, 100, 100, 102]
    assert found.metrics["benchmark_return"] == pytest.approx(0.02)
    assert found.final_equity == D(1_000_020)


def test_a_benchmark_in_adjusted_prices_splits_no_second_time():
    events = [Split("X", DAY, 2), Dividend("X", 2 * DAY, D(1))]
    found = trade(by_hand([QUIET] * 3, prices="adjusted"), {}, actions=events, benchmark="X")
    assert found.benchmark.tolist() == [100, 100, 101]
