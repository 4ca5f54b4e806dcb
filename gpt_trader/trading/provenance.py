"""Where a result comes from: hashes of data and of strategies, parameters, seed and versions."""

from __future__ import annotations

import hashlib
import inspect
import platform
from dataclasses import fields, is_dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from gpt_trader.core.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gpt_trader.core.bars import Bars
    from gpt_trader.trading.config import BacktestConfig
    from gpt_trader.trading.limits import Limits
    from gpt_trader.trading.seats import StrategySpec

LEFT_OUT = ("finer", "actions", "instruments")


def provenance_of(
    specs: Sequence[StrategySpec], bars: Sequence[Bars], config: BacktestConfig, *, limits: Limits
) -> dict[str, Any]:
    """Everything that one needs to get the same result again."""
    return {
        "data": [data_of(b) for b in bars],
        "strategies": [
            {"name": s.name, "source": source_hash(s.make), "params": plain(s.checked_params())} for s in specs
        ],
        "config": {f.name: plain(getattr(config, f.name)) for f in fields(config) if f.name not in LEFT_OUT},
        "limits": {"name": limits.name, "values": plain(dict(limits.values))},
        "seed": config.seed,
        "versions": {
            "python": platform.python_version(),
            "gpt-trader": VERSION,
            "numpy": np.__version__,
        },
    }


def data_of(bars: Bars) -> dict[str, Any]:
    """The hash of one symbol's bars and the words on where they come from."""
    said = plain(bars.provenance)
    return {
        "symbol": bars.symbol,
        "timeframe": str(bars.timeframe),
        "bars": len(bars),
        "hash": bars.content_hash,
        **said,
    }


def source_hash(made: object) -> str | None:
    """SHA-256 of the file in which a strategy is written; None when it has none."""
    try:
        name = inspect.getsourcefile(inspect.unwrap(made))  # type: ignore[arg-type]
        if name is None:
            return None
        with open(name, "rb") as file:  # noqa: PTH123 - one read needs no path
            return hashlib.sha256(file.read()).hexdigest()
    except (OSError, TypeError):
        return None


def plain(value: object) -> Any:
    """The value in the words of JSON; exact numbers stay exact as text."""
    if isinstance(value, Decimal):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple, frozenset, set)):
        return [plain(each) for each in value]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return str(value)
