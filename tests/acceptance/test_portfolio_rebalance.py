"""The workflow portfolio_rebalance, run whole: from recorded bars to weights, orders and a report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gpt_trader.core.errors import NotFound

STEPS = ["fetch_data", "detect_regime", "rebalance", "allocate", "judge", "generate_report"]
SYMBOLS = ["AAPL", "GOOG", "IBM", "MSFT"]


def test_it_ends_with_weights_orders_and_a_report(house):
    result = house.execute_workflow("portfolio_rebalance")
    assert result.status == "SUCCEEDED", result.error
    out = result.outputs
    assert list(result.steps) == STEPS
    assert list(out["weights"]) == SYMBOLS
    assert sum(out["weights"].values()) <= 0.95 + 1e-9
    assert max(out["weights"].values()) <= out["tier"]["most_weight"] + 1e-9
    assert out["total_return"] == pytest.approx(out["final_equity"] / 100_000 - 1)
    assert len(out["rebalances"]) == out["weight_history"]["time"].nunique() > 100
    held = {p["symbol"]: p["quantity"] for p in out["positions"]}
    assert {t["symbol"]: t["held"] for t in out["targets"]} == held
    page = Path(out["report_path"]).read_text()
    for words in (
        "Weights by symbol",
        "Rebalancings",
        "To hold now",
        "To trade for it",
        "weighed by inverse_volatility",
    ):
        assert words in page
    told = json.loads(Path(out["report_json_path"]).read_text())
    assert told["provenance"]["policy"]["allocation"] == "inverse_volatility"
    assert told["alerts"] == out["alerts"]
    assert out["worst"] in ("none", "info", "warning", "critical")


def test_strategies_share_the_weights(house):
    result = house.execute_workflow(
        "portfolio_rebalance",
        symbols=["AAPL", "IBM"],
        strategies=["buy_and_hold", "momentum"],
        every=63,
    )
    assert result.status == "SUCCEEDED", result.error
    out = result.outputs
    assert set(out["trades"]["strategy"]) == {"buy_and_hold", "momentum"}
    assert set(out["strategy_weights"]["AAPL"]) == {"buy_and_hold", "momentum"}
    assert "Weights by strategy" in Path(out["report_path"]).read_text()


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"symbols": ["APPL"]}, "did you mean 'AAPL'"),
        ({"from": "2012-06-01"}, "leave none to trade after the 252"),
        ({"symbols": ["AAPL"], "options": {"sed": 1}}, "sed"),
    ],
)
def test_bad_input_fails_with_a_cure(house, inputs, said):
    result = house.execute_workflow("portfolio_rebalance", **inputs)
    assert result.status == "FAILED"
    assert said in f"{result.error['message']} {result.error.get('hint')}"


def test_a_strategy_that_does_not_exist_is_told_before_there_is_a_run(house):
    with pytest.raises(NotFound, match="momentun"):
        house.execute_workflow("portfolio_rebalance", strategies=["momentun"])
