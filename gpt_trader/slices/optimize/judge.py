"""The judge of trials: which are allowed, which is best, and which are beaten by no other in all goals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gpt_trader.slices.optimize.conditions import Condition, broken
from gpt_trader.slices.optimize.samplers import Told
from gpt_trader.slices.optimize.trials import DONE, EARLY

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gpt_trader.slices.optimize.job import Bound
    from gpt_trader.slices.optimize.trials import Trials

    Floats = NDArray[np.float64]

FEWEST = 5
"""A median of fewer trials than this ends none early."""


@dataclass(frozen=True, slots=True)
class Judge:
    """The objectives, the first one first, and the conditions on figures."""

    objectives: tuple[str, ...]
    conditions: tuple[Condition, ...] = ()

    @property
    def goals(self) -> int:
        """How many goals there are."""
        return len(self.objectives)

    def __call__(self, past: Trials) -> list[Told]:
        """What a learning sampler is to know of each trial."""
        goals, breaks, states = self.table(past), self.breaks(past), past.states()
        told = []
        for at, state in enumerate(states):
            if state == EARLY:
                told.append(Told(None, 0.0, past.rungs[past.numbers[at]]))
            elif state == DONE and np.isfinite(goals[at]).all():
                told.append(Told(tuple(goals[at].tolist()), float(breaks[at])))
            else:
                told.append(Told(None, 1.0))
        return told

    def table(self, trials: Trials) -> Floats:
        """A row for each trial, a column for each goal; more is better."""
        return np.array([trials.goal(name) for name in self.objectives]).reshape(self.goals, -1).T

    def breaks(self, trials: Trials) -> Floats:
        """By how much each trial breaks the conditions; a goal that is not defined breaks them, too."""
        undefined = ~np.isfinite(self.table(trials)).all(axis=1)
        return broken(self.conditions, trials.values(), len(trials)) + undefined

    def ranking(self, trials: Trials) -> list[int]:
        """The places of the allowed trials, the best first; of equals, the one that was asked for first."""
        goals = self.table(trials)
        allowed = np.flatnonzero(self.breaks(trials) == 0.0)
        keys = [np.array(trials.numbers)[allowed], *(-goals[allowed, i] for i in reversed(range(self.goals)))]
        ranked: list[int] = allowed[np.lexsort(keys)].tolist()
        return ranked

    def front(self, trials: Trials) -> list[int]:
        """The places of the allowed sets than which no other is as good in all goals and better in one."""
        firsts: dict[tuple[Any, ...], int] = {}
        for at in self.ranking(trials):
            firsts.setdefault(trials.set_of(at), at)
        ranked = list(firsts.values())
        if self.goals == 1:
            return ranked[:1]
        goals, kept = self.table(trials), list[int]()
        for at in ranked:
            others = goals[kept]
            if not ((others >= goals[at]).all(axis=1) & (others > goals[at]).any(axis=1)).any():
                kept.append(at)
        return kept

    @staticmethod
    def bounds(past: Trials, rungs: int) -> Sequence[Bound]:
        """The median on the way, below which a trial is not worth its time; none before there are enough trials."""
        found: list[Bound] = []
        for place in range(rungs):
            seen = [values[place] for values in past.rungs.values() if len(values) > place]
            known = [v for v in seen if np.isfinite(v)]
            found.append(float(np.median(known)) if len(known) >= FEWEST else None)
        return found
