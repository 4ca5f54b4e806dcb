"""One strategy on one symbol, with the part of the account that the book gives it: the desk asks it for quantities."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from gpt_trader.core.orders import AT_MARKET, BUY, SELL, ZERO, Side, Terms, TradeSignal, exact
from gpt_trader.core.ports import TradingStrategyPlugin
from gpt_trader.slices.adaptive_portfolio.weights import NoWeights

if TYPE_CHECKING:
    from gpt_trader.core.market import MarketData
    from gpt_trader.core.orders import Trade
    from gpt_trader.slices.adaptive_portfolio.policy import Key, Plan, Policy
    from gpt_trader.trading.account import Account
    from gpt_trader.trading.lanes import Lane

Stage = tuple[int, int]
"""The number of a rebalancing, and 0 while positions are only reduced, 1 from the next moment on."""


class Book:
    """The weights in force; they are set anew at each due moment, with the account as it is then."""

    def __init__(self, policy: Policy, due: Sequence[int], *, band: float, check: Callable[[], None]) -> None:
        self._policy, self._due, self._check = policy, list(due), check
        self.band = band
        self.cells: dict[Key, Cell] = {}
        self.runs: list[list[tuple[int, float, Plan]]] = []
        self.plan: Plan | None = None
        self._at = -1

    def reset(self) -> None:
        """Begin anew: the desk may run the same session twice."""
        self.plan, self._at = None, -1
        if not self.runs or self.runs[-1]:
            self.runs.append([])

    @property
    def history(self) -> list[tuple[int, float, Plan]]:
        """Each rebalancing of the first run: its moment, the account's value, its plan."""
        return self.runs[0] if self.runs else []

    def stage(self, now: int) -> Stage:
        """Which rebalancing is in force at a moment, and how far it is; the first one has nothing to reduce."""
        at = bisect_right(self._due, now) - 1
        return at, int(at == 0 or (at > 0 and now > self._due[at]))

    def weight(self, key: Key, account: Account, now: int) -> float:
        """The weight of a strategy in a symbol; where a rebalancing is due, it is done."""
        at, _ = self.stage(now)
        if at != self._at:
            self._at = at
            self._check()
            self.plan = self._planned(self._due[at], account)
            self.runs[-1].append((self._due[at], account.equity, self.plan))
        return self.plan.weights.get(key, 0.0) if self.plan is not None else 0.0

    def _planned(self, due: int, account: Account) -> Plan:
        """The plan of a due moment; where no weights are found, the last ones stay and it is said."""
        try:
            return self._policy.plan(
                due, account.equity, held_weights(account), inside=lambda key: bool(self.cells[key].state)
            )
        except NoWeights as fault:
            if self.plan is None:
                raise
            return replace(self.plan, turnover=0.0, note=f"the weights before were kept: {fault.message}")


def held_weights(account: Account) -> dict[Key, float]:
    """What is held now, as parts of the account, by strategy and symbol."""
    worth = account.equity
    found: dict[Key, float] = {}
    for (name, symbol), position in account.portfolio.positions.items():
        if position.quantity and worth > 0:
            lane = account.lanes[symbol]
            found[name.rpartition(":")[0], symbol] = abs(float(position.quantity)) * lane.price * lane.unit / worth
    return found


