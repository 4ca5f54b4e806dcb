"""How much: the rules that give a signal without a quantity its size."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol

from gpt_trader.core.errors import ConfigError
from gpt_trader.core.orders import exact

if TYPE_CHECKING:
    from gpt_trader.trading.account import Account
    from gpt_trader.trading.lanes import Lane

WORDS = "units:N, cash:PART, value:MONEY or risk:PART"


class Sizing(Protocol):
    """A rule of size; a `share` leaves the last word to the price of the fill."""

    @property
    def share(self) -> Decimal | None:
        """The share of the equity, where the fill's price decides."""

    def quantity(self, account: Account, lane: Lane, price: float, stop: float | None) -> Decimal:
        """So many units, before they are cut to whole lots."""


@dataclass(frozen=True)
class Units:
    """Always the same number."""

    units: Decimal = Decimal(1)
    share: Decimal | None = None

    def quantity(self, account: Account, lane: Lane, price: float, stop: float | None) -> Decimal:  # noqa: ARG002
        """The number."""
        return self.units


@dataclass(frozen=True)
class Share:
    """A share of the equity; when the order fills, its price says how many whole lots that is."""

    share: Decimal | None = Decimal(1)

    def quantity(self, account: Account, lane: Lane, price: float, stop: float | None) -> Decimal:  # noqa: ARG002
        """The share at the price of the decision."""
        return exact(account.equity / (price * lane.unit)) * (self.share or 0)


@dataclass(frozen=True)
class Value:
    """Always about the same amount of money."""

    money: Decimal = Decimal(10_000)
    share: Decimal | None = None

    def quantity(self, account: Account, lane: Lane, price: float, stop: float | None) -> Decimal:  # noqa: ARG002
        """The money at the price of the decision."""
        return self.money / exact(price * lane.unit)


@dataclass(frozen=True)
class Risk:
    """So much that reaching the stop costs this part of the equity; without a stop the whole value counts as risk."""

    part: Decimal = Decimal("0.01")
    share: Decimal | None = None

    def quantity(self, account: Account, lane: Lane, price: float, stop: float | None) -> Decimal:
        """Money at risk over the loss of one unit."""
        loss = abs(price - stop) if stop is not None else price
        return exact(account.equity) * self.part / exact(loss * lane.unit)


def parse_sizing(text: str) -> Sizing:
    """Read units:10, cash, cash:0.5, value:5000 or risk:0.01."""
    word, _, rest = text.partition(":")
    try:
        number = Decimal(rest) if rest else None
    except ArithmeticError:
        number = Decimal("NaN")
    rule = {"units": Units, "cash": Share, "value": Value, "risk": Risk}.get(word)
    if rule is None or (number is not None and not (number.is_finite() and number > 0)):
        raise ConfigError(f"'{text}' is not a way of sizing", hint=f"write {WORDS}")
    made: Sizing = rule(number) if number is not None else rule()
    return made
