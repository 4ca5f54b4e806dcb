"""The data slice: recorded bars as one table, with where they come from and what was kept out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, ClassVar

from gpt_trader.core.context import StepContext
from gpt_trader.core.slices import Params, Slice, method
from gpt_trader.slices.data.params import (
    Check,
    Checked,
    Everything,
    Historical,
    Listed,
    Refresh,
    Refreshed,
    Table,
    Wanted,
)

if TYPE_CHECKING:
    from gpt_trader.core.bars import Loaded
    from gpt_trader.core.feeds import Archive, FeedCatalog
    from gpt_trader.core.feeds import Refreshed as Told

UPDATED = "market.data.updated"


class Data(Slice):
    """Fetches, downloads and checks recorded bars."""

    name: ClassVar[str] = "data"

    def __init__(self, archive: Archive, feeds: FeedCatalog) -> None:
        self._archive = archive
        self._feeds = feeds

    @method()
    def get_historical(self, params: Table, ctx: StepContext) -> Historical:
        """Recorded bars of files, the sample, a seed, or of a venue by way of the store; checked, with a hash."""
        from gpt_trader.core.frames import gathered
        from gpt_trader.slices.data.reports import Remarks

        remarks = Remarks()
        every = map(remarks.noted, self._each(params, ctx))
        table = gathered(every, params.symbols, held=params.held, artifacts=ctx.artifacts)
        return Historical(
            bars=table,
            data_provenance=remarks.provenance,
            quarantine=remarks.quarantine,
            actions=remarks.actions,
            bar_count=sum(said["bars"] for said in remarks.provenance.values()),
        )

    @method()
    def refresh(self, params: Refresh, ctx: StepContext) -> Refreshed:
        """Download into the store what is missing of the range; what came is kept even where it ends early."""
        from gpt_trader.slices.data.loading import at, request_of

        rows: list[Told] = []
        for done, symbol in enumerate(params.symbols):
            watch = at(ctx, done, len(params.symbols))
            request = request_of(symbol, params)
            rows.append(self._archive.refresh(request, watch, again=params.again, gaps=params.fill_gaps))
            if rows[-1].added or rows[-1].revised:
                ctx.record(UPDATED, asdict(rows[-1]))
        return Refreshed(
            refreshed=[asdict(row) for row in rows],
            added=sum(row.added for row in rows),
            revised=sum(row.revised for row in rows),
        )

    @method()
    def check(self, params: Check, ctx: StepContext) -> Checked:
        """Look for rows that were kept out, gaps, jumps that look like splits, and symbols that cannot be read."""
        from gpt_trader.slices.data.checking import checked

        return checked(self._archive, params, ctx)

    @method()
    def list(self, params: Everything, ctx: StepContext) -> Listed:
        """The stored series: how many bars from when to when, their hash, and when they last changed."""
        ctx.check()
        rows = [
            asdict(kept)
            for kept in self._archive.kept()
            if (not params.symbols or kept.symbol in params.symbols) and params.provider in ("", kept.provider)
        ]
        return Listed(series=rows, providers=[*self._feeds], count=len(rows))

    def outside(self, method: str, params: Params) -> str:
        """Files change, and downloads come: then what was read before is not served again."""
        if method != "get_historical" or not isinstance(params, Table):
            return ""
        from gpt_trader.slices.data.loading import request_of

        return self._archive.stamp(request_of(params.symbols[0], params, keeping=params.store, as_of=params.as_of))

    def _each(self, params: Wanted, ctx: StepContext) -> Iterator[Loaded]:
        from gpt_trader.slices.data.loading import at, loaded_of

        for done, symbol in enumerate(params.symbols):
            ctx.check()
            ctx.progress(done, len(params.symbols), symbol)
            yield loaded_of(self._archive, symbol, params, at(ctx, done, len(params.symbols)))
