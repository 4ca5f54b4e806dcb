"""Events that change a holding without a trade: splits, dividends, funding, exchange rates, borrowing."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from gpt_trader.core.market import DAY, Dividend, Funding, Rate, Split
from gpt_trader.core.orders import ZERO, exact
from gpt_trader.core.portfolio import exactly
from gpt_trader.trading.tape import Alert

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gpt_trader.core.bars import Bars
    from gpt_trader.core.market import Action, MarketData
    from gpt_trader.trading.account import Account
    from gpt_trader.trading.config import BacktestConfig
    from gpt_trader.trading.desk import Desk
    from gpt_trader.trading.simbroker import SimBroker

NEVER = 2**63 - 1
YEAR = 365 * DAY


class Actions:
    """The events of a recording, each applied once before the first bar that begins at or after it."""

    def __init__(self, account: Account, config: BacktestConfig, bars: Sequence[Bars]) -> None:
        adjusted = {b.symbol for b in bars if b.provenance.prices == "adjusted"}
        self._account = account
        self._todo = sorted((a for a in config.actions if not _in_prices(a, adjusted)), key=lambda a: a.ns)
        self._borrow = config.borrow_rate
        self._day = 0
        self.due = self._next()

    def __bool__(self) -> bool:
        return self.due != NEVER

    def apply(self, data: MarketData, desk: Desk, broker: SimBroker) -> int:
        """Apply what is due now, and say when to come again."""
        exactly()
        while self._todo and self._todo[0].ns <= data.ns:
            self._apply(self._todo.pop(0), desk, broker)
        if self._borrow:
            self._charge(data.ns)
        self._account.refresh()
        self.due = self._next()
        return self.due

    def _next(self) -> int:
        first = self._todo[0].ns if self._todo else NEVER
        return min(first, self._day + DAY) if self._borrow else first

    def _charge(self, ns: int) -> None:
        if self._day:
            part = self._borrow * (ns - self._day) / YEAR
            for lane in self._account.lanes.values():
                if lane.price > 0:
                    self._account.portfolio.borrow(lane.symbol, part, exact(lane.price))
        self._day = ns

    def _apply(self, action: Action, desk: Desk, broker: SimBroker) -> None:
        portfolio = self._account.portfolio
        if isinstance(action, Rate):
            portfolio.rates[action.currency] = action.rate
            return
        lane = self._account.lanes.get(action.symbol)
        if lane is None:
            return
        price = exact(lane.price) if lane.price > 0 else ZERO
        if isinstance(action, Dividend):
            portfolio.dividend(action.symbol, action.amount)
        elif isinstance(action, Funding):
            portfolio.fund(action.symbol, action.rate, price)
        else:
            after = (price * action.old / action.new).quantize(Decimal("1e-12"))
            portfolio.split(action.symbol, action.new, action.old, lot=lane.instrument.lot, price=after)
            lane.price = float(after)
            broker.split(action.symbol, action.new, action.old, action.ns)
        desk.tape.alerts.append(Alert("info", type(action).__name__.lower(), f"{action}", action.ns))


def _in_prices(action: Action, adjusted: set[str]) -> bool:
    # Not so dividends: whoever takes them out of prices drops the action, and adjusting for splits alone is usual.
    return isinstance(action, Split) and action.symbol in adjusted
