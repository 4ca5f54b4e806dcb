"""The policy over time: one cell for each strategy and symbol at the desk, weights set anew as the time goes by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gpt_trader.core.errors import NoBars
from gpt_trader.core.frames import times_of
from gpt_trader.core.market import moment_of, time_of
from gpt_trader.slices.adaptive_portfolio.cells import Book, Cell, Hold, Weighted
from gpt_trader.slices.adaptive_portfolio.mix import HOLD
from gpt_trader.slices.adaptive_portfolio.policy import Policy
from gpt_trader.trading.modes import run_backtest
from gpt_trader.trading.playback import span_of
from gpt_trader.trading.requests import config_of, traded_bars
from gpt_trader.trading.seats import StrategySpec

if TYPE_CHECKING:
    import pandas as pd

    from gpt_trader.core.bars import Bars
    from gpt_trader.core.context import StepContext
    from gpt_trader.core.feeds import StrategyCatalog
    from gpt_trader.slices.adaptive_portfolio.params import RebalanceParams
    from gpt_trader.trading.limits import Choice
    from gpt_trader.trading.report import Report


class Session:
    """Bars, policy and book of one session; the bars before its start are only looked at."""

    def __init__(self, params: RebalanceParams, catalog: StrategyCatalog, ctx: StepContext) -> None:
        self._params, self._ctx = params, ctx
        # Weights look at all symbols together, again and again, so the bars are held.
        every = [b.loaded() for b in traded_bars(params.model_copy(update={"decided_at": ""}))]
        self.policy = Policy(params, every, catalog)
        moments = self.policy.past.moments
        first = self._first(every)
        self.bars = _from(every, int(moments[first]))
        due = moments[first :: params.every].tolist()
        self.book = Book(self.policy, due, band=params.band, check=ctx.check)

    def run(self, limits: Choice) -> Report:
        """The report of the session."""
        total = sum(len(b) for b in self.bars)

        def tell(done: int) -> None:
            self._ctx.check()
            self._ctx.progress(done, total, "bars")

        report = run_backtest(self._specs(), self.bars, config_of(self._params, self.bars, limits), progress=tell)
        plans = [plan for _, _, plan in self.book.history]
        if plans and not any(plan.labels for plan in plans):
            raise nothing_to_weigh(plans[-1].left_out)
        return report

    def history_frame(self) -> pd.DataFrame:
        """One row for each weight of each rebalancing."""
        import numpy as np
        import pandas as pd

        rows = [
            (ns, strategy, symbol, weight)
            for ns, _, plan in self.book.history
            for (strategy, symbol), weight in plan.weights.items()
        ]
        return pd.DataFrame(
            {
                "time": times_of(np.array([r[0] for r in rows], dtype=np.int64)),
                "strategy": pd.Series([r[1] for r in rows], dtype="str"),
                "symbol": pd.Series([r[2] for r in rows], dtype="str"),
                "weight": np.array([r[3] for r in rows], dtype=np.float64),
            }
        )

    def rebalances(self) -> list[dict[str, Any]]:
        """Each rebalancing in plain values."""
        return [
            {"time": time_of(ns).isoformat(), "equity": equity, **plan.told()} for ns, equity, plan in self.book.history
        ]

    def _first(self, bars: Sequence[Bars]) -> int:
        """The moment of the first decision: the one that was asked for, or the first that knows a whole window."""
        moments, window = self.policy.past.moments, self._params.window
        first = window
        if self._params.decided_at:
            asked = moment_of(self._params.decided_at)
            first = max(window, int((moments < asked + min(span_of(b) for b in bars)).sum()))
        if first + 2 >= len(moments):
            raise NoBars(
                f"{len(moments)} bars leave none to trade after the {window} that a decision looks at",
                hint="widen the range, or take a shorter window",
            )
        return first

    def _specs(self) -> list[StrategySpec]:
        makers = {spec.name: (spec.make, spec.params) for spec in self.policy.specs} or {HOLD: (Hold, {})}
        specs = []
        for name, (make, params) in makers.items():
            for b in self.bars:
                cell = Cell(self.book, name, b.symbol, span=span_of(b))
                specs.append(StrategySpec(cell.name, Weighted(make, cell), params, (b.symbol,), cell))
        return specs


def nothing_to_weigh(left_out: Mapping[str, str]) -> NoBars:
    """The error where no symbol can have a weight, with the reason of each."""
    why = "; ".join(f"{symbol}: {reason}" for symbol, reason in left_out.items())
    return NoBars(f"nothing can be weighed ({why})", hint="widen the range, or take a shorter window")


def _from(bars: Sequence[Bars], known: int) -> list[Bars]:
    """The bars that are over at this moment or later; symbols that end before are left out."""
    cut = [b.between(known - span_of(b), None) for b in bars]
    return [b for b in cut if len(b) >= 2]
