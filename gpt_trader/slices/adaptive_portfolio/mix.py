"""How much of a symbol's weight goes to each strategy: by what each earned lately, and in regimes like the present."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from gpt_trader.core.errors import ValidationError
from gpt_trader.core.frames import ns_of
from gpt_trader.core.metrics import observed_periods
from gpt_trader.trading.config import BacktestConfig
from gpt_trader.trading.modes import simulate
from gpt_trader.trading.playback import span_of
from gpt_trader.trading.seats import StrategySpec
from gpt_trader.trading.sizing import Share

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from gpt_trader.core.bars import Bars
    from gpt_trader.core.feeds import StrategyCatalog
    from gpt_trader.trading.costs import Costs

    Floats = NDArray[np.float64]
    Times = NDArray[np.int64]

CASH = Decimal(1_000_000)
INVESTED = Share(Decimal("0.95"))
DOUBT = 63
"""So many returns count as much as the doubt whether a Sharpe ratio is more than luck."""
HOLD = "hold"
"""The name of holding, where no strategies are given."""


@dataclass(frozen=True, slots=True)
class Shadow:
    """One strategy on one symbol over all bars: its returns, when each was known, and the regime it was decided in."""

    known: Times
    returns: Floats
    labels: NDArray[np.object_]
    state: int


class Mix:
    """The strategies with their shadows; its answers use only what was known at the moment that is asked about."""

    def __init__(
        self,
        specs: Sequence[StrategySpec],
        bars: Sequence[Bars],
        *,
        costs: Costs,
        regimes: pd.DataFrame | None,
    ) -> None:
        self.names = [spec.name for spec in specs] or [HOLD]
        self._labels = {b.symbol: labels_of(b, regimes) for b in bars}
        self._shadows = {
            spec.name: {b.symbol: shadow_of(spec, b, costs, self._labels[b.symbol]) for b in bars} for spec in specs
        }
        self._periods = observed_periods(np.unique(np.concatenate([b.ts for b in bars])))

    def label(self, symbol: str, now: int) -> str:
        """The regime that is known of a symbol at a moment; empty where none is."""
        known, labels = self._labels[symbol]
        at = int(np.searchsorted(known, now, side="right")) - 1
        return str(labels[at]) if at >= 0 else ""

    def shares(self, label: str, now: int, *, window: int) -> dict[str, float]:
        """Each strategy's part, in proportion to its score; where none earned anything, all get the same."""
        if len(self.names) == 1:
            return {self.names[0]: 1.0}
        scores = np.array([max(self._score(name, label, now, window), 0.0) for name in self.names])
        parts = scores / scores.sum() if scores.sum() > 0 else np.full(len(scores), 1.0 / len(scores))
        return dict(zip(self.names, parts.tolist(), strict=True))

    def state(self, name: str, symbol: str) -> int:
        """Whether the strategy is long (1), out (0) or short (-1) at the end of the bars."""
        return self._shadows[name][symbol].state if name in self._shadows else 1

    def _score(self, name: str, label: str, now: int, window: int) -> float:
        """The Sharpe ratio of the last returns, and that of all returns in this regime, each shrunk by its doubt."""
        cut = [(s, int(np.searchsorted(s.known, now, side="right"))) for s in self._shadows[name].values()]
        lately = self._sharpe([s.returns[max(0, end - window) : end] for s, end in cut])
        if not label:
            return lately
        alike = self._sharpe([s.returns[:end][s.labels[:end] == label] for s, end in cut])
        return (lately + alike) / 2

    def _sharpe(self, parts: Sequence[Floats]) -> float:
        returns = np.concatenate(parts)
        if len(returns) < 2 or not np.ptp(returns) > 0:
            return 0.0
        ratio = float(returns.mean() / returns.std(ddof=1)) * math.sqrt(self._periods)
        return ratio * len(returns) / (len(returns) + DOUBT)


def labels_of(bars: Bars, regimes: pd.DataFrame | None) -> tuple[Times, NDArray[np.object_]]:
    """When each label of a symbol was known, and the labels; a label is known when its bar is over."""
    if regimes is None:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=object)
    missing = [name for name in ("symbol", "time", "label") if name not in getattr(regimes, "columns", ())]
    if missing:
        raise ValidationError(f"the table of regimes has no column '{missing[0]}'", hint="detect gives it")
    own = regimes[regimes["symbol"] == bars.symbol]
    return ns_of(own["time"]) + span_of(bars), own["label"].to_numpy(dtype=object)


def shadow_of(spec: StrategySpec, bars: Bars, costs: Costs, labels: tuple[Times, NDArray[np.object_]]) -> Shadow:
    """Trade the strategy on the desk, alone and with costs."""
    bench = simulate([spec], [bars], BacktestConfig(cash=CASH, costs=costs, sizing=INVESTED))
    equity, over = np.array(bench.desk.curve), bars.ts + span_of(bars)
    held = bench.desk.account.held_by(spec.name, bars.symbol)
    decided_in = known_at(over[:-1], *labels)
    return Shadow(over[1:], equity[1:] / equity[:-1] - 1.0, decided_in, int(np.sign(held)))


def known_at(moments: Times, known: Times, labels: NDArray[np.object_]) -> NDArray[np.object_]:
    """The last label that was known at each moment; empty where none was."""
    at = np.searchsorted(known, moments, side="right") - 1
    return np.array([labels[i] if i >= 0 else "" for i in at.tolist()], dtype=object)


def specs_of(given: Sequence[str | Mapping[str, Any]], catalog: StrategyCatalog) -> list[StrategySpec]:
    """The strategies by name, or by {name, params}."""
    specs = []
    for item in given:
        named: Mapping[str, Any] = {"name": item} if isinstance(item, str) else item
        if not isinstance(named.get("name"), str) or not set(named) <= {"name", "params"}:
            raise ValidationError(f"{item!r} is no strategy", hint="write a name, or {name: ..., params: {...}}")
        params = dict(named.get("params") or {})
        label = " ".join([named["name"], *(f"{k}={v}" for k, v in params.items())])
        spec = StrategySpec(label, catalog[named["name"]], params)
        spec.checked_params()
        specs.append(spec)
    if len({spec.name for spec in specs}) < len(specs):
        raise ValidationError("a strategy is named twice with the same params")
    return specs
