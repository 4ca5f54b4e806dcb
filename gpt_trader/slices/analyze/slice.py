"""The analyze slice: patterns, indicators and correlations, each with the moment from which it was known."""

from __future__ import annotations

from typing import Any, ClassVar

from gpt_trader.core.context import StepContext
from gpt_trader.core.slices import Slice, method
from gpt_trader.slices.analyze.params import (
    CorrelationParams,
    Correlations,
    IndicatorParams,
    Indicators,
    PatternParams,
    Patterns,
)


class Analyze(Slice):
    """Looks at bars, over the past of each alone."""

    name: ClassVar[str] = "analyze"

    @method()
    def find_patterns(self, params: PatternParams, ctx: StepContext) -> Patterns:
        """Swing points, support and resistance, trend by higher highs and lows, and candle patterns."""
        import pandas as pd

        from gpt_trader.core.bars import priced
        from gpt_trader.core.frames import bars_of
        from gpt_trader.slices.analyze.candles import candles_frame
        from gpt_trader.slices.analyze.picture import picture_of
        from gpt_trader.slices.analyze.swings import swings_frame, swings_of

        candles_in, by = _candles(params.candle_set)
        pictures, swings, candles = {}, [], []
        for bars in map(priced, bars_of(params.bars)):
            ctx.check()
            found = swings_of(bars, side=params.swing)
            swings.append(swings_frame(bars, found))
            candles.append(candles_frame(bars, candles_in(bars)))
            pictures[bars.symbol] = picture_of(
                float(bars.close[-1]), len(bars), found, memory=params.memory, tolerance=params.tolerance
            )
            pictures[bars.symbol]["candles"] = _last(candles[-1])
        return Patterns(
            patterns=pictures,
            swings=pd.concat(swings, ignore_index=True),
            candles=pd.concat(candles, ignore_index=True),
            candles_by=by,
        )

    @method()
    def indicators(self, params: IndicatorParams, ctx: StepContext) -> Indicators:
        """TA-Lib's indicators by name, each value known at the close of its bar."""
        import pandas as pd

        from gpt_trader.core.bars import priced
        from gpt_trader.core.frames import bars_of
        from gpt_trader.slices.analyze.indicators import indicators_frame, indicators_of, last_of, values_of

        wanted = indicators_of(params.indicators)
        frames, last = [], {}
        for bars in map(priced, bars_of(params.bars)):
            ctx.check()
            values = values_of(bars, wanted)
            frames.append(indicators_frame(bars, values))
            last[bars.symbol] = last_of(values)
        return Indicators(indicator_values=pd.concat(frames, ignore_index=True), indicator_last=last)

    @method()
    def correlations(self, params: CorrelationParams, ctx: StepContext) -> Correlations:
        """Rolling correlation of returns of each pair, and the clusters of symbols that move together."""
        from gpt_trader.core.bars import priced
        from gpt_trader.core.errors import UsageError
        from gpt_trader.core.frames import bars_of
        from gpt_trader.slices.analyze.correlations import clusters_of, history_of, matrix_of, present_of

        bars = [priced(b) for b in bars_of(params.bars)]
        if len(bars) < 2:
            raise UsageError(f"{bars[0].symbol} alone correlates with nothing", hint="name two symbols or more")
        symbols, found = [b.symbol for b in bars], present_of(bars, params.window)
        return Correlations(
            correlations=history_of(bars, params.window, step=params.step, check=ctx.check),
            correlation_matrix=matrix_of(symbols, found),
            clusters=clusters_of(symbols, found, threshold=params.threshold),
        )


def _candles(wanted: str) -> tuple[Any, str]:
    """What finds candles, and the words that say so."""
    from gpt_trader.slices.analyze.candles import VALUES, plain_candles
    from gpt_trader.slices.analyze.library import is_installed, talib
    from gpt_trader.slices.analyze.talibcandles import NAMES, talib_candles

    if wanted == "plain" or (wanted == "auto" and not is_installed()):
        return plain_candles, f"{len(VALUES)} plain patterns"
    return talib_candles, f"{len(NAMES)} patterns of TA-Lib {talib('the set of candles `ta-lib`').__version__}"


def _last(candles: Any, count: int = 5) -> list[dict[str, str]]:
    shown = candles.tail(count)
    rows = zip(shown["time"], shown["name"], shown["direction"], strict=True)
    return [{"time": t.isoformat(), "name": name, "direction": direction} for t, name, direction in rows]
