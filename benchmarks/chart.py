"""The chart of the README: the speed figures of its tables as bars, in one SVG that reads well on light and on dark."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape

from benchmarks.measure import ROOT

PLACE = ROOT / "benchmarks" / "chart.svg"
WIDTH, NAMES, LONGEST, ROW, BAR = 760, 270, 380, 26, 16
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600 }
.other { fill: #8c959f }
.ours { fill: #1a7f37 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .other { fill: #6e7681 }
  .ours { fill: #3fb950 }
}
"""


@dataclass(frozen=True)
class Panel:
    """One group of bars: a column of a table, of the rows in which another column has a given text."""

    title: str
    table: str
    column: str
    only: tuple[str, str] | None = None


PANELS = (
    Panel(
        "Backtest, 100,000 bars, one Python callback each: bars per second", "backtest", "bars/s", ("bars", "100,000")
    ),
    Panel("Sweep of 4,950 parameter pairs over 10,000 bars: pairs per second", "sweep", "pairs/s"),
    Panel("The same sweep as a whole process, in seconds: less is better", "sweep", "whole process, one sweep, s"),
)


def draw(readme: str) -> str:
    """The picture as text; a panel whose table was not measured is left out."""
    shapes: list[str] = []
    top = 0
    for panel in PANELS:
        if found := figures(readme, panel):
            shapes.append(f'<text class="title" x="0" y="{top + 18}">{escape(panel.title)}</text>')
            top += 30
            most = max(number for _, number in found)
            for name, number in found:
                shapes += _bar(name, number, most, top)
                top += ROW
            top += 14
    size = f'width="{WIDTH}" height="{top}" viewBox="0 0 {WIDTH} {top}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="Speed beside other engines">'
    return "\n".join((head, f"<style>{STYLE}</style>", *shapes, "</svg>\n"))


def figures(readme: str, panel: Panel) -> list[tuple[str, float]]:
    """Each engine of a panel with its figure, in the order of the table."""
    found = []
    for row in rows(readme, panel.table):
        wanted = panel.only is None or row.get(panel.only[0]) == panel.only[1]
        number = row.get(panel.column, "").replace(",", "")
        if wanted and re.fullmatch(r"\d+(\.\d+)?", number):
            found.append((row["engine"].strip("*"), float(number)))
    return found


def rows(readme: str, table: str) -> list[dict[str, str]]:
    """The rows of a measured table by the names of their columns."""
    text = readme.partition(f"<!-- bench:{table}:begin -->")[2].partition(f"<!-- bench:{table}:end -->")[0]
    lines = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in text.splitlines() if "|" in line]
    return [dict(zip(lines[0], line, strict=False)) for line in lines[2:]]


def _bar(name: str, number: float, most: float, top: int) -> list[str]:
    kind = "ours" if name.startswith("gpt-trader") else "other"
    length = max(number / most * LONGEST, 1)
    shown = f"{number:,.0f}" if number >= 100 else f"{number:.2f}"
    middle = top + BAR - 3
    return [
        f'<text x="{NAMES - 10}" y="{middle}" text-anchor="end">{escape(name)}</text>',
        f'<rect class="{kind}" x="{NAMES}" y="{top}" width="{length:.1f}" height="{BAR}" rx="2"/>',
        f'<text x="{NAMES + length + 8:.1f}" y="{middle}">{shown}</text>',
    ]
