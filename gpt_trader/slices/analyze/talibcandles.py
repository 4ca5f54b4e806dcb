"""TA-Lib's candle patterns under names that people use, and what each of its numbers says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gpt_trader.slices.analyze.candles import Found, direction_of
from gpt_trader.slices.analyze.library import talib

if TYPE_CHECKING:
    from gpt_trader.core.bars import Bars

NAMES = {
    "CDL2CROWS": "two_crows", "CDL3BLACKCROWS": "three_black_crows", "CDL3INSIDE": "three_inside",
    "CDL3LINESTRIKE": "three_line_strike", "CDL3OUTSIDE": "three_outside",
    "CDL3STARSINSOUTH": "three_stars_in_the_south", "CDL3WHITESOLDIERS": "three_white_soldiers",
    "CDLABANDONEDBABY": "abandoned_baby", "CDLADVANCEBLOCK": "advance_block", "CDLBELTHOLD": "belt_hold",
    "CDLBREAKAWAY": "breakaway", "CDLCLOSINGMARUBOZU": "closing_marubozu",
    "CDLCONCEALBABYSWALL": "concealing_baby_swallow", "CDLCOUNTERATTACK": "counterattack",
    "CDLDARKCLOUDCOVER": "dark_cloud_cover", "CDLDOJI": "doji", "CDLDOJISTAR": "doji_star",
    "CDLDRAGONFLYDOJI": "dragonfly_doji", "CDLENGULFING": "engulfing", "CDLEVENINGDOJISTAR": "evening_doji_star",
    "CDLEVENINGSTAR": "evening_star", "CDLGAPSIDESIDEWHITE": "gap_side_by_side_white_lines",
    "CDLGRAVESTONEDOJI": "gravestone_doji", "CDLHAMMER": "hammer", "CDLHANGINGMAN": "hanging_man",
    "CDLHARAMI": "harami", "CDLHARAMICROSS": "harami_cross", "CDLHIGHWAVE": "high_wave", "CDLHIKKAKE": "hikkake",
    "CDLHIKKAKEMOD": "modified_hikkake", "CDLHOMINGPIGEON": "homing_pigeon",
    "CDLIDENTICAL3CROWS": "identical_three_crows", "CDLINNECK": "in_neck", "CDLINVERTEDHAMMER": "inverted_hammer",
    "CDLKICKING": "kicking", "CDLKICKINGBYLENGTH": "kicking_by_length", "CDLLADDERBOTTOM": "ladder_bottom",
    "CDLLONGLEGGEDDOJI": "long_legged_doji", "CDLLONGLINE": "long_line", "CDLMARUBOZU": "marubozu",
    "CDLMATCHINGLOW": "matching_low", "CDLMATHOLD": "mat_hold", "CDLMORNINGDOJISTAR": "morning_doji_star",
    "CDLMORNINGSTAR": "morning_star", "CDLONNECK": "on_neck", "CDLPIERCING": "piercing",
    "CDLRICKSHAWMAN": "rickshaw_man", "CDLRISEFALL3METHODS": "three_methods", "CDLSEPARATINGLINES": "separating_lines",
    "CDLSHOOTINGSTAR": "shooting_star", "CDLSHORTLINE": "short_line", "CDLSPINNINGTOP": "spinning_top",
    "CDLSTALLEDPATTERN": "stalled", "CDLSTICKSANDWICH": "stick_sandwich", "CDLTAKURI": "takuri",
    "CDLTASUKIGAP": "tasuki_gap", "CDLTHRUSTING": "thrusting", "CDLTRISTAR": "tristar",
    "CDLUNIQUE3RIVER": "unique_three_river", "CDLUPSIDEGAP2CROWS": "upside_gap_two_crows",
    "CDLXSIDEGAP3METHODS": "gap_three_methods",
}  # fmt: skip
UNDECIDED = frozenset(
    {
        "doji", "dragonfly_doji", "gravestone_doji", "high_wave", "long_legged_doji", "rickshaw_man", "short_line",
        "spinning_top", "takuri",
    }
)  # fmt: skip
"""Their number tells the colour of the bar, or is always positive; TA-Lib says itself that it means no direction."""


def talib_candles(bars: Bars) -> Found:
    """The patterns found in these bars, in order of time."""
    library = talib("the set of candles `ta-lib`")
    codes = np.stack([getattr(library, name)(bars.open, bars.high, bars.low, bars.close) for name in NAMES], axis=1)
    at, which = np.nonzero(codes)
    names: list[str] = np.array(list(NAMES.values()), dtype=object)[which].tolist()
    values = codes[at, which].tolist()
    return Found(at.tolist(), names, [meaning_of(n, v) for n, v in zip(names, values, strict=True)], values)


def meaning_of(name: str, value: int) -> str:
    """Bullish, bearish or undecided."""
    return "undecided" if name in UNDECIDED else direction_of(value)
