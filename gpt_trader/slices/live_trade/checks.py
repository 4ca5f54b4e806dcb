"""The faults of a configuration for live trading, all of them at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gpt_trader.core.errors import GptTraderError
from gpt_trader.trading.limits import limits_always
from gpt_trader.trading.seats import StrategySpec

if TYPE_CHECKING:
    from gpt_trader.core.feeds import StrategyCatalog
    from gpt_trader.slices.live_trade.params import LiveParams
    from gpt_trader.trading.limits import ReadLimits


def faults_of(params: LiveParams, mode: str, catalog: StrategyCatalog, read: ReadLimits) -> list[str]:
    """Each fault in a few words."""
    faults = [] if mode == "live" else [f"the run's mode is {mode}, not live"]
    words = {"symbols": "no symbol", "venue": "no venue", "account": "no account"}
    faults += [f"{word} is named" for name, word in words.items() if not getattr(params, name)]
    return [*faults, *_strategy(params, catalog), *_limits(params, read)]


def _strategy(params: LiveParams, catalog: StrategyCatalog) -> Iterator[str]:
    if not params.strategy:
        yield "no strategy is named"
        return
    try:
        StrategySpec(params.strategy, catalog[params.strategy], params.params).checked_params()
    except GptTraderError as fault:
        yield fault.message


def _limits(params: LiveParams, read: ReadLimits) -> Iterator[str]:
    try:
        limits_always(params.limits, read, "live trading")
    except GptTraderError as fault:
        yield fault.message
