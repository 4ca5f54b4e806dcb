"""Checks on the way in: a wrong row is kept out of the bars and put into the report, never dropped in silence."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from gpt_trader.adapters.feeds.gaps import BLOCK, find_gaps, infer_timeframe
from gpt_trader.adapters.feeds.times import NO_TIME
from gpt_trader.core.bars import PRICES, Bars, Loaded, Provenance, Quarantine
from gpt_trader.core.errors import BadData, NoBars
from gpt_trader.core.market import Timeframe

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Times = NDArray[np.int64]
    Mask = NDArray[np.bool_]

ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """Rows as they were read, good and bad; `row` counts from 1 in the source."""

    row: Times
    ts: Times
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats

    def pick(self, which: NDArray[np.generic] | slice) -> Rows:
        """Some of the rows, by mask, by index or from one to another."""
        return Rows(**{name: getattr(self, name)[which] for name in ("row", "ts", *PRICES, "volume")})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How strictly rows are judged: `outlier` is how far off its neighbours a print may be (0.5 is half, None any)."""

    timeframe: Timeframe | None = None
    calendar: str | None = None
    outlier: float | None = 0.5


def inspect(rows: Rows, *, symbol: str, provenance: Provenance, rules: Rules, refused: Quarantine) -> Loaded:
    """Clean bars and the report; what the reader itself refused is part of the report."""
    _refuse_empty_columns(rows, provenance.source)
    kept_out = dict(refused.rows)
    notes = refused.notes
    if len(rows.ts) > 1 and (np.diff(rows.ts) < 0).all():
        rows, notes = rows.pick(np.arange(len(rows.ts))[::-1]), (*notes, "newest first: the rows were turned round")
    for check in (_values, _order, _repeats):
        rows = _sieve(rows, check(rows), kept_out)
    if rules.outlier is not None:
        rows = _sieve(rows, {"far_off_neighbours": far_off(rows, share=rules.outlier)}, kept_out)
    if len(rows.ts) > 1:
        timeframe = rules.timeframe or infer_timeframe(rows.ts)
        rules = replace(rules, timeframe=timeframe)
        rows = _sieve(rows, {"too_soon": _too_soon(rows.ts, timeframe)}, kept_out)
    return _loaded(rows, symbol, provenance, rules, replace(refused, rows=kept_out, notes=notes))


def far_off(rows: Rows, *, share: float) -> Mask:
    """Rows with a price further off than this share from neighbours on both sides that agree among themselves."""
    off = np.zeros(len(rows.ts), dtype=np.bool_)
    for first in range(1, len(off) - 1, BLOCK):
        last = min(first + BLOCK, len(off) - 1)
        off[first:last] = _far_off(rows, first, last, float(np.log1p(share)))
    return off


def _far_off(rows: Rows, first: int, last: int, limit: float) -> Mask:
    at = np.arange(first, last)
    near = np.stack([rows.close[np.clip(at + step, 0, len(rows.close) - 1)] for step in (-2, -1, 1, 2)])
    near = np.sort(np.log(near), axis=0)
    usual, agree = (near[1] + near[2]) / 2, near[2] - near[1] < limit / 2
    prices = (getattr(rows, name)[first:last] for name in PRICES)
    furthest = np.max([np.abs(np.log(price) - usual) for price in prices], axis=0)
    return np.asarray(agree & (furthest > limit), dtype=np.bool_)


def _refuse_empty_columns(rows: Rows, source: str) -> None:
    if len(rows.ts) and (rows.ts == NO_TIME).all():
        raise BadData(f"{source}: no time could be read", hint="name the format, for example time_format='%d/%m/%Y'")
    for name in PRICES:
        if len(rows.ts) and np.isnan(getattr(rows, name)).all():
            raise BadData(f"{source}: column '{name}' holds no number at all", hint="is the decimal sign a comma?")


def _values(rows: Rows) -> dict[str, Mask]:
    blocks = [_values_of(rows.pick(slice(at, at + BLOCK))) for at in range(0, len(rows.ts) or 1, BLOCK)]
    return {reason: np.concatenate([block[reason] for block in blocks]) for reason in blocks[0]}


