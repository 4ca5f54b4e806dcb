"""The report: one file, nothing from outside, nothing unescaped, and the figures that it was given."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gpt_trader.core.frames import frame_of, said_of
from gpt_trader.slices.backtest.params import BacktestParams
from gpt_trader.slices.backtest.slice import Backtest
from gpt_trader.slices.monitor.charts import MOST, thinned, ticks
from gpt_trader.slices.monitor.markup import Markup, tag
from gpt_trader.slices.monitor.params import HealthParams, ReportParams
from gpt_trader.slices.monitor.slice import Monitor
from tests.slices.market import bars_from, day, walk

EVIL = "<script>alert(1)</script>\"'&|`"
VOID = {"meta", "br", "hr", "img", "input", "link"}


class Reader(HTMLParser):
    """Reads a page: its tree must be whole, and its texts are kept."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, Any]]] = []
        self.texts: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.tags)


@pytest.fixture
def given(strategies, ctx) -> dict[str, Any]:
    """The result of a real backtest, as the report's params."""
    bars = [walk(400, seed=1), walk(400, seed=2, symbol="BBB")]
    table = frame_of(bars)
    done = Backtest(strategies).execute(
        BacktestParams(bars=table, data_provenance={b.symbol: said_of(b) for b in bars}, strategy="sma_cross"), ctx
    )
    found = {k: v for k, v in done.__dict__.items() if k in ReportParams.model_fields}
    return {**found, "bars": table}


@pytest.fixture
def report(ctx):
    def make(given: dict[str, Any], **more: Any):
        made = Monitor().create_report(ReportParams(**given, **more), ctx)
        return made, ctx.artifacts.path(made.report).read_text(), ctx.artifacts.path(made.report_markdown).read_text()

    return make


def test_the_report_is_one_whole_page_with_its_charts_trades_and_figures(report, given):
    made, page, text = report(given)
    reader = Reader(page)
    assert reader.open == []
    assert reader.count("svg") == 4  # equity, drawdown, two prices
    told = " ".join(reader.texts)
    for shown in (f"{given['final_equity']:,.2f}" if "final_equity" in given else "Equity", "buy_and_hold", "SHA-256"):
        assert shown in told
    assert f"Closed trades ({len(given['trades'])})" in told
    assert f"{given['metrics']['sharpe']:.2f}" in told
    assert f"{given['metrics']['sharpe']:.2f}" in text
    marks = [a["class"] for name, a in reader.tags if name == "polygon"]
    closed = len(given["trades"])
    assert (marks.count("entry"), marks.count("exit")) == (closed + len(given["positions"]), closed)
    assert made.report_path.endswith(".html")
    assert made.summary[0] in told


def test_the_report_needs_no_network(report, given):
    _, page, _ = report(given)
    reader = Reader(page)
    assert not {"src", "href", "srcset", "action"} & {key for _, attributes in reader.tags for key in attributes}
    assert not {"link", "iframe", "img", "object", "embed"} & {name for name, _ in reader.tags}
    assert re.findall(r"https?://[^\"' ]+", page) == ["http://www.w3.org/2000/svg"]  # the name of SVG, not an address
    assert "url(" not in page
    assert "default-src 'none'" in page


def test_every_text_is_escaped_wherever_it_comes_from(report, given):
    evil = {
        "strategy": EVIL,
        "params": {EVIL: EVIL},
        "regime": EVIL,
        "confidence": 0.5,
        "beats_baseline": True,
        "why": EVIL,
    }
    trades = given["trades"].assign(strategy=EVIL, side=EVIL)
    data = [{**given["provenance"]["data"][0], "symbol": EVIL, "note": EVIL, "source": EVIL}]
    mean = {
        **given,
        "trades": trades,
        "provenance": {**given["provenance"], "data": data, "config": {EVIL: EVIL}},
        "refusals": [{"symbol": EVIL, "code": EVIL, "count": 1, "reason": EVIL}],
        "positions": [{"symbol": EVIL, "strategy": EVIL, "quantity": 1.0, "average": 1.0, "since": EVIL}],
        "baseline_metrics": {**given["baseline_metrics"], "name": EVIL},
        "period": {"words": EVIL},
        "details": {"alerts": [{"severity": EVIL, "message": EVIL}], "optimistic": [EVIL], "costs": {EVIL: "1"}},
    }
    extra = {
        "title": EVIL, "selection": {EVIL: evil}, "selection_method": EVIL,
        "sizes": {EVIL: {"rule": EVIL, "price": 1.0, "units": 1.0, "value": 1.0}},
        "regime": {EVIL: {"label": EVIL, "volatility": EVIL, "confidence": None}},
        "patterns": {EVIL: {"trend": EVIL, "candles": [{"name": EVIL}], "support": [], "resistance": []}},
        "quarantine": {EVIL: {"lines": [EVIL]}},
    }  # fmt: skip
    _, page, text = report(mean, **extra)
    reader = Reader(page)
    assert reader.open == []
    assert page.count("<script") == 2  # the numbers of the chart, and the crosshair
    assert "alert(1)" not in "".join(re.findall(r"<script.*?</script>", page, re.DOTALL))
    assert not [a for _, a in reader.tags if any(key.startswith("on") for key in a)]
    assert not re.search(r"(?<!\\)<", text)


