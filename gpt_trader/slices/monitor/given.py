"""Sections that an earlier step made of its own results: tables, heat maps, and lines over time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np

from gpt_trader.core.errors import ValidationError
from gpt_trader.core.market import nanoseconds
from gpt_trader.slices.monitor.charts import Line, chart
from gpt_trader.slices.monitor.markup import Markup, table, tag

WIDE = 14
"""A map with more columns than this is written smaller."""
HUES = 8
"""So many lines can be told apart; more take the same colours again."""


def given_sections(sections: Sequence[Mapping[str, Any]]) -> Iterator[Markup]:
    """Each with its title, by its kind, and a note if it has one.

    table {heads, rows, numbers}; heat {x, y, values, mark}; bars {bars, unit}; lines {time, lines, unit}.
    """
    kinds = {"table": _table, "heat": _heat, "bars": _bars, "lines": _lines}
    for section in sections:
        try:
            made = list(kinds[section["kind"]](section))
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as fault:
            wanted = "`kind`: table {heads, rows}, heat {x, y, values}, bars {bars} or lines {time, lines}"
            raise ValidationError(
                f"a section of the report cannot be drawn: {type(fault).__name__}: {fault}", hint=f"give it {wanted}"
            ) from None
        yield tag("h2", section.get("title", ""))
        yield from made
        if section.get("note"):
            yield tag("p", section["note"], class_="note")


def _table(section: Mapping[str, Any]) -> Iterator[Markup]:
    yield table([str(h) for h in section["heads"]], section["rows"], numbers=section.get("numbers", ()))


def _heat(section: Mapping[str, Any]) -> Iterator[Markup]:
    values = [[math.nan if v is None else float(v) for v in row] for row in section["values"]]
    known = [v for row in values for v in row if math.isfinite(v)]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    heads = tag("tr", tag("th", section.get("corner", "")), *(tag("th", x, class_="n") for x in section["x"]))
    mark, wide = tuple(section.get("mark") or ()), len(section["x"]) > WIDE
    drawn = _shades(low, high, places=_places(known))
    body = [
        tag("tr", tag("th", y), *(drawn(v, marked=(i, j) == mark) for j, v in enumerate(row)))
        for i, (y, row) in enumerate(zip(section["y"], values, strict=True))
    ]
    yield tag(
        "div",
        tag("table", tag("thead", heads), tag("tbody", *body), class_="months dense" if wide else "months"),
        class_="scroll",
    )


def _places(values: Sequence[float]) -> int:
    """So many decimal places that the largest value has three figures or more."""
    most = max(map(abs, values), default=0.0)
    return min(max(2 - math.floor(math.log10(most)), 0), 5) if most > 0.0 else 2


def _shades(low: float, high: float, *, places: int) -> Callable[..., Markup]:
    """Cells that are the darker the higher their value is."""

    def cell(value: float, *, marked: bool) -> Markup:
        style = "n marked" if marked else "n"
        if not math.isfinite(value):
            return tag("td", "", class_=style)
        shade = f"background:rgba(var(--main-rgb),{0.05 + 0.6 * (value - low) / ((high - low) or 1.0):.2f})"
        return tag("td", f"{value:,.{places}f}", class_=style, style=shade)

    return cell


def _bars(section: Mapping[str, Any]) -> Iterator[Markup]:
    """Lengths beside one another; the longest fills its column."""
    bars = {str(name): float(value) for name, value in section["bars"].items()}
    most = max((abs(v) for v in bars.values() if math.isfinite(v)), default=0.0) or 1.0
    percent = section.get("unit") == "percent"
    rows = [
        tag(
            "tr",
            tag("th", name),
            tag("td", _bar(v / most)),
            tag("td", f"{v:.0%}" if percent else f"{v:,.5g}", class_="n"),
        )
        for name, v in bars.items()
    ]
    yield tag("table", tag("tbody", *rows), class_="bars")


def _bar(share: float) -> Markup:
    return tag("i", "", style=f"width:{100 * abs(share):.1f}%")


def _lines(section: Mapping[str, Any]) -> Iterator[Markup]:
    ts = np.array([nanoseconds(datetime.fromisoformat(t)) for t in section["time"]], dtype=np.int64)
    drawn = [
        Line(f"hue hue{i % HUES}", ts, np.array([math.nan if v is None else v for v in values], dtype=np.float64))
        for i, values in enumerate(section["lines"].values())
    ]
    names = section["lines"]
    if not names or not len(ts):
        yield tag("p", "There is nothing to draw.", class_="note")
        return
    yield tag("p", *(tag("span", n, class_=f"key hue{i % HUES}") for i, n in enumerate(names)), class_="legend")
    percent = section.get("unit") == "percent"
    yield chart(drawn, lambda v: f"{v:.0%}" if percent else f"{v:,.5g}", height=190, name=str(section.get("title", "")))
