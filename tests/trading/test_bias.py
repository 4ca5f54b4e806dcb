"""Look-ahead is found wherever it is planted, and nowhere else; warm-up is what a hand calculation says."""

from __future__ import annotations

import random
from collections import deque
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from gpt_trader.app.plugins import strategy_catalog
from gpt_trader.core.errors import NoBars
from gpt_trader.core.orders import TradeSignal
from gpt_trader.core.ports import TradingStrategyPlugin
from gpt_trader.trading.bias import lookahead
from gpt_trader.trading.seats import StrategySpec
from gpt_trader.trading.warmup import warmup

BUILT_IN = strategy_catalog(Path("nowhere"), ())
WORLD: dict[str, Any] = {}


class Follower(TradingStrategyPlugin):
    """Long while `wants` says so."""

    def initialize(self, config):
        self.config = config
        self.row = -1
        self.long = False

    def on_market_data(self, market_data):
        self.row += 1
        wanted = bool(self.wants(market_data))
        if wanted == self.long:
            return None
        self.long = wanted
        side, quantity = ("buy", None) if wanted else ("sell", 0)
        return TradeSignal(market_data.symbol, side, quantity, market_data.price, target=True)

    def wants(self, market_data):
        raise NotImplementedError


class Handed(Follower):
    """Decides by a column that it was handed in its params."""

    def wants(self, market_data):
        return self.config["column"][self.row]


class ThroughAGlobal(Follower):
    """Reads the feed itself."""

    def wants(self, market_data):
        closes = WORLD["closes"]
        return self.row + 1 < len(closes) and closes[self.row + 1] > market_data.price


class Inside(Follower):
    """Reads on in the memory behind the bar."""

    def wants(self, market_data):
        try:
            return market_data._block.volume[market_data._row + 1] > 5_000
        except IndexError:
            return False


class Remembers(Follower):
    """Knows in its second run what it saw in its first."""

    seen: ClassVar[dict[int, float]] = {}

    def wants(self, market_data):
        self.seen[self.row] = market_data.price
        return self.seen.get(self.row + 1, 0.0) > market_data.price


class Dice(Follower):
    """Draws without a seed."""

    def wants(self, market_data):
        return random.Random().random() < 0.5


class Shown(Follower):
    """Decides honestly, and shows an indicator that is not."""

    def wants(self, market_data):
        return market_data.price > market_data.open

    def indicators(self):
        return {"mean": self.config["mean"]}


class Swept(Follower):
    """Honest bar by bar; its form for sweeps is normalised over all bars."""

    def wants(self, market_data):
        return market_data.price > market_data.open

    @classmethod
    def targets(cls, bars, grid):
        def write(part, out):
            out[:] = bars.close > bars.close.mean()

        return write


class Average(Follower):
    """An average that never forgets, begun at the first close."""

    def initialize(self, config):
        super().initialize(config)
        self.value = None

    def wants(self, market_data):
        price, part = market_data.price, self.config["part"]
        self.value = price if self.value is None else self.value + part * (price - self.value)
        return price > self.value


class Since(Follower):
    """Long while the price is above the first one it saw: it never settles."""

    def wants(self, market_data):
        if self.row == 0:
            self.first = market_data.price
        return market_data.price > self.first


@pytest.fixture(scope="module")
def bars(drawn):
    return [drawn(300, sigma=0.01)]


def spec(kind, **params):
    return lambda part: StrategySpec("planted", kind, params)


def tomorrow(closes):
    return np.append(np.sign(np.diff(closes)) > 0, False)


def test_a_shifted_column_handed_over_is_found_at_its_first_wrong_bar(bars):
    found = lookahead(lambda part: StrategySpec("p", Handed, {"column": tomorrow(part[0].close)}), bars)
    first = found.differences[0]
    assert first.kind == "signal"
    at = int(np.searchsorted(bars[0].ts, first.ns))
    assert tomorrow(bars[0].close)[at] != tomorrow(bars[0].close[: at + 1])[at]
    assert first.known_ns >= first.ns


def test_a_column_of_the_past_handed_over_is_clean(bars):
    def make(part):
        return StrategySpec("p", Handed, {"column": np.append(False, np.diff(part[0].close) > 0)})

    found = lookahead(make, bars)
    assert (found.differences, found.fails) == ((), "")
    assert found.signals > 50


def test_a_normalisation_over_all_bars_is_found(bars):
    found = lookahead(lambda part: StrategySpec("p", Handed, {"column": part[0].close > part[0].close.mean()}), bars)
    assert {d.kind for d in found.differences} == {"signal"}


