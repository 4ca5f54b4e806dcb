"""Controls of size: how much of anything may be asked for, held or put at risk."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gpt_trader.trading.guards.base import Control

if TYPE_CHECKING:
    from gpt_trader.trading.guards.base import Look

HAIR = 1.0 + 1e-12
"""What binary fractions may add to a limit that is meant exactly."""

# A comparison is written so that it fails for NaN: what cannot be compared is refused.


@dataclass(frozen=True, slots=True)
class MaxQuantity(Control):
    """No order for more units than this."""

    code = "max_quantity"
    limit: float = 100_000.0

    def check(self, look: Look) -> str | None:
        return None if look.size <= self.limit else f"{look.size:g} units are more than {self.limit:g}"


@dataclass(frozen=True, slots=True)
class MaxNotional(Control):
    """No order worth more than this, in the account's currency."""

    code = "max_notional"
    limit: float = 1_000_000.0

    def check(self, look: Look) -> str | None:
        return None if look.notional <= self.limit else f"an order worth {look.notional:,.2f} exceeds {self.limit:,.2f}"


@dataclass(frozen=True, slots=True)
class VolumeShare(Control):
    """No order for more than this part of the symbol's median volume."""

    code = "volume_share"
    limit: float = 0.1

    def check(self, look: Look) -> str | None:
        assert look.lane is not None
        typical = look.lane.typical_volume(look.ns)
        if look.size <= typical * self.limit:
            return None
        if math.isnan(typical):
            return "the usual volume is not known"
        return f"{look.size:g} units are more than {self.limit:.0%} of the usual volume of {typical:g}"


@dataclass(frozen=True, slots=True)
class PriceCollar(Control):
    """No price farther than this from the instrument's own last price; without that price, no order."""

    code = "price_collar"
    equity: float = 0.03
    crypto: float = 0.05
    forex: float = 0.03
    future: float = 0.03

    def check(self, look: Look) -> str | None:
        assert look.lane is not None
        last = look.lane.price
        if not last > 0.0:
            return "there is no price to compare with"
        terms = look.order.terms
        price = terms.limit if terms.limit is not None else look.price
        width: float = getattr(self, look.lane.instrument.kind)
        away = abs(float(price) / last - 1.0)
        return None if away <= width * HAIR else f"{price:g} is {away:.2%} from {last:g}, more than {width:.2%}"


@dataclass(frozen=True, slots=True)
class MaxPosition(Control):
    """No position of more units than this, the orders at work counted as filled."""

    code = "max_position"
    limit: float = 100_000.0

    def check(self, look: Look) -> str | None:
        after = abs(look.after)
        return None if after <= self.limit else f"a position of {after:g} units exceeds {self.limit:g}"


@dataclass(frozen=True, slots=True)
class GrossExposure(Control):
    """Long and short together stay within so many times the equity."""

    code = "gross_exposure"
    limit: float = 1.0

    def check(self, look: Look) -> str | None:
        equity = look.equity
        if look.grosses_no_more(self.limit * equity):
            return None
        gross = look.gross
        if gross <= self.limit * equity:
            return None
        return f"an exposure of {gross:,.2f} is more than {self.limit:g} times the equity of {equity:,.2f}"


@dataclass(frozen=True, slots=True)
class NetExposure(Control):
    """Long less short stays within so many times the equity."""

    code = "net_exposure"
    limit: float = 1.0

    def check(self, look: Look) -> str | None:
        equity = look.equity
        if look.nets_no_more(self.limit * equity):
            return None
        net = abs(look.net)
        if net <= self.limit * equity:
            return None
        return f"a net exposure of {net:,.2f} is more than {self.limit:g} times the equity of {equity:,.2f}"


@dataclass(frozen=True, slots=True)
class RiskPerPosition(Control):
    """What is lost at the stop, with fees, stays within this part of the equity; without a stop all counts as lost."""

    code = "risk_per_position"
    limit: float = 0.01

    def check(self, look: Look) -> str | None:
        terms = look.order.terms
        loss = look.price if terms.trailing_loss is None else float(terms.trailing_loss)
        if terms.stop_loss is not None:
            loss = abs(look.price - float(terms.stop_loss))
        fee = 0.0 if look.costs is None else float(look.costs.fee.percent) * 2.0 * look.price
        risk, equity = abs(look.after) * (loss + fee) * look.unit, look.equity
        if risk <= self.limit * equity:
            return None
        return f"{risk:,.2f} at risk is more than {self.limit:.2%} of the equity of {equity:,.2f}"


@dataclass(frozen=True, slots=True)
class CorrelationCluster(Control):
    """All positions that move together count as one, up to so many times the equity; the unknown moves together."""

    code = "correlation_cluster"
    limit: float = 1.0
    rho: float = 0.8

    def check(self, look: Look) -> str | None:
        if look.grosses_no_more(self.limit * look.equity):
            return None  # whatever moves together
        account, symbol, entries = look.account, look.order.symbol, look.entries()
        total = abs(look.after * look.price * look.unit)
        for lane in account.lanes.values():
            value = 0.0 if lane is look.lane else abs(look.value_of(lane)) + entries.get(lane.symbol, 0.0)
            if value and not abs(account.correlation(symbol, lane.symbol, look.ns)) < self.rho:
                total += value
        if total <= self.limit * look.equity:
            return None
        return f"{total:,.2f} in positions that move together is more than {self.limit:g} times the equity"


@dataclass(frozen=True, slots=True)
class MaxOpenPositions(Control):
    """No more symbols than this are held at once."""

    code = "max_open_positions"
    limit: int = 10

    def check(self, look: Look) -> str | None:
        if look.positions_at_most <= self.limit or look.positions <= self.limit:
            return None
        return f"{look.positions} positions are more than {self.limit}"


SIZE = (
    MaxQuantity,
    MaxNotional,
    VolumeShare,
    PriceCollar,
    MaxPosition,
    GrossExposure,
    NetExposure,
    RiskPerPosition,
    CorrelationCluster,
    MaxOpenPositions,
)
