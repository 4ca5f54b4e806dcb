"""What the position_sizing slice is asked for, and what it gives."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from gpt_trader.core.slices import Frame, Outputs, Params

Way = Literal["fraction", "risk", "volatility", "kelly", "parity"]

Lot = Annotated[float, Field(gt=0)]


class SizeParams(Params):
    """The money, the rule, what may be risked, and the limits that no rule passes."""

    bars: Frame = Field(description="The table of bars.")
    cash: float = Field(100_000.0, gt=0, description="The account's value.")
    sizing: Way = Field(
        "fraction",
        description="Equal shares, equal risk to a stop, a target of volatility, Kelly's share, or risk parity.",
    )
    fraction: float = Field(
        0.95, gt=0, le=1, description="The share of the account that all positions may take together."
    )
    risk: float = Field(
        0.01, gt=0, le=0.1, description="The part of the account that one position may lose at its stop."
    )
    atr_bars: int = Field(14, ge=2, description="The bars of the average true range.")
    stop_atrs: float = Field(2.0, gt=0, description="How many average true ranges the stop lies from the entry.")
    target_volatility: float = Field(
        0.1, gt=0, le=2, description="The yearly volatility of all positions together, if they moved as one."
    )
    volatility_bars: int = Field(63, ge=5, description="The returns of which volatility and covariance are taken.")
    kelly_fraction: float = Field(0.5, gt=0, le=1, description="The part of Kelly's share that is taken.")
    kelly_cap: float = Field(0.25, gt=0, le=1, description="The most of the account for a position of confidence 1.")
    kelly_bars: int = Field(252, ge=20, description="The returns of which mean and variance are taken.")
    odds: dict[str, dict[str, float]] = Field(
        {}, description="By symbol {win_rate, payoff}, from which Kelly's share is worked out instead."
    )
    confidence: dict[str, float] = Field({}, description="By symbol, from 0 to 1; it goes before the selection's.")
    selection: dict[str, dict[str, Any]] = Field({}, description="For each symbol its {strategy, confidence}.")
    lots: dict[str, Lot] = Field({}, description="The smallest step of quantity by symbol; 1 where none is named.")
    max_notional: float | None = Field(None, gt=0, description="The most money that one position may be worth.")
    max_gross: float = Field(1.0, gt=0, le=1, description="The most of the account that all positions may be worth.")
    decided_at: str = Field("", description="Only bars before this moment are looked at; empty: all of them.")


class Sizes(Outputs):
    """For each symbol the desk's rule, and what it comes to at the last price before the decision."""

    sizes: dict[str, dict[str, Any]]
