"""What the backtest slice is asked for, and what it gives."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from gpt_trader.core.slices import Frame, Outputs, Params
from gpt_trader.trading.params import Cash, First, Folds, Traded, TradeParams


class BacktestParams(TradeParams):
    """What trades on what, with which money, from when on, and at which cost."""

    mix: list[str | dict[str, Any]] = Field(
        [], description="Several strategies side by side: names, or {strategy, params, symbols, share}."
    )
    limits: Literal["none", "standard"] = Field("none", description="The limits that the guard holds.")


class Backtested(Traded):
    """The result in figures and tables; a figure that the data does not define is null."""


class ForwardParams(BacktestParams):
    """Among which strategies the past chooses, and how the time is cut."""

    candidates: list[str | dict[str, Any]] = Field(
        [], description="Names, or {name, params}; none means the strategy or the selection alone."
    )
    folds: Folds = 4
    first: First = 0.5
    window: Literal["anchored", "rolling"] = Field(
        "anchored", description="A choice looks at all before, or at as much as the first."
    )
    gap: int = Field(0, ge=0, description="So many bars between what a choice looks at and what is traded.")


class Forwarded(Outputs):
    """Each stretch with its choice, and the account that traded all of them one after the other."""

    walks: list[dict[str, Any]]
    score: float
    final_equity: float
    metrics: dict[str, float | None]
    baseline_metrics: dict[str, Any]
    period: dict[str, Any]
    equity: Frame
    trades: Frame
    refusals: list[dict[str, Any]]
    details: dict[str, Any]
    provenance: dict[str, Any]


class LuckParams(Params):
    """The trades that are drawn from, and how often."""

    trades: Frame = Field(description="Closed trades, with `profit` and `exit_time`.")
    cash: Cash = 100_000.0
    paths: int = Field(1_000, ge=1, le=1_000_000, description="How many accounts are drawn.")
    length: int = Field(0, ge=0, description="How many trades each has; 0: as many as there were.")
    block: int = Field(1, ge=1, description="So many trades in a row are drawn together, so that streaks stay.")
    ruin: float = Field(0.5, gt=0, lt=1, description="An account that falls to this share of its start is ruined.")
    seed: int = Field(0, ge=0, description="The seed of the draws.")


class Luck(Outputs):
    """What might as well have happened: percentiles in `luck`, and every drawn account as a row of `paths`."""

    luck: dict[str, Any]
    risk_of_ruin: float
    paths: Frame
