"""The data slice: recorded bars as one table, with where they come from and what was kept out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, field_validator

from gpt_trader.core.context import StepContext
from gpt_trader.core.errors import GptTraderError
from gpt_trader.core.slices import Frame, Outputs, Params, Slice, method

if TYPE_CHECKING:
    from gpt_trader.core.bars import BarSource, Loaded
    from gpt_trader.core.feeds import FeedCatalog


class Request(Params):
    """Which bars, from where; an empty `start` or `end` means all there is, an `end` that is a date includes it."""

    symbols: list[str] = Field(min_length=1, description="What is traded, such as AAPL.")
    provider: str = Field("sample", description="sample, synthetic, csv or parquet.")
    path: str = Field("", description="A file, or a folder with one file for each symbol; for csv and parquet.")
    start: str = Field("", description="The first day or moment, such as 2006-01-01.")
    end: str = Field("", description="The last day or moment.")
    adjust: Literal["splits", "none"] = Field("splits", description="Restate raw prices for the splits that are known.")
    splits: dict[str, dict[str, float]] = Field({}, description="New shares for one old, by symbol and first day.")
    options: dict[str, Any] = Field({}, description="What else the provider takes, such as seed or time_format.")

    @field_validator("symbols")
    @classmethod
    def _each_once(cls, symbols: list[str]) -> list[str]:
        twice = next((s for i, s in enumerate(symbols) if s in symbols[:i]), None)
        if twice is not None:
            raise ValueError(f"{twice} is named twice")
        return symbols


class Historical(Outputs):
    """The bars of all symbols in one table, what is said of them, and what was kept out."""

    bars: Frame
    data_provenance: dict[str, dict[str, Any]]
    quarantine: dict[str, dict[str, Any]]
    bar_count: int


class Checked(Outputs):
    """Whether the data is in order; every finding with its symbol, severity and words; one row of counts per symbol."""

    ok: bool
    findings: list[dict[str, str]]
    checks: list[dict[str, Any]]


class Data(Slice):
    """Fetches and checks recorded bars."""

    name: ClassVar[str] = "data"

    def __init__(self, feeds: FeedCatalog) -> None:
        self._feeds = feeds

    @method()
    def get_historical(self, params: Request, ctx: StepContext) -> Historical:
        """Recorded bars from the sample, a seed, CSV or Parquet, checked, with their hash."""
        from gpt_trader.core.frames import frame_of, said_of
        from gpt_trader.slices.data.reports import quarantine_of

        loaded = dict(self._each(params, ctx))
        bars = [each.bars for each in loaded.values()]
        return Historical(
            bars=frame_of(bars),
            data_provenance={b.symbol: said_of(b) for b in bars},
            quarantine={symbol: quarantine_of(each) for symbol, each in loaded.items()},
            bar_count=sum(len(b) for b in bars),
        )

    @method()
    def check(self, params: Request, ctx: StepContext) -> Checked:
        """Look for rows that were kept out, gaps, jumps that look like splits, and symbols that cannot be read."""
        from gpt_trader.slices.data.reports import counts_of, findings_of

        findings: list[dict[str, str]] = []
        checks: list[dict[str, Any]] = []
        for symbol in params.symbols:
            try:
                loaded = self._loaded(symbol, params, self._source(params))
            except GptTraderError as error:
                text = error.message + (f" ({error.hint})" if error.hint else "")
                findings.append({"symbol": symbol, "severity": "critical", "text": text})
                continue
            finally:
                ctx.check()
            findings += findings_of(loaded)
            checks.append(counts_of(loaded))
        return Checked(ok=not any(f["severity"] != "info" for f in findings), findings=findings, checks=checks)

    def _each(self, params: Request, ctx: StepContext) -> Iterator[tuple[str, Loaded]]:
        source = self._source(params)
        for done, symbol in enumerate(params.symbols):
            ctx.check()
            ctx.progress(done, len(params.symbols), symbol)
            yield symbol, self._loaded(symbol, params, source)

    def _source(self, params: Request) -> BarSource:
        options: Mapping[str, Any] = params.options | ({"path": params.path} if params.path else {})
        return self._feeds[params.provider](options)

    def _loaded(self, symbol: str, params: Request, source: BarSource) -> Loaded:
        from gpt_trader.slices.data.splits import adjusted, splits_of

        loaded = source.load(symbol, start=params.start or None, end=params.end or None)
        if params.adjust == "none":
            return loaded
        return adjusted(loaded, splits_of(loaded.bars, params.provider, named=params.splits.get(symbol, {})))
