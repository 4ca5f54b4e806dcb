"""One session on paper: its limits, its sizes, the replay of its bars, and what is said of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gpt_trader.core.errors import Interrupted
from gpt_trader.core.market import SECOND, time_of
from gpt_trader.slices.paper_trade.place import Keeper, Orders, Quick
from gpt_trader.trading.replays import run_replay
from gpt_trader.trading.requests import INVESTED, config_of, specs_of

if TYPE_CHECKING:
    from gpt_trader.core.bars import Bars
    from gpt_trader.core.context import StepContext
    from gpt_trader.core.feeds import StrategyCatalog
    from gpt_trader.core.market import MarketData
    from gpt_trader.core.ports import Replays
    from gpt_trader.slices.paper_trade.params import ReplayParams
    from gpt_trader.trading.desk import Desk
    from gpt_trader.trading.limits import Choice
    from gpt_trader.trading.report import Report

HEARTBEAT = 0.25
"""How often, in seconds, a quiet market is left to see whether somebody wants the session to end, or how it goes."""
FLAT_OUT = 1_000
"""At full speed that is looked at each time so many bars went by."""


def sized(params: ReplayParams, catalog: StrategyCatalog, bars: Sequence[Bars]) -> ReplayParams:
    """The params with a size for each symbol: as given, else a small risk to a stop, at most an equal share."""
    if params.sizes:
        return params
    together = params.strategy and len(bars) > 1 and not catalog[params.strategy].per_symbol
    stop = {} if together else {"atr_bars": params.atr_bars, "stop_atrs": params.stop_atrs}
    size = {"rule": f"risk:{params.risk!r},cash:{INVESTED / len(bars)!r}", **stop}
    return params.model_copy(update={"sizes": {b.symbol: size for b in bars}})


def played(
    params: ReplayParams,
    bars: Sequence[Bars],
    limits: Choice,
    ctx: StepContext,
    *,
    catalog: StrategyCatalog,
    replay: Replays,
) -> Report:
    """The report of a session over these bars as they are played."""
    specs = specs_of(params, catalog, [b.symbol for b in bars])
    config, total = config_of(params, bars, limits), sum(len(b) for b in bars)
    if not params.speed:
        feed = replay(bars=bars, clock=ctx.clock, speed=math.inf, heartbeat=HEARTBEAT, skip=math.inf)
        return run_replay(specs, bars, config, feed=feed, hear=_Quick(total, ctx).hear)
    keeper = Keeper(ctx, {"asked": params.model_dump(exclude={"bars"}), "bars": [[b.symbol, len(b)] for b in bars]})
    clock = Quick(ctx.clock, quick=keeper.before.bars > 0)
    feed = replay(bars=bars, clock=clock, speed=params.speed, heartbeat=HEARTBEAT, skip=_longest_pause(bars))
    report = run_replay(specs, bars, config, feed=feed, hear=_Slow(total, ctx, keeper, clock).hear)
    keeper.forget()
    return report


def said_of(params: ReplayParams, bars: Sequence[Bars]) -> dict[str, Any]:
    """How the data was played, in words and numbers."""
    pace = f"at {params.speed:,.12g} times its own speed" if params.speed else "as fast as it goes"
    words = f"on paper: a replay of recorded data, {pace}; no order left this machine"
    return {"recorded": True, "speed": params.speed or None, "words": words, "symbols": [b.symbol for b in bars]}


def _longest_pause(bars: Sequence[Bars]) -> float:
    """Nights and weekends last no longer than one bar."""
    return max(b.timeframe.ns for b in bars) / SECOND


class _Quick:
    """Hears of a replay that goes as fast as it can; what it plays again after a crash takes no time."""

    def __init__(self, total: int, ctx: StepContext) -> None:
        self._total, self._ctx, self._done, self._told = total, ctx, 0, -math.inf

    def hear(self, desk: Desk, data: MarketData | None) -> None:
        self._done += data is not None
        if data is not None and self._done % FLAT_OUT == 0:
            self._ctx.check()
            self.tell(desk, data)

    def tell(self, desk: Desk, data: MarketData) -> None:
        """Show how far it is, now and then."""
        now = self._ctx.clock.monotonic()
        if now - self._told >= HEARTBEAT:
            self._told = now
            words = f"{time_of(data.ns):%Y-%m-%d %H:%M}, equity {desk.account.equity:,.2f}, bar"
            self._ctx.progress(self._done, self._total, words)


class _Slow(_Quick):
    """Hears of a replay that takes its time: its place is kept at every order and every heartbeat."""

    def __init__(self, total: int, ctx: StepContext, keeper: Keeper, clock: Quick) -> None:
        super().__init__(total, ctx)
        self._keeper, self._clock, self._orders, self._kept = keeper, clock, Orders(), -math.inf

    def hear(self, desk: Desk, data: MarketData | None) -> None:
        if self._clock.quick and self._done < self._keeper.before.bars:
            self._done += data is not None
            return
        if self._clock.quick:
            self._go_on(desk)
        self._ctx.check()
        self._keep(desk)
        if self._ctx.stopping():
            raise Interrupted(f"the replay was stopped after {self._done} of {self._total} bars; it goes on from there")
        if data is not None:
            self._done += 1
            self.tell(desk, data)

    def _go_on(self, desk: Desk) -> None:
        self._keeper.compare(self._orders.place(desk, self._done))
        self._clock.quick = False
        self._ctx.record("paper_trade.continued", {"bars": self._done, "of": self._total, "orders": self._orders.count})

    def _keep(self, desk: Desk) -> None:
        now = self._ctx.clock.monotonic()
        if len(desk.tape.orders) > self._orders.count or now - self._kept >= HEARTBEAT:
            self._kept = now
            self._keeper.keep(self._orders.place(desk, self._done))
