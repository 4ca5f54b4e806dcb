"""What the backtest slice is asked for, and what it gives."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from gpt_trader.trading.requests import Traded, TradeParams


class BacktestParams(TradeParams):
    """What trades on what, with which money, from when on, and at which cost."""

    limits: Literal["none", "standard"] = Field("none", description="The limits that the guard holds.")


class Backtested(Traded):
    """The result in figures and tables; a figure that the data does not define is null."""
