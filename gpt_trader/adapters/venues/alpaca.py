"""US shares from Alpaca, with a key: raw prices, and the splits and dividends beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, TypeVar
from zoneinfo import ZoneInfo

from gpt_trader.adapters.venues.reader import PATIENCE, Page, TryLater, down, too_often, waits
from gpt_trader.core.errors import GptTraderError, NotAuthorised, UsageError
from gpt_trader.core.extras import needed
from gpt_trader.core.market import DAY, Dividend, Split, nanoseconds, time_of

if TYPE_CHECKING:
    from gpt_trader.core.bars import Prices
    from gpt_trader.core.market import Timeframe

T = TypeVar("T")
PAGE = 10_000
MICRO = 1_000
FIRST = 16_801 * DAY
"""Alpaca's bars begin in 2016."""
KEYS = ("APCA_API_KEY_ID", "APCA_API_SECRET_KEY")
NEW_YORK = "America/New_York"
UNITS = {"m": "Min", "h": "Hour", "d": "Day", "w": "Week"}
KINDS = ("forward_split", "reverse_split", "cash_dividend")


class AlpacaReader:
    """Bars of US shares; `key` gives the two parts of the key when they are first needed."""

    name = "alpaca"
    zone = NEW_YORK
    calendar = "XNYS"
    prices: Prices = "raw"
    note = "raw, neither split- nor dividend-adjusted"
    timeframes = ("1m", "5m", "15m", "30m", "1h", "2h", "4h", "1d", "1w")

    def __init__(
        self, key: Callable[[], tuple[str, str]], *, url: str = "", feed: str = "", patience: float = PATIENCE
    ) -> None:
        self._key = key
        self.patience = patience
        self._url = url
        self._feed = feed

    def first_ns(self, timeframe: Timeframe, now_ns: int) -> int:
        """Alpaca has no older bars."""
        del timeframe, now_ns
        return FIRST

    def page(self, symbol: str, timeframe: Timeframe, start_ns: int, end_ns: int) -> Page:
        """At most ten thousand bars; where the client needs several requests for them, they are one page."""
        data = needed("alpaca.data", extra="alpaca", what="provider alpaca")
        unit = data.TimeFrameUnit(UNITS[timeframe.unit])
        request = data.StockBarsRequest(
            symbol_or_symbols=symbol,
            timeframe=data.TimeFrame(timeframe.count, unit),
            start=_naive(start_ns),
            end=_naive(end_ns - MICRO),
            limit=PAGE,
            adjustment="raw",
            feed=self._feed or None,
        )
        found = self._asked(lambda: self._bars.get_stock_bars(request))
        rows = [_row(bar) for bar in (found or {}).get(symbol) or ()]
        until = rows[-1][0] + MICRO if len(rows) >= PAGE else end_ns  # the client asks by the microsecond
        return Page.of(rows, int(until))

    def actions(self, symbol: str, start_ns: int, end_ns: int) -> tuple[Split | Dividend, ...]:
        """Splits and cash dividends by their ex-date."""
        requests = needed("alpaca.data.requests", extra="alpaca", what="provider alpaca")
        first, last = (time_of(ns).astimezone(ZoneInfo(NEW_YORK)).date() for ns in (start_ns, end_ns - 1))
        kinds = [requests.CorporateActionsType(kind) for kind in KINDS]
        request = requests.CorporateActionsRequest(symbols=[symbol], types=kinds, start=first, end=last)
        found = self._asked(lambda: self._events.get_corporate_actions(request))
        return tuple(_actions(symbol, found or {}))

    @cached_property
    def _words(self) -> tuple[str, str]:
        found = self._key()
        if not all(found):
            hint = f"set {' and '.join(KEYS)} in the environment; a free paper account has them"
            raise NotAuthorised("alpaca needs a key, and there is none", hint=hint)
        return found

    @cached_property
    def _bars(self) -> Any:
        historical = needed("alpaca.data.historical", extra="alpaca", what="provider alpaca")
        return self._tamed(historical.StockHistoricalDataClient)

    @cached_property
    def _events(self) -> Any:
        module = needed("alpaca.data.historical.corporate_actions", extra="alpaca", what="provider alpaca")
        return self._tamed(module.CorporateActionsClient)

    def _tamed(self, kind: Any) -> Any:
        """A client that waits for no answer for ever, and leaves it to us to ask again."""
        key, secret = self._words
        client = kind(key, secret, raw_data=True, url_override=self._url or None)
        client._retry = 0  # noqa: SLF001 - it would wait three seconds each time, whatever Retry-After says
        session = client._session  # noqa: SLF001 - it has no other way to set a time-out
        session.request = partial(session.request, timeout=waits(self.patience))
        return client

    def _asked(self, ask: Callable[[], T]) -> T:
        errors = needed("alpaca.common.exceptions", extra="alpaca", what="provider alpaca")
        requests = needed("requests", extra="alpaca", what="provider alpaca")
        try:
            return ask()
        except (GptTraderError, TryLater):
            raise
        except errors.APIError as error:
            raise self._told(error) from None
        except requests.Timeout:
            raise down(self.name, f"it is silent for {waits(self.patience):g} s") from None
        except requests.ConnectionError as error:
            raise down(self.name, f"no connection ({type(_cause(error)).__name__})") from None
        except (requests.RequestException, ValueError, AttributeError, TypeError) as error:
            raise down(self.name, self._clean(error)) from None

    def _told(self, error: Any) -> GptTraderError | TryLater:
        """What the answer's status means; nobody gets to read the key."""
        status, told = error.status_code or 0, self._clean(error)
        if status in (401, 403):
            hint = f"check {' and '.join(KEYS)}; without a subscription, `feed: iex` is what there is"
            return NotAuthorised(f"alpaca refuses ({status}): {told}", hint=hint)
        if status == 429:
            return too_often(self.name, error.response.headers.get("Retry-After"))
        if status >= 500:
            return down(self.name, f"{status} {told}")
        return UsageError(f"alpaca ({status}): {told}", hint="is the symbol written as Alpaca does, such as BRK.B?")

    def _clean(self, error: Exception) -> str:
        text = " ".join(str(error).split())[:200] or type(error).__name__
        for part in self._words:
            text = text.replace(part, "***")
        return text


def _cause(error: BaseException) -> BaseException:
    """What lies under a client's own words, which tell the address and little else."""
    inner = next((each for each in error.args if isinstance(each, BaseException)), None)
    inner = inner or getattr(error, "reason", None)
    return _cause(inner) if isinstance(inner, BaseException) else error


def _naive(ns: int) -> datetime:
    # The client takes times without a zone for UTC, and turns others into it with a function that is deprecated.
    return time_of(ns).astimezone(UTC).replace(tzinfo=None)


def _row(bar: Mapping[str, Any]) -> list[float]:
    moment = nanoseconds(datetime.fromisoformat(str(bar["t"])))
    return [moment, *(float("nan") if bar.get(name) is None else float(bar[name]) for name in "ohlcv")]


def _actions(symbol: str, found: Mapping[str, Any]) -> Iterator[Split | Dividend]:
    for row in (*(found.get("forward_splits") or ()), *(found.get("reverse_splits") or ())):
        part = Fraction(str(row["new_rate"])) / Fraction(str(row["old_rate"]))
        yield Split(symbol, _midnight(row["ex_date"]), part.numerator, part.denominator)
    for row in found.get("cash_dividends") or ():
        yield Dividend(symbol, _midnight(row["ex_date"]), Decimal(str(row["rate"])))


def _midnight(day: str) -> int:
    return nanoseconds(datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(NEW_YORK)))