def test_the_same_result_gives_the_same_bytes(report, given):
    assert report(given)[0] == report(given)[0]


def test_a_result_that_went_through_the_journal_gives_the_same_report(report, given, artifacts):
    again = artifacts.decode(artifacts.encode(given))
    assert report(again)[0] == report(given)[0]


def test_the_least_that_a_report_needs(report):
    time = pd.date_range("2024-01-01", periods=3, tz="UTC")
    equity = pd.DataFrame({"time": time, "equity": [100.0, 110.0, 99.0], "drawdown": [0.0, 0.0, -0.1]})
    trades = pd.DataFrame({"symbol": [], "strategy": []})
    made, page, _ = report({"equity": equity, "trades": trades, "metrics": {"total_return": -0.01, "sharpe": None}})
    assert made.summary == ["100.00 became 99.00 (-1.00%), Sharpe ratio –, maximum drawdown –, no closed trades."]
    assert "<title>Backtest</title>" in page


def test_a_reader_is_told_what_to_be_careful_about(report, given):
    details = {
        "ambiguous_bars": 3, "other_order_of_events": {"events": "favourable", "final_equity": "123456.7"},
        "optimistic": ["limit orders fill when touched"],
        "alerts": [{"severity": "critical", "message": "x was stopped"}],
    }  # fmt: skip
    made, page, _ = report(
        {**given, "details": details, "refusals": [{"symbol": "A", "code": "c", "count": 2, "reason": "r"}]}
    )
    for words in (
        "3 bars could have gone two ways; the favourable way ends at 123,456.70.",
        "Optimistic by choice: limit orders fill when touched.",
        "2 orders were refused or not filled; see below.",
        "critical: x was stopped.",
        "The prices of AAA, BBB are made up, not traded.",
    ):
        assert words in made.summary
        assert words in page


def test_the_numbers_under_the_crosshair_are_those_of_the_curve(report, given):
    _, page, _ = report(given)
    told = json.loads(re.search(r'<script type="application/json">(.*?)</script>', page)[1])  # type: ignore[index]
    assert told["t"] == [t.value // 1_000_000 for t in given["equity"]["time"]]
    assert told["equity"] == pytest.approx(given["equity"]["equity"].tolist(), abs=1e-4)


def test_charts_show_prices_only_from_the_decision_on(report, given):
    _, page, _ = report(given, decided_at=day(398).isoformat())
    lengths = [d.count("L") + 1 for d in re.findall(r'<path d="([^"]*)" class="price"', page)]
    assert lengths == [2, 2]


def test_a_long_curve_keeps_its_extremes():
    values = np.random.default_rng(1).normal(size=100_000)
    values[12_345], values[67_890] = 99.0, -99.0
    ts, kept = thinned(np.arange(100_000), values)
    assert len(kept) <= MOST + 2
    assert {99.0, -99.0, values[0], values[-1]} <= set(kept.tolist())
    assert (np.diff(ts) > 0).all()
    assert (values[ts] == kept).all()


@pytest.mark.parametrize(
    ("low", "high", "want"),
    [
        (0, 10, [0, 2, 4, 6, 8, 10]),
        (97_000, 103_000, [97_000, 98_000, 99_000, 100_000, 101_000, 102_000, 103_000]),
        (-0.5, 0, [-0.5, -0.4, -0.3, -0.2, -0.1, 0]),
    ],
)
def test_ticks_are_round(low, high, want):
    assert ticks(low, high) == pytest.approx(want)


def test_a_flat_curve_draws():
    from gpt_trader.slices.monitor.charts import Line, chart

    drawn = chart([Line("main", bars_from([1, 1]).ts, np.array([5.0, 5.0]))], str, height=100, name="flat")
    assert "nan" not in drawn
    assert "inf" not in drawn


def test_markup_escapes_all_but_markup():
    assert tag("p", "<b>", Markup("<i></i>"), title='"x"') == '<p title="&quot;x&quot;">&lt;b&gt;<i></i></p>'


def test_a_well_machine_is_healthy_and_a_full_one_is_not(ctx):
    well = Monitor().health(HealthParams(), ctx)
    assert well.healthy
    assert [check["check"] for check in well.health] == ["results", "memory", "clock", "workers"]
    full = Monitor().health(HealthParams(least_disk_mb=1e12), ctx)
    assert not full.healthy
    assert [check["check"] for check in full.health if not check["ok"]] == ["results"]


def test_a_check_that_fails_says_why(ctx):
    from dataclasses import replace

    class Deaf:
        def submit(self, *_: object) -> Any:
            raise RuntimeError("no workers left")

    found = Monitor().health(HealthParams(), replace(ctx, executor=Deaf()))
    assert [c["text"] for c in found.health if not c["ok"]] == ["RuntimeError: no workers left"]
