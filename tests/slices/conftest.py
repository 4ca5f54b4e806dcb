"""Gives a slice what a step is given, and lets its outputs go through the journal's text form and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from gpt_trader.core.catalog import Catalog
from gpt_trader.core.context import StepContext
from gpt_trader.core.feeds import StrategyCatalog
from gpt_trader.journal.artifacts import ArtifactFolder
from gpt_trader.strategies.buy_and_hold import BuyAndHold
from gpt_trader.strategies.sma_cross import SmaCross
from gpt_trader.trading.clocks import WallClock


@pytest.fixture
def artifacts(tmp_path: Path) -> ArtifactFolder:
    return ArtifactFolder(tmp_path / "artifacts")


@pytest.fixture
def ctx(artifacts: ArtifactFolder) -> Iterator[StepContext]:
    with ThreadPoolExecutor(1) as executor:
        yield StepContext(
            run_id="run", path="steps[0]", attempt=1, mode="backtest",
            clock=WallClock(), artifacts=artifacts, executor=executor,
        )  # fmt: skip


@pytest.fixture
def resumed(artifacts: ArtifactFolder) -> Callable[[Any], dict[str, Any]]:
    """What later steps see of these outputs after a resume."""
    return lambda outputs: artifacts.decode(artifacts.encode(outputs.__dict__))


@pytest.fixture
def strategies() -> StrategyCatalog:
    catalog: StrategyCatalog = Catalog("strategy")
    catalog.add("buy_and_hold", lambda: BuyAndHold)
    catalog.add("sma_cross", lambda: SmaCross)
    return catalog
