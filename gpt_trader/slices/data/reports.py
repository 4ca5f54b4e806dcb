"""What is told of loaded bars: counts for machines and sentences for people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from gpt_trader.core.bars import Bars, Loaded
from gpt_trader.core.errors import GptTraderError
from gpt_trader.core.frames import said_of
from gpt_trader.core.market import time_of
from gpt_trader.slices.data.splits import suspected, told


@dataclass(slots=True)
class Remarks:
    """What is said of each symbol's bars while they pass by one after the other, none of them held."""

    provenance: dict[str, dict[str, Any]] = field(default_factory=dict)
    quarantine: dict[str, dict[str, Any]] = field(default_factory=dict)
    actions: list[dict[str, Any]] = field(default_factory=list)

    def noted(self, loaded: Loaded) -> Bars:
        """The bars, of which all is noted down."""
        bars = loaded.bars
        self.provenance[bars.symbol] = said_of(bars)
        self.quarantine[bars.symbol] = quarantine_of(loaded)
        self.actions += told(loaded)
        return bars


def quarantine_of(loaded: Loaded) -> dict[str, Any]:
    """What was kept out and what is missing, with a line for each kind."""
    report = loaded.quarantine
    lines = [*report.lines(), *(_split_words(day, jump) for day, jump in suspected(loaded.bars))]
    return {
        "kept_out": report.total,
        "reasons": dict(report.counts),
        "gaps": report.gap_count,
        "missing": report.missing,
        "lines": lines,
    }


def counts_of(loaded: Loaded) -> dict[str, Any]:
    """One row on a symbol: its range and its counts."""
    bars, report = loaded.bars, loaded.quarantine
    return {
        "symbol": bars.symbol,
        "bars": len(bars),
        "timeframe": str(bars.timeframe),
        "from": time_of(int(bars.ts[0])).date().isoformat(),
        "to": time_of(int(bars.ts[-1])).date().isoformat(),
        "kept_out": report.total,
        "gaps": report.gap_count,
        "missing": report.missing,
        "suspected_splits": len(suspected(bars)),
        "hash": bars.content_hash,
    }


def findings_of(loaded: Loaded) -> Iterator[dict[str, str]]:
    """Each finding with a severity: rows kept out and unexplained jumps are warnings, gaps and notes are told."""
    symbol, report = loaded.bars.symbol, loaded.quarantine
    bad = set(report.counts)
    for line in report.lines():
        warned = line.partition(":")[0] in bad
        yield {"symbol": symbol, "severity": "warning" if warned else "info", "text": line}
    for day, jump in suspected(loaded.bars):
        yield {"symbol": symbol, "severity": "warning", "text": _split_words(day, jump)}


def unreadable(symbol: str, error: GptTraderError) -> dict[str, str]:
    """The finding that a symbol cannot be read at all."""
    text = error.message + (f" ({error.hint})" if error.hint else "")
    return {"symbol": symbol, "severity": "critical", "text": text}


def _split_words(day: str, jump: float) -> str:
    return f"{day}: opened at {jump:.3f} times the close before, as after a split; name it in `splits` if it was one"
