"""Sections that an earlier step made of its own results: tables, heat maps, and lines over time."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np

from gpt_trader.core.errors import ValidationError
from gpt_trader.core.market import nanoseconds
from gpt_trader.slices.monitor.charts import Line, chart
from gpt_trader.slices.monitor.markup import Markup, table, tag

HUES = 8
"""So many lines can be told apart; more take the same colours again."""


def given_sections(sections: Sequence[Mapping[str, Any]]) -> Iterator[Markup]:
    """Sections of a kind: table {heads, rows, numbers}, heat {x, y, values}, lines {time, lines, unit}; each titled."""
    kinds = {"table": _table, "heat": _heat, "lines": _lines}
    for section in sections:
        try:
            made = list(kinds[section["kind"]](section))
        except (KeyError, TypeError, ValueError, IndexError) as fault:
            wanted = "`kind`: table {heads, rows}, heat {x, y, values} or lines {time, lines}"
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
    body = [
        tag("tr", tag("th", y), *(_cell(v, low, high) for v in row))
        for y, row in zip(section["y"], values, strict=True)
    ]
    yield tag("div", tag("table", tag("thead", heads), tag("tbody", *body), class_="months"), class_="scroll")


def _cell(value: float, low: float, high: float) -> Markup:
    if not math.isfinite(value):
        return tag("td", "", class_="n")
    share = (value - low) / ((high - low) or 1.0)
    return tag("td", f"{value:.3g}", class_="n", style=f"background:rgba(var(--main-rgb),{0.05 + 0.6 * share:.2f})")


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
