"""What might as well have happened: the same trades drawn again and again, in another order and number."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from gpt_trader.core.errors import ValidationError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from gpt_trader.slices.backtest.params import LuckParams

    Floats = NDArray[np.float64]

PERCENTILES = (1, 5, 25, 50, 75, 95, 99)
AT_ONCE = 2_000_000
"""So many draws are held in memory at once."""


def drawn(params: LuckParams, *, check: Callable[[], None]) -> dict[str, Any]:
    """Every output of the draws by its name."""
    import pandas as pd

    gains = gains_of(params.trades, params.cash)
    length = params.length or len(gains)
    rng = np.random.default_rng(params.seed)
    final, lowest, deepest = (np.empty(params.paths) for _ in range(3))
    rows = max(1, AT_ONCE // length)
    for first in range(0, params.paths, rows):
        check()
        part = slice(first, min(first + rows, params.paths))
        places = places_of(rng, len(gains), length, block=params.block, paths=part.stop - part.start)
        final[part], lowest[part], deepest[part] = _accounts(gains[places])
    ruined = lowest <= params.ruin
    actual = _accounts(gains[None, :])
    luck = {
        "trades": len(gains),
        "length": length,
        "paths": params.paths,
        "final_equity": _spread(final * params.cash),
        "max_drawdown": _spread(deepest),
        "chance_of_loss": float((final < 1.0).mean()),
        "risk_of_ruin": float(ruined.mean()),
        "actual": {
            "final_equity": float(actual[0][0]) * params.cash,
            "max_drawdown": float(actual[2][0]),
            "paths_with_deeper_drawdown": float((deepest < actual[2][0]).mean()),
        },
    }
    paths = pd.DataFrame({"final_equity": final * params.cash, "max_drawdown": deepest, "ruined": ruined})
    return {"luck": luck, "risk_of_ruin": luck["risk_of_ruin"], "paths": paths}


def gains_of(trades: pd.DataFrame, cash: float) -> Floats:
    """What each trade made of the account's money before it, the trades one after the other as they were closed."""
    missing = [name for name in ("profit", "exit_time") if name not in getattr(trades, "columns", ())]
    if missing:
        raise ValidationError(f"the trades have no column '{missing[0]}'", hint="pass the trades of a backtest")
    if len(trades) == 0:
        raise ValidationError(
            "there is no closed trade to draw from", hint="test a strategy that trades, or for longer"
        )
    profits = trades.sort_values("exit_time", kind="stable")["profit"].to_numpy(dtype=np.float64)
    before = cash + np.concatenate(([0.0], np.cumsum(profits)[:-1]))
    if (before <= 0).any():
        raise ValidationError(f"an account of {cash:,.0f} did not live to the last trade", hint="name the cash it had")
    return np.asarray(profits / before, dtype=np.float64)


def places_of(rng: np.random.Generator, count: int, length: int, *, block: int, paths: int) -> NDArray[np.int64]:
    """Which trades each path has; blocks go on at the beginning behind the last trade."""
    blocks = -(-length // block)
    starts = rng.integers(0, count, (paths, blocks))
    places = (starts[:, :, None] + np.arange(block)) % count
    return places.reshape(paths, blocks * block)[:, :length]


def _accounts(gains: Floats) -> tuple[Floats, Floats, Floats]:
    """Of each path what is left at the end, the least on the way, and the deepest fall; the start is 1."""
    growth = np.maximum(1.0 + gains, 0.0)
    equity: Floats = np.ones((len(gains), gains.shape[1] + 1))
    np.cumprod(growth, axis=1, out=equity[:, 1:])
    falls: Floats = equity / np.maximum.accumulate(equity, axis=1) - 1.0
    return equity[:, -1], equity.min(axis=1), falls.min(axis=1)


def _spread(values: Floats) -> dict[str, float]:
    named = zip(PERCENTILES, np.percentile(values, PERCENTILES).tolist(), strict=True)
    return {"mean": float(values.mean()), **{f"p{p}": value for p, value in named}}
