"""What the analyze slice is asked for, and what it gives."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from gpt_trader.core.slices import Frame, Outputs, Params


class PatternParams(Params):
    """Where to look, what counts as a swing point or as one level, and whose candles are meant."""

    bars: Frame = Field(description="The table of bars.")
    swing: int = Field(5, ge=1, le=250, description="A swing point is the extreme of so many bars on either side.")
    memory: int = Field(250, ge=10, description="Levels are made of the swing points of so many last bars.")
    tolerance: float = Field(0.015, gt=0, lt=0.5, description="Swing points no further apart make one level.")
    candle_set: Literal["auto", "ta-lib", "plain"] = Field(
        "auto", description="TA-Lib's 61 patterns (extra `ta`), the six plain ones, or what is installed."
    )


class Patterns(Outputs):
    """The present picture of each symbol, and every swing point and candle with its time and when it was known."""

    patterns: dict[str, dict[str, Any]]
    swings: Frame
    candles: Frame
    candles_by: str


class IndicatorParams(Params):
    """Which indicators, each by its TA-Lib name."""

    bars: Frame = Field(description="The table of bars.")
    indicators: list[str | dict[str, Any]] = Field(
        min_length=1,
        description="TA-Lib's names, or {name, params, as}: {name: sma, params: {timeperiod: 20}, as: slow}.",
    )


class Indicators(Outputs):
    """A row for each bar with a column for each output, and the last value of each; null while there is none."""

    indicator_values: Frame
    indicator_last: dict[str, dict[str, float | None]]


class CorrelationParams(Params):
    """How long a window, how often it is moved, and from where on symbols belong together."""

    bars: Frame = Field(description="The table of bars, of two symbols at least.")
    window: int = Field(63, ge=3, description="How many returns in common are compared.")
    step: int = Field(21, ge=1, description="The history has each pair once in so many returns, counted from the last.")
    threshold: float = Field(0.8, gt=0, le=1, description="Symbols correlated so much, either way, are one cluster.")


class Correlations(Outputs):
    """The rolling correlation of each pair, the present one as a matrix, and the clusters that it makes."""

    correlations: Frame
    correlation_matrix: dict[str, dict[str, float | None]]
    clusters: list[list[str]]
