"""What a model sees of a bar: measures over trailing windows, and the regime as it was known at the bar's close."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gpt_trader.core.bars import Bars

    Floats = NDArray[np.float64]

FEATURE_SET = 1
"""Raised whenever a feature of the same name is worked out otherwise, so that older models are refused."""
REGIMES = ("trend up", "trend down", "range", "crisis")
SPANS = (5, 21, 63, 126)
FEATURES = (
    *(f"return_{span}" for span in SPANS),
    "volatility_21",
    "volatility_63",
    "volatility_ratio",
    "strength_63",
    "fall_252",
    "above_200",
    *(f"regime_{name.replace(' ', '_')}" for name in REGIMES),
)
REACH = 252
"""The first bar with all features has so many bars up to it."""
FLOOR = 1e-6


def features_of(bars: Bars, labels: NDArray[np.object_]) -> Floats:
    """A row for each bar, a column for each of FEATURES; NaN while there is too little past."""
    import pandas as pd

    close, logs = pd.Series(bars.close), pd.Series(np.log(bars.close))
    steps = logs.diff()
    spread = {span: steps.rolling(span).std().clip(lower=FLOOR) for span in (21, 63, 126)}
    columns: list[Any] = [logs.diff(span) for span in SPANS]
    columns += [np.log(spread[21]), np.log(spread[63]), np.log(spread[21] / spread[126])]
    columns += [steps.rolling(63).mean() / spread[63] * math.sqrt(63)]
    columns += [close / close.rolling(REACH).max() - 1.0, np.log(close / close.rolling(200).mean())]
    flags = [np.asarray(labels == name, dtype=np.float64) for name in REGIMES]
    return np.stack([*(np.asarray(column, dtype=np.float64) for column in columns), *flags], axis=1)
