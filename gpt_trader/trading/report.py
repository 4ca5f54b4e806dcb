"""The report of a finished session: what it earned, how it got there, and all that one needs to get there again."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gpt_trader.core.drawdowns import Drawdown, drawdowns, monthly_table
from gpt_trader.core.errors import UsageError
from gpt_trader.core.orders import ZERO, exact
from gpt_trader.trading import figures, tables
from gpt_trader.trading.facts import Facts, Outcome
from gpt_trader.trading.provenance import plain, provenance_of
from gpt_trader.trading.tables import finite, moment

if TYPE_CHECKING:
    import pandas as pd

    from gpt_trader.core.bars import Bars
    from gpt_trader.trading.config import BacktestConfig
    from gpt_trader.trading.desk import Desk
    from gpt_trader.trading.limits import Limits
    from gpt_trader.trading.seats import StrategySpec


@dataclass(frozen=True, kw_only=True)
class Report(Facts):
    """A finished session; figures are worked out when they are first asked for."""

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """Hashes of data and strategies, parameters, limits, seed and versions."""
        return self.origin()

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
        return figures.parts_of(self, "symbol", self.symbols)

    @cached_property
    def per_strategy(self) -> dict[str, dict[str, float]]:
        """Trades, profit and costs of each strategy."""
        names = dict.fromkeys(strategy for strategy, _ in self.portfolio.positions)
        return figures.parts_of(self, "strategy", names)

    def monthly(self) -> list[dict[str, Any]]:
        """Returns by month and year."""
        return [
            {"year": r.year, "months": list(r.months), "total": r.total} for r in monthly_table(self.equity, self.times)
        ]

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values, without the long lists: what a summary and a JSON document need."""
        return {
            **self._said(),
            "metrics": {name: finite(value) for name, value in self.metrics.items()},
            "drawdown": self._worst(),
            "costs": {name: str(value) for name, value in self.costs.items()},
            "positions": figures.positions_of(self),
            "per_symbol": {name: _clean(part) for name, part in self.per_symbol.items()},
            "per_strategy": {name: _clean(part) for name, part in self.per_strategy.items()},
            "orders": len(self.orders),
            "refusals": dict(Counter(refused.code for refused in self.refusals)),
            "ended": dict(Counter(ended.code for ended in self.ended)),
            "alerts": [{**plain(alert), "at": moment(alert.ns)} for alert in self.alerts],
            "provenance": self.provenance,
        }

    def equity_frame(self) -> pd.DataFrame:
        """Equity and drawdown by time."""
        return tables.equity_frame(self)

    def trades_frame(self) -> pd.DataFrame:
        """Closed trades, one a row."""
        return tables.rows_frame(self.trades)

    def fills_frame(self) -> pd.DataFrame:
        """Fills, one a row."""
        return tables.rows_frame(self.fills)

    def save(self, folder: str, *, kinds: Sequence[str] = ("json", "csv", "parquet")) -> list[str]:
        """Write the report into a folder in each of these forms; the files' names are given back."""
        unknown = set(kinds) - {"json", "csv", "parquet"}
        if unknown:
            raise UsageError(f"a report is not written as {', '.join(sorted(unknown))}", hint="json, csv or parquet")
        place = Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        if "json" in kinds:
            text = json.dumps(self.to_dict(), indent=2, allow_nan=False)
            (place / "report.json").write_text(text + "\n", "utf-8")
        written = ["report.json"] if "json" in kinds else []
        return written + [tables.write(self, name, place, k) for k in kinds if k != "json" for name in tables.TABLES]

    def _said(self) -> dict[str, Any]:
        return {
            "symbols": list(self.symbols),
            "from": moment(self.times[0]) if len(self.times) else None,
            "to": moment(self.times[-1]) if len(self.times) else None,
            "bars": len(self.times),
            "currency": self.currency,
            "cash": str(self.cash),
            "final_equity": str(self.final_equity),
            "ambiguous_bars": self.ambiguous_bars,
            "other_order_of_events": None if self.other is None else plain(self.other),
            "optimistic": list(self.optimistic),
            "limits": self.limits,
            "close_at_end": self.closing,
        }

    def _worst(self) -> dict[str, Any] | None:
        worst = min(self.drawdowns, key=lambda d: d.depth, default=None)
        if worst is None:
            return None
        return {"depth": worst.depth, "peak": moment(worst.peak_at), "trough": moment(worst.trough_at)}


def _clean(part: dict[str, float]) -> dict[str, float | None]:
    return {name: finite(value) for name, value in part.items()}


def outcome_of(events: str, desk: Desk, cash: Decimal) -> Outcome:
    """The outcome of a desk that is done."""
    final = final_equity(desk)
    return Outcome(events, final, float(final / cash - 1), len(desk.tape.trips))


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
        benchmark=None if benchmark is None else figures.kept(benchmark, config.actions, times),
        risk_free=config.risk_free,
        periods=config.periods,
        origin=partial(provenance_of, specs, bars, config, limits=limits),
    )
