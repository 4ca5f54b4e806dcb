"""The chart of the README shows the figures of its tables, and no others."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

from benchmarks import chart

README = Path(__file__).parent.parent / "README.md"
SVG = "{http://www.w3.org/2000/svg}"
TABLES = """
<!-- bench:backtest:begin -->
| bars | engine | bars/s | memory, MB |
|---|---|---|---|
| 10,000 | gpt-trader | 5 | 1 |
| 100,000 | gpt-trader | 1,000,000 | 1 |
| 100,000 | a & b | 250,000 | 1 |
| | *gpt-trader is* | *4.0 times as fast* | |
<!-- bench:backtest:end -->
<!-- bench:sweep:begin -->
<!-- bench:sweep:end -->
"""


def texts(svg: str) -> list[str]:
    return [text.text or "" for text in ET.fromstring(svg).iter(f"{SVG}text")]


def test_each_engine_has_a_bar_as_long_as_its_figure():
    bars = [(bar.get("class"), bar.get("width")) for bar in ET.fromstring(chart.draw(TABLES)).iter(f"{SVG}rect")]
    assert bars == [("ours", f"{chart.LONGEST}.0"), ("other", f"{chart.LONGEST / 4}")]


def test_names_and_figures_are_those_of_the_table_and_what_was_not_measured_is_left_out():
    assert texts(chart.draw(TABLES)) == [chart.PANELS[0].title, "gpt-trader", "1,000,000", "a & b", "250,000"]


def test_the_chart_is_that_of_the_readme():
    assert chart.PLACE.read_text() == chart.draw(README.read_text()), "run `python -m benchmarks --write`"


def test_the_readme_shows_the_chart():
    assert f"({chart.PLACE.relative_to(README.parent)})" in README.read_text()
