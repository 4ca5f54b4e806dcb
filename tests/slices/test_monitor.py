"""The report: one file, nothing from outside, nothing unescaped, and the figures that it was given."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gpt_trader.core.errors import BadData, GptTraderError, ValidationError
from gpt_trader.core.frames import bars_of, frame_of, said_of
from gpt_trader.slices.backtest.params import BacktestParams
from gpt_trader.slices.backtest.slice import Backtest
from gpt_trader.slices.monitor.charts import MOST, thinned, ticks
from gpt_trader.slices.monitor.markup import Markup, tag
from gpt_trader.slices.monitor.params import AlertParams, CountParams, HealthParams, ReportParams
from gpt_trader.slices.monitor.slice import Monitor
from tests.slices.market import bars_from, day, walk


def no_facts(recent: int) -> dict[str, Any]:
    raise AssertionError("nobody asked for facts")


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
        made = Monitor(no_facts).create_report(ReportParams(**given, **more), ctx)
        return made, ctx.artifacts.path(made.report).read_text(), ctx.artifacts.path(made.report_markdown).read_text()

    return make


def test_the_report_is_one_whole_page_with_its_charts_trades_and_figures(report, given):
    made, page, text = report(given)
    reader = Reader(page)
    assert reader.open == []
    assert reader.count("svg") == 6  # equity, drawdown, exposure, rolling Sharpe, two prices
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
        "details": {
            "alerts": [{"severity": EVIL, "message": EVIL}],
            "optimistic": [EVIL],
            "costs": {EVIL: "1"},
            "per_symbol": {EVIL: {"trades": 1.0}},
            "ambiguous_bars": 1,
            "other_order_of_events": {"events": EVIL},
        },
    }
    extra = {
        "title": EVIL, "selection": {EVIL: evil}, "selection_method": EVIL,
        "sizes": {EVIL: {"rule": EVIL, "price": 1.0, "units": 1.0, "value": 1.0}},
        "regime": {EVIL: {"label": EVIL, "volatility": EVIL, "confidence": None}},
        "patterns": {EVIL: {"trend": EVIL, "candles": [{"name": EVIL}], "support": [], "resistance": []}},
        "quarantine": {EVIL: {"lines": [EVIL]}},
        "alerts": [{"severity": EVIL, "message": EVIL, "time": EVIL}],
        "sections": [
            {"kind": "table", "title": EVIL, "heads": [EVIL], "rows": [[EVIL]], "note": EVIL},
            {"kind": "heat", "title": EVIL, "x": [EVIL], "y": [EVIL], "values": [[1.0]], "corner": EVIL},
            {"kind": "bars", "title": EVIL, "bars": {EVIL: 1.0}},
            {"kind": "lines", "title": EVIL, "time": ["2024-01-01T00:00:00+00:00"], "lines": {EVIL: [1.0]}},
        ],
        "importance": {EVIL: 1.0},
        "heatmap": {
            "figure": EVIL, "x": EVIL, "y": EVIL, "xs": [[EVIL, EVIL]], "ys": [[EVIL, EVIL]], "values": [[1.0]],
        },
        "walks": [{"test_from": EVIL, "test_to": EVIL, "strategy": EVIL, "params": {EVIL: EVIL}}],
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


def test_a_limit_that_acted_on_many_days_is_told_once_with_their_number(report, given):
    loss = {"severity": "critical", "code": "daily_loss", "strategy": ""}
    alerts = [
        {**loss, "message": "3.00% below 100"},
        {**loss, "message": "3.00% below 90"},
        {**loss, "message": "a: 3.00% below 50", "strategy": "a"},
        {**loss, "message": "3.00% below 80"},
    ]
    made, _, _ = report({**given, "details": {**given["details"], "alerts": alerts}})
    assert [line for line in made.summary if line.startswith("critical")] == [
        "critical: 3.00% below 100; 2 times more.",
        "critical: a: 3.00% below 50.",
    ]


def test_a_reader_is_told_of_doubtful_data(report, given):
    moving, flat = given["bars"], bars_from([50.0] * 400, symbol="FLAT")
    gone = bars_from([10.0, 11.0] * 180, symbol="GONE")
    quarantine = {"AAA": {"kept_out": 3, "reasons": {"nan": 2, "disorder": 1}}, "BBB": {"kept_out": 0}}
    bars = pd.concat([moving, frame_of([flat, gone])], ignore_index=True)
    details = {**given["details"], "orders": 0}
    made, page, _ = report({**given, "bars": bars, "quarantine": quarantine, "details": details})
    last = day(359).strftime("%Y-%m-%d")
    for words in (
        "AAA: 3 rows were kept out of the data (nan, disorder).",
        "The price of FLAT never moves.",
        f"GONE has no bars after {last}: what was held of it keeps its last price.",
        "Nothing was traded: give more bars, or other params.",
    ):
        assert words in made.summary
        assert words in page
    assert not [line for line in made.summary if line.startswith(("BBB", "The price of AAA", "FLAT"))]
    usual, _, _ = report(given)
    assert not [line for line in usual.summary if "never moves" in line or "Nothing was traded" in line]


def test_the_numbers_under_the_crosshair_are_those_of_the_curve(report, given):
    _, page, _ = report(given)
    told = json.loads(re.search(r'<script type="application/json">(.*?)</script>', page)[1])  # type: ignore[index]
    assert told["t"] == [t.value // 1_000_000 for t in given["equity"]["time"]]
    assert told["equity"] == pytest.approx(given["equity"]["equity"].tolist(), abs=1e-4)


def test_charts_show_prices_only_from_the_decision_on(report, given):
    _, page, _ = report(given, decided_at=day(398).isoformat())
    lengths = [d.count("L") + 1 for d in re.findall(r'<path d="([^"]*)" class="price"', page)]
    assert lengths == [2, 2]


def test_bars_that_stay_on_the_disk_give_the_same_report(report, given, ctx):
    flat = bars_from([50.0] * 400, symbol="FLAT")
    every = [*bars_of(given["bars"]), flat]
    table = ctx.artifacts.put_bars(every, [b.symbol for b in every])
    held, stored = (report({**given, "bars": bars}) for bars in (frame_of(every), table))
    assert held == stored
    assert "The price of FLAT never moves." in stored[0].summary


def test_what_is_still_held_is_marked_at_the_price_of_the_day_on_which_it_was_begun(report, given):
    bars = bars_from([10.0, 10.0, 20.0, 40.0, 40.0])
    held = [{"symbol": "AAA", "strategy": "s", "quantity": 7.0, "average": 33.3, "since": day(1).isoformat()}]
    trades = given["trades"].iloc[:0]
    _, page, _ = report({**given, "bars": frame_of([bars]), "trades": trades, "positions": held, "decided_at": ""})
    place = re.search(r'<polygon points="[\d.]+,([\d.]+) [^>]*class="entry"><title>([^<]*)<', page)
    assert place is not None
    assert place[2] == "entry 2000-01-02, 7 still held at 33.3 on average"
    lowest = max(float(point.split(" ")[1]) for point in path_of(page, "price")[1:].split("L"))
    assert float(place[1]) == pytest.approx(lowest + 4)  # its tip is below the price, which was 10


def test_of_many_symbols_a_dozen_are_drawn(report, given):
    bars = frame_of([walk(50, seed=n, symbol=f"S{n}") for n in range(15)])
    _, page, _ = report({**given, "bars": bars})
    assert page.count("price and trades</h2>") == 12
    assert "3 more symbols are not drawn." in page


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


@pytest.mark.parametrize(
    ("equity", "problem"),
    [(None, "equity must be a table, not a NoneType"), (pd.DataFrame({"time": []}), "no column 'equity'")],
)
def test_a_report_of_what_is_no_curve_is_refused_with_what_it_needs(ctx, equity, problem):
    with pytest.raises(BadData, match=problem) as error:
        Monitor(no_facts).create_report(ReportParams(equity=equity, trades=None, metrics={}), ctx)
    assert error.value.hint == "it needs time, equity"


def test_markup_escapes_all_but_markup():
    assert tag("p", "<b>", Markup("<i></i>"), title='"x"') == '<p title="&quot;x&quot;">&lt;b&gt;<i></i></p>'


def test_a_well_machine_is_healthy_and_a_full_one_is_not(ctx):
    well = Monitor(no_facts).health(HealthParams(), ctx)
    assert well.healthy
    assert [check["check"] for check in well.health] == ["results", "memory", "clock", "workers"]
    full = Monitor(no_facts).health(HealthParams(least_disk_mb=1e12), ctx)
    assert not full.healthy
    assert [check["check"] for check in full.health if not check["ok"]] == ["results"]
    assert "MB are free of the 1,000,000,000,000 MB that are wanted" in full.health[0]["text"]


def test_a_check_that_fails_says_why(ctx):
    class Deaf:
        def submit(self, *_: object) -> Any:
            raise RuntimeError("no workers left")

    found = Monitor(no_facts).health(HealthParams(), replace(ctx, executor=Deaf()))
    assert [c["text"] for c in found.health if not c["ok"]] == ["RuntimeError: no workers left"]


def path_of(page: str, style: str) -> str:
    return re.search(rf'<path d="([^"]*)" class="{style}"', page)[1]  # type: ignore[index]


def section_of(page: str, title: str) -> str:
    """What stands between this heading and the next, as text."""
    part = page.split(f"<h2>{title}</h2>")[1].split("<h2>", maxsplit=1)[0]
    return " ".join(Reader(part).texts)


def test_exposure_is_drawn_down_to_zero_and_its_mean_is_told(report, given):
    _, page, _ = report(given)
    mean = given["equity"]["exposure"].mean()
    assert f"{mean:.2%} of the equity on average" in section_of(page, "Exposure")
    assert path_of(page, "fill").endswith("Z")
    short = {**given, "equity": given["equity"].assign(net_exposure=-given["equity"]["exposure"])}
    assert "net" in section_of(report(short)[1], "Exposure").split()


def test_the_rolling_sharpe_ratio_is_that_of_the_last_bars(report, given):
    _, page, _ = report(given)
    assert "of the last 183 bars, annualised" in section_of(page, "Rolling Sharpe ratio")
    equity = given["equity"]["equity"].to_numpy()
    steps = equity[1:] / equity[:-1] - 1
    drawn = path_of(page.split("<h2>Rolling Sharpe ratio</h2>")[1], "main")
    places = [float(p.split(" ")[1]) for p in drawn[1:].split("L")]
    want = [steps[i - 182 : i + 1].mean() / steps[i - 182 : i + 1].std(ddof=1) for i in range(182, len(steps))]
    assert len(places) == len(want)
    assert np.corrcoef(places, want)[0, 1] == pytest.approx(-1, abs=1e-4)  # up is a smaller number


def test_costs_are_told_against_the_money_and_the_profit(report, given):
    start, end = given["equity"]["equity"].iloc[[0, -1]]
    won = {**given, "details": {**given["details"], "costs": {"fees": "300.0", "slippage": "200.0"}}}
    told = section_of(report(won)[1], "Costs")
    assert f"together 500.00 {500 / start:.2%}" in told
    rich = {**won, "equity": given["equity"].assign(equity=np.linspace(100_000, 109_500, len(given["equity"])))}
    assert "fees 300.00 0.30% 3.00%" in section_of(report(rich)[1], "Costs")  # 300 of 9,500 and the 500 that it cost
    assert end < start
    assert "together 500.00" in told
    assert told.split()[-1] == "\N{EN DASH}"  # nothing was earned, so there is no part of it
    assert "AAA" in section_of(report(won)[1], "By symbol")


def test_ambiguous_bars_are_shown_with_the_result_of_both_orders(report, given):
    assert "None: no bar could have hit a stop" in section_of(report(given)[1], "Ambiguous bars")
    other = {"events": "favourable", "final_equity": "123456.7", "total_return": 0.2346, "trades": 4}
    details = {**given["details"], "ambiguous_bars": 3, "other_order_of_events": other}
    told = section_of(report({**given, "details": details})[1], "Ambiguous bars")
    assert "In 3 bars both a stop and a target" in told
    assert "the favourable one first 123,456.70 23.46% 4" in told
    last = given["equity"]["equity"].iloc[-1]
    assert f"the adverse one first (this result) {last:,.2f}" in told


def test_parameters_have_a_table_of_their_own(report, given):
    told = section_of(report(given)[1], "Strategies and their parameters")
    assert "sma_cross:AAA" in told
    assert "fast=10, slow=30" in told


def test_the_json_document_has_all_that_the_page_shows(report, given, ctx):
    made, _, _ = report(given)
    told = json.loads(ctx.artifacts.path(made.report_json).read_text())
    assert made.report_json_path.endswith(".json")
    assert told["version"] == 1
    assert told["summary"] == made.summary
    assert told["metrics"] == given["metrics"]
    assert told["equity"]["equity"] == given["equity"]["equity"].tolist()
    assert told["trade_count"] == len(told["trades"]) == len(given["trades"])
    assert told["trades"][0]["entry_time"] == given["trades"]["entry_time"].iloc[0].isoformat()
    assert [len(row["months"]) for row in told["months"]] == [12, 12]
    assert min(d["depth"] for d in told["drawdowns"]) == pytest.approx(given["metrics"]["max_drawdown"])


def test_a_long_result_is_kept_in_few_points_and_says_so(ctx):
    time = pd.date_range("2000-01-01", periods=20_000, freq="h", tz="UTC")
    equity = pd.DataFrame({"time": time, "equity": np.linspace(1, 2, 20_000), "drawdown": 0.0})
    trades = pd.DataFrame({"symbol": [], "strategy": []})
    made = Monitor(no_facts).create_report(ReportParams(equity=equity, trades=trades, metrics={}), ctx)
    told = json.loads(ctx.artifacts.path(made.report_json).read_text())
    assert (len(told["equity"]["time"]), told["equity_points"]) == (5_000, 20_000)
    assert (told["equity"]["equity"][0], told["equity"]["equity"][-1]) == (1.0, 2.0)
    assert ctx.artifacts.path(made.report).stat().st_size < 250_000


def test_sections_of_earlier_steps_are_drawn(report, given):
    sections = [
        {"title": "Weights", "kind": "lines", "time": [day(0).isoformat(), day(1).isoformat()],
         "lines": {"AAA": [0.4, 0.6], "BBB": [0.6, None]}, "unit": "percent"},
        {"title": "Pairs", "kind": "heat", "x": [5, 10], "y": [20, 30], "values": [[1.0, 2.0], [3.0, None]]},
        {"title": "Rows", "kind": "table", "heads": ["a", "b"], "rows": [["x", 1]], "numbers": [1], "note": "so it is"},
    ]  # fmt: skip
    _, page, _ = report(given, sections=sections)
    assert Reader(page).open == []
    assert "AAA BBB" in section_of(page, "Weights").replace("  ", " ")
    assert "5 10 20 1.00 2.00 30 3.00" in " ".join(section_of(page, "Pairs").split())
    assert "so it is" in section_of(page, "Rows")
    for wrong in (
        {"kind": "pie"},
        {"kind": "bars", "bars": [1]},
        {"kind": "heat", "x": [1]},
        {"kind": "lines", "time": ["x"], "lines": {}},
        {},
    ):
        with pytest.raises(ValidationError, match="cannot be drawn"):
            report(given, sections=[wrong])


def test_thresholds_give_alerts_the_gravest_first(ctx):
    heard = []
    figures = {"max_drawdown": -0.25, "sharpe": None, "total_return": 0.1, "trades": 4.0}
    params = AlertParams(metrics=figures, period={"to": "2013-03-01T00:00:00+00:00"})
    made = Monitor(no_facts).alerts(params, replace(ctx, record=lambda topic, what: heard.append((topic, what))))
    assert [(a["severity"], a["message"]) for a in made.alerts] == [
        ("warning", "Maximum drawdown is -25.00%, below -20.00%"),
        ("info", "Sharpe ratio cannot be judged: the data does not define it"),
        ("info", "Closed trades is 4, below 10"),
    ]
    assert made.worst == "warning"
    assert {a["time"] for a in made.alerts} == {"2013-03-01T00:00:00+00:00"}
    assert heard == [("monitor.alert", alert) for alert in made.alerts]


@pytest.mark.parametrize(
    ("threshold", "value", "passed"),
    [("sharpe < 1", 0.99, True), ("sharpe < 1", 1.0, False), ("sharpe <= 1", 1.0, True), ("sharpe>1e0", 1.5, True),
     ("sharpe >= 2", 1.5, False)],
)  # fmt: skip
def test_a_threshold_is_passed_or_not(ctx, threshold, value, passed):
    params = AlertParams(metrics={"sharpe": value}, thresholds={threshold: "critical"})
    made = Monitor(no_facts).alerts(params, ctx)
    assert made.worst == ("critical" if passed else "none")


@pytest.mark.parametrize(
    ("thresholds", "said"),
    [
        ({"sharpe below 1": "info"}, "no threshold"),
        ({"sharpe < 1": "bad"}, "no severity"),
        ({"sharp < 1": "info"}, "sharp"),
    ],
)
def test_wrong_thresholds_are_errors(ctx, thresholds, said):
    with pytest.raises(GptTraderError, match=said):
        Monitor(no_facts).alerts(AlertParams(metrics={"sharpe": 1.0}, thresholds=thresholds), ctx)


def test_alerts_of_a_step_stand_in_the_report(report, given):
    alerts = [{"severity": "warning", "message": "Sharpe ratio is -0.10, below 0.00", "time": "2024-01-02T00:00:00"}]
    made, page, _ = report(given, alerts=alerts)
    assert "warning 2024-01-02T00:00:00 Sharpe ratio is -0.10, below 0.00" in section_of(page, "Alerts")
    assert "warning: Sharpe ratio is -0.10, below 0.00." in made.summary


def test_counts_are_those_of_the_journal(ctx):
    told = {"counts": {"runs": 3}, "recent": [{"id": "a"}]}
    made = Monitor(lambda recent: told if recent == 7 else {}).metrics(CountParams(recent=7), ctx)
    assert (made.counts, made.recent_runs) == (told["counts"], told["recent"])