@pytest.mark.parametrize("cut", [True, False])
def test_a_strategy_that_reads_the_feed_through_a_global_is_found(bars, cut):
    """Exactly where the feed can be cut off; where it cannot, by entries that are too good to be true."""

    def make(part):
        WORLD["closes"] = (part if cut else bars)[0].close.tolist()
        return StrategySpec("p", ThroughAGlobal)

    kinds = {d.kind for d in lookahead(make, bars).differences}
    assert kinds == ({"signal", "too good"} if cut else {"too good"})


def test_reading_on_in_the_memory_behind_a_bar_is_found(bars):
    assert "signal" in {d.kind for d in lookahead(spec(Inside), bars).differences}


@pytest.mark.parametrize("kind", [Remembers, Dice])
def test_what_changes_from_run_to_run_is_found(bars, kind):
    Remembers.seen.clear()
    (only,) = lookahead(spec(kind), bars).differences
    assert only.kind == "unrepeatable"


def test_an_indicator_that_knows_all_bars_is_found(bars):
    found = lookahead(lambda part: StrategySpec("p", Shown, {"mean": float(part[0].close.mean())}), bars)
    assert {d.kind for d in found.differences} == {"indicator"}
    assert found.differences[0].whole.startswith("mean = ")
    assert lookahead(spec(Shown, mean=1.0), bars).differences == ()


def test_a_form_for_sweeps_that_knows_all_bars_is_found(bars):
    assert {d.kind for d in lookahead(spec(Swept), bars).differences} == {"vectorised"}


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_built_in_strategy_is_clean(name, drawn):
    bars = [drawn(400, symbol=symbol, seed=seed, sigma=0.01) for symbol, seed in (("X", 3), ("Y", 4))]
    found = lookahead(lambda part: StrategySpec(name, BUILT_IN[name]), bars, most=30)
    assert (found.differences, found.fails) == ((), "")
    assert found.signals > 0


def test_a_strategy_that_fails_is_told(bars):
    found = lookahead(spec(Handed, column=[False] * 10), bars)
    assert found.fails.startswith("fails with IndexError")


def test_progress_is_told_to_the_end_and_no_more_signals_are_tried_than_asked_for(bars):
    told = []
    found = lookahead(spec(Average, part=0.5), bars, most=5, progress=lambda done, of: told.append((done, of)))
    assert told[-1] == (found.tried, found.tried)
    assert found.tried <= 5 + 10


def test_an_honest_strategy_on_prices_that_swing_is_not_too_good(by_hand):
    waves = 100 + 10 * np.sin(np.arange(400) / 8)
    bars = [by_hand([(w, w + 1, w - 1, w, 1e6) for w in waves.tolist()])]
    found = lookahead(lambda part: StrategySpec("m", BUILT_IN["momentum"], {"lookback": 1}), bars)
    assert found.signals > 10
    assert found.differences == ()


# --- warm-up ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "params", "bars_needed"),
    [
        ("buy_and_hold", {}, 1),
        ("momentum", {"lookback": 7}, 8),
        ("sma_cross", {"fast": 3, "slow": 17}, 17),
        ("sma_cross", {"fast": 5, "slow": 40}, 40),
    ],
)
def test_warm_up_is_as_long_as_the_window_of_a_strategy_without_memory(name, params, bars_needed, drawn):
    found = warmup(lambda part: StrategySpec(name, BUILT_IN[name], params), [drawn(2_000, sigma=0.01)])
    assert found.needed is not None
    assert bars_needed - 3 <= found.needed <= bars_needed


def test_a_strategy_that_remembers_where_it_began_never_settles(bars):
    found = warmup(spec(Since), bars)
    assert found.needed is None
    last = [trial for trial in found.trials if trial.differing][-1]
    assert last.bars > found.longest / 2
    assert last.first is not None
    assert last.first.holds != last.first.would_hold


def test_a_fading_average_settles_later_the_slower_it_fades(bars):
    quick, slow = (warmup(spec(Average, part=part), bars).needed or 999 for part in (0.5, 0.05))
    assert quick < slow


def test_too_few_bars_are_refused(drawn):
    with pytest.raises(NoBars, match="50 bars are too few"):
        warmup(spec(Since), [drawn(50)])


def test_beginnings_are_tried_in_their_order(bars):
    told: deque[tuple[int, int]] = deque()
    found = warmup(spec(Average, part=0.5), bars, progress=lambda done, of: told.append((done, of)))
    assert [t.bars for t in found.trials] == sorted({t.bars for t in found.trials})
    assert told[-1] == (len(found.trials), len(found.trials))
