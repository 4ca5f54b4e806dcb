"""What the ml_strategy slice is asked for, and what it gives."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from gpt_trader.core.slices import Frame, Outputs, Params


class PredictParams(Params):
    """What may be chosen, on how much of the past, and by which yardstick."""

    bars: Frame = Field(description="The table of bars.")
    regimes: Frame = Field(description="A regime label for every bar, each known at that bar's close.")
    data_provenance: dict[str, dict[str, Any]] = Field({}, description="What is said of the bars.")
    strategies: list[str | dict[str, Any]] = Field([], description="Names, or {name, params}; none means all.")
    baseline: str = Field("buy_and_hold", description="The strategy that the chosen one must beat.")
    train: float = Field(0.5, gt=0, lt=1, description="The share of the time that the choice may look at.")
    folds: int = Field(4, ge=2, le=50, description="Into how many parts the past is cut for the walk-forward check.")
    fewest: int = Field(60, ge=20, description="With fewer bars in the present regime all bars are compared.")
    fee: float = Field(0.001, ge=0, lt=0.1, description="The part of a trade's value that it costs.")
    slippage: float = Field(0.0005, ge=0, lt=0.1, description="The part of the price lost at each fill.")


class Prediction(Outputs):
    """The choice for each symbol, each candidate's scores, and the moment from which on results are out of sample."""

    selection: dict[str, dict[str, Any]]
    scores: list[dict[str, Any]]
    decided_at: str
    selection_method: str
    beats_baseline: bool
