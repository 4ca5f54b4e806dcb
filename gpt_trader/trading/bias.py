"""Bias checks: a strategy runs again on less data, and what it decides about the same bars must stay the same."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

import numpy as np

from gpt_trader.trading.config import BacktestConfig
from gpt_trader.trading.foresight import too_good
from gpt_trader.trading.playback import instrument_of, span_of
from gpt_trader.trading.recording import FAILS, Answer, answers_of
from gpt_trader.trading.rules import FillRules

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gpt_trader.core.bars import Bars
    from gpt_trader.trading.foresight import Luck
    from gpt_trader.trading.recording import Key
    from gpt_trader.trading.seats import StrategySpec

    Making = Callable[[Sequence[Bars]], StrategySpec]
    Progress = Callable[[int, int], None]

MOST = 200
"""So many signals are looked at unless more are asked for."""
QUIET = 10
"""So many moments without a signal are looked at, too: where all is known, a strategy might have been silent."""
NEAR = 1e-9
"""Indicators that differ by a smaller part are equal: sums of floats depend on where they began."""
Kind = Literal["signal", "indicator", "vectorised", "unrepeatable", "too good"]


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a decision changed: which bar, what was decided with all data, and with the data up to `known_ns` alone."""

    kind: Kind
    symbol: str
    ns: int
    whole: str
    cut: str
    known_ns: int


@dataclass(frozen=True, slots=True)
class Lookahead:
    """How many signals there are, how many moments were tried, all differences in their order, and whether it fails."""

    signals: int
    tried: int
    differences: tuple[Difference, ...]
    fails: str = ""


def lookahead(
    make: Making,
    bars: Sequence[Bars],
    *,
    most: int = MOST,
    progress: Progress | None = None,
) -> Lookahead:
    """Run a strategy again on the data up to each of its signals; `make` gets the data that a run may know."""
    config = config_for(bars)
    whole = answers_of(make(bars), bars, config)
    spans = {b.symbol: span_of(b) for b in bars}
    signals = sorted(_known(key, spans) for key, answer in whole.items() if answer.words)
    fails = next((word for answer in whole.values() for word in answer.words if word.startswith(FAILS)), "")
    again = next(_changed(whole, answers_of(make(bars), bars, config), spans, "unrepeatable"), None)
    if again is not None:
        return Lookahead(len(signals), 0, (again,), fails)
    moments = _moments(signals, bars, spans, most=most)
    found: list[Difference] = []
    for done, moment in enumerate(moments, 1):
        part = [b for b in (_until(b, moment - spans[b.symbol]) for b in bars) if len(b)]
        known = {key: answer for key, answer in whole.items() if _known(key, spans) <= moment}
        cut = answers_of(make(part), part, config)
        found += [replace(d, known_ns=moment) for d in _first(_changed(known, cut, spans, "signal"))]
        if progress is not None:
            progress(done, len(moments))
    found += _vectorised(make(bars), bars, moments, spans)
    found.sort(key=lambda d: (d.ns, d.known_ns))
    return Lookahead(len(signals), len(moments), (*found, *map(_lucky, too_good(whole, bars))), fails)


def config_for(bars: Sequence[Bars]) -> BacktestConfig:
    """Money and volume without end; the instruments stay the same when data is cut off."""
    return BacktestConfig(
        cash=Decimal(10) ** 12,
        fill=FillRules(volume_share=None),
        instruments={b.symbol: instrument_of(b) for b in bars},
    )


def _known(key: Key, spans: Mapping[str, int]) -> int:
    return key[1] + spans[key[0]]


def _until(bars: Bars, ns: int) -> Bars:
    return bars.between(None, ns + 1)


def _moments(signals: Sequence[int], bars: Sequence[Bars], spans: Mapping[str, int], *, most: int) -> list[int]:
    """Signals in equal distances, and a few other moments; not the very last one, where there is nothing to cut off."""
    times = np.unique(np.concatenate([b.ts + spans[b.symbol] for b in bars]))[:-1]
    chosen = {*_spread(sorted(set(signals)), most), *_spread(times.tolist(), QUIET)}
    return sorted(chosen & set(times.tolist()))


def _spread(items: Sequence[int], count: int) -> list[int]:
    if len(items) <= count:
        return list(items)
    return [items[i] for i in np.linspace(0, len(items) - 1, count).astype(int).tolist()]


def _first(found: Iterator[Difference]) -> list[Difference]:
    one = next(found, None)
    return [] if one is None else [one]


def _changed(
    whole: Mapping[Key, Answer], cut: Mapping[Key, Answer], spans: Mapping[str, int], kind: Kind
) -> Iterator[Difference]:
    """The differences between two runs, the earliest first."""
    nothing = Answer((), (), {})
    for key in sorted(whole.keys() | cut.keys(), key=lambda k: (_known(k, spans), k[0])):
        one, other = whole.get(key, nothing), cut.get(key, nothing)
        if one.words != other.words:
            yield Difference(kind, *key, _words(one), _words(other), _known(key, spans))
            continue
        for name in sorted(one.indicators.keys() | other.indicators.keys()):
            a, b = one.indicators.get(name, math.nan), other.indicators.get(name, math.nan)
            if not _near(a, b):
                what: Kind = "indicator" if kind == "signal" else kind
                yield Difference(what, *key, f"{name} = {a!r}", f"{name} = {b!r}", _known(key, spans))


def _lucky(luck: Luck) -> Difference:
    words = f"{luck.right} of {luck.entries} entries are right about the next {luck.ahead} bars"
    return Difference("too good", luck.symbol, luck.ns, words, f"{luck.usual:.0%} by chance", luck.ns)


def _words(answer: Answer) -> str:
    return ", ".join(answer.words) or "no signal"


def _near(a: float, b: float) -> bool:
    return (math.isnan(a) and math.isnan(b)) or math.isclose(a, b, rel_tol=NEAR, abs_tol=NEAR)


def _vectorised(
    spec: StrategySpec, bars: Sequence[Bars], moments: Sequence[int], spans: Mapping[str, int]
) -> Iterator[Difference]:
    """The same question to the form for sweeps, which is handed all bars at once."""
    for b in bars:
        whole = targets_of(spec, b)
        for moment in moments if whole is not None else ():
            part = _until(b, moment - spans[b.symbol])
            cut = targets_of(spec, part) if len(part) else None
            if whole is None or cut is None:
                continue
            wrong = np.flatnonzero(whole[: len(part)] != cut)
            if len(wrong):
                at = int(wrong[0])
                named = [f"target {int(row[at])}" for row in (whole, cut)]
                yield Difference("vectorised", b.symbol, int(b.ts[at]), named[0], named[1], moment)


def targets_of(spec: StrategySpec, bars: Bars) -> NDArray[np.int8] | None:
    """The targets that a strategy's form for sweeps gives; None where it offers none, or it cannot be run here."""
    offer = getattr(spec.make, "targets", None)
    if offer is None:
        return None
    from gpt_trader.trading.kernel import Grid

    out = np.zeros((1, len(bars)), dtype=np.int8)
    try:
        offer(bars, Grid({"set": np.zeros(1)}, spec.checked_params()))(slice(0, 1), out)
    except ModuleNotFoundError:  # the extra `sweep` is not installed
        return None
    row: NDArray[np.int8] = out[0]
    return row
