"""The choice by a stored model: one that fits what is asked, saw nothing later, and once beat its baseline."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from gpt_trader.core.errors import ValidationError
from gpt_trader.core.market import time_of
from gpt_trader.slices.ml_strategy.candidates import candidates_of
from gpt_trader.slices.ml_strategy.drifting import drift_of, shifted
from gpt_trader.slices.ml_strategy.features import FEATURES, REACH, features_of
from gpt_trader.slices.ml_strategy.stored import AGAIN, StoredModel
from gpt_trader.trading.provenance import source_hash
from gpt_trader.trading.seats import StrategySpec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from gpt_trader.core.bars import Bars
    from gpt_trader.core.feeds import StrategyCatalog
    from gpt_trader.slices.ml_strategy.params import PredictParams

    Floats = NDArray[np.float64]
    Words = NDArray[np.object_]


@dataclass(slots=True)
class Asked:
    """What the model answered for each symbol, and what one should know about it."""

    selection: dict[str, dict[str, Any]] = field(default_factory=dict)
    scores: list[dict[str, Any]] = field(default_factory=list)
    drift: dict[str, dict[str, Any]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def fitting(
    model: StoredModel, every: Sequence[Bars], params: PredictParams, catalog: StrategyCatalog, *, decided: int
) -> list[str]:
    """What one should know before the model is asked; an error where it may not be asked at all."""
    if model.trained_until > decided:
        raise ValidationError(
            f"the model saw bars up to {time_of(model.trained_until).isoformat()}, and the decision is at "
            f"{time_of(decided).isoformat()}: it knows the future",
            hint="decide later (raise `train`), or train a model on earlier bars",
        )
    other = next((b for b in every if str(b.timeframe) != model.timeframe), None)
    if other is not None:
        raise ValidationError(
            f"the model was trained on bars of {model.timeframe}, and those of {other.symbol} are of {other.timeframe}",
            hint="train one on such bars",
        )
    _same_candidates(model, params, catalog)
    notes = []
    for known in model.candidates:
        StrategySpec(known.strategy, catalog[known.strategy], known.params).checked_params()
        if source_hash(catalog[known.strategy]) != known.source:
            notes.append(f"{known.strategy} has changed since the model was trained")
    strange = sorted({b.symbol for b in every} - {d["symbol"] for d in model.provenance.get("data", [])})
    return notes + ([f"the model was not trained on {', '.join(strange)}"] if strange else [])


def ask(model: StoredModel, past: Bars, labels: Words, asked: Asked) -> None:
    """Add the model's choice for one symbol at the end of its past, and how far its market has drifted."""
    base = model.candidates[model.baseline]
    rows = features_of(past, labels) if len(past) >= REACH else np.zeros((0, len(FEATURES)))
    if len(rows) == 0 or not np.isfinite(rows[-1]).all():
        why = f"{len(past)} bars before the decision are too few for the model: the baseline is taken"
        asked.selection[past.symbol] = _chosen(model, model.baseline, labels, confidence=0.0, beats=False, why=why)
        return
    given = model.probabilities(rows[-1:])[0]
    best, beats = int(given.argmax()), bool(model.training.get("beats_baseline"))
    chosen = best if beats else model.baseline
    asked.selection[past.symbol] = _chosen(
        model, chosen, labels, confidence=float(given[chosen]), beats=beats, why=_why(model, best, given, beats=beats)
    )
    asked.scores += [
        {"symbol": past.symbol, "strategy": c.strategy, "params": c.params, "baseline": c is base, "probability": p}
        for c, p in zip(model.candidates, given.tolist(), strict=True)
    ]
    recent = rows[np.isfinite(rows).all(axis=1)][-model.drift.bars :]
    asked.drift[past.symbol] = found = drift_of(recent, model.drift, model.features)
    loud = shifted(found)
    if loud:
        figures = ", ".join(f"{name} {found[name]['index']:.2f}" for name in loud[:3])
        words = f"{past.symbol} no longer looks like what the model was trained on"
        asked.warnings.append(f"{words}: {len(loud)} of {len(found)} features drifted ({figures})")


def _same_candidates(model: StoredModel, params: PredictParams, catalog: StrategyCatalog) -> None:
    base = model.candidates[model.baseline]
    if params.baseline != base.strategy:
        raise ValidationError(
            f"the model was judged against {base.strategy}, not {params.baseline}", hint=f"baseline: {base.strategy}"
        )
    if not params.strategies:
        return
    asked = candidates_of(params.strategies, catalog, baseline=base.strategy)
    wanted = [(c.spec.name, dict(c.spec.params)) for c in asked]
    known = [(c.strategy, c.params) for c in model.candidates]
    if sorted(map(repr, wanted)) != sorted(map(repr, known)):
        names = ", ".join(name for name, _ in known)
        raise ValidationError(f"the model chooses among {names}, and others are asked for", hint=AGAIN)


def _chosen(model: StoredModel, at: int, labels: Words, *, confidence: float, beats: bool, why: str) -> dict[str, Any]:
    candidate = model.candidates[at]
    return {
        "strategy": candidate.strategy,
        "params": dict(candidate.params),
        "regime": str(labels[-1]) if len(labels) else "unknown",
        "confidence": confidence,
        "beats_baseline": beats,
        "bars_compared": 0,
        "why": why,
    }


def _why(model: StoredModel, best: int, given: Floats, *, beats: bool) -> str:
    name, base = model.candidates[best].strategy, model.candidates[model.baseline].strategy
    words = f"the model gives {name} {given[best]:.0%} to be the best over the next {model.horizon} bars"
    told = model.training.get("why", "")
    return f"{words}; {told}" + ("" if beats else f", so {base} is taken")
