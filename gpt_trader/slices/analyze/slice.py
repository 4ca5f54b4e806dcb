"""The analyze slice: patterns of each symbol, each with the moment from which it was known."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from gpt_trader.core.context import StepContext
from gpt_trader.core.slices import Frame, Outputs, Params, Slice, method


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


class Analyze(Slice):
    """Finds patterns in bars, by hand-written rules over the past alone."""

    name: ClassVar[str] = "analyze"

    @method()
    def find_patterns(self, params: PatternParams, ctx: StepContext) -> Patterns:
        """Swing points, support and resistance, trend by higher highs and lows, and candle patterns."""
        import pandas as pd

        from gpt_trader.core.frames import bars_of
        from gpt_trader.slices.analyze.candles import candles_frame
        from gpt_trader.slices.analyze.picture import picture_of
        from gpt_trader.slices.analyze.swings import swings_frame, swings_of

        pictures, swings, candles = {}, [], []
        for bars in bars_of(params.bars):
            ctx.check()
            found = swings_of(bars, side=params.swing)
            swings.append(swings_frame(bars, found))
            candles.append(candles_frame(bars))
            pictures[bars.symbol] = picture_of(bars, found, params.memory, tolerance=params.tolerance)
            pictures[bars.symbol]["candles"] = _last(candles[-1])
        return Patterns(
            patterns=pictures,
            swings=pd.concat(swings, ignore_index=True),
            candles=pd.concat(candles, ignore_index=True),
        )


def _last(candles: Any, count: int = 5) -> list[dict[str, str]]:
    shown = candles.tail(count)
    rows = zip(shown["time"], shown["name"], shown["direction"], strict=True)
    return [{"time": t.isoformat(), "name": name, "direction": direction} for t, name, direction in rows]
