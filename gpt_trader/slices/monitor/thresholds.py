"""Thresholds over a result's figures, as a person writes them: `max_drawdown < -0.2`."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from gpt_trader.core.errors import NotFound, ValidationError
from gpt_trader.slices.monitor.words import FIGURES, NUMBER, written

SEVERITIES = ("info", "warning", "critical")
_FORM = re.compile(r"\s*([a-z_]+)\s*(<=|>=|<|>)\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)\s*", re.IGNORECASE)
_SIGNS: Mapping[str, tuple[Callable[[float, float], bool], str]] = {
    "<": (operator.lt, "below"),
    "<=": (operator.le, "at or below"),
    ">": (operator.gt, "above"),
    ">=": (operator.ge, "at or above"),
}
_KINDS = {name: (label, kind) for name, label, kind, _ in FIGURES}


def alerts_of(figures: Mapping[str, Any], thresholds: Mapping[str, str], time: str) -> list[dict[str, Any]]:
    """An alert for each threshold that is passed, the gravest first; of one figure only its gravest."""
    found: dict[str, dict[str, Any]] = {}
    for text, severity in sorted(thresholds.items(), key=lambda item: -_rank(item[1])):
        name, sign, limit = _read(text)
        if name not in figures:
            raise NotFound.among("figure", name, figures)
        message = _judged(name, figures[name], sign, limit)
        if message and name not in found:
            known = figures[name] is not None
            found[name] = {
                "severity": severity if known else "info",
                "message": message,
                "time": time,
                "figure": name,
                "value": figures[name],
            }
    return sorted(found.values(), key=lambda alert: -_rank(alert["severity"]))


def worst_of(alerts: list[dict[str, Any]]) -> str:
    """The gravest severity of all, or `none`."""
    return max((alert["severity"] for alert in alerts), key=_rank, default="none")


def _rank(severity: str) -> int:
    if severity not in SEVERITIES:
        raise ValidationError(f"'{severity}' is no severity", hint=f"there are: {', '.join(SEVERITIES)}")
    return SEVERITIES.index(severity)


def _read(text: str) -> tuple[str, str, float]:
    found = _FORM.fullmatch(text)
    if found is None:
        raise ValidationError(f"'{text}' is no threshold", hint="write a figure and a number: max_drawdown < -0.2")
    return found[1], found[2], float(found[3])


def _judged(name: str, value: float | None, sign: str, limit: float) -> str:
    label, kind = _KINDS.get(name, (name.replace("_", " "), NUMBER))
    if value is None or math.isnan(value):
        return f"{label} cannot be judged: the data does not define it"
    passed, word = _SIGNS[sign]
    return f"{label} is {written(value, kind)}, {word} {written(limit, kind)}" if passed(value, limit) else ""
