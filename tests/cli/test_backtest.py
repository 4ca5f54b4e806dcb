"""`gpt-trader backtest`: what is printed, saved and refused."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from gpt_trader.adapters.feeds.sample import SampleSource
from gpt_trader.cli import render
from gpt_trader.cli.progress import Bar
from gpt_trader.trading.limits import PRE_TRADE, WATCHES
from tests.cli.test_import_budget import SCRIPT

pytestmark = pytest.mark.usefixtures("project")

FAILING = """
import gpt_trader

class Failing(gpt_trader.TradingStrategyPlugin):
    def on_market_data(self, market_data):
        raise ValueError("no luck")
"""


BRACKET = """
import gpt_trader

class Bracket(gpt_trader.TradingStrategyPlugin):
    def on_market_data(self, market_data):
        if self.__dict__.setdefault("done", False):
            return None
        self.done = True
        terms = gpt_trader.Terms(stop_loss=95, take_profit=105)
        return gpt_trader.TradeSignal(market_data.symbol, "buy", 10, market_data.price, terms=terms)
"""


@pytest.fixture(scope="module")
def goog():
    return SampleSource().load("GOOG").bars


def test_symbols_alone_are_enough_and_the_summary_holds_what_a_trader_asks_for(call, goog):
    found = call("backtest", "--symbols", "GOOG")
    assert (found.code, found.err) == (0, "")
    first, second, *rest = found.out.splitlines()
    assert first == "sma_cross on GOOG  1d, 2004-08-19 to 2013-03-01, 2,148 bars"
    assert second == "fast=10, slow=30, below=flat, wait_for_cross=False"
    labels = [line[2:19].strip() for line in rest if line]
    assert labels == [
        "final equity", "return", "buy and hold", "Sharpe", "max drawdown", "exposure", "trades", "best and worst",
        "fees", "open at the end", "fills", "limits", "data", "seed",
    ]  # fmt: skip
    assert f"{(goog.close[-1] / goog.close[0] - 1) * 100:+,.2f} %" in found.out
    assert goog.content_hash[:12] in found.out


def test_json_is_one_versioned_document_with_the_provenance(call, goog):
    told = call("backtest", "--symbols", "GOOG", "--json", "--seed", "7").json
    assert (told["version"], told["strategy"], told["params"]["fast"]) == (1, "sma_cross", 10)
    assert told["buy_and_hold"]["return"] == pytest.approx(goog.close[-1] / goog.close[0] - 1)
    assert told["provenance"]["data"][0]["hash"] == goog.content_hash
    assert told["provenance"]["seed"] == 7
    assert float(told["final_equity"]) == pytest.approx(100_000 * (1 + told["metrics"]["total_return"]))


def test_options_reach_the_config_by_its_own_names(call):
    told = call(
        "backtest", "--symbols", "GOOG", "--json", "--cash", "5000.5", "--fee", "percent=0.1%,minimum=1",
        "--slippage", "fixed:0.01", "--spread", "0.02%", "--fill", "same_close", "--volume-share", "off",
        "--cost-basis", "fifo", "--leverage", "2", "--sizing", "units:3", "--close-at-end",
    ).json  # fmt: skip
    config = told["provenance"]["config"]
    assert config["cash"] == "5000.5"
    assert config["costs"]["fee"] | {"percent": "0.001", "minimum": "1"} == config["costs"]["fee"]
    assert config["costs"]["slippage"] == {"kind": "fixed", "amount": "0.01"}
    assert (config["costs"]["spread"], config["costing"], config["leverage"]) == ("0.0002", "fifo", "2")
    assert (config["close_at_end"], told["positions"]) == ("close", [])
    assert len(told["optimistic"]) == 2
    assert set(told["metrics"]) >= {"alpha", "beta", "benchmark_return"}


def test_what_is_optimistic_is_named(call):
    assert (
        "decisions fill at the close they were made on"
        in call("backtest", "--symbols", "GOOG", "--fill", "same_close").out
    )


def test_several_values_in_a_row_commas_and_repeats_mean_the_same(call):
    ways = (("AAPL", "IBM"), ("AAPL,IBM",), ("AAPL", "--symbols", "IBM"))
    told = [call("backtest", "--symbols", *way, "--json", "--from", "2010-01-01").json for way in ways]
    assert told[0] == told[1] == told[2]
    assert told[0]["symbols"] == ["AAPL", "IBM"]
    one = [call("backtest", "--symbols", s, "--json", "--from", "2010-01-01").json for s in ("AAPL", "IBM")]
    mean = np.mean([t["buy_and_hold"]["return"] for t in one])
    assert told[0]["buy_and_hold"]["return"] == pytest.approx(mean)


def test_params_are_read_as_the_strategy_wants_them(call):
    told = call(
        "backtest", "--strategy", "momentum", "--symbols", "GOOG", "--json", "--param", "lookback=60", "threshold=0",
        "--param", "below=short", "--param", "quantity=none",
    ).json  # fmt: skip
    assert told["params"] == {"quantity": None, "lookback": 60, "threshold": 0.0, "below": "short"}


def test_run_with_a_strategy_is_the_same_command(call):
    words = ("--strategy", "momentum", "--symbols", "AAPL", "MSFT", "--json")
    assert call("run", "--mode", "backtest", *words).json == call("backtest", *words).json
    assert call("run", *words, "--dry-run").code == 2


def test_splits_that_are_known_do_not_look_like_losses(call):
    """In restated prices, or in raw ones with the split in the ledger: what was held doubles its worth either way."""
    span = ("--symbols", "AAPL", "--from", "2005-01-03", "--to", "2005-12-30", "--strategy", "buy_and_hold")
    ways = [call("backtest", *span, "--json", "--adjust", way) for way in ("splits", "none")]
    for found, prices in zip(ways, ("adjusted", "raw"), strict=True):
        assert (found.code, found.err) == (0, "")
        assert found.json["provenance"]["data"][0]["prices"] == prices
        assert found.json["metrics"]["total_return"] > 1.0
        assert found.json["buy_and_hold"]["return"] == pytest.approx(2 * 71.89 / 63.29 - 1, abs=0.005)
    assert float(ways[0].json["final_equity"]) == float(ways[1].json["final_equity"])


def test_a_jump_like_that_of_a_split_nobody_named_is_warned_of(call, project):
    rows = [
        f"2024-{1 + day // 28:02}-{1 + day % 28:02},{10 if day < 40 else 5},{11},{4},{10 if day < 40 else 5}"
        for day in range(80)
    ]
    (project / "ACME.csv").write_text("\n".join(["date,open,high,low,close", *rows]))
    found = call("backtest", "--data", "ACME.csv", "--strategy", "buy_and_hold")
    assert "opened at 0.500 times the close before on 2024-02-13, as after a split" in found.err


def test_weeks_are_made_of_days(call, goog):
    told = call("backtest", "--symbols", "GOOG", "--timeframe", "1w", "--json").json
    days = goog.ts.astype("datetime64[ns]").astype("datetime64[D]").astype(np.int64)
    assert (told["timeframe"], told["bars"]) == ("1w", len(np.unique((days + 3) // 7)))


def test_synthetic_data_says_so_and_is_the_same_for_the_same_seed(call):
    one, two, other = (
        call("backtest", "--data", data, "--symbols", "ACME", "--json").json
        for data in ("synthetic:3", "synthetic:3", "synthetic:4")
    )
    assert one == two
    assert one["provenance"]["data"][0]["hash"] != other["provenance"]["data"][0]["hash"]
    assert "synthetic: random walk, seed 3" in call("backtest", "--data", "synthetic:3", "--symbols", "ACME").out


@pytest.mark.parametrize("kind", ["csv", "parquet", "folder"])
def test_own_files_need_no_symbol_where_they_hold_one(call, project, goog, kind):
    pandas = pytest.importorskip("pandas")
    columns = {"date": goog.ts.astype("datetime64[ns]").astype("datetime64[D]").astype(str)}
    frame = pandas.DataFrame(columns | {n: getattr(goog, n) for n in ("open", "high", "low", "close", "volume")})
    name = {"csv": "GOOG.csv", "parquet": "GOOG.parquet", "folder": "prices"}[kind]
    (project / "prices").mkdir()
    if kind == "parquet":
        frame.to_parquet(project / name)
    else:
        frame.to_csv(project / ("prices/GOOG.csv" if kind == "folder" else name), index=False)
    told = call("backtest", "--data", name, "--json").json
    assert told["final_equity"] == call("backtest", "--symbols", "GOOG", "--json").json["final_equity"]


def test_rows_that_were_kept_out_are_warned_of(call, project):
    days = "\n".join(f"2024-01-{day:02},10,11,9,{10 + day % 3}" for day in range(1, 29))
    (project / "ACME.csv").write_text(f"date,open,high,low,close\n{days}\n2024-02-01,10,9,11,10\n")
    found = call("backtest", "--data", "ACME.csv", "--param", "fast=2", "slow=3")
    assert found.code == 0
    assert "warning: ACME: " in found.err


def test_a_strategy_of_a_file_runs_and_one_that_fails_is_told_and_ends_with_1(call, project):
    (project / "failing.py").write_text(FAILING)
    found = call("backtest", "--strategy", "failing.py", "--symbols", "GOOG")
    assert found.code == 1
    assert "failing was stopped: ValueError: no luck" in found.err
    assert "final equity" in found.out


def test_a_bar_that_could_have_gone_two_ways_is_counted_and_both_results_are_printed(call, project):
    """Ten bought at 100; the third day reaches 95 and 105: 50 lost if the stop came first, 50 gained if the target."""
    days = ["100,101,99,100", "100,101,99,100", "100,106,94,100", "100,101,99,100"]
    rows = [f"2024-01-0{number},{day}" for number, day in enumerate(days, start=2)]
    (project / "ACME.csv").write_text("\n".join(["date,open,high,low,close", *rows]))
    (project / "bracket.py").write_text(BRACKET)
    words = ("backtest", "--strategy", "bracket.py", "--data", "ACME.csv", "--cash", "10000")
    found = call(*words)
    assert found.code == 0
    assert "final equity     9,950.00 USD" in found.out
    assert "1 could have gone two ways: the favourable way ends with 10,050.00 USD" in found.out
    told = call(*words, "--json").json
    assert told["ambiguous_bars"] == 1
    assert float(told["other_order_of_events"]["final_equity"]) == 10_050


def test_a_strategy_that_never_speaks_is_remarked_upon(call):
    found = call("backtest", "--symbols", "GOOG", "--to", "2004-08-25")
    assert found.code == 0
    assert "the strategy gave no signal" in found.err


def test_the_summary_says_which_strategy_was_stopped_when_and_why(call, project):
    off = "\n".join(f"{code}: off" for code in {**PRE_TRADE, **WATCHES})
    (project / "limits.yaml").write_text(f"{off}\nstrategies: {{sma_cross: {{trailing_drawdown: 0.05}}}}\n")
    found = call("backtest", "--symbols", "GOOG", "--limits", "limits.yaml")
    (line,) = [line for line in found.out.splitlines() if line.strip().startswith("stopped")]
    told = call("backtest", "--symbols", "GOOG", "--limits", "limits.yaml", "--json").json
    (alert,) = told["alerts"]
    assert (alert["strategy"], alert["code"], alert["act"]) == ("sma_cross", "trailing_drawdown", "flatten")
    assert line.split(maxsplit=2)[1:] == [alert["at"][:10], f"trailing_drawdown: {alert['message']}"]
    assert alert["message"].startswith("sma_cross: 5.00% below ")


def test_limits_of_a_strategy_that_does_not_trade_are_an_error(call, project):
    (project / "limits.yaml").write_text("strategies: {sma_cros: {session_loss: 0.05}}\n")
    found = call("backtest", "--symbols", "GOOG", "--limits", "limits.yaml")
    assert found.code == 3
    assert "'sma_cros', which is no strategy here" in found.err
    assert "did you mean 'sma_cross'?" in found.err


def test_own_limits_are_named_and_refusals_counted_by_their_codes(call, project):
    (project / "limits.yaml").write_text("trades_per_session: 1\nmaximum_notional: 10\n")
    found = call("backtest", "--symbols", "GOOG", "--limits", "limits.yaml")
    assert found.code == 3
    assert "there is no limit called" in found.err
    found = call("backtest", "--symbols", "GOOG", "--limits", "standard")
    assert found.code == 0
    assert "limits           standard" in found.out
    assert "refusals         " in found.out


def test_where_every_order_is_refused_the_control_and_the_cure_are_named(call):
    words = ("backtest", "--strategy", "momentum", "--symbols", "AAPL", "--limits", "standard")
    found = call(*words)
    assert "every order was refused, 163 of 163 by risk_per_position" in found.err
    assert "--sizing risk:0.01" in found.err
    cured = call(*words, "--sizing", "risk:0.01")
    assert "refused" not in cured.err
    assert "trades           144" in cured.out
    assert "refusals         19 consecutive_losses" in cured.out


@pytest.mark.parametrize(
    ("words", "code", "said", "cure"),
    [
        ((), 2, "no symbol is named", "--symbols AAPL"),
        (("--symbols", "APPL"), 2, "APPL", "did you mean 'AAPL'?"),
        (("--symbols", "GOOG,GOOG"), 2, "GOOG is named twice", ""),
        (("--symbols", "GOOG", "--strategy", "momentun"), 2, "no strategy", "did you mean 'momentum'?"),
        (("--symbols", "GOOG", "--strategy", "none.py"), 2, "there is no file none.py", "strategies list"),
        (("--symbols", "GOOG", "--from", "2030-01-01"), 3, "no bars of GOOG", "from 2004-08-19 to 2013-03-01"),
        (("--symbols", "GOOG", "--from", "2012-01-03", "--to", "2012-01-03"), 3, "one bar", "widen the range"),
        (("--symbols", "GOOG", "--from", "2013-01-01", "--to", "2012-01-01"), 2, "is empty", "before the end"),
        (("--symbols", "GOOG", "--from", "soon"), 2, "neither a date nor a time", "2024-01-31"),
        (("--symbols", "GOOG", "--timeframe", "1h"), 2, "of 1d", "multiple of 1d"),
        (("--symbols", "GOOG", "--timeframe", "day"), 3, "not a timeframe", "1d"),
        (("--symbols", "GOOG", "--param", "fats=3"), 2, "no param 'fats'", "did you mean 'fast'?"),
        (("--symbols", "GOOG", "--param"), 2, "--param takes a value", "several may follow"),
        (("--symbols", "GOOG", "--param", "fast"), 2, "NAME=VALUE", "--param fast=5"),
        (("--symbols", "GOOG", "--param", "fast=1", "fast=2"), 2, "given twice", ""),
        (("--symbols", "GOOG", "--param", "fast=x"), 3, "fast", "it takes fast"),
        (("--symbols", "GOOG", "--param", "fast=40"), 3, "sma_cross: fast must be shorter than slow", ""),
        (("--symbols", "GOOG", "--param", "quantity=NaN"), 3, "quantity", ""),
        (("--symbols", "GOOG", "--cash", "nan"), 2, "--cash must be a number", ""),
        (("--symbols", "GOOG", "--cash", "-5"), 3, "cash must be", ""),
        (("--symbols", "GOOG", "--cash", "1e400"), 3, "cash must be", ""),
        (("--symbols", "GOOG", "--volume-share", "2"), 3, "above 0 and at most 1", "--volume-share off"),
        (("--symbols", "A", "--data", "synthetic", "--data-option", "bars=x"), 2, "bars must be a valid", "takes seed"),
        (("--symbols", "GOOG", "--leverage", "0"), 3, "leverage must be an exact number above 0", "twice as much"),
        (("--symbols", "A", "--data", "synthetic", "--data-option", "bars=99999"), 2, "99,999 bars of 1d", "at most"),
        (("--symbols", "GOOG", "--fee", "cheap"), 2, "--fee must be a number", ""),
        (("--symbols", "GOOG", "--fee", "minimun=1"), 2, "no part 'minimun'", "did you mean 'minimum'?"),
        (("--symbols", "GOOG", "--slippage", "fixd:1"), 2, "no slippage 'fixd'", "did you mean 'fixed'?"),
        (("--symbols", "GOOG", "--sizing", "all"), 3, "not a way of sizing", "cash"),
        (("--symbols", "GOOG", "--fill", "now"), 2, "--fill cannot be 'now'", "next_open, same_close"),
        (("--symbols", "GOOG", "--limits", "standart"), 2, "no limits 'standart'", "did you mean 'standard'?"),
        (("--symbols", "GOOG", "--benchmark", "IBM"), 2, "IBM", "GOOG"),
        (("--symbols", "GOOG", "--data", "smaple"), 2, "no data 'smaple'", "did you mean 'sample'?"),
        (("--symbols", "GOOG", "--data", "no.csv"), 2, "there is no file no.csv", "path of a file"),
        (("--symbols", "GOOG", "--data", "synthetic:x"), 2, "whole number", "synthetic:7"),
        (("--symbols", "A", "--data", "synthetic", "--data-option", "bras=5"), 2, "bras", "did you mean 'bars'?"),
        (("--simbols", "GOOG"), 2, "no option '--simbols'", "did you mean '--symbols'?"),
        (("GOOG",), 2, "GOOG", "--help"),
    ],
)  # fmt: skip
def test_bad_input_ends_with_its_code_and_a_cure_and_writes_nothing(call, project, words, code, said, cure):
    before = sorted(project.iterdir())
    found = call("backtest", *words, "--out", "results")
    assert (found.code, found.out) == (code, "")
    assert said in found.err
    assert cure in found.err
    assert "Traceback" not in found.err
    assert sorted(project.iterdir()) == before


@pytest.mark.parametrize("text", ["just words\n", "- 1\n- 2\n"])
def test_a_file_without_limits_is_told(call, project, text):
    (project / "limits.yaml").write_text(text)
    found = call("backtest", "--symbols", "GOOG", "--limits", "limits.yaml")
    assert found.code == 3
    assert "limits.yaml holds no table of limits" in found.err
    assert "trades_per_session: 20" in found.err


@pytest.mark.parametrize("value", [".nan", ".inf", "-1", '"3%"', "", "[1, 2"])
def test_limits_that_are_no_limits_are_refused(call, project, value):
    (project / "limits.yaml").write_text(f"trades_per_session: {value}\n")
    found = call("backtest", "--symbols", "GOOG", "--limits", "limits.yaml")
    assert (found.code, found.out) == (3, "")
    assert "error: " in found.err


# --- results in a folder ----------------------------------------------------------------------------------------------


def test_a_folder_of_results_holds_the_document_and_every_table_twice(call, project):
    found = call("backtest", "--symbols", "GOOG", "--out", "deep/results", "--json")
    names = {
        f"{name}.{kind}" for name in ("equity", "trades", "fills", "orders", "refusals") for kind in ("csv", "parquet")
    }
    folder = project / "deep/results"
    assert {file.name for file in folder.iterdir()} == names | {"report.json"}
    assert json.loads((folder / "report.json").read_text()) == found.json
    assert len((folder / "equity.csv").read_text().splitlines()) == 1 + 2148
    assert [file.name for file in (project / "deep").iterdir()] == ["results"]
    assert "saved in deep/results" in found.err


def test_an_earlier_result_is_replaced_and_anything_else_is_kept(call, project):
    call("backtest", "--symbols", "GOOG", "--out", "results")
    before = (project / "results/report.json").read_text()
    assert call("backtest", "--symbols", "IBM", "--out", "results").code == 0
    assert (project / "results/report.json").read_text() != before
    (project / "results/notes.txt").write_text("mine")
    refused = call("backtest", "--symbols", "GOOG", "--out", "results")
    assert (refused.code, refused.out) == (2, "")
    assert "holds other things, such as notes.txt" in refused.err
    (project / "taken").write_text("a file")
    assert call("backtest", "--symbols", "GOOG", "--out", "taken").code == 2


@pytest.mark.parametrize("broken", ["equity", "refusals"])
def test_what_fails_while_it_is_written_leaves_the_old_result_whole(call, project, monkeypatch, broken):
    from gpt_trader.trading import tables

    call("backtest", "--symbols", "GOOG", "--out", "results")
    before = {file.name: file.read_bytes() for file in (project / "results").iterdir()}
    real = tables.write

    def fails(report, name, place, kind):
        if name == broken:
            raise OSError(28, "No space left on device")
        return real(report, name, place, kind)

    monkeypatch.setattr(tables, "write", fails)
    found = call("backtest", "--symbols", "IBM", "--out", "results")
    assert (found.code, found.out) == (1, "")
    assert "No space left on device" in found.err
    assert {file.name: file.read_bytes() for file in (project / "results").iterdir()} == before
    assert [f.name for f in project.iterdir() if f.name.startswith(".results")] == []


# --- progress and imports ---------------------------------------------------------------------------------------------


class Terminal:
    """A stream that says it is a terminal."""

    closed = False

    def __init__(self):
        self.text = ""

    def write(self, text):
        self.text += text

    def flush(self):
        pass

    def isatty(self):
        return True


def test_a_bar_is_drawn_on_a_terminal_after_a_while_and_is_gone_at_the_end(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(render.screen, "err", terminal)
    monkeypatch.setattr(render.screen, "quiet", False)
    now = iter([0.0, 0.1, 1.0, 1.05, 2.0])
    monkeypatch.setattr("gpt_trader.trading.clocks.WallClock.monotonic", lambda self: next(now))
    with Bar(100, "bars") as bar:
        for done in (10, 50, 51, 75):
            bar(done)
    drawn = terminal.text.split("\r\x1b[K")[1:]
    assert [part[:4] for part in drawn] == ["bars", "bars", ""]
    assert " 50%  1.0 s left" in drawn[0]
    assert " 75%  667 ms left" in drawn[1]


def test_elsewhere_no_bar_is_drawn(call):
    found = call(
        "backtest", "--data", "synthetic", "--symbols", "A", "--timeframe", "1m", "--data-option", "bars=60000"
    )
    assert (found.code, found.err) == (0, "")


def test_the_sample_needs_no_heavy_library():
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, "backtest", "--symbols", "GOOG"], capture_output=True, text=True, check=True
    )
    assert {name.partition(".")[0] for name in json.loads(done.stdout)} & {
        "pandas",
        "pyarrow",
        "numba",
        "rich",
    } == set()
