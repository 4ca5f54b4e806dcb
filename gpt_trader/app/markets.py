"""The bars that somebody names on a command line: where they come from, of which length, and restated for splits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpt_trader.app.words import options_of
from gpt_trader.core.errors import NoBars, NotFound, UsageError, did_you_mean

if TYPE_CHECKING:
    from gpt_trader.core.bars import Bars, BarSource, Loaded
    from gpt_trader.core.feeds import FeedCatalog
    from gpt_trader.slices.data.splits import Adjust

PARQUET = (".parquet", ".pq")
LABELS = ("sample", "synthetic")


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketChoice:
    """Which bars: `data` is sample, synthetic[:SEED], or the path of a CSV or Parquet file or of a folder of them."""

    symbols: tuple[str, ...] = ()
    data: str = "sample"
    start: str | None = None
    end: str | None = None
    timeframe: str | None = None
    adjust: Adjust = "splits"
    options: tuple[str, ...] = ()
    seed: int = 0


def load_markets(choice: MarketChoice, feeds: FeedCatalog) -> list[Loaded]:
    """The bars of every symbol, with the report on what was kept out; a symbol with fewer than two is an error."""
    provider, options = _provider(choice)
    source = feeds[provider](options)
    return [_loaded(symbol, choice, source) for symbol in _symbols(choice, source)]


@dataclass(frozen=True, slots=True)
class Remark:
    """Something to know of the bars before believing a result; serious where a result may be wrong for it."""

    text: str
    serious: bool


def remarks(loaded: Loaded) -> Iterator[Remark]:
    """Rows that were kept out, and jumps like those of splits, are serious; gaps and notes are told."""
    from gpt_trader.slices.data.splits import suspected, told

    bars, report = loaded.bars, loaded.quarantine
    for line in report.lines():
        yield Remark(f"{bars.symbol}: {line}", line.partition(":")[0] in report.counts)
    booked = {row["day"] for row in told(loaded)}
    for day, jump in suspected(bars) if bars.provenance.origin != "synthetic" else ():
        if day in booked:
            continue
        yield Remark(f"{bars.symbol}: opened at {jump:.3f} times the close before on {day}, as after a split", True)


def _provider(choice: MarketChoice) -> tuple[str, Mapping[str, Any]]:
    word, colon, rest = choice.data.partition(":")
    options = options_of(choice.options, "--data-option")
    if word == "synthetic":
        if colon and not rest.lstrip("-").isdecimal():
            raise UsageError(f"the seed of synthetic data is a whole number, not '{rest}'", hint="--data synthetic:7")
        length = {"timeframe": choice.timeframe} if choice.timeframe else {}
        return word, {"seed": int(rest) if colon else choice.seed, **length, **options}
    if choice.data == "sample":
        return word, options
    path = Path(choice.data).expanduser()
    if not path.exists():
        unknown = not path.suffix and len(path.parts) == 1
        hint = (did_you_mean(word, LABELS) if unknown else None) or "sample, synthetic[:SEED], or the path of a file"
        raise NotFound(f"there is no data '{choice.data}'" if unknown else f"there is no file {path}", hint=hint)
    return _kind_of(path), {"path": str(path), **options}


def _kind_of(path: Path) -> str:
    names = [file.name for file in path.iterdir()] if path.is_dir() else [path.name]
    return "parquet" if any(name.lower().endswith(PARQUET) for name in names) else "csv"


def _symbols(choice: MarketChoice, source: BarSource) -> list[str]:
    symbols = list(choice.symbols)
    twice = next((s for i, s in enumerate(symbols) if s in symbols[:i]), None)
    if twice is not None:
        raise UsageError(f"{twice} is named twice")
    if symbols:
        return symbols
    known = source.symbols()
    if len(known) == 1:
        return list(known)
    hint = f"for example: --symbols {known[0]}; there are: {', '.join(known[:20])}" if known else "--symbols ACME"
    raise UsageError("no symbol is named", hint=hint)


def _loaded(symbol: str, choice: MarketChoice, source: BarSource) -> Loaded:
    from gpt_trader.slices.data.splits import restated

    loaded = source.load(symbol, start=choice.start, end=choice.end)
    if len(loaded.bars):
        loaded = restated(loaded, choice.adjust)
    bars = _in_timeframe(loaded.bars, choice.timeframe)
    if len(bars) < 2:
        found = "no bars" if not len(bars) else "one bar, and one bar is no series"
        kept_out = loaded.quarantine.total
        more = f" ({kept_out} rows were kept out: {', '.join(loaded.quarantine.counts)})" if kept_out else ""
        raise NoBars(f"of {symbol} there is {found}{more}", hint="widen the range: --from, --to")
    return replace(loaded, bars=bars)


def _in_timeframe(bars: Bars, timeframe: str | None) -> Bars:
    from gpt_trader.core.market import Timeframe
    from gpt_trader.core.resample import resampled

    return bars if timeframe is None else resampled(bars, Timeframe.parse(timeframe))
