"""The words of a report: figures as a trader writes them, and the sentences at its head."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gpt_trader.slices.monitor.params import ReportParams

PERCENT = "percent"
MONEY = "money"
NUMBER = "number"
COUNT = "count"
DAYS = "days"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
FIGURES = (
    ("total_return", "Total return", PERCENT, "final equity over cash at the start"),
    ("annual_return", "Annual return", PERCENT, "compounded, by the periods observed in a year"),
    ("volatility", "Volatility", PERCENT, "sample deviation of returns, annualised"),
    ("sharpe", "Sharpe ratio", NUMBER, "annualised, risk-free rate as configured"),
    ("sortino", "Sortino ratio", NUMBER, "mean excess return over downside deviation, annualised"),
    ("calmar", "Calmar ratio", NUMBER, "annual return over maximum drawdown"),
    ("max_drawdown", "Maximum drawdown", PERCENT, "deepest fall from a peak"),
    ("max_drawdown_days", "Longest drawdown", DAYS, "from the peak to its recovery, or to the end"),
    ("value_at_risk", "Value at risk, 5 %", PERCENT, "historical, one period"),
    ("conditional_value_at_risk", "Expected shortfall, 5 %", PERCENT, "mean of the worst periods"),
    ("trades", "Closed trades", COUNT, "from flat to flat"),
    ("win_rate", "Winning trades", PERCENT, "above zero after costs"),
    ("profit_factor", "Profit factor", NUMBER, "won over lost"),
    ("expectancy", "Expectancy", MONEY, "mean profit of a trade"),
    ("best_trade", "Best trade", PERCENT, "of what was put in"),
    ("worst_trade", "Worst trade", PERCENT, "of what was put in"),
    ("system_quality", "System quality (SQN)", NUMBER, "mean over deviation of trades, times the root of their number"),
    ("longest_losing_streak", "Longest losing streak", COUNT, "trades"),
    ("exposure", "Exposure", PERCENT, "share of bars with a position"),
    ("turnover", "Turnover", NUMBER, "traded in a year over mean equity"),
    ("alpha", "Alpha", PERCENT, "against the baseline, compounded to a year"),
    ("beta", "Beta", NUMBER, "against the baseline"),
)
"""Each figure: its name in the metrics, what people call it, how it is written, and its convention."""


def written(value: Any, kind: str) -> str:
    """A figure in the form of its kind; what is not defined is a dash."""
    if value is None or not math.isfinite(value):
        return "–"
    text = {
        PERCENT: f"{value:.2%}",
        MONEY: f"{value:,.2f}",
        NUMBER: f"{value:.2f}",
        COUNT: f"{value:,.0f}",
        DAYS: f"{value:,.0f} days",
    }[kind]
    return text if text.strip("-0.,%") else text.lstrip("-")


def titled(params: ReportParams) -> ReportParams:
    """The params with a heading: the given one, or the symbols of the data."""
    symbols = ", ".join(d["symbol"] for d in params.provenance.get("data", []))
    return (
        params
        if params.title
        else params.model_copy(update={"title": f"Backtest of {symbols}" if symbols else "Backtest"})
    )


def result_of(params: ReportParams) -> list[str]:
    """A few sentences: what came out, against what, over which time, by which choice."""
    figures, equity = params.metrics, params.equity["equity"]
    start, end = (written(float(equity.iloc[i]), MONEY) for i in (0, -1))
    earned = f"{start} became {end} ({written(figures.get('total_return'), PERCENT)})"
    lines = [f"{earned}, {_judged(figures)}, {_trades(len(params.trades))}."]
    theirs = params.baseline_metrics
    if theirs:
        made = f"made {written(theirs.get('total_return'), PERCENT)} over the same bars"
        lines.append(f"The baseline {theirs.get('name', '')} {made}, {_judged(theirs)}.")
    if params.period.get("words"):
        lines.append(f"{params.period['words']}.")
    lines += [f"{symbol}: {chosen['why']}." for symbol, chosen in params.selection.items() if chosen.get("why")]
    return lines


def _judged(figures: Mapping[str, Any]) -> str:
    fell = written(figures.get("max_drawdown"), PERCENT)
    return f"Sharpe ratio {written(figures.get('sharpe'), NUMBER)}, maximum drawdown {fell}"


def _trades(count: int) -> str:
    return "no closed trades" if count == 0 else f"{count} closed trade{'s' * (count > 1)}"


def number_of(value: Any) -> float | None:
    """A figure that may be a text, as exact numbers are in JSON; None where there is none."""
    return None if value is None else float(value)
