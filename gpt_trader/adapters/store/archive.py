"""The archive: providers by name, the store beside them, and what must happen between the two."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import uuid4

from gpt_trader.adapters.feeds.ranges import Range
from gpt_trader.adapters.store import sheet as sheets
from gpt_trader.adapters.store.download import Download, left
from gpt_trader.adapters.store.imports import Import, imported
from gpt_trader.adapters.store.listing import kept_in, stored_symbols
from gpt_trader.adapters.store.place import owned
from gpt_trader.adapters.store.series import Series, span_of, told
from gpt_trader.adapters.store.spans import joined
from gpt_trader.adapters.store.view import gaps_of, view
from gpt_trader.adapters.venues.asking import Asking
from gpt_trader.adapters.venues.reader import supported
from gpt_trader.core.bars import Loaded
from gpt_trader.core.errors import BadData, NoBars, NotFound, ProviderDown, UsageError, did_you_mean
from gpt_trader.core.feeds import Kept, Refreshed, Request
from gpt_trader.core.market import Timeframe

if TYPE_CHECKING:
    from gpt_trader.adapters.store.sheet import Sheet
    from gpt_trader.adapters.store.spans import Span
    from gpt_trader.adapters.venues.reader import Reader
    from gpt_trader.core.bars import BarSource
    from gpt_trader.core.catalog import Catalog
    from gpt_trader.core.feeds import FeedCatalog, SourceMaker, Watch
    from gpt_trader.core.ports import Clock

ReaderMaker: TypeAlias = Callable[[Mapping[str, Any]], "Reader"]
DAILY = "1d"
GENERATED = "synthetic"
FIXED = ("sample", GENERATED)
"""Providers whose bars never change."""


class Nobody:
    """A watch of whoever does not wait."""

    def check(self) -> None:
        """Let the work go on."""

    def progress(self, done: float, total: float, text: str) -> None:
        """Draw nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalArchive:
    """Bars of all providers: files and the sample as they are, and of venues what the store holds or still lacks."""

    folder: Path
    clock: Clock
    feeds: FeedCatalog
    venues: Catalog[ReaderMaker]

    def load(self, request: Request, watch: Watch) -> Loaded:
        """The bars, checked; a venue is asked for what the store lacks, unless the store alone is wanted."""
        local = self._venue(request) is None
        if local and request.keeping == "first" and not request.as_of:
            return self._source(request).load(request.symbol, start=request.start or None, end=request.end or None)
        alone = local or request.keeping == "only" or bool(request.as_of)
        series = self._stored(request) if alone else self._of_venue(request)
        within = series.within(request.start, request.end)
        note = "" if alone else self._filled(series, within, request, watch)
        return view(series, within, calendar=request.calendar, as_of=request.as_of, note=note)

    def refresh(
        self, request: Request, watch: Watch, *, again: bool = False, gaps: bool = False, dry_run: bool = False
    ) -> Refreshed:
        """Download what the store lacks of the range; bars of files and of the sample are copied into it."""
        watch.check()
        if request.provider == GENERATED:
            raise UsageError(
                "made-up bars need no store", hint="the same seed gives the same bars wherever they are made"
            )
        if self._venue(request) is None:
            source = self._source(request)
            how = Import(self.folder, self.clock, watch, again=again, dry_run=dry_run)
            return imported(source, request, how)
        series = self._of_venue(request)
        within = series.within(request.start, request.end)
        sheet = self._opened(series, again=again)
        span = span_of(series, within, self.clock, since=None if request.start else _begun(sheet))
        if dry_run:
            spans = [span] if again else left(sheet, span)
            return told(series, sheet, missing=spans)
        return self._download(series, span, watch, again=again, gaps=gaps)

    def stamp(self, request: Request) -> str:
        """Which files are read, each as it is now: all of the store where it is asked."""
        local = self._venue(request) is None and request.keeping == "first" and not request.as_of
        if local and "path" not in request.options:
            return "" if request.provider in FIXED else uuid4().hex  # nobody can say whether these bars are the same
        return _files_stamp(Path(str(request.options["path"])).expanduser() if local else self.folder)

    def kept(self) -> Iterator[Kept]:
        """Every stored series; a damaged file is one, too."""
        return kept_in(self.folder)

    def maker(self, provider: str) -> SourceMaker:
        """A venue in the place of a source of files: `timeframe`, `keeping` and `as_of` stand among its options."""
        return lambda options: _Venue(self, provider, options)

    # the store and the venue

    def _filled(self, series: Series, within: Range, request: Request, watch: Watch) -> str:
        """Have the venue asked for what is missing; the words for it where the stored bars must do."""
        span = span_of(series, within, self.clock)
        sheet = sheets.label(series.path) if series.path.exists() else None
        if sheet is not None and sheet.actions_known and not left(sheet, span):
            return ""
        try:
            self._download(series, span, watch)
        except ProviderDown as error:
            if request.keeping != "fallback" or not series.path.exists():
                raise
            return f"the provider was down, these bars are the stored ones: {error.message}"
        if not series.path.exists():
            near = did_you_mean(series.symbol, stored_symbols(self.folder, series.provider))
            hint = near if near and near.startswith("did you") else "is the symbol written as the provider does?"
            raise NoBars(f"{series.provider}: no bars of {series.symbol} from {within.asked}", hint=hint)
        return ""

    def _download(
        self, series: Series, span: Span, watch: Watch, *, again: bool = False, gaps: bool = False
    ) -> Refreshed:
        assert series.reader is not None
        supported(series.reader, series.timeframe)
        with owned(series.path, self.clock, watch):
            sheet = sheets.read_or_new(series.path, series.label(), again=again)
            spans = joined([*sheet.covered, span]) if again else left(sheet, span)
            if gaps and sheet.count:
                spans = joined([*spans, *gaps_of(series, sheet)])
            download = Download(
                asking=Asking(series.reader, self.clock, watch),
                symbol=series.symbol,
                timeframe=series.timeframe,
                path=series.path,
                sheet=replace(sheet, covered=()) if again else sheet,
                calendar=series.calendar,
            )
            download.fetch(list(spans))
        return told(series, download.sheet, download=download)

    def _opened(self, series: Series, *, again: bool) -> Sheet | None:
        try:
            return sheets.label(series.path) if series.path.exists() else None
        except BadData:
            if again:
                return None
            raise

    # who is meant

    def _venue(self, request: Request) -> str | None:
        """The venue's name in the catalog: `ccxt-kraken` is ccxt with an option."""
        name = request.provider.partition("-")[0]
        return name if name in self.venues else None

    def _of_venue(self, request: Request) -> Series:
        name = self._venue(request)
        if name is None:
            raise UsageError(f"provider {request.provider} is not asked over the network")
        exchange = request.provider.partition("-")[2]
        reader = self.venues[name]({**request.options, **({"exchange": exchange} if exchange else {})})
        calendar = request.calendar if request.calendar not in ("", "auto") else reader.calendar
        timeframe = Timeframe.parse(request.timeframe or DAILY)
        return Series.of(self.folder, reader.name, request.symbol, timeframe, reader=reader, calendar=calendar)

    def _stored(self, request: Request) -> Series:
        """The stored series that is meant: of this length, or the longest of which it can be made."""
        provider = request.provider if self._venue(request) is None else self._of_venue(request).provider
        wanted = Timeframe.parse(request.timeframe) if request.timeframe else None
        return Series.found(self.folder, provider, request.symbol, wanted)

    def _source(self, request: Request) -> BarSource:
        if request.provider not in self.feeds:
            raise NotFound.among("provider", request.provider, [*self.feeds, *self.venues])
        options = dict(request.options)
        if request.timeframe and request.provider == GENERATED:
            options.setdefault("timeframe", request.timeframe)
        if request.calendar and request.calendar != "auto":
            options.setdefault("calendar", request.calendar)
        return self.feeds[request.provider](options)


