"""The choice of strategies: planted edges are found, planted futures change nothing, and no edge is said to be none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from gpt_trader.core.errors import BadData, NotFound, ValidationError
from gpt_trader.core.frames import frame_of
from gpt_trader.core.orders import BUY, SELL, TradeSignal
from gpt_trader.core.ports import TradingStrategyPlugin
from gpt_trader.slices.market_regime.params import RegimeParams
from gpt_trader.slices.market_regime.slice import MarketRegime
from gpt_trader.slices.ml_strategy.choice import decision_time
from gpt_trader.slices.ml_strategy.params import PredictParams
from gpt_trader.slices.ml_strategy.slice import MlStrategy
from tests.slices.market import bars_from, day, walk


class Rhythm(TradingStrategyPlugin):
    """Is long on ten days and out on the next ten."""

    def initialize(self, config: Any) -> None:
        self.seen = 0

    def on_market_data(self, market_data: Any) -> TradeSignal | None:
        place, self.seen = self.seen % 20, self.seen + 1
        if place == 0:
            return TradeSignal(market_data.symbol, BUY, None, target=True)
        return TradeSignal(market_data.symbol, SELL, 0, target=True) if place == 10 else None


class Never(TradingStrategyPlugin):
    def on_market_data(self, market_data: Any) -> None:
        return None


class Broken(TradingStrategyPlugin):
    def on_market_data(self, market_data: Any) -> None:
        raise RuntimeError("no idea")


@pytest.fixture
def slice_(strategies) -> MlStrategy:
    for name, cls in {"rhythm": Rhythm, "never": Never, "broken": Broken}.items():
        strategies.add(name, lambda cls=cls: cls)
    return MlStrategy(strategies)


def rhythmic(count: int = 600, *, seed: int = 1):
    """Rises for ten days and falls for ten, over and over, with noise."""
    rng = np.random.default_rng(seed)
    steps = np.where(np.arange(count) % 20 < 10, 0.01, -0.01) + rng.normal(0, 0.002, count)
    return bars_from((100 * np.exp(np.cumsum(steps))).tolist())


def one_regime(*bars):
    frame = frame_of(list(bars))
    return pd.DataFrame({"symbol": frame["symbol"].astype(str), "time": frame["time"], "label": "range"})


@pytest.fixture
def predict(slice_, ctx):
    def run(*bars, regimes=None, **more):
        table = one_regime(*bars) if regimes is None else regimes
        return slice_.predict_best(PredictParams(bars=frame_of(list(bars)), regimes=table, **more), ctx)

    return run


def test_a_planted_edge_is_found_with_confidence(predict):
    got = predict(rhythmic(), strategies=["sma_cross", "rhythm"])
    chosen = got.selection["AAA"]
    assert (chosen["strategy"], chosen["beats_baseline"], got.beats_baseline) == ("rhythm", True, True)
    assert chosen["confidence"] > 0.95
    assert "it beat the baseline" in chosen["why"]
    assert got.decided_at == day(300).isoformat()


def test_the_scores_are_sharpe_ratios_of_the_bars_before_the_decision(predict):
    bars = bars_from((100 * np.exp(np.cumsum(np.random.default_rng(3).normal(0.002, 0.01, 400)))).tolist())
    got = predict(bars, strategies=["rhythm"], fee=0.0, slippage=0.0)
    held = next(row for row in got.scores if row["baseline"])
    past = bars.close[:200]
    lots = np.floor(950_000 / past[0])  # bought at the second open, which is the first close
    returns = np.diff(1e6 + lots * (past - past[0])) / (1e6 + lots * (past - past[0]))[:-1]
    year = (len(past) - 1) * 365.25 / 199
    want = returns.mean() / returns.std(ddof=1) * np.sqrt(year)
    assert held["sharpe"] == pytest.approx(want, rel=1e-3)


def test_without_an_edge_the_baseline_is_taken_and_it_is_said(predict):
    got = predict(walk(600, seed=2, drift=0.002), strategies=["rhythm"])
    chosen = got.selection["AAA"]
    assert (chosen["strategy"], chosen["beats_baseline"], got.beats_baseline) == ("buy_and_hold", False, False)
    assert "it did not beat the baseline, so buy_and_hold is taken" in chosen["why"]


def test_nothing_from_the_decision_on_changes_the_choice(predict):
    bars = rhythmic(600)
    other = bars_from([*bars.close[:300], *(500 + 400 * np.sin(np.arange(300)))])
    first, second = (predict(b, strategies=["rhythm", "sma_cross", "never"]) for b in (bars, other))
    assert first == second


def test_only_bars_that_began_in_the_present_regime_are_compared(predict):
    """The rhythm pays only in the regime of the decision; in the other one it loses, and more often."""
    good, bad = rhythmic(200, seed=1), rhythmic(400, seed=2)
    flipped = 1 / bad.close * bad.close[0] * 100
    closes = np.concatenate((flipped, good.close / good.close[0] * flipped[-1]))
    bars = bars_from([*closes, *[closes[-1]] * 600])
    labels = ["trend down"] * 400 + ["range"] * 800
    table = one_regime(bars).assign(label=labels)
    inside = predict(bars, regimes=table, strategies=["rhythm"], folds=10).selection["AAA"]
    everywhere = predict(bars, strategies=["rhythm"], folds=10).selection["AAA"]
    assert (inside["regime"], inside["strategy"], inside["bars_compared"]) == ("range", "rhythm", 199)
    assert everywhere["strategy"] == "buy_and_hold"


def test_a_rare_regime_falls_back_on_all_bars_and_says_so(predict):
    bars = rhythmic(600)
    table = one_regime(bars).assign(label=["trend up"] * 290 + ["crisis"] * 310)
    chosen = predict(bars, regimes=table, strategies=["rhythm"]).selection["AAA"]
    assert (chosen["regime"], chosen["bars_compared"]) == ("crisis", 299)
    assert "the regime is too rare" in chosen["why"]


def test_a_strategy_that_breaks_is_not_chosen_and_its_words_are_kept(predict):
    got = predict(rhythmic(), strategies=["broken", "rhythm"])
    row = next(r for r in got.scores if r["strategy"] == "broken")
    assert (row["sharpe"], "no idea" in row["failed"]) == (None, True)
    assert got.selection["AAA"]["strategy"] == "rhythm"
    alone = predict(rhythmic(), strategies=["broken"]).selection["AAA"]
    assert (alone["strategy"], alone["confidence"]) == ("buy_and_hold", 0.0)


def test_a_strategy_that_never_traded_is_not_preferred_to_a_loss(predict):
    got = predict(bars_from((100 * 0.999 ** np.arange(400)).tolist()), strategies=["never"])
    assert got.selection["AAA"]["strategy"] == "buy_and_hold"
    assert got.scores[0]["failed"] == "it never traded"


def test_a_symbol_without_a_past_gets_the_baseline(predict):
    long, late = rhythmic(600), rhythmic(600)[500:]
    late = bars_from(late.close.tolist(), symbol="NEW")
    moved = frame_of([long, late])
    moved.loc[moved["symbol"] == "NEW", "time"] += pd.Timedelta(days=500)
    table = pd.DataFrame({"symbol": moved["symbol"].astype(str), "time": moved["time"], "label": "range"})
    from gpt_trader.core.frames import bars_of

    chosen = predict(*bars_of(moved), regimes=table, strategies=["rhythm"]).selection
    assert (chosen["NEW"]["strategy"], chosen["AAA"]["strategy"]) == ("buy_and_hold", "rhythm")
    assert "only 0 of the 40 bars" in chosen["NEW"]["why"]


def test_more_tries_give_less_confidence(predict):
    bars = rhythmic(300)
    noisy = bars_from((bars.close * np.exp(np.random.default_rng(5).normal(0, 0.01, 300))).tolist())
    variants = [{"name": "sma_cross", "params": {"fast": f, "slow": f + 7}} for f in range(2, 12)]
    few, many = (predict(noisy, strategies=s).selection["AAA"] for s in (["rhythm"], ["rhythm", *variants]))
    assert few["strategy"] == many["strategy"] == "rhythm"
    assert many["confidence"] < few["confidence"]


def test_none_named_means_all_and_params_make_variants(predict, strategies):
    strategies_tried = {row["strategy"] for row in predict(rhythmic()).scores}
    assert strategies_tried == set(strategies)
    tried = predict(
        rhythmic(), strategies=["sma_cross", {"name": "sma_cross", "params": {"fast": 3, "slow": 9}}]
    ).scores
    assert [row["params"] for row in tried] == [{}, {"fast": 3, "slow": 9}, {}]


def test_a_resumed_run_makes_the_same_choice(slice_, ctx, resumed):
    bars = [walk(600, seed=11), walk(600, seed=12, symbol="BBB")]
    regimes = MarketRegime().detect(RegimeParams(bars=frame_of(bars)), ctx)
    first = slice_.predict_best(
        PredictParams(bars=frame_of(bars), regimes=regimes.regimes, strategies=["sma_cross"]), ctx
    )
    again = PredictParams(bars=frame_of(bars), regimes=resumed(regimes)["regimes"], strategies=["sma_cross"])
    assert slice_.predict_best(again, ctx) == first
    assert resumed(first) == first.__dict__


def test_wrong_params_are_errors_that_say_what_is_wrong(predict):
    with pytest.raises(NotFound, match="sma_cros") as caught:
        predict(rhythmic(), strategies=["sma_cros"])
    assert "sma_cross" in str(caught.value.hint)
    with pytest.raises(ValidationError, match="fast must be shorter than slow"):
        predict(rhythmic(), strategies=[{"name": "sma_cross", "params": {"fast": 9, "slow": 3}}])
    with pytest.raises(ValidationError, match="is no strategy"):
        predict(rhythmic(), strategies=[{"nme": "sma_cross"}])
    with pytest.raises(BadData, match="no regime for every bar"):
        predict(rhythmic(), regimes=one_regime(rhythmic(200)))


def test_the_decision_is_at_the_asked_share_of_all_moments():
    long, short = bars_from([1.0] * 100), bars_from([1.0] * 10, symbol="B")
    assert decision_time([long, short], 0.25) == long.ts[25]
