"""The live_trade slice: it looks whether live trading could begin, and refuses as long as it could not."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from gpt_trader.core.context import StepContext
from gpt_trader.core.errors import NotAuthorised, ValidationError
from gpt_trader.core.slices import Slice, method
from gpt_trader.slices.live_trade.params import LiveConfig, LiveParams, LiveSession

if TYPE_CHECKING:
    from gpt_trader.core.feeds import StrategyCatalog
    from gpt_trader.trading.limits import ReadLimits

NO_VENUE = "this version has no venue to send orders to"
PAPER = "trade on paper meanwhile: gpt-trader run --mode paper --strategy momentum --symbols AAPL MSFT"


class LiveTrade(Slice):
    """Trades live, as soon as there is a venue."""

    name: ClassVar[str] = "live_trade"

    def __init__(self, strategies: StrategyCatalog, limits: ReadLimits) -> None:
        self._strategies, self._limits = strategies, limits

    @method()
    def validate_config(self, params: LiveParams, ctx: StepContext) -> LiveConfig:
        """All that is missing before live trading could begin: the faults of the configuration, and a venue."""
        from gpt_trader.slices.live_trade.checks import faults_of

        return LiveConfig(ready=False, missing=[*faults_of(params, ctx.mode, self._strategies, self._limits), NO_VENUE])

    @method()
    def start(self, params: LiveParams, ctx: StepContext) -> LiveSession:
        """Refuse, and say why: each fault of the configuration, or that there is no venue."""
        from gpt_trader.slices.live_trade.checks import faults_of

        faults = faults_of(params, ctx.mode, self._strategies, self._limits)
        if faults:
            raise ValidationError(f"live trading cannot begin: {'; '.join(faults)}; and {NO_VENUE}", hint=PAPER)
        raise NotAuthorised(f"live trading cannot begin: the configuration is whole, but {NO_VENUE}", hint=PAPER)
