"""What the monitor slice is asked for, and what it gives."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from gpt_trader.core.context import Artifact
from gpt_trader.core.slices import Frame, Outputs, Params

DEFAULTS = {
    "max_drawdown < -0.3": "critical",
    "max_drawdown < -0.2": "warning",
    "total_return < 0": "warning",
    "sharpe < 0": "warning",
    "trades < 10": "info",
}


class ReportParams(Params):
    """The result of a backtest, and whatever earlier steps said about how it came about."""

    equity: Frame = Field(description="Equity by time, with drawdown and baseline.")
    trades: Frame = Field(description="Closed trades.")
    metrics: dict[str, Any] = Field(description="The figures of the result.")
    provenance: dict[str, Any] = Field({}, description="Where the result comes from.")
    title: str = Field("", description="The heading; empty: the symbols.")
    baseline_metrics: dict[str, Any] = Field({}, description="The figures of what it is compared with.")
    period: dict[str, Any] = Field({}, description="Over which bars, and whether out of sample.")
    bars: Frame = Field(None, description="Prices, for the charts of the trades.")
    decided_at: str = Field("", description="From when on the charts show prices.")
    selection: dict[str, dict[str, Any]] = Field({}, description="Which strategy was chosen for each symbol, and why.")
    selection_method: str = Field("", description="How it was chosen.")
    regime: dict[str, dict[str, Any]] = Field({}, description="Each symbol's present regime.")
    patterns: dict[str, dict[str, Any]] = Field({}, description="Each symbol's present picture.")
    sizes: dict[str, dict[str, Any]] = Field({}, description="How positions were sized.")
    positions: list[dict[str, Any]] = Field([], description="What is still held.")
    refusals: list[dict[str, Any]] = Field([], description="Orders that were refused or not filled.")
    quarantine: dict[str, dict[str, Any]] = Field({}, description="What was kept out of the data.")
    details: dict[str, Any] = Field({}, description="Costs, ambiguous bars, alerts and rules.")
    alerts: list[dict[str, Any]] = Field([], description="Figures beyond their thresholds.")
    sections: list[dict[str, Any]] = Field([], description="Sections of an earlier step: tables, heat maps, lines.")
    importance: dict[str, float] = Field({}, description="How much each parameter of a search mattered.")
    heatmap: dict[str, Any] = Field({}, description="A search's objective by two of its parameters.")
    tried: dict[str, int] = Field({}, description="How many trials a search made.")
    deflated_sharpe: float | None = Field(None, description="The probability that the best of a search is skill.")
    walks: list[dict[str, Any]] = Field([], description="Stretches that were traded one after the other.")
    luck: dict[str, Any] = Field({}, description="What might as well have happened with the same trades.")


class Report(Outputs):
    """The files of the report, and its sentences."""

    report: Artifact
    report_path: str
    report_markdown: Artifact
    report_markdown_path: str
    report_json: Artifact
    report_json_path: str
    summary: list[str]


class HealthParams(Params):
    """How much room the machine must have."""

    least_disk_mb: float = Field(200.0, ge=0, description="Free space where results are kept, in MB.")
    least_memory_mb: float = Field(200.0, ge=0, description="Memory that is available, in MB.")


class Health(Outputs):
    """Whether all is well, and each check with its words."""

    healthy: bool
    health: list[dict[str, Any]]


class AlertParams(Params):
    """The figures of a result, and the thresholds that they are held against."""

    metrics: dict[str, Any] = Field(description="The figures of the result.")
    thresholds: dict[str, str] = Field(
        DEFAULTS,
        description="For each threshold, such as `max_drawdown < -0.2`, its severity: info, warning, critical.",
    )
    period: dict[str, Any] = Field({}, description="Its end is the time of the alerts; else it is now.")


class Alerts(Outputs):
    """What is beyond its threshold, the gravest first, and the gravest severity of all or `none`."""

    alerts: list[dict[str, Any]]
    worst: str


class CountParams(Params):
    """How far to look back."""

    recent: int = Field(10, ge=0, le=1_000, description="So many of the newest runs are told one by one.")


class Counts(Outputs):
    """How many runs, steps and events the journal has, and the newest runs."""

    counts: dict[str, int]
    recent_runs: list[dict[str, Any]]
