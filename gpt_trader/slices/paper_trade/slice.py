"""The paper_trade slice: recorded data through the desk at a chosen speed, with limits that cannot be left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from gpt_trader.core.context import StepContext
from gpt_trader.core.errors import NotAuthorised
from gpt_trader.core.slices import StrategySlice, method
from gpt_trader.slices.paper_trade.params import Replayed, ReplayParams

if TYPE_CHECKING:
    from gpt_trader.core.feeds import StrategyCatalog
    from gpt_trader.core.ports import Replays
    from gpt_trader.trading.limits import ReadLimits


class PaperTrade(StrategySlice):
    """Trades on paper."""

    name: ClassVar[str] = "paper_trade"

    def __init__(self, strategies: StrategyCatalog, replay: Replays, limits: ReadLimits) -> None:
        self._strategies, self._replay, self._limits = strategies, replay, limits

    @method()
    def replay(self, params: ReplayParams, ctx: StepContext) -> Replayed:
        """Play recorded bars through the desk, as fast as it goes or at a chosen speed; nothing reaches a venue."""
        from gpt_trader.slices.paper_trade.session import played, said_of, sized
        from gpt_trader.trading.limits import limits_always
        from gpt_trader.trading.requests import compared, traded_bars
        from gpt_trader.trading.results import outputs_of

        if ctx.mode == "live":
            raise NotAuthorised("paper_trade does not trade live", hint="run it on paper: --mode paper")
        limits = limits_always(params.limits, self._limits, "paper trading")
        bars = traded_bars(params)
        asked = sized(params, self._strategies, bars)
        report = played(asked, bars, limits, ctx, catalog=self._strategies, replay=self._replay)
        baseline = compared(asked, self._strategies, bars)
        told = said_of(asked, bars)
        period = {"out_of_sample": False, "words": told["words"]}
        return Replayed(**outputs_of(asked, report, baseline, bars=bars, period=period), replay=told)
