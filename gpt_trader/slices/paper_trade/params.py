"""What the paper_trade slice is asked for, and what it gives."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from gpt_trader.trading.params import Traded, TradeParams


class ReplayParams(TradeParams):
    """What trades on what, how fast the data is played, and the limits, which are always on."""

    speed: float = Field(
        0.0, ge=0, allow_inf_nan=False, description="Seconds of data in one second; 0: as fast as it goes."
    )
    limits: str | dict[str, Any] = Field("standard", description="`standard`, a YAML file of limits, or their table.")
    risk: float = Field(
        0.008, gt=0, le=0.1, description="Where no sizes are given: the part of the account lost at a position's stop."
    )
    stop_atrs: float = Field(2.0, gt=0, description="... and how many average true ranges away that stop is.")
    atr_bars: int = Field(14, ge=2, description="... of so many bars.")


class Replayed(Traded):
    """The result in figures and tables, as a backtest gives it, and how the data was played."""

    replay: dict[str, Any]
