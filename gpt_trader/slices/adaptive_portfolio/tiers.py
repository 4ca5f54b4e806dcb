"""Tiers by account size: a small account holds fewer things, keeps more in reserve, and leaves small change alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from gpt_trader.core.errors import ValidationError, did_you_mean


@dataclass(frozen=True, slots=True)
class Tier:
    """From which value of the account on; how many symbols, how much in one, how much in reserve, the least trade."""

    name: str
    least_account: float
    most_positions: int
    most_weight: float
    reserve: float
    least_trade: float

    def told(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


TIERS = (
    Tier("micro", 0.0, 3, 0.5, 0.10, 50.0),
    Tier("small", 2_500.0, 5, 0.4, 0.08, 100.0),
    Tier("medium", 25_000.0, 10, 0.35, 0.05, 250.0),
    Tier("large", 250_000.0, 25, 0.3, 0.05, 1_000.0),
)


def tiers_of(given: Sequence[Mapping[str, Any]]) -> tuple[Tier, ...]:
    """The given tiers in order of size, or the usual ones; an account of any size must have one."""
    made = tuple(sorted(map(_tier, given), key=lambda tier: tier.least_account)) if given else TIERS
    if made[0].least_account > 0:
        raise ValidationError(f"no tier begins at 0, the first one at {made[0].least_account:g}", hint="add one")
    return made


def tier_of(tiers: Sequence[Tier], equity: float) -> Tier:
    """The tier of an account of this value."""
    return [tier for tier in tiers if tier.least_account <= max(equity, 0.0)][-1]


def _tier(given: Mapping[str, Any]) -> Tier:
    names = [f.name for f in fields(Tier)]
    wrong = next((name for name in (*given, *names) if name not in names or name not in given), None)
    if wrong is not None:
        hint = did_you_mean(wrong, names) if wrong in given else f"it needs {', '.join(names)}"
        raise ValidationError(f"a tier with '{wrong}' {'unknown' if wrong in given else 'missing'}", hint=hint)
    numbers = {name: given[name] for name in names[1:]}
    if not all(isinstance(v, int | float) and math.isfinite(v) and v >= 0 for v in numbers.values()):
        raise ValidationError(f"the numbers of tier '{given['name']}' must be 0 or more")
    if not (numbers["most_positions"] >= 1 and 0 < numbers["most_weight"] <= 1 and numbers["reserve"] < 1):
        raise ValidationError(
            f"tier '{given['name']}' leaves nothing to hold", hint="most_positions >= 1, most_weight in (0, 1]"
        )
    return Tier(**{**given, "most_positions": int(numbers["most_positions"])})
