"""The monitor slice: a report in one file that needs no network, and a look at the machine's health."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeAlias

from gpt_trader.core.context import StepContext
from gpt_trader.core.slices import Slice, method
from gpt_trader.slices.monitor.params import (
    AlertParams,
    Alerts,
    CountParams,
    Counts,
    Health,
    HealthParams,
    Report,
    ReportParams,
)

Facts: TypeAlias = Callable[[int], Mapping[str, Any]]
"""What the journal counts: `counts`, and under `recent` so many of its newest runs."""


class Monitor(Slice):
    """Reports on results and on the machine."""

    name: ClassVar[str] = "monitor"

    def __init__(self, facts: Facts) -> None:
        self._facts = facts

    @method()
    def create_report(self, params: ReportParams, ctx: StepContext) -> Report:
        """One HTML file with curves, trades, figures and provenance; the same in short as Markdown, in full as JSON."""
        from gpt_trader.core.frames import needs
        from gpt_trader.slices.monitor.cautions import summary_of
        from gpt_trader.slices.monitor.document import document_of
        from gpt_trader.slices.monitor.markdown import markdown_of
        from gpt_trader.slices.monitor.page import page_of
        from gpt_trader.slices.monitor.searches import search_sections
        from gpt_trader.slices.monitor.words import titled

        needs(params.equity, "equity", ("time", "equity"))
        needs(params.trades, "trades", ())
        params = titled(params)
        params = params.model_copy(update={"sections": [*search_sections(params), *params.sections]})
        summary = summary_of(params)
        html = ctx.artifacts.put(page_of(params, summary).encode(), kind="html")
        text = ctx.artifacts.put(markdown_of(params, summary).encode(), kind="md")
        document = ctx.artifacts.put(document_of(params, summary), kind="json")
        return Report(
            report=html,
            report_path=str(ctx.artifacts.path(html)),
            report_markdown=text,
            report_markdown_path=str(ctx.artifacts.path(text)),
            report_json=document,
            report_json_path=str(ctx.artifacts.path(document)),
            summary=summary,
        )

    @method()
    def health(self, params: HealthParams, ctx: StepContext) -> Health:
        """Look at the clock, the workers, the room for results and the memory."""
        from gpt_trader.slices.monitor.checks import checks_of

        checks = checks_of(params, ctx)
        return Health(healthy=all(check["ok"] for check in checks), health=checks)

    @method()
    def alerts(self, params: AlertParams, ctx: StepContext) -> Alerts:
        """Hold figures against thresholds; each alert is also an event, `monitor.alert`."""
        from gpt_trader.slices.monitor.thresholds import alerts_of, worst_of

        time = str(params.period.get("to") or ctx.clock.now().isoformat())
        found = alerts_of(params.metrics, params.thresholds, time)
        for alert in found:
            ctx.record("monitor.alert", alert)
        return Alerts(alerts=found, worst=worst_of(found))

    @method()
    def metrics(self, params: CountParams, ctx: StepContext) -> Counts:  # noqa: ARG002 - every method takes it
        """Count the runs and steps by status, the events and the dead letters; and tell the newest runs one by one."""
        told = self._facts(params.recent)
        return Counts(counts=dict(told["counts"]), recent_runs=list(told["recent"]))
