"""How good a way of learning is: what it would have chosen on data that it had not seen, against what it must beat."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gpt_trader.core.errors import NoBars
from gpt_trader.core.metrics import sharpe
from gpt_trader.slices.ml_strategy.learners import learned
from gpt_trader.slices.ml_strategy.purged import PurgedSplit
from gpt_trader.slices.ml_strategy.stored import probabilities

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gpt_trader.slices.ml_strategy.candidates import Candidate
    from gpt_trader.slices.ml_strategy.params import TrainParams
    from gpt_trader.slices.ml_strategy.samples import Samples

    Floats = NDArray[np.float64]
    Places = NDArray[np.int64]

LEAST = 30
"""A fold learns from no fewer samples."""
SURE = 1e-6
"""A class that was held impossible and came costs as much as this probability."""


def judged(
    samples: Samples,
    candidates: Sequence[Candidate],
    params: TrainParams,
    *,
    periods: float,
    check: Callable[[], None],
) -> dict[str, Any]:
    """Scores walking forward, which decide, and by purged k-fold, which also learn from later bars and only inform."""
    split = PurgedSplit(params.folds, gap=params.gap, embargo=params.embargo)
    forward = _scored(split.forward(samples.starts, samples.ends), samples, params, check)
    around = _scored(split.around(samples.starts, samples.ends), samples, params, check)
    if not forward or not around:
        raise NoBars(
            f"{len(samples.starts)} samples are too few for {params.folds} folds",
            hint="widen the range, or take fewer folds",
        )
    walked = _walked(forward, samples, params, periods=periods)
    likely = _likely(forward)
    beats = walked["sharpe"] > walked["baseline_sharpe"] and likely["log_loss"] < likely["prior_log_loss"]
    counts = np.bincount(samples.best, minlength=len(candidates)) / len(samples.best)
    return {
        "samples": len(samples.starts),
        "best_shares": {c.label: float(n) for c, n in zip(candidates, counts, strict=True)},
        "walk_forward": {"folds": [_fold(part) for part in forward], **walked, **likely},
        "purged_k_fold": {"folds": [_fold(part) for part in around], **_likely(around)},
        "beats_baseline": bool(beats),
        "why": _why(walked, likely, candidates[-1].label, beats=bool(beats)),
    }


def _scored(
    folds: Iterable[tuple[Places, Places]], samples: Samples, params: TrainParams, check: Callable[[], None]
) -> list[dict[str, Any]]:
    found, count = [], samples.outcomes.shape[1]
    for learn, test in folds:
        check()
        if len(learn) < LEAST:
            continue
        best = samples.best[test]
        given = probabilities(learned(samples.rows[learn], samples.best[learn], params), samples.rows[test], count)
        seen = np.bincount(samples.best[learn], minlength=count) + 1.0
        outcomes = samples.outcomes[learn]
        found.append(
            {
                "learn": learn,
                "test": test,
                "chosen": given.argmax(axis=1),
                "hit": given.argmax(axis=1) == best,
                "prior_hit": best == seen.argmax(),
                "loss": -np.log(np.maximum(given[np.arange(len(test)), best], SURE)),
                "prior_loss": -np.log((seen / seen.sum())[best]),
                "single": int(np.where(np.isfinite(outcomes).all(axis=0), outcomes.mean(axis=0), -np.inf).argmax()),
            }
        )
    return found


def _walked(
    parts: Sequence[dict[str, Any]], samples: Samples, params: TrainParams, *, periods: float
) -> dict[str, Any]:
    """Sharpe ratios of following the choices, of the baseline, and of the one strategy that had been the best."""
    baseline = samples.outcomes.shape[1] - 1
    ways: dict[str, list[Floats]] = {"sharpe": [], "baseline_sharpe": [], "single_sharpe": []}
    cost = math.log1p(-2 * (params.fee + params.slippage))
    for part in parts:
        test, chosen = part["test"], part["chosen"]
        fixed = np.full(len(test), baseline), np.full(len(test), part["single"])
        for way, picks in zip(ways, (chosen, *fixed), strict=True):
            ways[way].append(_followed(test, picks, samples, cost))
    yearly = periods / params.every
    found = {way: sharpe(np.expm1(np.concatenate(parts)), periods=yearly) for way, parts in ways.items()}
    return {way: value if math.isfinite(value) else 0.0 for way, value in found.items()}


def _followed(test: Places, picks: Places, samples: Samples, cost: float) -> Floats:
    """The growth until the next choice, the mean of all symbols at each moment; a change pays to sell and to buy."""
    growth = samples.ahead[test, picks]
    growth = np.where(np.isfinite(growth), growth, 0.0)  # a strategy that failed for this symbol holds nothing
    symbol = samples.symbol[test]
    for number in np.unique(symbol):
        mine = np.flatnonzero(symbol == number)
        growth[mine[1:]] += np.where(picks[mine[1:]] != picks[mine[:-1]], cost, 0.0)
    moments, place = np.unique(samples.starts[test], return_inverse=True)
    return np.bincount(place, weights=growth, minlength=len(moments)) / np.bincount(place, minlength=len(moments))


def _likely(parts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    names = {"log_loss": "loss", "prior_log_loss": "prior_loss", "accuracy": "hit", "prior_accuracy": "prior_hit"}
    return {name: float(np.concatenate([p[key] for p in parts]).mean()) for name, key in names.items()}


def _fold(part: dict[str, Any]) -> dict[str, Any]:
    return {"learned_from": len(part["learn"]), "judged_by": len(part["test"]), **_likely([part])}


def _why(walked: dict[str, Any], likely: dict[str, Any], baseline: str, *, beats: bool) -> str:
    words = (
        f"walking forward its choices had a Sharpe ratio of {walked['sharpe']:.2f}, "
        f"{baseline} {walked['baseline_sharpe']:.2f}, "
        f"the best single strategy of the past {walked['single_sharpe']:.2f}; "
        f"the logarithmic loss of its probabilities was {likely['log_loss']:.3f}, "
        f"that of plain frequencies {likely['prior_log_loss']:.3f}: "
    )
    return words + ("it beat the baseline" if beats else "it did not beat the baseline")
