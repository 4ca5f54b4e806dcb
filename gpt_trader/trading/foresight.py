"""What a strategy reads by itself cannot be cut off; but entries that are nearly always right give it away."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gpt_trader.core.bars import Bars
    from gpt_trader.trading.recording import Answer, Key

AHEAD = (1, 5, 20)
"""So many bars after an entry it is asked whether it was right."""
CHANCE, RIGHT = 1e-6, 0.8
"""Entries that are right so often, and by chance would be so only once in a million tries, know the future."""
FORESEEABLE = 0.65
"""Where moves follow one another, or alternate, so often, the past tells the future to anybody."""


@dataclass(frozen=True, slots=True)
class Luck:
    """Entries of one symbol, how many were right about the next bars, and the share that chance would give."""

    symbol: str
    ns: int
    ahead: int
    right: int
    entries: int
    usual: float


def too_good(answers: Mapping[Key, Answer], bars: Sequence[Bars]) -> Iterator[Luck]:
    """The symbols whose entries are right too often for somebody who does not know the next bars."""
    for b in bars:
        bets = [(ns, bet) for (symbol, ns), a in answers.items() if symbol == b.symbol for bet in a.bets if bet]
        found = (_luck(bets, b, ahead) for ahead in AHEAD)
        yield from [luck for luck in found if luck is not None][:1]


def _luck(bets: Sequence[tuple[int, int]], bars: Bars, ahead: int) -> Luck | None:
    move = np.sign(bars.close[ahead:] - bars.close[:-ahead])
    if len(move) <= ahead or _foreseeable(move, ahead):
        return None
    row = {ns: i for i, ns in enumerate(bars.ts[:-ahead].tolist())}
    made = [(row[ns], bet) for ns, bet in bets if ns in row]
    if not made:
        return None
    right = sum(bool(move[i] == bet) for i, bet in made)
    usual = {bet: float(np.mean(move == bet)) for bet in (1, -1)}
    by_chance = sum(usual[bet] for _, bet in made) / len(made)
    if right < RIGHT * len(made) or _surprise(right / len(made), by_chance, len(made)) >= CHANCE:
        return None
    return Luck(bars.symbol, bets[0][0], ahead, right, len(made), by_chance)


def _foreseeable(move: NDArray[Any], ahead: int) -> bool:
    follows = float(np.mean(move[ahead:] == move[:-ahead]))
    return max(follows, 1.0 - follows) > FORESEEABLE


def _surprise(share: float, usual: float, count: int) -> float:
    """Chernoff's bound on the chance of being right at least so often."""
    if share <= usual or usual <= 0.0:
        return 1.0
    miss = 0.0 if share >= 1.0 else (1 - share) * math.log((1 - share) / (1 - usual))
    return math.exp(-count * (share * math.log(share / usual) + miss))
