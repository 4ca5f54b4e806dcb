"""Charts as inline SVG: lines over time, an area below zero, and marks where trades began and ended."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from gpt_trader.core.market import time_of
from gpt_trader.slices.monitor.markup import Markup, tag

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Times = NDArray[np.int64]

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 1000.0, 64.0, 14.0, 12.0, 26.0
MOST = 1_200
"""A chart is about a thousand pixels wide: of more points, each stretch keeps its lowest and its highest."""
Words = Callable[[float], str]


class Line(NamedTuple):
    """A line of a chart: its style, its times and its values."""

    style: str
    ts: Times
    values: Floats


class Mark(NamedTuple):
    """A sign in a chart, with the words that appear over it."""

    style: str
    ns: int
    value: float
    words: str


class Scale(NamedTuple):
    """From times and values to places."""

    first: int
    last: int
    low: float
    high: float
    height: float

    def x(self, ns: Times) -> Floats:
        """Places from left to right."""
        share = (np.asarray(ns, dtype=np.float64) - self.first) / max(self.last - self.first, 1)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, values: Floats) -> Floats:
        """Places from top to bottom."""
        share = (np.asarray(values, dtype=np.float64) - self.low) / ((self.high - self.low) or 1.0)
        return self.height - BOTTOM - share * (self.height - TOP - BOTTOM)


def chart(lines: Sequence[Line], words: Words, *, height: float, name: str, marks: Sequence[Mark] = ()) -> Markup:
    """Lines over one scale of time and value; a style `area` is filled up to the top, `fill` down to zero."""
    scale = _scale(lines, height)
    drawn = [_path(line, scale) for line in lines]
    signs = [_sign(mark, scale) for mark in marks]
    return tag(
        "svg",
        *_grid(scale),
        *drawn,
        *_labels(scale, words),
        *signs,
        viewBox=f"0 0 {WIDTH:g} {height:g}",
        role="img",
        aria_label=name,
        class_="chart",
    )


def thinned(ts: Times, values: Floats) -> tuple[Times, Floats]:
    """So few points that a chart can show them; the extremes of each stretch stay."""
    if len(ts) <= MOST:
        return ts, values
    length = math.ceil(len(ts) / (MOST // 2))
    count = math.ceil(len(ts) / length)
    table = np.pad(values, (0, count * length - len(ts)), mode="edge").reshape(count, length)
    starts = np.arange(count) * length
    kept = np.concatenate(([0, len(ts) - 1], starts + table.argmin(axis=1), starts + table.argmax(axis=1)))
    rows = np.unique(np.minimum(kept, len(ts) - 1))
    return ts[rows], values[rows]


def ticks(low: float, high: float, count: int = 6) -> list[float]:
    """Round numbers between two values."""
    span = (high - low) or 1.0
    rough = span / count
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * m for m in (1, 2, 2.5, 5, 10) if size * m >= rough)
    first = math.ceil(low / step - 1e-9)
    return [step * i for i in range(first, math.floor(high / step + 1e-9) + 1)]


def _scale(lines: Sequence[Line], height: float) -> Scale:
    values = np.concatenate([line.values for line in lines])
    values = values[np.isfinite(values)]
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
    room = (high - low) * 0.04 or abs(high) * 0.04 or 1.0
    area, fill = (any(line.style == style for line in lines) for style in ("area", "fill"))
    first, last = min(int(x.ts[0]) for x in lines), max(int(x.ts[-1]) for x in lines)
    floor = min(low, 0.0) if fill else low - room
    return Scale(first, last, floor, 0.0 if area else high + room, height)


def _path(line: Line, scale: Scale) -> Markup:
    known = np.isfinite(line.values)
    ts, values = thinned(line.ts[known], line.values[known])
    if len(ts) == 0:
        return Markup("")
    xs, ys = scale.x(ts).tolist(), scale.y(values).tolist()
    text = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in zip(xs, ys, strict=True))
    if line.style == "area":
        text += f"L{xs[-1]:.1f} {TOP:g}L{xs[0]:.1f} {TOP:g}Z"
    if line.style == "fill":
        zero = float(scale.y(np.zeros(1))[0])
        text += f"L{xs[-1]:.1f} {zero:.1f}L{xs[0]:.1f} {zero:.1f}Z"
    return tag("path", d=text, class_=line.style)


def _sign(mark: Mark, scale: Scale) -> Markup:
    x, y = float(scale.x(np.array([mark.ns]))[0]), float(scale.y(np.array([mark.value]))[0])
    up = mark.style == "entry"
    tip, base = (y + 4, y + 13) if up else (y - 4, y - 13)
    shape = f"{x:.1f},{tip:.1f} {x - 5:.1f},{base:.1f} {x + 5:.1f},{base:.1f}"
    return tag("polygon", tag("title", mark.words), points=shape, class_=mark.style)


def _grid(scale: Scale) -> list[Markup]:
    across = {"x1": f"{LEFT:g}", "x2": f"{WIDTH - RIGHT:g}", "class_": "grid"}
    heights = [f"{y:.1f}" for y in scale.y(np.array(ticks(scale.low, scale.high))).tolist()]
    return [tag("line", **across, y1=y, y2=y) for y in heights]


def _labels(scale: Scale, words: Words) -> list[Markup]:
    drawn = []
    for number, value in enumerate(ticks(scale.low, scale.high)):
        y = float(scale.y(np.array([value]))[0])
        drawn.append(tag("text", words(value), x=f"{LEFT - 8:g}", y=f"{y + 4:.1f}", class_=_every("ylab", number)))
    for number, (ns, label) in enumerate(_dates(scale.first, scale.last)):
        x = float(scale.x(np.array([ns]))[0])
        drawn.append(tag("text", label, x=f"{x:.1f}", y=f"{scale.height - 8:g}", class_=_every("xlab", number)))
    return drawn


def _every(style: str, number: int) -> str:
    """On a narrow screen every second label gives way."""
    return f"{style} odd" if number % 2 else style


def _dates(first: int, last: int) -> list[tuple[int, str]]:
    """Years where there are several, months where there are few, else evenly spaced days."""
    for unit, shape in (("Y", "%Y"), ("M", "%b %Y")):
        low, high = (np.datetime64(ns, "ns").astype(f"datetime64[{unit}]") for ns in (first, last))
        starts = np.arange(low + 1, high + 1).astype("datetime64[ns]").astype(np.int64)
        if len(starts) >= 3:
            chosen = starts[:: max(1, math.ceil(len(starts) / 10))]
            return [(int(ns), f"{time_of(int(ns)):{shape}}") for ns in chosen.tolist()]
    return [(int(ns), f"{time_of(int(ns)):%d %b %H:%M}") for ns in np.linspace(first, last, 5)[1:-1].tolist()]
