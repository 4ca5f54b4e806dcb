"""The monitor slice: a report in one file that needs no network, and a look at the machine's health."""

from __future__ import annotations

from typing import ClassVar

from gpt_trader.core.context import StepContext
from gpt_trader.core.slices import Slice, method
from gpt_trader.slices.monitor.params import Health, HealthParams, Report, ReportParams


class Monitor(Slice):
    """Reports on results and on the machine."""

    name: ClassVar[str] = "monitor"

    @method()
    def create_report(self, params: ReportParams, ctx: StepContext) -> Report:
        """One HTML file with equity, drawdown, trades, figures and provenance; the same in short as Markdown."""
        from gpt_trader.slices.monitor.markdown import markdown_of
        from gpt_trader.slices.monitor.page import page_of
        from gpt_trader.slices.monitor.words import summary_of, titled

        params = titled(params)
        summary = summary_of(params)
        html = ctx.artifacts.put(page_of(params, summary).encode(), kind="html")
        text = ctx.artifacts.put(markdown_of(params, summary).encode(), kind="md")
        return Report(
            report=html,
            report_path=str(ctx.artifacts.path(html)),
            report_markdown=text,
            report_markdown_path=str(ctx.artifacts.path(text)),
            summary=summary,
        )

    @method()
    def health(self, params: HealthParams, ctx: StepContext) -> Health:
        """Look at the clock, the workers, the room for results and the memory."""
        from gpt_trader.slices.monitor.checks import checks_of

        checks = checks_of(params, ctx)
        return Health(healthy=all(check["ok"] for check in checks), health=checks)
