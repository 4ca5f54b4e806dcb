"""Parameter sweeps: one compiled pass for each set of parameters, that trades as the desk does and keeps no paths.

A strategy that offers `targets(bars, grid)` can be swept: the function that it returns writes, for a range of the grid,
where the strategy wants to be after each close (1 long, -1 short, 0 flat). What the kernel does not know (brackets,
limits, splits, several symbols, partial fills) it refuses by name, or counts: then the desk has the last word.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from gpt_trader.core import metrics
from gpt_trader.core.errors import ConfigError, NoBars, ValidationError
from gpt_trader.core.market import Instrument
from gpt_trader.trading.loops import simulation
from gpt_trader.trading.loops.account import Terms
from gpt_trader.trading.loops.simulation import Columns
from gpt_trader.trading.native import compiled, flat
from gpt_trader.trading.playback import instrument_of
from gpt_trader.trading.seats import StrategySpec
from gpt_trader.trading.sizing import Share, Sizing, Units

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gpt_trader.core.bars import Bars
    from gpt_trader.trading.config import BacktestConfig

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Targets = NDArray[np.int8]

CHUNK_BYTES = 1 << 18
"""Targets are made and used in pieces that fit the processor's cache."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Sets of parameters as columns: `columns` differ from set to set, `fixed` are the same for all."""

    columns: Mapping[str, NDArray[Any]]
    fixed: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        lengths = {name: len(column) for name, column in self.columns.items()}
        if len(set(lengths.values())) > 1:
            told = ", ".join(f"{name} {length}" for name, length in lengths.items())
            raise ValidationError(f"the columns of a grid differ in length: {told}", hint="give each set every value")

    @classmethod
    def of(cls, axes: Mapping[str, Sequence[Any] | Any], *, where: Callable[..., bool] | None = None) -> Grid:
        """Every combination of the axes for which a condition on their values holds; a single value is fixed."""
        many = {name: list(axis) for name, axis in axes.items() if _is_axis(axis)}
        fixed = {name: axis for name, axis in axes.items() if name not in many}
        sets = [s for s in product(*many.values()) if where is None or where(*s)]
        if not sets or not many:
            raise ValidationError("there is no set of parameters to try", hint="widen the axes or the condition")
        return cls({name: np.array(column) for name, column in zip(many, zip(*sets, strict=True), strict=True)}, fixed)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), (0,)))

    def __getitem__(self, number: int) -> dict[str, Any]:
        """One set, as the strategy's config."""
        return {**self.fixed, **{name: column[number].item() for name, column in self.columns.items()}}

    def ints(self, name: str, default: int) -> Ints:
        """A whole-numbered parameter of every set."""
        return np.ascontiguousarray(self._all(name, default), dtype=np.int64)

    def floats(self, name: str, default: float) -> Floats:
        """A real-numbered parameter of every set."""
        return np.ascontiguousarray(self._all(name, default), dtype=np.float64)

    def one(self, name: str, default: Any) -> Any:
        """A parameter that must be the same for all sets."""
        if name in self.columns:
            raise ValidationError(f"'{name}' cannot be swept by the kernel", hint="fix it, or run the sets on the desk")
        return self.fixed.get(name, default)

    def _all(self, name: str, default: float) -> NDArray[Any]:
        return self.columns[name] if name in self.columns else np.full(len(self), self.fixed.get(name, default))


class TargetRows(Protocol):
    """Writes the targets of a range of a grid, one row for each set; it is called by several threads."""

    def __call__(self, part: slice, out: Targets) -> None: ...


class Sweepable(Protocol):
    """A strategy that offers its targets as arrays."""

    @classmethod
    def targets(cls, bars: Bars, grid: Grid) -> TargetRows:
        """Prepare what the sets share, and return the writer of rows; its decisions are those of `on_market_data`."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """The figures of every set; `capped` counts fills that the desk, with its share of the volume, would have split."""

    grid: Grid
    total_return: Floats
    sharpe: Floats
    max_drawdown: Floats
    trades: Floats
    fills: Floats
    fees: Floats
    refused: Floats
    capped: Floats

    def __len__(self) -> int:
        return len(self.grid)

    def best(self, figure: str = "sharpe") -> int:
        """The number of the set with the highest figure (of max_drawdown, the shallowest); undefined ones come last."""
        values = getattr(self, figure)
        return int(np.argmax(np.where(np.isnan(values), -math.inf, values)))


@dataclass(frozen=True, slots=True)
class KernelFill:
    """One fill of one set, as the desk's tape has it."""

    ns: int
    quantity: float
    price: float
    fee: float


def sweep(
    strategy: type[Sweepable],
    bars: Bars,
    grid: Grid,
    *,
    config: BacktestConfig,
    threads: int = 1,
    progress: Callable[[int], None] | None = None,
) -> Sweep:
    """Run every set of the grid over the bars; the same sets give the same figures, whatever the number of threads."""
    simulate_all = compiled(simulation.simulate_all)
    columns, terms, periods = _prepared(bars, grid, config)
    rows = _rows(strategy, bars, grid)
    out, no_fills = np.empty((len(grid), simulation.FIGURES)), np.empty((0, 4))

    def work(part: slice) -> int:
        targets = np.empty((part.stop - part.start, len(bars)), dtype=np.int8)
        rows(part, targets)
        simulate_all(targets, columns, terms, periods, no_fills, out[part])
        return int(part.stop)

    for done in _each(work, _parts(len(grid), len(bars)), threads):
        if progress is not None:
            progress(done)
    return Sweep(grid, *(np.ascontiguousarray(column) for column in out.T))


