"""How many whole lots some money pays for, where it is known exactly or only within bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpt_trader.core.orders import ZERO

if TYPE_CHECKING:
    from decimal import Decimal

    from gpt_trader.core.market import Instrument
    from gpt_trader.trading.costs import Fee


def lots_within(  # noqa: PLR0913 - the facts are what they are
    least: Decimal,
    most: Decimal,
    *,
    instrument: Instrument,
    price: Decimal,
    rate: Decimal,
    fee: Fee,
    held: Decimal,
    sign: int,
) -> Decimal | None:
    """The position that any money between these bounds pays for, with its fee; None where it depends on the money.

    `rate` is what a unit of price is worth in the account's currency, `sign` the side of the position.
    """
    unit = price * rate
    each = unit * (1 + fee.percent)
    lots = instrument.whole_lots(least / each)
    if least is not most and lots != instrument.whole_lots(most / each):
        return None
    while lots > 0:
        traded = abs(sign * lots - held)
        needed = lots * unit + fee.of(traded, traded * price * instrument.multiplier) * rate / instrument.multiplier
        if needed <= least:
            break
        over = instrument.whole_lots((needed - least) / unit)
        if needed <= most or over != instrument.whole_lots((needed - most) / unit):
            return None
        lots -= max(instrument.lot, over)
    return max(lots, ZERO) * sign
