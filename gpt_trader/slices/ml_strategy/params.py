"""What the ml_strategy slice is asked for, and what it gives."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from gpt_trader.core.context import Artifact
from gpt_trader.core.slices import Frame, Outputs, Params


class ChoiceParams(Params):
    """What may be chosen, on how much of the past, at which costs."""

    bars: Frame = Field(description="The table of bars.")
    regimes: Frame = Field(description="A regime label for every bar, each known at that bar's close.")
    data_provenance: dict[str, dict[str, Any]] = Field({}, description="What is said of the bars.")
    strategies: list[str | dict[str, Any]] = Field([], description="Names, or {name, params}; none means all.")
    baseline: str = Field("buy_and_hold", description="The strategy that the chosen one must beat.")
    train: float = Field(0.5, gt=0, lt=1, description="The share of the time that the choice may look at.")
    folds: int = Field(4, ge=2, le=50, description="Into how many parts the past is cut for the walk-forward check.")
    fee: float = Field(0.001, ge=0, lt=0.1, description="The part of a trade's value that it costs.")
    slippage: float = Field(0.0005, ge=0, lt=0.1, description="The part of the price lost at each fill.")


class PredictParams(ChoiceParams):
    """By which yardstick: scores of the past, or a stored model."""

    fewest: int = Field(60, ge=20, description="With fewer bars in the present regime all bars are compared.")
    model: Any = Field("", description="A stored model, from `train` or by its path; empty: scores of the past decide.")


class TrainParams(ChoiceParams):
    """What is learned: which strategy does best over the next bars; and how it is held apart from what judges it."""

    learner: Literal["logistic", "boosting"] = Field("logistic", description="Logistic regression, or boosted trees.")
    horizon: int = Field(21, ge=1, description="The best strategy is the best over so many bars to come.")
    every: int = Field(5, ge=1, description="Every so many bars there is a sample, and a choice in the walk-forward.")
    gap: int = Field(0, ge=0, description="So many bars lie between what a fold learns from and what it is judged by.")
    embargo: int = Field(21, ge=0, description="So many bars after a tested part nothing is learned from (k-fold).")
    strength: float = Field(0.01, gt=0, description="How far logistic regression may follow the samples.")
    trees: int = Field(40, ge=1, le=500, description="The rounds of boosting.")
    drift_bars: int = Field(252, ge=40, description="Drift is looked for in so many last bars.")
    seed: int = Field(0, ge=0, description="The seed of what is random.")


class Prediction(Outputs):
    """The choice for each symbol, each candidate's scores, and the moment from which on results are out of sample."""

    selection: dict[str, dict[str, Any]]
    scores: list[dict[str, Any]]
    decided_at: str
    selection_method: str
    beats_baseline: bool
    drift: dict[str, dict[str, Any]]
    warnings: list[str]
    model_provenance: dict[str, Any]


class Trained(Outputs):
    """The model as a file, how it was judged, and until when it saw bars."""

    model: Artifact
    model_path: str
    training: dict[str, Any]
    model_beats_baseline: bool
    trained_until: str
