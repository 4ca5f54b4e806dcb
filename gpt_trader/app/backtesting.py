"""A backtest in the words of a person: which strategy on which bars with which money; and its result, saved whole."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpt_trader.app.words import params_of
from gpt_trader.core.errors import GptTraderError, NotFound, UsageError

if TYPE_CHECKING:
    from gpt_trader.app.markets import Remark
    from gpt_trader.core.bars import Loaded
    from gpt_trader.core.feeds import StrategyCatalog
    from gpt_trader.trading.report import Report
    from gpt_trader.trading.seats import StrategySpec

VERSION = 1
"""The version of the document that a backtest prints, and saves as report.json."""
REPORT = "report.json"


def spec_of(name: str, params: Sequence[str], catalog: StrategyCatalog) -> StrategySpec:
    """A strategy by its name, or from a Python file, with its params checked."""
    from gpt_trader.app.plugins import strategy_file
    from gpt_trader.trading.seats import StrategySpec

    path = Path(name).expanduser()
    if path.suffix == ".py" or "/" in name:
        if not path.is_file():
            raise NotFound(f"there is no file {name}", hint="`gpt-trader strategies list` shows what has a name")
        name, made = path.stem, strategy_file(path)
    else:
        made = _named(name, catalog)
    spec = StrategySpec(name, made, params_of(params, made))
    spec.checked_params()
    return spec


def _named(name: str, catalog: StrategyCatalog) -> Any:
    if name in catalog:
        return catalog[name]
    error = NotFound.among("strategy", name, catalog)
    error.hint = error.hint or "`gpt-trader strategies list` shows them"
    raise error


def held_return(loaded: Sequence[Loaded]) -> float:
    """What even parts of all symbols would have brought, bought at their first close and kept, without costs."""
    gains = [_held(one) for one in loaded]
    return sum(gains) / len(gains)


def _held(loaded: Loaded) -> float:
    """The gain of one share and of what became of it: splits and dividends that are not in the prices count."""
    from gpt_trader.core.market import Split

    shares, cash = 1.0, 0.0
    for action in loaded.actions:
        if isinstance(action, Split):
            shares *= action.new / action.old
        else:
            cash += shares * float(action.amount)
    return (shares * float(loaded.bars.close[-1]) + cash) / float(loaded.bars.close[0]) - 1.0


def document_of(report: Report, loaded: Sequence[Loaded], remarks: Sequence[Remark]) -> dict[str, Any]:
    """All of a backtest but its long lists, as plain values; what is not defined is null."""
    said = report.to_dict()
    strategies = said["provenance"]["strategies"]
    return {
        "version": VERSION,
        "strategy": strategies[0]["name"],
        "params": strategies[0]["params"],
        "timeframe": str(loaded[0].bars.timeframe),
        **said,
        "buy_and_hold": {"return": held_return(loaded)},
        "remarks": [remark.text for remark in remarks],
    }


def save(report: Report, document: dict[str, Any], folder: Path) -> list[str]:
    """Write the document, and every table as CSV and Parquet; the names of the files."""
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    (folder / REPORT).write_text(text + "\n", encoding="utf-8")
    return [REPORT, *report.save(str(folder), kinds=("csv", "parquet"))]


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """A folder to write in that becomes the target when all is written; otherwise the target stays as it was.

    A target that holds anything but an earlier result is refused before any work is done.
    """
    _refuse(target)
    target = target.resolve()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        staged = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    except OSError as error:
        raise GptTraderError(f"{target} cannot be written: {error.strerror}", hint="choose another folder") from None
    try:
        yield staged
        staged.chmod(0o777 & ~_umask())
        _swap(staged, target)
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _refuse(target: Path) -> None:
    from gpt_trader.trading.tables import TABLES

    if not target.exists():
        return
    if not target.is_dir():
        raise UsageError(f"--out {target} is a file", hint="name a folder")
    ours = {REPORT, *(f"{name}.{kind}" for name in TABLES for kind in ("csv", "parquet"))}
    other = sorted({file.name for file in target.iterdir()} - ours)
    if other:
        raise UsageError(f"--out {target} holds other things, such as {other[0]}", hint="name a new folder")


def _swap(staged: Path, target: Path) -> None:
    """Put the new folder in the old one's place; the old one goes when the new one is there."""
    if not target.exists():
        staged.rename(target)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{target.name}.old.", dir=target.parent))
    target.rename(old / "was")
    staged.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
