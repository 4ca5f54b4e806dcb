"""Drives a search: asks the sampler, has the sets tried here or elsewhere, and keeps what comes back."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gpt_trader.core.errors import Interrupted
from gpt_trader.core.failpoints import hit
from gpt_trader.slices.optimize.away import Away
from gpt_trader.slices.optimize.engines import evaluate
from gpt_trader.slices.optimize.job import Bound, Job, Outcome
from gpt_trader.slices.optimize.source import Source
from gpt_trader.slices.optimize.space import Sets, chosen, count_of
from gpt_trader.slices.optimize.trials import Trials, read, rows_of

if TYPE_CHECKING:
    from gpt_trader.core.context import StepContext
    from gpt_trader.slices.optimize.log import TrialLog
    from gpt_trader.slices.optimize.samplers import Sampler

HERE_SECONDS = 0.25
"""A job done here takes about so long: then it is kept, shown, and one may stop."""
AWAY_SECONDS = 0.1
"""A job done elsewhere takes about so long, many times what it costs to send it."""
WORTH_SECONDS = 3.0
"""With more work than this left, processes are started for it."""
FIRST = {"kernel": 512, "desk": 1}
"""So many sets are in the first job, of which nobody knows how long it will take."""


@dataclass(frozen=True, slots=True)
class Crew:
    """Who does the jobs: nobody else, or an executor; with `auto` it is asked once the work is known to be long."""

    executor: Executor | None = None
    width: int = 1
    auto: bool = False


@dataclass(frozen=True, slots=True)
class Ears:
    """Who is asked on the way: for bounds below which a trial ends early, and who hears of finished trials."""

    bounds: Callable[[Trials], Sequence[Bound]]
    told: Callable[[Trials, int], None]


class Drive:
    """One search; its trials are in the log before anybody hears of them."""

    def __init__(self, job: Job, sampler: Sampler, log: TrialLog, *, crew: Crew, ears: Ears, ctx: StepContext) -> None:
        self._job, self._sampler, self._log, self._ears, self._ctx = job, sampler, log, ears, ctx
        self._executor = None if crew.auto else crew.executor
        self._crew = crew
        self._speed: float | None = None
        self._trials = Trials()

    def run(self) -> Trials:
        """All trials, in their order."""
        for row in self._log.earlier:
            self._trials.add(*read(row))
        first = 0
        while first < self._sampler.total:
            past = self._trials.until(first)
            batch = self._sampler.ask(past)
            self._try(first, batch, tuple(self._ears.bounds(past)))
            first += count_of(batch)
        return self._trials.until(first)

    def _try(self, first: int, batch: Sets, bounds: tuple[Bound, ...]) -> None:
        """Try what is not known yet of a batch."""
        missing = [i for i in range(count_of(batch)) if first + i not in self._trials.known]
        left = deque(self._new(first, batch, missing))
        while left and self._executor is None:
            self._look()
            rows = [left.popleft() for _ in range(min(self._size(HERE_SECONDS), len(left)))]
            self._keep(first, batch, rows, evaluate(self._job, chosen(batch, rows), bounds))
            self._call_for_help(len(left))
        if left and self._executor is not None:
            away = Away(
                self._executor,
                self._crew.width,
                send=lambda executor, rows: executor.submit(evaluate, self._job, chosen(batch, rows), bounds),
                portion=self._portion,
                look=self._look,
            )
            for rows, found in away.results(left):
                self._keep(first, batch, rows, found)

    def _new(self, first: int, batch: Sets, rows: list[int]) -> list[int]:
        """The sets that were never tried; one that was gets the same word again."""
        if not self._sampler.repeats:
            return rows
        fresh = []
        for row in rows:
            same = self._trials.of_set({name: column[row] for name, column in batch.items()})
            if same is None:
                fresh.append(row)
            else:
                self._keep(first, batch, [row], same)
        return fresh

    def _keep(self, first: int, batch: Sets, rows: list[int], found: Outcome) -> None:
        numbers, sets = [first + i for i in rows], chosen(batch, rows)
        hit("optimize.tried")
        self._log.add(rows_of(numbers, sets, found))
        hit("optimize.kept")
        self._trials.add(numbers, sets, found)
        if found["seconds"] > 0.0:
            self._speed = found["seconds"] / len(rows)
        self._ears.told(self._trials, self._sampler.total)

    def _size(self, seconds: float) -> int:
        """How many sets take about so long."""
        if self._speed is None:
            return FIRST[self._job.engine]
        return max(1, min(65_536, int(seconds / self._speed)))

    def _portion(self, left: deque[int]) -> list[int]:
        fair = -(-len(left) // (2 * self._crew.width))
        return [left.popleft() for _ in range(max(1, min(self._size(AWAY_SECONDS), fair)))]

    def _call_for_help(self, left: int) -> None:
        """Take the executor that is there for long work, if it could load the strategy."""
        long = (self._speed or 0.0) * left > WORTH_SECONDS
        if self._crew.auto and long and isinstance(self._job.source, Source):
            self._executor = self._crew.executor

    def _look(self) -> None:
        self._ctx.check()
        if self._ctx.stopping():
            raise Interrupted("the search was interrupted; its finished trials are kept")
