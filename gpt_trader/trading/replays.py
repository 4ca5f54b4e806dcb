"""A session over a feed that takes its time: the parts of a backtest, and market data as it comes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from gpt_trader.trading.modes import build, drive, finish, other_order
from gpt_trader.trading.report import make_report
from gpt_trader.trading.watchdog import Watchdog, codes_of

if TYPE_CHECKING:
    from gpt_trader.core.bars import Bars
    from gpt_trader.core.market import MarketData
    from gpt_trader.core.ports import Feed
    from gpt_trader.trading.config import BacktestConfig
    from gpt_trader.trading.desk import Desk
    from gpt_trader.trading.report import Report
    from gpt_trader.trading.seats import StrategySpec

Hear = Callable[["Desk", "MarketData | None"], None]
"""Told of every piece of market data before the desk sees it, and of silence; it may raise to end the session."""


def run_replay(
    specs: Sequence[StrategySpec], bars: Sequence[Bars], config: BacktestConfig, *, feed: Feed, hear: Hear
) -> Report:
    """Run strategies over a feed of these bars; what it takes its time for comes out as a backtest would have it."""
    bench = build(specs, bars, config)
    desk = bench.desk
    with Watchdog(desk.progress, codes_of(seat.plugin for seat in desk.seats), deadline=config.deadline):
        drive(bench, [_told(desk, feed, hear)])
        finish(bench, bars, config)
        for seat in desk.seats:
            desk.dismiss(seat)
    ambiguous = bench.broker.ambiguous
    other = other_order(specs, bars, config) if ambiguous else None
    return make_report(
        desk, specs=specs, bars=bars, config=config, limits=bench.limits, other=other, ambiguous=ambiguous
    )


def _told(desk: Desk, feed: Feed, hear: Hear) -> Iterator[MarketData]:
    for data in feed.stream():
        hear(desk, data)
        if data is not None:
            yield data