def _files_stamp(place: Path) -> str:
    """A hash of every file's name, time, size and number on its disk: one put in the place of another changes it."""
    digest = hashlib.sha256()
    for path in [place] if place.is_file() else sorted(f for f in place.rglob("*") if f.is_file()):
        told = path.stat()
        digest.update(f"{path}\0{told.st_mtime_ns}\0{told.st_size}\0{told.st_ino}\0".encode(errors="surrogateescape"))
    return digest.hexdigest()


def _begun(sheet: Sheet | None) -> int | None:
    """Where the stored bars begin: a refresh without a start goes on from there, and fetches no older ones."""
    return None if sheet is None or not sheet.covered else sheet.covered[0][0]


@dataclass(frozen=True, slots=True)
class _Venue:
    """One venue as a source of bars, for whoever knows sources alone."""

    archive: LocalArchive
    provider: str
    options: Mapping[str, Any]

    def symbols(self) -> tuple[str, ...]:
        return ()

    def load(self, symbol: str, *, start: str | None = None, end: str | None = None) -> Loaded:
        ours = {name: str(self.options[name]) for name in ("timeframe", "keeping", "as_of") if name in self.options}
        rest = {name: value for name, value in self.options.items() if name not in ours}
        request = Request(provider=self.provider, symbol=symbol, start=start or "", end=end or "", options=rest, **ours)  # type: ignore[arg-type]
        return self.archive.load(request, Nobody())
