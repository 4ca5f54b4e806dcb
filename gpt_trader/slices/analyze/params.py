"""What the analyze slice is asked for, and what it gives."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from gpt_trader.core.slices import Frame, Outputs, Params


class PatternParams(Params):
    """Where to look, and what counts as a swing point or as one level."""

    bars: Frame = Field(description="The table of bars.")
    swing: int = Field(5, ge=1, le=250, description="A swing point is the extreme of so many bars on either side.")
    memory: int = Field(250, ge=10, description="Levels are made of the swing points of so many last bars.")
    tolerance: float = Field(0.015, gt=0, lt=0.5, description="Swing points no further apart make one level.")


class Patterns(Outputs):
    """The present picture of each symbol, and every swing point and candle with its time and when it was known."""

    patterns: dict[str, dict[str, Any]]
    swings: Frame
    candles: Frame