class Cell:
    """The rule of size of one strategy in one symbol: its weight of the account, unless that is nearly held."""

    share: Decimal | None = None

    def __init__(self, book: Book, strategy: str, symbol: str, *, span: int) -> None:
        self._book, self.key, self.name = book, (strategy, symbol), f"{strategy}:{symbol}"
        self.span = span
        book.cells[self.key] = self
        self.state = 0
        self.acted: Stage = (-1, 0)
        self.weight = 0.0

    def reset(self) -> None:
        """Hold nothing and know nothing."""
        self.state, self.acted, self.weight = 0, (-1, 0), 0.0
        self._book.reset()

    def due(self, now: int) -> bool:
        """Whether a stage of a rebalancing has begun that this cell did not see."""
        stage = self._book.stage(now)
        fresh = stage != self.acted and stage[0] >= 0
        self.acted = stage
        return fresh

    def quantity(self, account: Account, lane: Lane, price: float, stop: float | None) -> Decimal:  # noqa: ARG002
        """The units of the weight at this price; first what shrinks shrinks, a moment later what grows grows."""
        now = lane.ns + self.span
        self.weight = self._book.weight(self.key, account, now)
        plan = self._book.plan
        worth, unit = max(account.equity, 0.0), price * lane.unit
        wanted = exact(self.weight * worth / unit)
        held = account.position(self.name, self.key[1]).quantity * self.state
        if held > ZERO and self.weight > 0:
            off = abs(float(held) * unit / worth - self.weight) if worth else 0.0
            if off < self._book.band or (plan is not None and off * worth < plan.tier.least_trade):
                return held
        elif plan is not None and self.weight * worth < plan.tier.least_trade:
            return ZERO
        growing = self._book.stage(now)[1] == 1
        return wanted if growing else min(wanted, max(held, ZERO))


class Weighted:
    """Makes a strategy whose entries are sized by its cell, and which takes each new weight while it is in."""

    def __init__(self, make: Callable[[], TradingStrategyPlugin], cell: Cell) -> None:
        self.__wrapped__ = make
        self.Params = getattr(make, "Params", None)
        self._cell = cell

    def __call__(self) -> TradingStrategyPlugin:
        return _InCell(self.__wrapped__(), self._cell)


class Hold(TradingStrategyPlugin):
    """Always in."""

    def on_market_data(self, market_data: MarketData) -> TradeSignal:
        """Wish to be long."""
        return TradeSignal(market_data.symbol, BUY, target=True)


class _InCell(TradingStrategyPlugin):
    def __init__(self, inner: TradingStrategyPlugin, cell: Cell) -> None:
        self._inner, self._cell = inner, cell
        self._exits = AT_MARKET

    def initialize(self, config: Mapping[str, Any]) -> None:
        self._cell.reset()
        self._exits = AT_MARKET
        self._inner.initialize(config)

    def on_market_data(self, market_data: MarketData) -> TradeSignal | None:
        cell, before = self._cell, self._cell.state
        answer = self._inner.on_market_data(market_data)
        signals = () if answer is None else (answer,) if isinstance(answer, TradeSignal) else answer
        terms = AT_MARKET
        for signal in signals:
            cell.state, terms = after(cell.state, signal), signal.terms
        due = cell.due(market_data.ns + cell.span)
        if cell.state == before and not due:
            return None
        side = SELL if cell.state < 0 or (cell.state == 0 and before > 0) else BUY
        quantity = None if cell.state else 0
        reason = "signal" if cell.state != before else "rebalance"
        if cell.state != before:
            self._exits = exits_alone(terms)
        else:  # what is added is protected as what is there
            terms = self._exits
        return TradeSignal(
            market_data.symbol, side, quantity, market_data.price, terms=terms, target=True, reason=reason
        )

    def on_trade_executed(self, trade: Trade) -> None:
        if not trade.position and self._cell.weight > 0:
            self._cell.state = 0
        self._inner.on_trade_executed(trade)

    def cleanup(self) -> None:
        self._inner.cleanup()


def exits_alone(terms: Terms) -> Terms:
    """The exits that an entry's terms ask for, of an order at market."""
    if terms.stop_loss is terms.trailing_loss is terms.take_profit is None:
        return AT_MARKET
    return Terms(stop_loss=terms.stop_loss, trailing_loss=terms.trailing_loss, take_profit=terms.take_profit)


def after(state: int, signal: TradeSignal) -> int:
    """Long, out or short after a signal; one that is no target moves a step."""
    if signal.quantity == 0:
        return 0 if signal.target else state
    way = 1 if Side(signal.side) is BUY else -1
    return way if signal.target or not state else max(-1, min(1, state + way))
