"""Searches over a made-up market, as a step would ask for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from gpt_trader.core.bars import Bars
from gpt_trader.core.context import StepContext
from gpt_trader.core.feeds import StrategyCatalog
from gpt_trader.core.frames import frame_of
from gpt_trader.slices.optimize.params import Searched, SearchParams, Walked, WalkParams
from gpt_trader.slices.optimize.slice import Optimize
from gpt_trader.strategies.momentum import Momentum
from gpt_trader.strategies.pairs import Pairs
from tests.slices.market import walk
from tests.slices.optimize.sleepy import Sleepy

SMALL = {"fast": "2:8:2", "slow": "10:30:10"}
"""Twelve sets."""


@pytest.fixture(scope="session")
def bars() -> Bars:
    return walk(400, seed=11, drift=0.0006)


@pytest.fixture
def catalog(strategies: StrategyCatalog) -> StrategyCatalog:
    strategies.add("momentum", lambda: Momentum)
    strategies.add("pairs", lambda: Pairs)
    strategies.add("sleepy", lambda: Sleepy)
    return strategies


@pytest.fixture
def search(catalog: StrategyCatalog, ctx: StepContext, bars: Bars) -> Callable[..., Searched]:
    """A search; `path` names the step, so that another search has another log."""

    def run(*traded: Bars, path: str = "steps[0]", clusters: Any = None, more: Any = None, **params: Any) -> Searched:
        asked = {"strategy": "sma_cross", "space": SMALL, **params}
        step = replace(ctx, path=path, **(more or {}))
        return Optimize(catalog, clusters).search(SearchParams(bars=frame_of(traded or (bars,)), **asked), step)

    return run


@pytest.fixture
def walk_forward(catalog: StrategyCatalog, ctx: StepContext, bars: Bars) -> Callable[..., Walked]:
    def run(*traded: Bars, path: str = "steps[9]", **params: Any) -> Walked:
        asked = {"strategy": "sma_cross", "space": SMALL, **params}
        step = replace(ctx, path=path)
        return Optimize(catalog, None).walk_forward(  # type: ignore[arg-type]
            WalkParams(bars=frame_of(traded or (bars,)), **asked), step
        )

    return run
