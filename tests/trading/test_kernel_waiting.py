"""What waits in the kernel while no bar has volume is what waits on the desk, also when a newer order is refused."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpt_trader.core.orders import BUY, SELL, TradeSignal
from gpt_trader.core.ports import TradingStrategyPlugin
from gpt_trader.trading import kernel
from gpt_trader.trading.config import BacktestConfig
from gpt_trader.trading.costs import Costs, Fee
from gpt_trader.trading.kernel import Grid
from gpt_trader.trading.sizing import Units
from tests.trading.test_kernel import FEES, FREE, MINUTE, SIZINGS, compare, walk

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gpt_trader.core.bars import Bars
    from gpt_trader.core.market import MarketData


class Rows(TradingStrategyPlugin):
    """Wants what its row of targets says, whatever the market does."""

    row: ClassVar[list[int]] = []

    def initialize(self, config: Mapping[str, Any]) -> None:
        self.left, self.before = list(self.row), 0

    def on_market_data(self, market_data: MarketData) -> TradeSignal | None:
        want = self.left.pop(0)
        if want == self.before:
            return None
        self.before = want
        side = BUY if want > 0 else SELL
        return TradeSignal(market_data.symbol, side, None if want else 0, target=True)

    @classmethod
    def targets(cls, bars: Bars, grid: Grid) -> Any:
        def write(part: slice, out: Any) -> None:
            out[:] = cls.row

        return write


ONE = Grid({"any": np.array([1])})


def test_what_waits_outlasts_a_refusal_as_on_the_desk(monkeypatch: pytest.MonkeyPatch) -> None:
    """10 are held and none owed; an exit waits for a bar with volume, and the fees of a reversal are too dear."""
    close = np.array([100.0, 100.0, 100.0, 100.0, 80.0, 70.0])
    volume = np.array([1e6, 1e6, 1e6, 0.0, 1e6, 1e6])
    bars = replace(walk(3, 6), open=close, high=close, low=close, close=close, volume=volume)
    config = BacktestConfig(
        cash=Decimal(1001), sizing=Units(Decimal(10)), fill=FREE, costs=Costs(Fee(percent=Decimal("0.001")))
    )
    monkeypatch.setattr(Rows, "row", [1, 1, 0, -1, -1, -1])
    fills = kernel.fills_of(Rows, bars, ONE, 0, config=config)
    assert [(fill.ns // MINUTE, fill.quantity, fill.price) for fill in fills] == [(1, 10, 100), (4, -10, 80)]
    assert kernel.sweep(Rows, bars, ONE, config=config).refused[0] == 1
    compare(Rows, bars, ONE, config)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000), silent=st.sampled_from([0.3, 0.6]), sizing=SIZINGS, fee=FEES)
def test_any_row_of_targets_trades_as_on_the_desk(seed: int, silent: float, sizing: Any, fee: Fee) -> None:
    """The money is scarce, so that orders are refused while others wait."""
    rng = np.random.default_rng(seed)
    config = BacktestConfig(cash=Decimal(400), sizing=sizing, fill=FREE, costs=Costs(fee))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Rows, "row", rng.integers(-1, 2, 120).tolist())
        compare(Rows, walk(seed, silent=silent, spread=0.03), ONE, config)
