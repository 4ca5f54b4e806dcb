"""Training: a planted edge is learned and used, none is said to be none, and the future is never seen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpt_trader.core.errors import BadData, NoBars, NotFound, ValidationError
from gpt_trader.core.frames import frame_of, said_of
from gpt_trader.core.orders import BUY, SELL, TradeSignal
from gpt_trader.core.ports import TradingStrategyPlugin
from gpt_trader.slices.ml_strategy.features import FEATURES, features_of
from gpt_trader.slices.ml_strategy.judging import _followed
from gpt_trader.slices.ml_strategy.params import PredictParams, TrainParams
from gpt_trader.slices.ml_strategy.samples import Samples
from gpt_trader.slices.ml_strategy.slice import MlStrategy
from tests.slices.market import bars_from, walk

pytest.importorskip("sklearn")


class Contrary(TradingStrategyPlugin):
    """Is short from its first bar on."""

    def initialize(self, config: Any) -> None:
        self.begun = False

    def on_market_data(self, market_data: Any) -> TradeSignal | None:
        begun, self.begun = self.begun, True
        return None if begun else TradeSignal(market_data.symbol, SELL, None, target=True)


class Flip(TradingStrategyPlugin):
    """Is long on one bar and out on the next."""

    def initialize(self, config: Any) -> None:
        self.held = False

    def on_market_data(self, market_data: Any) -> TradeSignal:
        self.held = not self.held
        return TradeSignal(market_data.symbol, BUY if self.held else SELL, None if self.held else 0, target=True)


@pytest.fixture
def slice_(strategies) -> MlStrategy:
    for name, cls in {"contrary": Contrary, "flip": Flip}.items():
        strategies.add(name, lambda cls=cls: cls)
    return MlStrategy(strategies)


def blocks(count: int = 1_200, *, seed: int = 1, wild_last: bool = False, symbol: str = "AAA"):
    """Eighty quiet days that rise, then eighty wild ones that fall, over and over."""
    rng = np.random.default_rng(seed)
    wild = (np.arange(count) // 80 + (1 if wild_last else 0)) % 2 == 1
    steps = np.where(wild, rng.normal(-0.006, 0.02, count), rng.normal(0.004, 0.004, count))
    return bars_from((100 * np.exp(np.cumsum(steps))).tolist(), symbol=symbol)


def labels_for(*bars, label: str = "range"):
    frame = frame_of(list(bars))
    return pd.DataFrame({"symbol": frame["symbol"].astype(str), "time": frame["time"], "label": label})


QUICK: dict[str, Any] = {"strategies": ["contrary"], "horizon": 10, "train": 0.8, "drift_bars": 100, "strength": 1.0}


@pytest.fixture
def train(slice_, ctx):
    def run(*bars, **more):
        return slice_.train(TrainParams(bars=frame_of(bars), regimes=labels_for(*bars), **{**QUICK, **more}), ctx)

    return run


@pytest.fixture
def predict(slice_, ctx):
    def run(*bars, **more):
        given = {"train": 0.8, **more}
        return slice_.predict_best(PredictParams(bars=frame_of(bars), regimes=labels_for(*bars), **given), ctx)

    return run


@pytest.mark.parametrize("learner", ["logistic", "boosting"])
def test_a_planted_edge_beats_the_baseline_and_is_used_with_confidence(train, predict, learner):
    quiet, wild = blocks(), blocks(wild_last=True, seed=2, symbol="BBB")
    made = train(quiet, wild, learner=learner)
    walked = made.training["walk_forward"]
    assert made.model_beats_baseline
    assert walked["sharpe"] > walked["baseline_sharpe"] + 1
    assert walked["log_loss"] < walked["prior_log_loss"]
    assert made.training["purged_k_fold"]["accuracy"] > 0.7
    # trained on twelve blocks; the decision is in the middle of the next one, quiet for AAA and wild for BBB
    chosen = predict(quiet, wild, model=made.model, train=0.834).selection
    assert (chosen["AAA"]["strategy"], chosen["BBB"]["strategy"]) == ("buy_and_hold", "contrary")
    assert all(c["confidence"] > 0.6 and c["beats_baseline"] for c in chosen.values())
    assert "to be the best over the next 10 bars" in chosen["BBB"]["why"]


def test_without_an_edge_it_says_so_and_the_baseline_is_taken(train, predict):
    bars = walk(1_000, seed=3, drift=0.001)
    made = train(bars, strategies=["flip", "contrary"])
    assert not made.model_beats_baseline
    assert made.training["why"].endswith("it did not beat the baseline")
    got = predict(bars, model=made.model)
    assert (got.selection["AAA"]["strategy"], got.beats_baseline) == ("buy_and_hold", False)
    assert got.selection["AAA"]["why"].endswith("so buy_and_hold is taken")


def test_nothing_from_the_decision_on_changes_the_model_or_the_choice(train, predict):
    bars = blocks()
    other = bars_from([*bars.close[:960], *(900 + 400 * np.sin(np.arange(240)))])
    first, second = train(bars), train(other)
    assert first.model == second.model  # the very same bytes
    assert predict(bars, model=first.model) == predict(other, model=second.model)


def seen_early(features, bars, cut: int) -> bool:
    """Whether a row up to the cut is another one when bars after it are there."""
    labels = np.array(["range"] * len(bars), dtype=object)
    return not np.array_equal(features(bars, labels)[:cut], features(bars[:cut], labels[:cut]), equal_nan=True)


@given(st.integers(0, 100_000), st.integers(253, 398))
@settings(max_examples=15)
def test_no_feature_sees_a_later_bar_and_one_that_does_is_caught(seed, cut):
    bars = walk(400, seed=seed, spread=0.02)
    assert not seen_early(features_of, bars, cut)

    def planted(bars, labels):
        rows = features_of(bars, labels)
        rows[:-1, 0] = rows[1:, 0]  # tomorrow's return
        return rows

    assert seen_early(planted, bars, cut)


def test_features_by_hand():
    closes = 100 * np.exp(0.001 * np.arange(300) + 0.01 * (np.arange(300) % 2))
    bars = bars_from(closes.tolist())
    row = dict(zip(FEATURES, features_of(bars, np.array(["crisis"] * 300, dtype=object))[-1], strict=True))
    steps = np.diff(np.log(closes))
    assert row["return_21"] == pytest.approx(np.log(closes[-1] / closes[-22]))
    assert row["volatility_63"] == pytest.approx(np.log(steps[-63:].std(ddof=1)))
    assert row["strength_63"] == pytest.approx(steps[-63:].mean() / steps[-63:].std(ddof=1) * 63**0.5)
    assert row["fall_252"] == pytest.approx(closes[-1] / closes[-252:].max() - 1)
    assert row["above_200"] == pytest.approx(np.log(closes[-1] / closes[-200:].mean()))
    assert (row["regime_crisis"], row["regime_range"]) == (1.0, 0.0)


def test_following_choices_pays_for_each_change_and_takes_the_mean_of_symbols():
    """Two symbols, three moments: AAA changes once, and pays two fees and two slippages for it."""
    samples = Samples(
        symbol=np.array([0, 0, 0, 1, 1, 1]), starts=np.array([0, 5, 10, 0, 5, 10]), ends=np.array([9] * 6),
        rows=np.zeros((6, 1)), outcomes=np.zeros((6, 2)), best=np.zeros(6, dtype=np.int64),
        ahead=np.array([[0.01, 0.0], [0.02, 0.0], [0.03, 0.0], [0.04, 0.0], [0.05, -np.inf], [0.06, 0.0]]),
    )  # fmt: skip
    cost = np.log(1 - 0.003)
    got = _followed(np.arange(6), np.array([0, 1, 1, 0, 0, 0]), samples, cost)
    np.testing.assert_allclose(got, [(0.01 + 0.04) / 2, (cost + 0.05) / 2, (0.0 + 0.06) / 2])


def test_a_model_that_saw_the_decision_is_refused(train, predict):
    bars = blocks()
    made = train(bars, train=0.9)
    with pytest.raises(ValidationError, match="it knows the future") as caught:
        predict(bars, model=made.model)
    assert "decide later" in str(caught.value.hint)


@pytest.fixture
def model(train):
    return train(blocks()).model


def test_a_model_for_other_bars_or_other_strategies_is_refused(predict, model, slice_, ctx):
    bars = blocks()
    with pytest.raises(ValidationError, match="chooses among contrary, buy_and_hold, and others are asked for"):
        predict(bars, model=model, strategies=["flip"])
    with pytest.raises(ValidationError, match="was judged against buy_and_hold, not flip"):
        predict(bars, model=model, baseline="flip")
    assert predict(bars, model=model, strategies=["contrary"]).model_provenance["seed"] == 0
    hourly = frame_of([bars])
    hourly["time"] = hourly["time"].iloc[-1] + pd.to_timedelta(np.arange(len(hourly)), unit="h")
    table = labels_for(bars).assign(time=hourly["time"])
    with pytest.raises(ValidationError, match="was trained on bars of 1d, and those of AAA are of 1h"):
        slice_.predict_best(PredictParams(bars=hourly, regimes=table, model=model), ctx)


def test_a_strategy_that_is_gone_is_an_error_and_one_that_changed_a_warning(predict, model, artifacts, strategies):
    document = json.loads(artifacts.path(model).read_bytes())
    document["candidates"][0]["source"] = "0" * 64
    changed = artifacts.put(json.dumps(document).encode(), kind="model")
    assert "contrary has changed since the model was trained" in predict(blocks(), model=changed).warnings
    document["candidates"][0]["strategy"] = "contrarian"
    gone = artifacts.put(json.dumps(document).encode(), kind="model")
    with pytest.raises(NotFound, match="no strategy is called 'contrarian'"):
        predict(blocks(), model=gone)


def test_drift_is_warned_of_and_a_market_like_the_one_trained_on_is_not(predict, model):
    same = predict(blocks(), model=model)
    assert same.warnings == []
    assert set(same.drift["AAA"]) == set(FEATURES)
    calm = bars_from((100 * np.exp(np.cumsum(np.random.default_rng(5).normal(0, 1e-4, 1_500)))).tolist())
    moved = predict(calm, model=model)
    assert any("AAA no longer looks like what the model was trained on" in w for w in moved.warnings)
    assert moved.drift["AAA"]["volatility_63"]["index"] > 1
    stranger = blocks(seed=9, symbol="ZZZ")
    assert "the model was not trained on ZZZ" in predict(stranger, model=model).warnings


def test_a_symbol_with_too_short_a_past_gets_the_baseline(predict, model):
    got = predict(blocks(1_200), bars_from([50.0 + i % 3 for i in range(1_200)], symbol="NEW")[900:], model=model)
    assert (got.selection["NEW"]["strategy"], got.selection["NEW"]["confidence"]) == ("buy_and_hold", 0.0)
    assert "60 bars before the decision are too few" in got.selection["NEW"]["why"]


def test_the_model_can_be_named_by_its_path_and_needs_no_scikit_learn(train, predict, monkeypatch):
    import sys

    made = train(blocks())
    want = predict(blocks(), model=made.model)
    for name in [n for n in sys.modules if n.partition(".")[0] == "sklearn"]:
        monkeypatch.setitem(sys.modules, name, None)
    assert predict(blocks(), model=made.model_path) == want


def test_the_file_says_where_it_comes_from_and_is_the_same_each_time(train):
    bars = blocks()
    made, again = train(bars, seed=7), train(bars, seed=7)
    assert made.model == again.model
    document = json.loads(Path(made.model_path).read_bytes())
    origin = document["provenance"]
    assert origin["data"][0]["hash"] == said_of(bars[:960])["hash"]
    assert (origin["seed"], origin["params"]["horizon"]) == (7, 10)
    assert set(origin["versions"]) == {"python", "gpt-trader", "numpy", "pandas", "scikit-learn"}
    assert len(document["candidates"][0]["source"]) == 64
    assert document["trained_until"] == int(bars.ts[960])
    assert made.trained_until == pd.Timestamp(bars.ts[960], tz="UTC").isoformat()


def test_boosting_is_the_same_each_time_and_another_seed_is_kept(train):
    bars = blocks(700)
    first, second = (train(bars, learner="boosting", trees=10) for _ in range(2))
    assert first.model == second.model


def test_outputs_survive_the_journal(train, predict, resumed):
    made = train(blocks())
    after = resumed(made)
    assert {**after, "model": made.model} == made.__dict__
    got = predict(blocks(), model=after["model"])
    assert got == predict(blocks(), model=made.model)
    assert resumed(got) == got.__dict__


def test_too_few_bars_are_an_error_with_a_cure(train):
    with pytest.raises(NoBars, match="no symbol has more than 262 bars to learn from"):
        train(blocks(300))
    with pytest.raises(NoBars, match="samples are too few for 4 folds") as caught:
        train(blocks(350))
    assert "fewer folds" in str(caught.value.hint)


def test_symbols_of_two_timeframes_are_refused(slice_, ctx):
    day, hour = frame_of([blocks()]), frame_of([blocks(symbol="BBB")])
    hour["time"] = day["time"].iloc[0] + pd.to_timedelta(np.arange(len(hour)), unit="h")
    bars = pd.concat([day.astype({"symbol": str}), hour.astype({"symbol": str})], ignore_index=True)
    regimes = bars[["symbol", "time"]].assign(label="range")
    with pytest.raises(BadData, match="cannot learn from bars of 1d and 1h"):
        slice_.train(TrainParams(bars=bars, regimes=regimes, **{**QUICK, "train": 0.99}), ctx)


def test_a_candidate_that_never_traded_is_never_the_best_and_it_is_said(train, strategies):
    class Never(TradingStrategyPlugin):
        def on_market_data(self, market_data: Any) -> None:
            return None

    strategies.add("never", lambda: Never)
    made = train(blocks(), strategies=["never", "contrary"])
    assert made.training["best_shares"]["never"] == 0.0
    assert made.training["failed"] == [{"symbol": "AAA", "strategy": "never", "failed": "it never traded"}]


def test_a_baseline_that_never_traded_leaves_nothing_to_learn_and_it_is_said(train, strategies):
    class Idle(TradingStrategyPlugin):
        def on_market_data(self, market_data: Any) -> None:
            return None

    strategies.add("idle", lambda: Idle)
    with pytest.raises(NoBars, match="as the baseline failed: it never traded") as caught:
        train(blocks(), baseline="idle")
    assert caught.value.hint == "name another baseline"
