"""The two engines that try sets of parameters: the desk, one set after the other, and the kernel, many at once."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from gpt_trader.core import metrics
from gpt_trader.core.errors import GptTraderError
from gpt_trader.slices.optimize.job import FIGURES, LOW_IS_GOOD, SUMMED, SWEPT, Bound, Job, Outcome
from gpt_trader.slices.optimize.space import Sets, count_of, set_at
from gpt_trader.trading.clocks import WallClock
from gpt_trader.trading.forward import figures_of, profits_of
from gpt_trader.trading.modes import Bench, build, drive, finish, simulate
from gpt_trader.trading.playback import in_parts, play
from gpt_trader.trading.watchdog import Watchdog, codes_of

if TYPE_CHECKING:
    from gpt_trader.core.bars import Bars
    from gpt_trader.core.market import MarketData
    from gpt_trader.trading.config import BacktestConfig
    from gpt_trader.trading.seats import StrategySpec


def evaluate(job: Job, sets: Sets, bounds: Sequence[Bound] = ()) -> Outcome:
    """Try every set; a desk trial that is below a bound when it gets there ends early."""
    clock = WallClock()
    began = clock.monotonic()
    found = _swept(job, sets) if job.engine == "kernel" else _traded(job, sets, bounds)
    found["seconds"] = clock.monotonic() - began
    return found


# --- the kernel -------------------------------------------------------------------------------------------------------


def _swept(job: Job, sets: Sets) -> Outcome:
    from gpt_trader.trading.kernel import Grid, sweep

    grid = Grid({name: np.array(column) for name, column in sets.items()}, dict(job.fixed))
    parts = []
    for bars in job.bars:
        done = sweep(job.strategy(), bars, grid, config=job.config(), threads=job.threads)
        years = (len(bars) - 1) / metrics.observed_periods(bars.ts)
        with np.errstate(divide="ignore", invalid="ignore"):
            annual = np.where(done.total_return > -1.0, (1.0 + done.total_return) ** (1.0 / years) - 1.0, -1.0)
            calmar = np.where(done.max_drawdown < 0.0, annual / -done.max_drawdown, np.nan)
        parts.append(
            {"annual_return": annual, "calmar": calmar} | {n: getattr(done, n) for n in SWEPT if hasattr(done, n)}
        )
    figures = parts[0] if len(parts) == 1 else {n: combined(n, np.array([p[n] for p in parts])) for n in SWEPT}
    return Outcome(figures={n: figures[n].tolist() for n in SWEPT}, errors={}, rungs={}, seconds=0.0)


def combined(name: str, rows: Any) -> Any:
    """One figure of several accounts: sums are added, the deepest drawdown counts, the rest are means."""
    if name in SUMMED:
        return rows.sum(axis=0)
    if name == "max_drawdown":
        return rows.min(axis=0)
    known = np.isfinite(rows)
    total = np.where(known, rows, 0.0).sum(axis=0)
    return np.where(known.any(axis=0), total / np.maximum(known.sum(axis=0), 1), np.nan)


# --- the desk ---------------------------------------------------------------------------------------------------------


def _traded(job: Job, sets: Sets, bounds: Sequence[Bound]) -> Outcome:
    found = Outcome(figures={name: [] for name in FIGURES}, errors={}, rungs={}, seconds=0.0)
    for place in range(count_of(sets)):
        try:
            figures, rungs = _trial(job, set_at(sets, place), bounds)
        except GptTraderError as wrong:
            figures, rungs = {}, []
            found["errors"][place] = wrong.message
        for name in FIGURES:
            found["figures"][name].append(figures.get(name, math.nan))
        if rungs:
            found["rungs"][place] = rungs
    return found


def _trial(job: Job, params: Mapping[str, Any], bounds: Sequence[Bound]) -> tuple[dict[str, float], list[float]]:
    """The figures of one set, and its objective along the way; figures are missing where it ended early."""
    config, groups = job.config(), job.groups()
    specs = [job.spec(params, len(group)) for group in groups]
    if not job.rungs:
        return _figures(job, [simulate([s], group, config) for s, group in zip(specs, groups, strict=True)]), []
    climbs = [_Climb(spec, group, config) for spec, group in zip(specs, groups, strict=True)]
    seen: list[float] = []
    figures: dict[str, float] = {}
    for place, rung in enumerate((*job.rungs, 1.0)):
        for climb in climbs:
            climb.to(rung)
        figures = _figures(job, [climb.bench for climb in climbs])
        if place < len(job.rungs):
            seen.append(-figures[job.objective] if job.objective in LOW_IS_GOOD else figures[job.objective])
            bound = bounds[place] if place < len(bounds) else None
            if bound is not None and not seen[-1] >= bound:
                return {}, seen
    for climb in climbs:
        climb.end()
    return figures, seen


class _Climb:
    """A backtest that stops on its way, so that one can look at it."""

    def __init__(self, spec: StrategySpec, bars: Sequence[Bars], config: BacktestConfig) -> None:
        self.bench = build([spec], bars, config)
        self._bars, self._config = bars, config
        self._stream: Iterator[MarketData] = play(bars)
        self._done = 0

    def to(self, share: float) -> None:
        """Go on to this share of the bars."""
        until = int(sum(map(len, self._bars)) * share)
        desk = self.bench.desk
        with Watchdog(desk.progress, codes_of(seat.plugin for seat in desk.seats), deadline=self._config.deadline):
            drive(self.bench, self._next(until))
        self._done = until

    def _next(self, until: int) -> Iterable[Iterable[MarketData]]:
        if len(self._bars) == 1:
            return in_parts([self._bars[0][self._done : until]])
        return [islice(self._stream, until - self._done)]

    def end(self) -> None:
        """Do what the end of the bars asks for."""
        finish(self.bench, self._bars, self._config)
        for seat in self.bench.desk.seats:
            self.bench.desk.dismiss(seat)


def _figures(job: Job, benches: Sequence[Bench]) -> dict[str, float]:
    rows = [_of_one(bench, group) for bench, group in zip(benches, job.groups(), strict=True)]
    if len(rows) == 1:
        return rows[0]
    return {name: float(combined(name, np.array([[row[name]] for row in rows]))[0]) for name in FIGURES}


def _of_one(bench: Bench, group: Sequence[Bars]) -> dict[str, float]:
    desk = bench.desk
    fault = next((a.message for a in desk.tape.alerts if a.severity == "critical"), None)
    if fault is not None:
        raise GptTraderError(fault)
    equity = np.array(desk.curve, dtype=np.float64)
    times = group[0].ts[: len(equity)] if len(group) == 1 else np.array(desk.times, dtype=np.int64)
    figures = figures_of(equity, profits_of(desk.tape.trips), periods=metrics.observed_periods(times))
    fees = math.fsum(float(fill.fee) for fill in desk.tape.fills)
    return {**figures, "fills": float(len(desk.tape.fills)), "fees": fees}
