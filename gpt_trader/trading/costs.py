"""What trading costs: fees, half the spread, and slippage, each by a rule that the report names."""

from __future__ import annotations

from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Literal

from gpt_trader.core.errors import ConfigError
from gpt_trader.core.orders import ZERO


class _NoNegatives:
    def __post_init__(self) -> None:
        for field in fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            if isinstance(value, Decimal) and not (value.is_finite() and (value >= 0 or field.name == "maker")):
                raise ConfigError(
                    f"{type(self).__name__.lower()}: {field.name} must be finite and not negative, not {value}"
                )


@dataclass(frozen=True)
class Fee(_NoNegatives):
    """A fee for each fill: so much a share and a part of the value, within bounds; a maker has a part of its own."""

    percent: Decimal = ZERO
    maker: Decimal | None = None
    per_share: Decimal = ZERO
    minimum: Decimal = ZERO
    maximum: Decimal | None = None

    def __post_init__(self) -> None:
        _NoNegatives.__post_init__(self)
        if self.maximum is not None and self.maximum < self.minimum:
            raise ConfigError(f"fee: the minimum of {self.minimum} is above the maximum of {self.maximum}")

    @property
    def only_percent(self) -> Decimal | None:
        """The part of the value, where the fee is nothing but that."""
        more = self.maker is not None or self.per_share or self.minimum or self.maximum is not None
        return None if more else self.percent

    def of(self, quantity: Decimal, value: Decimal, *, maker: bool = False) -> Decimal:
        """The fee for so many shares of this value."""
        part = self.maker if maker and self.maker is not None else self.percent
        fee = value * part
        if self.per_share:
            fee += quantity * self.per_share
        if self.minimum and fee < self.minimum and quantity:
            fee = self.minimum
        if self.maximum is not None and fee > self.maximum:
            fee = self.maximum
        return fee


@dataclass(frozen=True)
class Slippage(_NoNegatives):
    """How much worse than the bar's price a taker fills: a fixed amount, a part of the price, or by share of volume."""

    kind: Literal["none", "fixed", "percent", "volume"] = "none"
    amount: Decimal = ZERO

    def of(self, price: Decimal, quantity: Decimal, volume: float) -> Decimal:
        """The adverse distance; by volume it grows with the square of the share, and unknown volume counts as all."""
        if self.kind == "fixed":
            return self.amount
        if self.kind == "percent":
            return price * self.amount
        if self.kind == "volume":
            share = quantity / Decimal(str(volume)) if volume > 0 else Decimal(1)
            return price * self.amount * min(share, Decimal(1)) ** 2
        return ZERO


@dataclass(frozen=True)
class Costs(_NoNegatives):
    """All costs of a session; the spread is a part of the price, and a taker pays half of it."""

    fee: Fee = Fee()
    slippage: Slippage = Slippage()
    spread: Decimal = ZERO

    @property
    def moves_price(self) -> bool:
        """A taker is filled at another price than the bar's."""
        return self.slippage.kind != "none" or bool(self.spread)

    def adverse(self, price: Decimal, quantity: Decimal, volume: float) -> Decimal:
        """How much worse than this price a taker is filled."""
        return self.slippage.of(price, quantity, volume) + price * self.spread / 2
