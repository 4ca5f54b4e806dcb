"""What the position_sizing slice is asked for, and what it gives."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from gpt_trader.core.slices import Frame, Outputs, Params


class SizeParams(Params):
    """The money, the rule, and what may be risked."""

    bars: Frame = Field(description="The table of bars.")
    cash: float = Field(100_000.0, gt=0, description="The account's value.")
    sizing: Literal["fraction", "risk"] = Field("fraction", description="Equal shares, or equal risk to a stop.")
    fraction: float = Field(
        0.95, gt=0, le=1, description="The share of the account that all positions may take together."
    )
    risk: float = Field(
        0.01, gt=0, le=0.1, description="The part of the account that one position may lose at its stop."
    )
    atr_bars: int = Field(14, ge=2, description="The bars of the average true range.")
    stop_atrs: float = Field(2.0, gt=0, description="How many average true ranges the stop lies from the entry.")
    lots: dict[str, float] = Field({}, description="The smallest step of quantity by symbol; 1 where none is named.")
    decided_at: str = Field("", description="Only bars before this moment are looked at; empty: all of them.")


class Sizes(Outputs):
    """For each symbol the desk's rule, and what it comes to at the last price before the decision."""

    sizes: dict[str, dict[str, Any]]
