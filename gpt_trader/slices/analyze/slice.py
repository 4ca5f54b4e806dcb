"""The analyze slice: patterns of each symbol, each with the moment from which it was known."""

from __future__ import annotations

from typing import Any, ClassVar

from gpt_trader.core.context import StepContext
from gpt_trader.core.slices import Slice, method
from gpt_trader.slices.analyze.params import PatternParams, Patterns


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
