"""The data slice: recorded bars as one table, with where they come from and what was kept out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from gpt_trader.core.context import StepContext
from gpt_trader.core.errors import GptTraderError
from gpt_trader.core.slices import Slice, method
from gpt_trader.slices.data.params import Checked, Historical, Request

if TYPE_CHECKING:
    from gpt_trader.core.bars import BarSource, Loaded
    from gpt_trader.core.feeds import FeedCatalog


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