def fills_of(
    strategy: type[Sweepable], bars: Bars, grid: Grid, number: int, *, config: BacktestConfig
) -> tuple[KernelFill, ...]:
    """The fills of one set, so that it can be compared with the desk; a negative number counts from the end."""
    number = range(len(grid))[number]
    columns, terms, periods = _prepared(bars, grid, config)
    targets = np.empty((1, len(bars)), dtype=np.int8)
    _rows(strategy, bars, grid)(slice(number, number + 1), targets)
    fills, out = np.empty((2 * len(bars), 4)), np.empty((1, simulation.FIGURES))
    compiled(simulation.simulate_all)(targets, columns, terms, periods, fills, out)
    made = fills[: int(out[0, simulation.FILLS])].tolist()
    return tuple(KernelFill(int(bars.ts[int(at)]), quantity, price, fee) for at, quantity, price, fee in made)


def _rows(strategy: type[Sweepable], bars: Bars, grid: Grid) -> TargetRows:
    if not hasattr(strategy, "targets"):
        raise ValidationError(f"{strategy.__name__} offers no targets to sweep", hint="run its sets on the desk")
    # The first set stands for the names and kinds of all; what its numbers may be, the strategy says of each set.
    StrategySpec(strategy.__name__, strategy, grid[0]).checked_params()  # type: ignore[arg-type]
    return strategy.targets(bars, grid)


def _each(work: Callable[[slice], int], parts: Sequence[slice], threads: int) -> Iterator[int]:
    if threads <= 1:
        yield from map(work, parts)
        return
    with ThreadPoolExecutor(threads) as pool:
        yield from pool.map(work, parts)


def _parts(sets: int, bars: int) -> list[slice]:
    size = max(1, min(64, CHUNK_BYTES // max(bars, 1)))
    return [slice(first, min(first + size, sets)) for first in range(0, sets, size)]


def _prepared(bars: Bars, grid: Grid, config: BacktestConfig) -> tuple[Columns, Terms, float]:
    if len(bars) < 3:
        raise NoBars(f"{bars.symbol}: a sweep needs three bars at least", hint="widen the range")
    _refuse_what_only_the_desk_knows(bars, config)
    return flat(_columns(bars)), flat(_terms(bars, grid, config)), config.periods or metrics.observed_periods(bars.ts)


def _refuse_what_only_the_desk_knows(bars: Bars, config: BacktestConfig) -> None:
    instrument = config.instruments.get(bars.symbol) or Instrument(bars.symbol)
    wishes = {
        "limits": config.limits != "none",
        "fills at the same close": config.fill.same_close,
        "closing at the end": config.close_at_end != "no",
        "splits and dividends": bool(config.actions),
        "borrow costs": bool(config.borrow_rate),
        "this sizing": not isinstance(sizing_of(config), (Share, Units)),
        "a contract multiplier": any(i.multiplier != 1 for i in config.instruments.values()),
        "another currency": instrument.currency != config.currency,
        "a minimum": bool(instrument.minimum),
        "bars without a price": not has_prices(bars),
    }
    asked = [wish for wish, there in wishes.items() if there]
    if asked:
        raise ConfigError(f"a sweep does not know {', '.join(asked)}", hint="leave it out, or run the sets on the desk")


def has_prices(bars: Bars) -> bool:
    """Whether every bar has a close, as sweeps need it; the desk goes on with the last one."""
    return bool((np.isfinite(bars.close) & (bars.close > 0.0)).all())


def _columns(bars: Bars) -> Columns:
    n = len(bars)
    inside = (bars.low <= bars.open) & (bars.open <= bars.high) & (bars.low <= bars.close) & (bars.close <= bars.high)
    traded = np.where(inside & (bars.volume != 0.0), np.arange(n), n)
    r = np.diff(bars.close) / bars.close[:-1]
    return Columns(
        open=np.ascontiguousarray(bars.open),
        close=np.ascontiguousarray(bars.close),
        volume=np.ascontiguousarray(bars.volume),
        fills_at=np.ascontiguousarray(np.minimum.accumulate(traded[::-1])[::-1]),
        returns=np.concatenate(([0.0], np.cumsum(r))),
        squares=np.concatenate(([0.0], np.cumsum(r * r))),
    )


def _terms(bars: Bars, grid: Grid, config: BacktestConfig) -> Terms:
    instrument = config.instruments.get(bars.symbol) or instrument_of(bars)
    fee, slippage, sizing = config.costs.fee, config.costs.slippage, sizing_of(config)
    quantity = grid.one("quantity", None)
    if quantity is None and isinstance(sizing, Units):
        quantity = float(sizing.units)
    slips = {kind: float(slippage.amount) if slippage.kind == kind else 0.0 for kind in ("fixed", "percent", "volume")}
    share = config.fill.volume_share
    return Terms(
        cash=float(config.cash),
        leverage=float(config.leverage),
        lot=float(instrument.lot),
        tick=float(instrument.tick),
        units=math.nan if quantity is None else float(quantity),
        share=float(sizing.share or 0) if isinstance(sizing, Share) else 0.0,
        percent=float(fee.percent),
        per_share=float(fee.per_share),
        minimum=float(fee.minimum),
        maximum=math.inf if fee.maximum is None else float(fee.maximum),
        slip_fixed=slips["fixed"],
        slip_percent=slips["percent"],
        slip_volume=slips["volume"],
        spread=float(config.costs.spread),
        volume_share=math.inf if share is None else float(share),
    )


def _is_axis(values: Any) -> bool:
    return isinstance(values, (Sequence, np.ndarray)) and not isinstance(values, str)


def sizing_of(config: BacktestConfig) -> Sizing:
    """The sizing of one strategy in one symbol: without one named, all the money."""
    return config.sizing or Share()
