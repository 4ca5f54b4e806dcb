"""The report of a search: what mattered, a map with the choice on it, the stretches, and luck; in all three forms."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gpt_trader.slices.monitor.params import ReportParams
from gpt_trader.slices.monitor.slice import Monitor
from tests.slices.test_monitor import Reader, no_facts, section_of

WALK = {
    "test_from": "2008-01-17T05:00:00+00:00", "test_to": "2008-11-19T05:00:00+00:00",
    "params": {"fast": 10, "slow": 30}, "in_sample": {"sharpe": 1.69}, "deflated_sharpe": 0.9868,
    "out_of_sample": {"sharpe": 0.846, "total_return": 0.16085, "max_drawdown": -0.08166, "trades": 2.0},
}  # fmt: skip
LUCK = {
    "trades": 16, "paths": 1000, "chance_of_loss": 0.161, "risk_of_ruin": 0.002,
    "final_equity": {"p5": 80.0, "p25": 90.0, "p50": 100.0, "p75": 110.0, "p95": 120.0},
    "max_drawdown": {"p5": -0.4, "p25": -0.3, "p50": -0.2, "p75": -0.1, "p95": -0.05},
    "actual": {"final_equity": 105.0, "max_drawdown": -0.15},
}  # fmt: skip
SEARCH: dict[str, Any] = {
    "importance": {"slow": 0.75, "fast": 0.25},
    "tried": {"trials": 12, "done": 11},
    "deflated_sharpe": 0.9973,
    "heatmap": {
        "figure": "max_drawdown", "x": "fast", "y": "slow", "xs": [[5, 5], [10, 12]], "ys": [[20, 20], [30, 35]],
        "values": [[-0.1, -0.25], [None, -0.5]],
    },
    "selection": {"AAA": {"strategy": "sma_cross", "params": {"fast": 11, "slow": 20}}},
    "walks": [WALK],
    "luck": LUCK,
}  # fmt: skip


@pytest.fixture
def made(ctx):
    """Page, Markdown and document of a small account, with whatever a search said."""
    time = pd.date_range("2024-01-01", periods=90, freq="D", tz="UTC")
    equity = pd.DataFrame({"time": time, "equity": np.linspace(100, 105, 90), "drawdown": 0.0, "baseline": 100.0})
    trades = pd.DataFrame({"symbol": [], "strategy": []})

    def make(**more: Any) -> tuple[str, str, dict[str, Any]]:
        params = ReportParams(equity=equity, trades=trades, metrics={}, title="A search", **more)
        done = Monitor(no_facts).create_report(params, ctx)
        files = (done.report, done.report_markdown, done.report_json)
        page, text, told = (ctx.artifacts.path(file).read_text() for file in files)
        return page, text, json.loads(told)

    return make


def test_what_mattered_is_drawn_in_its_proportion(made):
    page, text, _ = made(**SEARCH)
    told = section_of(page, "What mattered in the search")
    assert "slow 75% fast 25%" in " ".join(told.split())
    assert "11 of 12 trials were done" in told
    assert "Deflated Sharpe ratio 99.73%" in told
    widths = [float(w) for w in re.findall(r"<i style=\"width:([\d.]+)%\"", page)]
    assert widths == [100.0, pytest.approx(100 / 3, abs=0.05)]
    assert "| slow | 0.75 |" in text


def test_the_map_has_small_values_below_and_a_frame_around_the_choice(made):
    page, text, _ = made(**SEARCH)
    told = " ".join(section_of(page, "Mean max drawdown by fast and slow").split())
    assert "5 10–12 30–35 -0.500 20 -0.100 -0.250" in told
    marked = re.findall(r'<td class="n marked"[^>]*>([^<]*)<', page)
    assert marked == ["-0.250"]  # fast 11 lies in 10 to 12, slow 20 in 20
    shades = {value: shade for shade, value in re.findall(r'rgb\),([\d.]+)\)">(-[\d.]+)<', page)}
    assert (shades["-0.500"], shades["-0.100"]) == ("0.05", "0.65")  # the deepest fall is the palest
    assert "| 20 | -0.1 | -0.25 |" in text


def test_without_a_choice_on_the_map_nothing_is_framed(made):
    for params in ({}, {"fast": 99, "slow": 20}, {"fast": "x", "slow": None}):
        page, _, _ = made(**{**SEARCH, "selection": {"AAA": {"strategy": "s", "params": params}}})
        assert "n marked" not in page
    assert "n marked" not in made(**{**SEARCH, "selection": {}})[0]


def test_a_wide_map_is_written_smaller(made):
    heat = {**SEARCH["heatmap"], "xs": [[i, i] for i in range(20)], "values": [[float(i)] * 20 for i in range(2)]}
    assert 'class="months dense"' in made(heatmap=heat)[0]
    assert 'class="months dense"' not in made(heatmap=SEARCH["heatmap"])[0]


def test_stretches_and_luck_stand_in_tables(made):
    page, text, _ = made(**SEARCH)
    walks = section_of(page, "Stretches, each traded with what was best before it")
    assert "2008-01-17 2008-11-19 fast=10, slow=30 1.69 0.85 16.09% -8.17% 2 98.68%" in walks
    luck = section_of(page, "What might as well have happened")
    assert "Final equity 105.00 80.00 90.00 100.00 110.00 120.00" in luck
    assert "Maximum drawdown -15.00% -40.00%" in luck
    assert "16 trades, drawn again 1,000 times: a loss in 16.1% of the accounts, ruin in 0.2%" in luck
    assert "| 2008-01-17 | 2008-11-19 | fast=10, slow=30 |" in text


def test_stretches_of_candidates_show_the_score_of_the_one_that_was_taken(made):
    walk = {**WALK, "strategy": "momentum", "scores": [0.5, None, 1.25], "params": {}}
    del walk["in_sample"], walk["deflated_sharpe"]
    told = section_of(made(walks=[walk])[0], "Stretches, each traded with what was best before it")
    assert "momentum 1.25 0.85" in told


def test_the_document_has_the_same_sections(made):
    page, _, told = made(**SEARCH)
    titles = [section["title"] for section in told["sections"]]
    assert titles == [title for title in re.findall(r"<h2>([^<]*)</h2>", page) if title in titles]
    assert len(titles) == 4
    assert told["sections"][0]["bars"] == SEARCH["importance"]


def test_without_a_search_nothing_is_said_of_one(made):
    page, _, told = made()
    assert told["sections"] == []
    assert "search" not in " ".join(Reader(page).texts).replace("A search", "")


def test_a_baseline_without_its_final_equity_is_read_from_its_curve(made):
    page, _, _ = made(baseline_metrics={"name": "buy_and_hold", "total_return": 0.0})
    assert "buy_and_hold 100.00" in " ".join(Reader(page).texts)