def _values_of(rows: Rows) -> dict[str, Mask]:
    prices = [getattr(rows, name) for name in PRICES]
    high, low, slack = rows.high, rows.low, np.abs(rows.close) * ROUNDING
    body_low, body_high = np.minimum(rows.open, rows.close), np.maximum(rows.open, rows.close)
    return {
        "no_time": rows.ts == NO_TIME,
        "nan": np.any([np.isnan(price) for price in prices], axis=0),
        "infinite": np.any([np.isinf(price) for price in prices], axis=0) | np.isinf(rows.volume),
        "non_positive": np.any([price <= 0 for price in prices], axis=0),
        "high_below_low": high < low,
        "outside_range": (body_high > high + slack) | (body_low < low - slack),
        "negative_volume": rows.volume < 0,
    }


def _order(rows: Rows) -> dict[str, Mask]:
    if len(rows.ts) < 2 or (rows.ts[1:] >= rows.ts[:-1]).all():
        return {}
    wrong = np.ones(len(rows.ts), dtype=np.bool_)
    wrong[_longest_rising(rows.ts.tolist())] = False
    return {"out_of_order": wrong}


def _longest_rising(ts: list[int]) -> list[int]:
    """Choose the most rows that are in order, so that one wrong date does not condemn those after it."""
    tops: list[int] = []
    at: list[int] = []
    before: list[int] = []
    for i, time in enumerate(ts):
        place = bisect_right(tops, time)
        before.append(at[place - 1] if place else -1)
        tops[place : place + 1] = [time]
        at[place : place + 1] = [i]
    chain, last = [], at[-1]
    while last >= 0:
        chain.append(last)
        last = before[last]
    return chain


def _repeats(rows: Rows) -> dict[str, Mask]:
    same = np.concatenate(([False], rows.ts[1:] == rows.ts[:-1]))
    if not same.any():
        return {}
    equal = same.copy()
    for name in (*PRICES, "volume"):
        column = getattr(rows, name)
        equal[1:] &= (column[1:] == column[:-1]) | (np.isnan(column[1:]) & np.isnan(column[:-1]))
    group = np.cumsum(~same) - 1
    disputed = np.zeros(int(group[-1]) + 1, dtype=np.bool_)
    disputed[group[same & ~equal]] = True
    return {"conflicting_duplicate": disputed[group], "duplicate": same}


def _too_soon(ts: Times, timeframe: Timeframe) -> Mask:
    """Rows that come before half of the bar before them is over: a day in progress, or bars of another length."""
    blocks = (np.diff(ts[at : at + BLOCK + 1]) < timeframe.ns // 2 for at in range(0, len(ts) - 1, BLOCK))
    return np.concatenate((np.zeros(1, dtype=np.bool_), *blocks))


def _sieve(rows: Rows, wrong: dict[str, Mask], kept_out: dict[str, Times]) -> Rows:
    good = np.ones(len(rows.ts), dtype=np.bool_)
    for reason, mask in wrong.items():
        found = mask & good
        if found.any():
            kept_out[reason] = np.sort(np.concatenate((kept_out.get(reason, rows.row[:0]), rows.row[found])))
            good &= ~found
    return rows if good.all() else rows.pick(good)


def _loaded(rows: Rows, symbol: str, provenance: Provenance, rules: Rules, report: Quarantine) -> Loaded:
    if len(rows.ts) == 0:
        raise NoBars(f"{provenance.source}: every row of {symbol} is wrong", hint="; ".join(report.lines()) or None)
    if len(rows.ts) == 1:
        raise NoBars(
            f"{provenance.source}: only one bar of {symbol} is left",
            hint="; ".join((*report.lines(), "widen the range: one bar is no series")),
        )
    timeframe = rules.timeframe or infer_timeframe(rows.ts)
    report = find_gaps(rows.ts, timeframe=timeframe, calendar=rules.calendar, report=report)
    columns = {name: getattr(rows, name) for name in ("ts", *PRICES, "volume")}
    return Loaded(Bars(symbol=symbol, timeframe=timeframe, provenance=provenance, **columns), report)
