"""Every seam of the house on one page: what the rooms ask of one another, and nothing of how it is done."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime
    from decimal import Decimal

    from pydantic import BaseModel

    from gpt_trader.core.bars import Bars
    from gpt_trader.core.market import MarketData
    from gpt_trader.core.orders import Approved, Ended, Fill, Order, Trade, TradeSignal


class Clock(Protocol):
    """The only source of time; nothing else may ask what time it is."""

    def now(self) -> datetime:
        """The time, aware and in UTC."""

    def micros(self) -> int:
        """The same time in microseconds since 1970, as the journal keeps it."""

    def monotonic(self) -> float:
        """Seconds that never run backwards, for measuring durations."""

    def sleep(self, seconds: float) -> None:
        """Let this much time pass."""


class Feed(Protocol):
    """A source of market data."""

    def stream(self) -> Iterator[MarketData | None]:
        """Market data in time order; None says that the market was silent for a while."""


class Replays(Protocol):
    """Makes a feed of recorded bars that plays them again."""

    def __call__(self, *, bars: Sequence[Bars], clock: Clock, speed: float, heartbeat: float, skip: float) -> Feed:
        """Bars as each becomes known; `speed` is seconds of data in one, infinite never waits; `skip` ends a pause."""


class Broker(Protocol):
    """Who executes orders: the simulated one, or a venue."""

    pending: Collection[str]
    """The symbols in which there is something to settle; of the others nobody needs to ask."""

    def submit(self, approved: Approved) -> None:
        """Take an order that the guard approved."""

    def cancel(self, order_id: str) -> None:
        """Stop working an order; an order that is gone is no error."""

    def replace(self, order_id: str, approved: Approved) -> None:
        """Let an approved order go on in the place of one at work: what that one has come to stays."""

    def settle(self, data: MarketData) -> Iterable[Fill]:
        """The fills that became known, each to be booked before the next is asked for."""

    def drain(self) -> Sequence[Ended]:
        """The orders that ended without being filled whole, since it was last asked."""

    def open_orders(self, symbol: str | None = None) -> Sequence[Order]:
        """The orders that still work, with the quantity that is left."""

    def fills_since(self, ns: int) -> Sequence[Fill]:
        """The fills from this moment on."""

    def positions(self) -> Mapping[str, Decimal]:
        """What the venue says is held, by symbol."""

    def balance(self) -> Mapping[str, Decimal]:
        """What the venue says the cash is, by currency."""


class TradingStrategyPlugin(ABC):
    """A strategy: it is asked about each piece of market data and answers with signals or nothing.

    `Params` names a pydantic model of its parameters; `initialize` gets them checked and with their defaults filled in.
    It has no clock, no broker and no files: what it needs comes in through these four methods. With `per_symbol` each
    symbol gets an instance of its own, so that one which keeps a state need not keep it by symbol.
    """

    Params: ClassVar[type[BaseModel] | None] = None
    per_symbol: ClassVar[bool] = False

    def initialize(self, config: Mapping[str, Any]) -> None:  # noqa: B027 - it may be left as it is
        """Take the parameters, before the first market data."""

    @abstractmethod
    def on_market_data(self, market_data: MarketData) -> TradeSignal | Sequence[TradeSignal] | None:
        """Answer to new market data with a signal, several, or nothing."""

    def on_trade_executed(self, trade: Trade) -> None:  # noqa: B027 - it may be left as it is
        """Learn that an order of one's own was executed, in whole or in part."""

    def cleanup(self) -> None:  # noqa: B027 - it may be left as it is
        """Let go of everything, after the last market data."""
