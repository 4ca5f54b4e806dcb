"""What the market_regime slice is asked for, and what it gives."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from gpt_trader.core.slices import Frame, Outputs, Params


class RegimeParams(Params):
    """Lengths in bars, and from where on a move counts as a trend, a market as calm, volatile or in crisis."""

    bars: Frame = Field(description="The table of bars.")
    method: Literal["rules", "hmm"] = Field(
        "rules", description="Fixed rules, or a hidden Markov model fitted on the past again and again (extra `ml`)."
    )
    trend_bars: int = Field(63, ge=10, description="The length over which the trend is measured.")
    volatility_bars: int = Field(21, ge=5, description="The length over which volatility is measured.")
    memory_bars: int = Field(756, ge=63, description="The past that volatility is compared with.")
    trend_from: float = Field(1.0, gt=0, description="The t-statistic of the mean return from which on it is a trend.")
    calm_below: float = Field(0.25, gt=0, lt=1, description="The rank of volatility below which a market is calm.")
    volatile_above: float = Field(0.75, gt=0, lt=1, description="The rank above which it is volatile.")
    crisis_above: float = Field(0.9, gt=0, lt=1, description="The rank above which a deep fall is a crisis.")
    crisis_fall: float = Field(0.2, gt=0, lt=1, description="How far below its high of the memory a crisis is.")
    states: int = Field(4, ge=2, le=8, description="The states of the hidden Markov model.")
    first_fit: int = Field(504, ge=60, description="After so many measured bars the model is fitted first.")
    refit: int = Field(126, ge=1, description="After so many bars each it is fitted anew.")
    fit_bars: int = Field(0, ge=0, description="Each fit sees so many last bars; 0: all of the past.")

    @model_validator(mode="after")
    def _calm_is_not_volatile(self) -> RegimeParams:
        if self.calm_below > self.volatile_above:
            raise ValueError(f"calm_below ({self.calm_below}) is above volatile_above ({self.volatile_above})")
        return self


class Regimes(Outputs):
    """A label for every bar of every symbol, the last one of each in words, and how labels followed one another."""

    regimes: Frame
    regime: dict[str, dict[str, Any]]
    transitions: dict[str, dict[str, dict[str, float]]]
    regime_method: str
