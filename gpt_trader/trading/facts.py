"""What a finished session leaves behind, before any figure is worked out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from gpt_trader.core.orders import Ended, Fill, Order, Refused, RoundTrip
    from gpt_trader.core.portfolio import Portfolio
    from gpt_trader.trading.tape import Alert


@dataclass(frozen=True)
class Outcome:
    """The result under the other order of events within ambiguous bars."""

    events: str
    final_equity: Decimal
    total_return: float
    trades: int


@dataclass(frozen=True, kw_only=True)
class Facts:
    """A finished session as it was: nothing is worked out yet."""

    symbols: tuple[str, ...]
    times: NDArray[np.int64]
    equity: NDArray[np.float64]
    cash: Decimal
    currency: str
    final_equity: Decimal
    portfolio: Portfolio
    trades: tuple[RoundTrip, ...]
    fills: tuple[Fill, ...]
    orders: tuple[Order, ...]
    refusals: tuple[Refused, ...]
    ended: tuple[Ended, ...]
    alerts: tuple[Alert, ...]
    ambiguous_bars: int
    other: Outcome | None
    optimistic: tuple[str, ...]
    limits: str
    closing: str
    benchmark: NDArray[np.float64] | None
    risk_free: float
    periods: float | None
    origin: Callable[[], dict[str, Any]]
