"""What the adaptive_portfolio slice is asked for, and what it gives."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from gpt_trader.core.slices import Frame, Outputs, Params
from gpt_trader.trading.params import SessionParams, Traded

Allocation = Literal["equal", "inverse_volatility", "hrp", "risk_parity", "mean_risk"]
Objective = Literal["least_risk", "best_ratio"]
Measure = Literal["variance", "semi_variance", "cvar", "drawdown"]

Part = Annotated[float, Field(ge=0, le=1)]
Lot = Annotated[float, Field(gt=0)]


class PolicyParams(Params):
    """How weights are found, what none of them passes, and when a difference is worth a trade."""

    allocation: Allocation = Field(
        "inverse_volatility",
        description="equal or inverse_volatility; with the extra `portfolio` also hrp, risk_parity and mean_risk.",
    )
    objective: Objective = Field("least_risk", description="What mean_risk looks for.")
    risk_measure: Measure = Field("variance", description="What hrp, risk_parity and mean_risk take for risk.")
    window: int = Field(252, ge=20, description="The returns that a decision looks at.")
    invested: float = Field(0.95, gt=0, le=1, description="The most of the account that is held; the rest is cash.")
    least_weight: float = Field(0.0, ge=0, lt=1, description="The least part of the account in a symbol that is held.")
    most_weight: float = Field(1.0, gt=0, le=1, description="The most of the account in one symbol.")
    max_notional: float | None = Field(None, gt=0, description="The most money in one symbol.")
    strategies: list[str | dict[str, Any]] = Field(
        [], description="Among which each symbol's weight is divided: names or {name, params}; empty: it is held."
    )
    regimes: Frame = Field(None, description="A label for each bar, which weighs strategies and caution.")
    caution: dict[str, Part] = Field(
        {"crisis": 0.5}, description="By label the part of a symbol's weight that is held in this regime."
    )
    tiers: list[dict[str, Any]] = Field([], description="Tiers by account size; empty: micro, small, medium, large.")
    band: float = Field(0.02, ge=0, lt=1, description="A weight that is off by less is left alone.")
    most_turnover: float = Field(1.0, gt=0, le=2, description="The most of the account that one rebalancing trades.")
    lots: dict[str, Lot] = Field({}, description="The smallest step of quantity by symbol; 1 where none is named.")


class AllocateParams(PolicyParams):
    """An account, what it holds, and how its weights are found."""

    bars: Frame = Field(description="The table of bars.")
    data_provenance: dict[str, dict[str, Any]] = Field({}, description="What is said of the bars.")
    cash: float = Field(100_000.0, gt=0, description="The account's value, with what it holds.")
    positions: list[dict[str, Any]] = Field(
        [], description="What it holds: {symbol, quantity}, and of several strategies which: strategy."
    )
    decided_at: str = Field("", description="Only bars that are over by then are looked at; empty: all of them.")
    fee: float = Field(0.001, ge=0, lt=0.1, description="The part of a trade's value that it costs.")
    slippage: float = Field(0.0005, ge=0, lt=0.1, description="The part of the price lost at each fill.")
    spread: float = Field(0.0, ge=0, lt=0.1, description="The distance of bid and ask, as a part of the price.")
    sections: list[dict[str, Any]] = Field([], description="Sections of the report that are there already.")


class Allocated(Outputs):
    """Weights and whole lots by symbol and strategy, the orders that lead there, and why it is so."""

    weights: dict[str, float]
    strategy_weights: dict[str, dict[str, float]]
    targets: list[dict[str, Any]]
    rebalance_orders: list[dict[str, Any]]
    turnover: float
    tier: dict[str, Any]
    reasons: list[str]
    sections: list[dict[str, Any]]


class RebalanceParams(PolicyParams, SessionParams):
    """The same over time: how often weights are set anew, with which money, at which cost, within which limits."""

    sizes: dict[str, dict[str, Any]] = Field(
        {}, description="Not looked at: weights say how much, and `lots` how fine."
    )
    every: int = Field(21, ge=1, description="Weights are set anew after so many bars.")
    limits: str | dict[str, Any] = Field("none", description="`none`, `standard`, a YAML file of limits, or a table.")


class Rebalanced(Traded):
    """The result in figures and tables, as a backtest gives it, and the weights at each rebalancing."""

    weight_history: Frame
    rebalances: list[dict[str, Any]]
    sections: list[dict[str, Any]]
