"""One fill worked out: how much of an order, at which price, for which fee, and whether the account can pay it."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING

from gpt_trader.core.orders import ZERO, Fill, TimeInForce, exact, new

if TYPE_CHECKING:
    from gpt_trader.core.market import MarketData
    from gpt_trader.trading.account import Account
    from gpt_trader.trading.costs import Costs
    from gpt_trader.trading.matching import Working

FOK = TimeInForce.FOK
NEARLY = 1.0 - 1e-12


class Execution:
    """Turns an order that trades into a fill; a code says why it cannot be one."""

    def __init__(self, account: Account, costs: Costs, *, volume_share: Decimal | None) -> None:
        self._account = account
        self._costs = costs
        self._fee = costs.fee
        self._percent = costs.fee.only_percent
        self._moves_price = costs.moves_price
        self._share = volume_share
        self._part = float(volume_share) if volume_share is not None else 0.0

    def fill(  # noqa: C901, PLR0915 - one walk without calls, because every trade pays for each
        self, w: Working, price: float, bar: MarketData, *, maker: bool = False, unlimited: bool = False
    ) -> Fill | str | None:
        """The fill; None when the bar has no volume left for it; a code when the order must end."""
        order_id, strategy, symbol, side, _, terms, _, _, aim, share, _, _ = w.order
        account = self._account
        lane = account.lanes[symbol]
        base, quantity, buys, ns = exact(price), w.left, w.buys, bar.ns
        if share is not None or terms.reduce_only:
            quantity = self.quantity(w, base)
        elif aim is not None:  # only what still separates the strategy from it
            position = lane.own.get(strategy)
            if position is not None:
                change = aim - position.quantity if buys else position.quantity - aim
                if change < quantity:  # noqa: PLR1730 - a call would cost as much as all else here
                    quantity = change
        if quantity <= ZERO:
            return "nothing_left"
        size = lane.as_float(quantity)
        if self._share is not None and not unlimited:
            volume = bar.volume
            if volume > 0.0:  # unknown volume is not zero
                used = lane.used if lane.used_ns == ns else 0.0
                if size + used > volume * self._part * NEARLY:
                    quantity = self._room(w, quantity, used, bar)
                    if not quantity:
                        return None
                    size = float(quantity)
                lane.used_ns, lane.used = ns, used + size
        filled, slipped = base, ZERO
        if self._moves_price:
            filled = base if maker else self._moved(w, base, quantity, bar)
            slipped = abs(filled - base) * quantity
        value = quantity * filled * lane.instrument.multiplier
        fee = value * self._percent if self._percent is not None else self._fee.of(quantity, value, maker=maker)
        if not account.surely_affords(lane, size if buys else -size, price) and not account.affords(
            symbol, quantity if buys else -quantity, filled, fee
        ):
            return "buying_power"
        w.left -= quantity
        w.filled += quantity
        w.parts = part = w.parts + 1
        return new(Fill, (
            f"{order_id}/{part}", order_id, strategy, symbol, side, quantity, filled, fee, ns, maker, slipped,
        ))  # fmt: skip

    def quantity(self, w: Working, price: Decimal) -> Decimal:
        """What the order still wants now: an aim only what separates from it, an exit only what is held."""
        order = w.order
        reduces = order.terms.reduce_only
        if order.aim is None and order.share is None and not reduces:
            return w.left
        held = self._account.position(order.strategy, order.symbol).quantity
        if reduces:
            return min(w.left, max(ZERO, -held if w.buys else held))
        aim = order.aim
        if order.share is not None:
            aim = self._share_of_equity(w, order.share, price)
        assert aim is not None
        change = aim - held if w.buys else held - aim
        if order.share is not None and not w.filled:
            w.left = change
        return min(change, w.left)

    def _share_of_equity(self, w: Working, share: Decimal, price: Decimal) -> Decimal:
        order = w.order
        lots = self._account.lots_for(order.strategy, order.symbol, share, price, self._fee)
        if order.aim is None:  # not a target: this much on top of what is held
            held = self._account.position(order.strategy, order.symbol).quantity
            return held + lots
        return lots

    def _room(self, w: Working, quantity: Decimal, used: float, bar: MarketData) -> Decimal:
        assert self._share is not None
        instrument = self._account.lanes[bar.symbol].instrument
        room = instrument.whole_lots(exact(bar.volume) * self._share - exact(used))
        if quantity <= room:
            return quantity
        return ZERO if w.order.terms.tif is FOK else max(room, ZERO)

    def _moved(self, w: Working, base: Decimal, quantity: Decimal, bar: MarketData) -> Decimal:
        worse = self._costs.adverse(base, quantity, bar.volume)
        instrument = self._account.lanes[bar.symbol].instrument
        if w.buys:
            price = instrument.on_tick(base + worse, ROUND_CEILING)
        else:
            price = instrument.on_tick(base - worse, ROUND_FLOOR)
        limit = w.order.terms.limit
        if limit is not None:  # whatever it costs, never worse than the limit
            price = min(price, exact(limit)) if w.buys else max(price, exact(limit))
        return max(price, instrument.tick)
