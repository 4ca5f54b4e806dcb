"""The samplers: which sets are tried next, given those that are known; the same past always asks for the same sets."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from gpt_trader.core.errors import ValidationError
from gpt_trader.core.extras import needed
from gpt_trader.slices.optimize.conditions import Condition, broken
from gpt_trader.slices.optimize.space import Axis, Sets, chosen, count_of, grid_of, set_at, size_of

if TYPE_CHECKING:
    from gpt_trader.slices.optimize.trials import Trials

MOST = 5_000_000
"""A grid with more sets than this is refused before memory is."""
ROUNDS = 50
"""How often sets that do not fit are replaced before a batch is smaller than asked for."""
UNFIT = "unfit"
Fits = Callable[[Sets, Mapping[str, Any]], list[int]]
"""The places of the sets that the strategy takes, together with what is fixed."""


class Sampler(Protocol):
    """Asks for sets, batch by batch."""

    total: int
    repeats: bool
    """Whether it may ask for a set a second time."""

    def ask(self, past: Trials) -> Sets:
        """The next batch, given all trials so far in their order; no sets mean that it has enough."""


@dataclass(frozen=True, slots=True)
class Space:
    """The axes, with what rules sets out before they are tried: conditions, and the strategy's own checks."""

    axes: tuple[Axis, ...]
    conditions: tuple[Condition, ...]
    fixed: Mapping[str, Any]
    fits: Fits
    why: Callable[[Mapping[str, Any]], str]

    def fitting(self, sets: Sets) -> Sets:
        """The sets that are worth trying."""
        count = count_of(sets)
        values = {**{name: [value] * count for name, value in self.fixed.items()}, **sets}
        rows = np.flatnonzero(broken(self.conditions, values, count) == 0.0).tolist() if self.conditions else None
        if rows is not None and len(rows) < count:
            sets = chosen(sets, rows)
        kept = self.fits(sets, self.fixed)
        return sets if len(kept) == count_of(sets) else chosen(sets, kept)

    def checked(self, sets: Sets) -> Sets:
        """The same, and never none at all."""
        found = self.fitting(sets)
        if not count_of(found):
            why = self.why({**self.fixed, **set_at(sets, 0)}) if count_of(sets) else ""
            problem = f"no set of parameters fits{f': {why}' if why else ''}"
            raise ValidationError(problem, hint="widen the space, or loosen the conditions")
        return found


class Listed:
    """Sets that are known beforehand; in one batch, or in several where the later ones learn from the earlier."""

    repeats = False

    def __init__(self, sets: Sets, batch: int | None = None) -> None:
        self._sets, self._batch = sets, batch
        self.total = count_of(sets)

    def ask(self, past: Trials) -> Sets:
        """The next of them."""
        first = len(past)
        last = self.total if self._batch is None else min(self.total, first + self._batch)
        return self._sets if last - first == self.total else chosen(self._sets, list(range(first, last)))


def grid(space: Space, *, batch: int | None = None) -> Listed:
    """Every set of the grid."""
    axes = space.axes
    if all(axis.size < math.inf for axis in axes) and size_of(axes) > MOST:
        raise ValidationError(f"the grid has more than {MOST:,} sets", hint="take larger steps, or sampler: tpe")
    return Listed(space.checked(grid_of(axes)), batch)


def at_random(space: Space, trials: int, *, seed: int, batch: int | None = None) -> Listed:
    """So many different sets at random; all of them where there are no more."""
    if size_of(space.axes) <= trials:
        return grid(space, batch=batch)
    rng = np.random.default_rng(seed)
    found: dict[tuple[Any, ...], None] = {}
    for _ in range(ROUNDS):
        drawn = space.fitting({axis.name: axis.draw(rng, 2 * trials) for axis in space.axes})
        found |= dict.fromkeys(zip(*drawn.values(), strict=True))
        if len(found) >= trials:
            break
    rows = list(found)[:trials]
    sets = {axis.name: [row[at] for row in rows] for at, axis in enumerate(space.axes)}
    return Listed(space.checked(sets), batch)


@dataclass(frozen=True, slots=True)
class Told:
    """What a learning sampler is told of one trial: its goals, or none where it has none, and what it breaks."""

    goals: tuple[float, ...] | None
    breaks: float
    rungs: Sequence[float] = ()


class Teller(Protocol):
    """Says of each trial what a learning sampler is to know of it."""

    @property
    def goals(self) -> int:
        """How many goals there are."""

    def __call__(self, past: Trials) -> list[Told]:
        """One word for each trial, in their order."""


class Learned:
    """Optuna's tree of Parzen estimators: it is told the past anew for each batch, so a crash leaves no other past."""

    repeats = True

    def __init__(self, space: Space, *, trials: int, batch: int, seed: int, teller: Teller) -> None:
        self._space, self._batch, self._seed, self._teller = space, batch, seed, teller
        self.total = trials

    def ask(self, past: Trials) -> Sets:
        """The next batch; sets that do not fit are told as such, and others are asked for."""
        optuna = quiet_optuna()
        count = min(self._batch, self.total - len(past))
        sampler = optuna.samplers.TPESampler(seed=(self._seed * 1_000_003 + len(past)) % 2**32)
        study = study_of(optuna, self._space.axes, past, self._teller(past), goals=self._teller.goals, sampler=sampler)
        distributions = {axis.name: axis.distribution(optuna) for axis in self._space.axes}
        rows: list[dict[str, Any]] = []
        for _ in range(ROUNDS * count):
            if len(rows) == count:
                break
            trial = study.ask(distributions)
            if count_of(self._space.fitting({name: [value] for name, value in trial.params.items()})):
                rows.append(dict(trial.params))
                continue
            trial.set_constraint(UNFIT, 1.0)
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        return self._space.checked({axis.name: [row[axis.name] for row in rows] for axis in self._space.axes})


def study_of(
    optuna: Any, axes: Sequence[Axis], past: Trials, told: Sequence[Told], *, goals: int, sampler: Any = None
) -> Any:
    """A study of optuna, in memory, that knows these trials."""
    study = optuna.create_study(directions=["maximize"] * goals, sampler=sampler)
    distributions = {axis.name: axis.distribution(optuna) for axis in axes}
    states = optuna.trial.TrialState
    study.add_trials(
        [
            optuna.trial.create_trial(
                state=states.PRUNED if t.goals is None else states.COMPLETE,
                values=t.goals,
                params={name: column[at] for name, column in past.sets.items()},
                distributions=distributions,
                intermediate_values=dict(enumerate(t.rungs)),
                constraints={UNFIT: t.breaks},
            )
            for at, t in enumerate(told)
        ]
    )
    return study


def quiet_optuna() -> Any:
    """Optuna, which says nothing by itself."""
    optuna = needed("optuna", extra="optimize", what="a search that learns")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna
