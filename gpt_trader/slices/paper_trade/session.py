"""One session on paper: its limits, its sizes, the replay of its bars, and what is said of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from gpt_trader.core.errors import Interrupted
from gpt_trader.core.market import SECOND, time_of
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
    feed = replay(
        bars=bars, clock=ctx.clock, speed=params.speed or math.inf, heartbeat=HEARTBEAT, skip=_longest_pause(bars)
    )
    hear = _listener(sum(len(b) for b in bars), ctx, flat_out=not params.speed)
    return run_replay(specs, bars, config_of(params, bars, limits), feed=feed, hear=hear)


def said_of(params: ReplayParams, bars: Sequence[Bars]) -> dict[str, Any]:
    """How the data was played, in words and numbers."""
    pace = f"at {params.speed:,.12g} times its own speed" if params.speed else "as fast as it goes"
    words = f"on paper: a replay of recorded data, {pace}; no order left this machine"
    return {"recorded": True, "speed": params.speed or None, "words": words, "symbols": [b.symbol for b in bars]}


def _longest_pause(bars: Sequence[Bars]) -> float:
    """Nights and weekends last no longer than one bar."""
    return max(b.timeframe.ns for b in bars) / SECOND


def _listener(total: int, ctx: StepContext, *, flat_out: bool) -> Callable[[Desk, MarketData | None], None]:
    done, told, every = 0, -math.inf, FLAT_OUT if flat_out else 1

    def hear(desk: Desk, data: MarketData | None) -> None:
        nonlocal done, told
        done += data is not None
        if done % every and data is not None:
            return
        ctx.check()
        if ctx.stopping() and not flat_out:
            raise Interrupted(
                f"the replay was stopped after {done} of {total} bars; it begins again when it is resumed"
            )
        now = ctx.clock.monotonic()
        if data is not None and now - told >= HEARTBEAT:
            told = now
            ctx.progress(done, total, f"{time_of(data.ns):%Y-%m-%d %H:%M}, equity {desk.account.equity:,.2f}, bar")

    return hear
