"""What the optimize slice is asked for, and what it gives."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from gpt_trader.core.slices import Frame, Outputs, Params
from gpt_trader.trading.params import Cash, Fee, First, Folds, Slippage, Spread


class SearchParams(Params):
    """Which parameters of which strategy may be what, what is best, and who does the work."""

    bars: Frame = Field(description="The table of bars.")
    strategy: str = Field(description="The strategy whose parameters are searched.")
    space: dict[str, Any] = Field(
        description="For each parameter: low:high:step, a,b,c, a list, or {low, high, step, log}."
    )
    data_provenance: dict[str, dict[str, Any]] = Field({}, description="What is said of the bars.")
    fixed: dict[str, Any] = Field({}, description="Parameters of the strategy that all sets share.")
    objectives: list[str] = Field(["sharpe"], min_length=1, description="Figures to make good; the first one decides.")
    constraints: list[str] = Field([], description="Such as fast < slow, slow >= 2 * fast, trades >= 20.")
    sampler: Literal["auto", "tpe", "grid", "random"] = Field(
        "auto", description="How sets are chosen; auto: all of a small grid, else tpe."
    )
    trials: int = Field(100, ge=1, le=1_000_000, description="How many sets are tried; a grid tries all it has.")
    seed: int = Field(0, ge=0, description="The seed of whatever is random.")
    engine: Literal["auto", "desk", "kernel"] = Field(
        "auto", description="Bar by bar, or compiled; auto: compiled where it can be."
    )
    prune: bool = Field(False, description="End trials early that are below the median on their way; desk alone.")
    holdout: float = Field(0.3, ge=0, lt=0.95, description="The last share of the time, which no trial sees.")
    batch: int = Field(8, ge=1, le=1000, description="How many sets a sampler asks for before it learns from them.")
    executor: Literal["auto", "here", "processes"] = Field(
        "auto", description="Where trials run; auto: processes for long work."
    )
    cluster: str = Field(
        "", description="The address of a Dask scheduler, such as tcp://10.0.0.1:8786; trials run there."
    )
    baseline: str = Field("buy_and_hold", description="What the result is compared with.")
    cash: Cash = 100_000.0
    fee: Fee = 0.001
    slippage: Slippage = 0.0005
    spread: Spread = 0.0


class WalkParams(SearchParams):
    """A search, made anew for each of several stretches of time."""

    holdout: float = Field(0.0, ge=0, lt=0.95, description="The last share of the time, which nothing here looks at.")
    folds: Folds = 4
    first: First = 0.5
    window: Literal["anchored", "rolling"] = Field(
        "anchored", description="Each search sees all before, or as much as the first."
    )
    gap: int = Field(0, ge=0, description="So many bars between what a search sees and what is traded.")


class Searched(Outputs):
    """The best set, how it did where the search looked and where it did not, and all that was tried.

    `selection` and `decided_at` are what a backtest of the bars that were held back needs.
    """

    selection: dict[str, dict[str, Any]]
    selection_method: str
    decided_at: str
    score: float
    beats_baseline: bool
    best: dict[str, Any]
    front: list[dict[str, Any]]
    in_sample: dict[str, Any]
    out_of_sample: dict[str, Any]
    deflated_sharpe: float | None
    importance: dict[str, float]
    heatmap: dict[str, Any]
    tried: dict[str, int]
    trial_table: Frame
    search: dict[str, Any]


class Walked(Searched):
    """Also each stretch with its choice, and the account that traded all of them one after the other."""

    walks: list[dict[str, Any]]
    final_equity: float
    metrics: dict[str, float | None]
    baseline_metrics: dict[str, Any]
    period: dict[str, Any]
    equity: Frame
    trades: Frame
    refusals: list[dict[str, Any]]
    details: dict[str, Any]
    provenance: dict[str, Any]
