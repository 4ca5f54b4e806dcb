"""A strategy that takes its time, or kills its own process, so that a test can look at a search in its middle."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from gpt_trader.core.orders import TradeSignal
from gpt_trader.core.ports import TradingStrategyPlugin


class Sleepy(TradingStrategyPlugin):
    """Buys every `every` bars and sells as many bars later; each trial leaves a mark where it is told to."""

    class Params(BaseModel):
        every: int = 5
        seconds: float = 0.0
        marks: str = ""
        deadly: int = 0
        raises: int = 0

    def initialize(self, config: Mapping[str, Any]) -> None:
        self.params = self.Params(**config)
        self.bars = 0
        if self.params.marks:
            place = Path(self.params.marks)
            (place / f"{self.params.every}-{os.getpid()}-{time.monotonic_ns()}").touch()
            last = place / "dead"
            if self.params.every == self.params.deadly and not last.exists():
                last.touch()
                os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(self.params.seconds)

    def on_market_data(self, market_data: Any) -> TradeSignal | None:
        self.bars += 1
        if self.params.raises and self.params.every == self.params.raises:
            raise ValueError("this length is cursed")
        if self.bars % self.params.every:
            return None
        buys = self.bars // self.params.every % 2 == 1
        return TradeSignal(market_data.symbol, "buy" if buys else "sell", None if buys else 0, target=True)
