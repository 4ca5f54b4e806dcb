"""Sleeves: each strategy trades its own part of the account, so that one that grew leaves the others their money."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from gpt_trader.core.errors import ConfigError
from gpt_trader.core.orders import ZERO, exact
from gpt_trader.trading.sizing import WORDS, parse_sizing

if TYPE_CHECKING:
    from gpt_trader.trading.account import Account
    from gpt_trader.trading.lanes import Lane
    from gpt_trader.trading.sizing import Sizing

WORD = "sleeve"


@dataclass(frozen=True)
class Sleeve:
    """All of a sleeve: the money that it began with, and what its strategy has made of it in this symbol."""

    money: Decimal
    strategy: str
    share: Decimal | None = None

    def quantity(self, account: Account, lane: Lane, price: float, stop: float | None) -> Decimal:  # noqa: ARG002
        """What the sleeve is worth, at the price of the decision."""
        held = account.position(self.strategy, lane.symbol)
        made = held.earned(exact(price)) * account.portfolio.rate(held.currency)
        return max(self.money + made, ZERO) / exact(price * lane.unit)


@dataclass(frozen=True)
class Least:
    """The least that any of several rules gives."""

    rules: tuple[Sizing, ...]
    share: Decimal | None = None

    def quantity(self, account: Account, lane: Lane, price: float, stop: float | None) -> Decimal:
        """The least of them, at the price of the decision."""
        return min(rule.quantity(account, lane, price, stop) for rule in self.rules)


def sizing_of(rule: str, cash: Decimal, strategy: str) -> Sizing:
    """Read sleeve:0.5, a part of the cash at the start that may be nothing, a rule of the desk, or the least of some.

    The least of several is written with commas: risk:0.01,cash:0.5.
    """
    if "," in rule:
        return Least(tuple(sizing_of(each.strip(), cash, strategy) for each in rule.split(",")))
    word, _, part = rule.partition(":")
    if word != WORD:
        return parse_sizing(rule)
    try:
        share = Decimal(part)
    except ArithmeticError:
        share = Decimal("NaN")
    if not (share.is_finite() and 0 <= share <= 1):
        raise ConfigError(f"'{rule}' is not a way of sizing", hint=f"write {WORD}:PART, {WORDS}")
    return Sleeve(cash * share, strategy)
