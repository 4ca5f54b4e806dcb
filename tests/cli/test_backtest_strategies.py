"""`gpt-trader strategies` and `gpt-trader check`."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.usefixtures("project")

PEEKS = """
import gpt_trader
from bokeh_sampledata.stocks import GOOG


class Peeks(gpt_trader.TradingStrategyPlugin):
    '''Reads tomorrow's close where nobody looks.'''

    def initialize(self, config):
        self.row, self.long = -1, False

    def on_market_data(self, market_data):
        self.row += 1
        closes = GOOG["close"]
        wanted = self.row + 1 < len(closes) and closes[self.row + 1] > market_data.price
        if wanted == self.long:
            return None
        self.long = wanted
        side, quantity = ("buy", None) if wanted else ("sell", 0)
        return gpt_trader.TradeSignal(market_data.symbol, side, quantity, market_data.price, target=True)
"""
READS_ON = PEEKS.replace("closes[self.row + 1] >", "market_data._block.open[market_data._row + 1] >").replace(
    "self.row + 1 < len(closes)", "market_data._row + 1 < len(market_data._block.open)"
)
NEVER_SETTLES = PEEKS.replace(
    "        wanted =", "        self.first = getattr(self, 'first', market_data.price)\n        wanted ="
).replace("self.row + 1 < len(closes) and closes[self.row + 1] > market_data.price", "market_data.price > self.first")


def test_built_in_strategies_are_listed_with_where_they_come_from(call):
    rows = call("strategies", "list", "--json").json["strategies"]
    assert {r["name"] for r in rows} == {
        "breakout", "buy_and_hold", "mean_reversion", "momentum", "pairs", "sma_cross", "volatility"
    }  # fmt: skip
    assert {(r["origin"], r["allowed"]) for r in rows} == {("built-in", True)}
    assert all(r["description"] for r in rows)
    assert "sma_cross       built-in" in call("strategies", "list").out


def test_own_ones_broken_ones_and_those_that_are_not_allowed_are_listed_too(call, project, monkeypatch):
    from gpt_trader.app import plugins

    place = project / "plugins/strategies"
    place.mkdir()
    (place / "mine.py").write_text(PEEKS)
    (place / "broken.py").write_text("1 / 0")
    foreign = plugins.Offer("foreign", "some-distribution", lambda: None, allowed=False)
    monkeypatch.setattr(plugins, "not_allowed", lambda kind, allowed: iter([foreign]))
    found = call("strategies", "list", "--json")
    assert found.code == 3
    rows = {r["name"]: r for r in found.json["strategies"]}
    assert rows["mine"]["origin"] == str(place / "mine.py")
    assert rows["mine"]["description"] == "Reads tomorrow's close where nobody looks."
    assert "division by zero" in rows["broken"]["error"]
    assert rows["foreign"]["allowed"] is False
    assert "not allowed; add its distribution to allowed_plugins" in call("strategies", "list").out


def test_show_tells_params_with_their_limits_and_the_warm_up_that_was_measured(call):
    told = call("strategies", "show", "sma_cross", "--json").json
    fast = told["params"]["fast"]
    assert (fast["type"], fast["default"], fast["limits"]) == ("whole number", 10, ["at least 1"])
    assert told["params"]["below"]["type"] == "flat or short"
    assert (told["warm_up"], told["vectorised"], told["per_symbol"]) == (30, True, True)
    found = call("strategies", "show", "mean_reversion")
    assert "window: whole number, at least 2, 20 by default  closes in the mean" in found.out
    assert "short: true or false, false by default" in found.out
    assert "symbols: all together" in call("strategies", "show", "pairs").out


def test_show_guesses_a_name_that_is_not_there(call):
    found = call("strategies", "show", "sma_crss")
    assert found.code == 2
    assert "did you mean 'sma_cross'?" in found.err


def test_new_writes_a_strategy_that_is_found_by_its_name(call, project):
    found = call("strategies", "new", "my_trend", "--json")
    assert found.json["files"] == ["plugins/strategies/my_trend.py", "tests/test_my_trend.py"]
    assert "class MyTrend(gpt_trader.TradingStrategyPlugin)" in (project / found.json["files"][0]).read_text()
    told = call("strategies", "show", "my_trend", "--json").json
    assert told["params"]["length"]["limits"] == ["at least 2", "at most 1000"]
    assert told["warm_up"] <= 50


def test_new_elsewhere_is_run_by_its_file(call, project):
    found = call("strategies", "new", "trend", "--dir", "lab")
    assert found.out.split() == ["lab/trend.py", "tests/test_trend.py"]
    assert '"../lab/trend.py"' in (project / "tests/test_trend.py").read_text()
    assert call("backtest", "--strategy", "lab/trend.py", "--symbols", "GOOG").code == 0


def test_new_with_dry_run_writes_nothing(call, project):
    before = sorted(project.rglob("*"))
    assert call("strategies", "new", "trend", "--dry-run").out.split()[0] == "plugins/strategies/trend.py"
    assert sorted(project.rglob("*")) == before


@pytest.mark.parametrize("there", ["plugins/strategies/trend.py", "tests/test_trend.py"])
def test_new_overwrites_nothing(call, project, there):
    (project / there).parent.mkdir(parents=True, exist_ok=True)
    (project / there).write_text("mine")
    before = sorted(project.rglob("*"))
    found = call("strategies", "new", "trend")
    assert found.code == 1
    assert f"nothing was written, because there is {there}" in found.err
    assert (project / there).read_text() == "mine"
    assert sorted(project.rglob("*")) == before


@pytest.mark.parametrize(
    ("name", "code"), [("1st", 2), ("My", 2), ("a-b", 2), ("../x", 2), ("class", 2), ("", 2), ("sma_cross", 1)]
)
def test_new_refuses_names_that_are_none_or_taken(call, project, name, code):
    before = sorted(project.rglob("*"))
    assert call("strategies", "new", name).code == code
    assert sorted(project.rglob("*")) == before


# --- check ------------------------------------------------------------------------------------------------------------


def test_a_clean_strategy_passes_the_look_for_look_ahead(call):
    found = call("check", "lookahead", "--strategy", "momentum", "--symbols", "GOOG", "--to", "2007-01-01")
    assert (found.code, found.err) == (0, "")
    assert found.out.startswith("momentum on GOOG: no look-ahead; ")


def test_reading_on_is_found_with_its_first_place(call, project):
    (project / "reads_on.py").write_text(READS_ON)
    words = ("check", "lookahead", "--strategy", "reads_on.py", "--symbols", "GOOG", "--to", "2005-12-31")
    found = call(*words)
    assert found.code == 1
    assert "reads_on on GOOG: bias in " in found.out
    assert "with all bars         buy GOOG as sized by the session as target at 100.335" in found.out
    assert "known at 2004-08-20   no signal" in found.out
    told = call(*words, "--json").json
    assert (told["version"], told["ok"]) == (1, False)
    first = told["differences"][0]
    assert (first["kind"], first["symbol"], first["at"][:10]) == ("signal", "GOOG", "2004-08-19")


def test_what_it_reads_by_itself_gives_it_away(call, project):
    (project / "peeks.py").write_text(PEEKS)
    found = call("check", "lookahead", "--strategy", "peeks.py", "--symbols", "GOOG", "--most", "5")
    assert found.code == 1
    assert "entries are right about the next 1 bars" in found.out


def test_a_strategy_without_signals_is_remarked_upon_and_one_that_fails_is_an_error(call, project):
    silent = call("check", "lookahead", "--symbols", "GOOG", "--to", "2004-08-25")
    assert silent.code == 0
    assert "there was no signal to look at" in silent.err
    (project / "fails.py").write_text(PEEKS.replace("closes = GOOG", "closes = WOOG"))
    failed = call("check", "lookahead", "--strategy", "fails.py", "--symbols", "GOOG")
    assert failed.code == 1
    assert "fails with NameError" in failed.err


def test_warm_up_is_told_in_bars(call):
    found = call("check", "warmup", "--symbols", "GOOG", "--param", "slow=20")
    assert found.code == 0
    assert "sma_cross on GOOG: the same from 20 bars on" in found.out
    told = call("check", "warmup", "--symbols", "GOOG", "--param", "slow=20", "--json").json
    assert (told["ok"], told["needed"]) == (True, 20)
    assert told["trials"][0]["first"]["holds"] != told["trials"][0]["first"]["would_hold"]


def test_a_strategy_that_never_settles_ends_with_1(call, project):
    (project / "never.py").write_text(NEVER_SETTLES)
    found = call("check", "warmup", "--strategy", "never.py", "--symbols", "GOOG", "-v")
    assert found.code == 1
    assert "still differs after " in found.out
    assert "BARS THAT DIFFER" in found.out
