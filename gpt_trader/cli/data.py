"""`gpt-trader data`: bars downloaded into the local store, listed and looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gpt_trader.cli import render
from gpt_trader.cli.session import application
from gpt_trader.cli.wanted import FromOption, JsonOption, ManyCommand, ToOption
from gpt_trader.core.errors import ConfigError, GptTraderError, Interrupted, NotAuthorised, ProviderDown, UsageError

if TYPE_CHECKING:
    from gpt_trader.app.wiring import Application
    from gpt_trader.cli.signals import Stopping
    from gpt_trader.core.feeds import Kept, Refreshed, Request
    from gpt_trader.slices.data.params import Checked

FATAL = (Interrupted, NotAuthorised, ProviderDown, ConfigError)
"""What would meet the next symbol as well."""
_STEPS = 10_000

SymbolsArgument = Annotated[list[str] | None, typer.Argument(metavar="SYMBOL", help="Such as AAPL, or BTC/USDT.")]
ProviderOption = Annotated[
    str, typer.Option(metavar="PROVIDER", help="sample, csv, parquet; ccxt-EXCHANGE, alpaca or yfinance.")
]
LengthOption = Annotated[str, typer.Option("--timeframe", metavar="LENGTH", help="1m, 1h, 1d ...; 1d if none.")]
CalendarOption = Annotated[
    str, typer.Option(metavar="CALENDAR", help="The exchange's hours, such as XNYS; the provider's own if none.")
]
OptionsOption = Annotated[
    list[str] | None, typer.Option("--option", metavar="NAME=VALUE", help="What the provider takes, such as path=DIR.")
]


@dataclass(slots=True)
class _Watch:
    """Ends the work at the first Ctrl-C, and draws how far it is."""

    stopping: Stopping
    draw: Callable[[int], None]

    def check(self) -> None:
        if self.stopping.count:
            raise Interrupted("interrupted; what is whole was kept", hint="the same command goes on from there")

    def progress(self, done: float, total: float, text: str) -> None:
        del text
        self.draw(round(_STEPS * done / max(total, 1.0)))


@dataclass(slots=True)
class _Done:
    """What came, and what did not."""

    refreshed: list[Refreshed] = field(default_factory=list)
    failed: list[tuple[str, GptTraderError]] = field(default_factory=list)

    @property
    def code(self) -> int:
        return self.failed[0][1].exit_code if self.failed else 0

    def fields(self) -> dict[str, Any]:
        failed = [{"symbol": symbol, "error": e.message, "hint": e.hint} for symbol, e in self.failed]
        return {"refreshed": [asdict(row) for row in self.refreshed], "failed": failed}


def fetch(
    symbols: SymbolsArgument = None,
    provider: ProviderOption = "sample",
    timeframe: LengthOption = "",
    start: FromOption = None,
    end: ToOption = None,
    calendar: CalendarOption = "",
    option: OptionsOption = None,
    again: Annotated[bool, typer.Option("--again", help="Ask for all of it, also for what is stored.")] = False,
    fill_gaps: Annotated[bool, typer.Option("--fill-gaps", help="Ask again where bars are missing.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be asked for; store nothing.")] = False,
    as_json: JsonOption = False,
) -> int:
    """Download what is missing of the named symbols into the store.

    $ gpt-trader data fetch AAPL MSFT
    $ gpt-trader data fetch BTC/USDT --provider ccxt-kraken --timeframe 1h --from 2024-01-01
    $ gpt-trader data fetch AAPL --provider alpaca --from 2020-01-01 --dry-run

    What is stored is not asked for again, but for the last bars, which providers correct. The first Ctrl-C keeps what
    is whole, and the same command goes on from there. Alpaca's key is read from APCA_API_KEY_ID and
    APCA_API_SECRET_KEY.
    """
    from gpt_trader.app.words import options_of
    from gpt_trader.core.feeds import Request

    found = _named(symbols)
    if not found:
        raise UsageError("no symbol is named", hint="for example: gpt-trader data fetch AAPL MSFT")
    options = options_of(option or (), "--option")
    requests = [
        Request(
            provider=provider, symbol=symbol, timeframe=timeframe, start=start or "", end=end or "",
            calendar=calendar, options=options,
        )
        for symbol in found
    ]  # fmt: skip
    with application() as app:
        done = _fetched(app, requests, {"again": again, "gaps": fill_gaps, "dry_run": dry_run})
    if as_json:
        render.document({"dry_run": dry_run, **done.fields()})
    else:
        _print_fetched(done.refreshed, dry_run=dry_run)
    for _, error in done.failed:
        render.error(error.message, error.hint)
    return done.code


fetch.command_class = ManyCommand  # type: ignore[attr-defined]


def _fetched(app: Application, requests: Iterable[Request], how: dict[str, bool]) -> _Done:
    """Refresh one after the other; a failure that would meet all ends it."""
    from gpt_trader.cli.progress import Bar
    from gpt_trader.cli.signals import Stopping

    done = _Done()
    with Stopping() as stopping:
        for request in requests:
            try:
                with Bar(_STEPS, request.symbol) as bar:
                    done.refreshed.append(app.archive.refresh(request, _Watch(stopping, bar), **how))
                render.note(_line(done.refreshed[-1], dry_run=how["dry_run"]))
            except GptTraderError as error:
                done.failed.append((request.symbol, error))
                if isinstance(error, FATAL):
                    break
    return done


def _line(row: Refreshed, *, dry_run: bool) -> str:
    if dry_run:
        return f"{row.symbol}: would ask for {row.missing}" if row.missing else f"{row.symbol}: would add {row.added}"
    note = f"; {row.note}" if row.note else ""
    return f"{row.symbol}: {row.added:,} new, {row.revised:,} corrected, {row.bars:,} stored{note}"


def _print_fetched(rows: list[Refreshed], *, dry_run: bool) -> None:
    if not rows:
        return
    body = [
        [r.symbol, r.provider, r.timeframe, f"{r.added:,}", f"{r.revised:,}", f"{r.bars:,}", _day(r.first), last]
        for r in rows
        for last in ([r.missing or "-"] if dry_run else [_day(r.last)])
    ]
    last = "WOULD ASK FOR" if dry_run else "TO"
    render.table(("SYMBOL", "PROVIDER", "LENGTH", "NEW", "CORRECTED", "STORED", "FROM", last), body)


def list_data(
    symbols: SymbolsArgument = None,
    provider: ProviderOption = "",
    as_json: JsonOption = False,
) -> int:
    """List the stored bars.

    $ gpt-trader data list
    $ gpt-trader data list AAPL --provider alpaca --json

    The hash is that of all stored bars of a line as they are valid now; `as_of` in a workflow brings back older ones.
    The exit code is 3 if a file is damaged.
    """
    with application() as app:
        rows = _stored(app, _named(symbols), provider)
    if as_json:
        render.document({"folder": str(app.settings.data), "series": [asdict(row) for row in rows]})
    elif not rows:
        render.note("nothing is stored; for example: gpt-trader data fetch AAPL MSFT")
    else:
        body = [[k.symbol, k.provider, k.timeframe, f"{k.bars:,}", *_told(k)] for k in rows]
        render.table(("SYMBOL", "PROVIDER", "LENGTH", "BARS", "FROM", "TO", "CHANGED", "SIZE", "HASH"), body)
    for row in rows:
        if row.damaged:
            render.error(row.damaged, _cure(row))
    return 3 if any(row.damaged for row in rows) else 0


def check(
    symbols: SymbolsArgument = None,
    provider: ProviderOption = "",
    timeframe: LengthOption = "",
    start: FromOption = None,
    end: ToOption = None,
    calendar: CalendarOption = "auto",
    option: OptionsOption = None,
    as_json: JsonOption = False,
) -> int:
    """Look whether bars are in order: rows kept out, gaps, unexplained jumps.

    $ gpt-trader data check
    $ gpt-trader data check AAPL --provider sample --calendar XNYS

    Without a provider, what is stored is looked at; nothing is downloaded. The exit code is 3 if something is wrong.
    """
    from gpt_trader.app.words import options_of
    from gpt_trader.cli.signals import Stopping
    from gpt_trader.slices.data.checking import checked
    from gpt_trader.slices.data.params import Check

    given: dict[str, Any] = {
        "start": start or "", "end": end or "", "calendar": calendar, "options": options_of(option or (), "--option")
    }  # fmt: skip
    found = []
    with application() as app, Stopping() as stopping:
        for who, names, length in _looked_at(app, _named(symbols), provider, timeframe):
            given["store"] = "first" if who in app.archive.feeds and provider else "only"
            params = Check(symbols=names, provider=who, timeframe=length, **given)
            found.append((who, checked(app.archive, params, _Watch(stopping, lambda _: None))))
    ok = all(one.ok for _, one in found)
    if as_json:
        rows = [{"provider": who, **one.model_dump()} for who, one in found]
        render.document({"ok": ok, "checked": rows})
    else:
        _print_checked(found)
    return 0 if ok else 3


def _looked_at(app: Application, symbols: list[str], provider: str, timeframe: str) -> list[tuple[str, list[str], str]]:
    """Which symbols of which provider and length: those that are named, or all that are stored."""
    if symbols and provider:
        return [(provider, symbols, timeframe)]
    rows = [k for k in _stored(app, symbols, provider) if timeframe in ("", k.timeframe)]
    known = {k.symbol for k in rows}
    for symbol in symbols:
        if symbol not in known:
            hint = f"download it: gpt-trader data fetch {symbol}; or name a provider: --provider sample"
            raise UsageError(f"nothing of {symbol} is stored", hint=hint)
    if not rows:
        raise UsageError("nothing is stored", hint="name what to look at: gpt-trader data check AAPL --provider sample")
    return [(k.provider, [k.symbol], k.timeframe) for k in rows]


def _print_checked(found: list[tuple[str, Checked]]) -> None:
    rows = [
        [c["symbol"], who, c["timeframe"], f"{c['bars']:,}", c["from"], c["to"], str(c["kept_out"]), str(c["missing"])]
        for who, one in found
        for c in one.checks
    ]
    if rows:
        render.table(("SYMBOL", "PROVIDER", "LENGTH", "BARS", "FROM", "TO", "KEPT OUT", "MISSING"), rows)
    for _, one in found:
        for finding in one.findings:
            text = f"{finding['symbol']}: {finding['text']}"
            tell = {"critical": render.error, "warning": render.warn}.get(finding["severity"], render.note)
            tell(text)


def _stored(app: Application, symbols: list[str], provider: str) -> list[Kept]:
    return [k for k in app.archive.kept() if (not symbols or k.symbol in symbols) and provider in ("", k.provider)]


def _told(kept: Kept) -> list[str]:
    if kept.damaged:
        return ["-", "-", "-", f"{kept.size / 1e6:,.2f} MB", "damaged"]
    return [_day(kept.first), _day(kept.last), kept.changed, f"{kept.size / 1e6:,.2f} MB", kept.hash[:12]]


def _cure(kept: Kept) -> str:
    words = f"gpt-trader data fetch {kept.symbol} --provider {kept.provider} --timeframe {kept.timeframe} --again"
    return f"download it anew: {words}"


def _day(moment: str) -> str:
    return moment[:10] if moment.endswith(("T00:00:00Z", "T04:00:00Z", "T05:00:00Z")) else moment


def _named(symbols: list[str] | None) -> list[str]:
    """The symbols, each once; commas are taken, too."""
    return list(dict.fromkeys(one for word in symbols or () for one in word.split(",") if one))
