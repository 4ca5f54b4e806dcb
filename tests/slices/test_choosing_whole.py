"""Regimes, training, choice and size as steps of one workflow, each fed by the ones before it by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from gpt_trader import TradingOrchestrator
from gpt_trader.app.settings import load_settings

pytest.importorskip("sklearn")

LEARN = """
name: learn
mode: backtest
inputs:
  symbols: {type: array, items: {type: string}, default: [MSFT]}
  candidates: {type: array, default: [sma_cross, momentum]}
steps:
  - fetch_data: {slice: data, method: get_historical, with: {start: "2005-01-01"}}
  - detect_regime: {slice: market_regime, method: detect}
  - learn: {slice: ml_strategy, method: train, with: {strategies: "${{ inputs.candidates }}"}}
  - select_strategy: {slice: ml_strategy, method: predict_best}
  - size_position: {slice: position_sizing, method: calculate, with: {sizing: kelly}}
"""

USE = """
name: use
mode: backtest
inputs:
  model: {type: string}
steps:
  - fetch_data: {slice: data, method: get_historical, with: {symbols: [MSFT], start: "2005-01-01"}}
  - detect_regime: {slice: market_regime, method: detect}
  - select_strategy: {slice: ml_strategy, method: predict_best, with: {train: 0.9}}
"""


def test_a_model_goes_from_training_to_the_choice_and_into_a_later_workflow(tmp_path):
    for name, text in {"learn": LEARN, "use": USE}.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    settings = load_settings(env={"GPT_TRADER_HOME": str(tmp_path / "home")}, cwd=tmp_path)
    with TradingOrchestrator(settings) as house:
        first = house.execute_workflow(str(tmp_path / "learn.yaml"))
        assert first.status == "SUCCEEDED", first.error
        out = first.outputs
        assert out["selection_method"].startswith("a stored model (logistic)")
        assert out["decided_at"] == out["trained_until"]
        chosen, size = out["selection"]["MSFT"], out["sizes"]["MSFT"]
        assert size["confidence"] == chosen["confidence"]
        assert size["share"] <= 0.25 * chosen["confidence"] + 1e-12
        assert Path(out["model_path"]).suffix == ".model"
        later = house.execute_workflow(str(tmp_path / "use.yaml"), model=out["model_path"])
        assert later.status == "SUCCEEDED", later.error
        assert later.outputs["model_provenance"] == out["model_provenance"]
        wrong = house.execute_workflow(str(tmp_path / "use.yaml"), model=str(tmp_path / "use.yaml"))
        assert wrong.status == "FAILED"
        assert "is no model: it is not JSON" in str(wrong.error)
