"""The report of a finished session: what it earned, how it got there, and everything that one needs to get there again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from gpt_trader.core.drawdowns import Drawdown, drawdowns, monthly_table
from gpt_trader.core.orders import ZERO, exact
from gpt_trader.trading import figures
from gpt_trader.trading.provenance import provenance_of

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from gpt_trader.core.bars import Bars
    from gpt_trader.core.orders import Ended, Fill, Order, Refused, RoundTrip
    from gpt_trader.core.portfolio import Portfolio
    from gpt_trader.trading.desk import Desk
    from gpt_trader.trading.limits import Limits
    from gpt_trader.trading.config import BacktestConfig
    from gpt_trader.trading.seats import StrategySpec
    from gpt_trader.trading.tape import Alert


@dataclass(frozen=True)
class Outcome:
    """The result under the other order of events within ambiguous bars."""

    events: str
    final_equity: Decimal
    total_return: float
    trades: int

    @classmethod
    def of(cls, events: str, desk: Desk, cash: Decimal) -> Outcome:
        """The outcome of a desk that is done."""
        final = final_equity(desk)
        return cls(events, final, float(final / cash - 1), len(desk.tape.trips))


@dataclass(frozen=True, kw_only=True)
class Report:
    """A finished session; figures are worked out when they are first asked for."""

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
    provenance: Mapping[str, Any]

    @cached_property
    def metrics(self) -> dict[str, float]:
        """Every figure, by name; each says its convention in `core.metrics` and `core.trade_metrics`."""
        return figures.all_of(self)

    @cached_property
    def drawdowns(self) -> tuple[Drawdown, ...]:
        """Every stay below a peak."""
        return drawdowns(self.equity, self.times)

    @cached_property
    def costs(self) -> dict[str, Decimal]:
        """What was paid, each kind in its own column, in the account's currency."""
        return figures.costs_of(self)

    @cached_property
    def per_symbol(self) -> dict[str, dict[str, float]]:
        """Trades, profit and costs of each symbol."""
        return {name: figures.part_of(self, symbol=name) for name in self.symbols}

    @cached_property
    def per_strategy(self) -> dict[str, dict[str, float]]:
        """Trades, profit and costs of each strategy."""
        names = dict.fromkeys(strategy for strategy, _ in self.portfolio.positions)
        return {name: figures.part_of(self, strategy=name) for name in names}

    def monthly(self) -> list[dict[str, Any]]:
        """Returns by month and year."""
        return [
            {"year": r.year, "months": list(r.months), "total": r.total} for r in monthly_table(self.equity, self.times)
        ]

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values, without the long lists: what a summary and a JSON document need."""
        from gpt_trader.trading.export import document

        return document(self)

    def equity_frame(self) -> pd.DataFrame:
        """Equity and drawdown by time."""
        from gpt_trader.trading.export import equity_frame

        return equity_frame(self)

    def trades_frame(self) -> pd.DataFrame:
        """Closed trades, one a row."""
        from gpt_trader.trading.export import rows_frame

        return rows_frame(self.trades)

    def fills_frame(self) -> pd.DataFrame:
        """Fills, one a row."""
        from gpt_trader.trading.export import rows_frame

        return rows_frame(self.fills)

    def save(self, folder: str, *, kinds: Sequence[str] = ("json", "csv", "parquet")) -> list[str]:
        """Write the report into a folder in each of these forms; the files' names are given back."""
        from gpt_trader.trading.export import save

        return save(self, folder, kinds=kinds)


def final_equity(desk: Desk) -> Decimal:
    """The exact value of the account at the last prices."""
    account = desk.account
    prices = {name: exact(lane.price) if lane.price == lane.price else ZERO for name, lane in account.lanes.items()}
    return account.portfolio.equity(prices)


def make_report(  # noqa: PLR0913 - a report names all that made it
    desk: Desk,
    *,
    specs: Sequence[StrategySpec],
    bars: Sequence[Bars],
    config: BacktestConfig,
    limits: Limits,
    other: Outcome | None,
    ambiguous: int,
) -> Report:
    """Gather a report from a desk that is done."""
    tape = desk.tape
    times = bars[0].ts if len(bars) == 1 else np.array(desk.times, dtype=np.int64)
    benchmark = next((b for b in bars if b.symbol == config.benchmark), None)
    return Report(
        symbols=tuple(b.symbol for b in bars),
        times=times,
        equity=np.array(desk.curve, dtype=np.float64),
        cash=config.cash,
        currency=config.currency,
        final_equity=final_equity(desk),
        portfolio=desk.account.portfolio,
        trades=tuple(tape.trips),
        fills=tuple(tape.fills),
        orders=tuple(tape.orders),
        refusals=tuple(tape.refusals),
        ended=tuple(tape.ended),
        alerts=tuple(tape.alerts),
        ambiguous_bars=ambiguous,
        other=other,
        optimistic=config.fill.optimistic,
        limits=limits.name,
        closing=config.close_at_end,
        benchmark=None if benchmark is None else figures.aligned(benchmark, times),
        risk_free=config.risk_free,
        periods=config.periods,
        provenance=provenance_of(specs, bars, config, limits=limits),
    )
