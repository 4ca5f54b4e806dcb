"""Crypto exchanges through ccxt: one request is one page of bars, counted in UTC, round the clock."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from gpt_trader.adapters.venues.reader import PATIENCE, Page, TryLater, down, too_often, waits
from gpt_trader.core.calendars import ALWAYS
from gpt_trader.core.errors import GptTraderError, NotAuthorised, NotFound, UsageError
from gpt_trader.core.extras import needed
from gpt_trader.core.market import DAY

if TYPE_CHECKING:
    from gpt_trader.core.bars import Prices
    from gpt_trader.core.market import Dividend, Split, Timeframe

MILLI = 1_000_000
PAGE = 1_000
FIRST = 14_610 * DAY
"""2010: no exchange has older bars."""


class CcxtReader:
    """Spot bars of one exchange, such as binance or kraken; no key is needed."""

    zone = "UTC"
    calendar = ALWAYS
    prices: Prices = "raw"

    def __init__(self, exchange: str, *, url: str = "", patience: float = PATIENCE) -> None:
        self.name = f"ccxt-{exchange}"
        self.note = f"{exchange}, spot"
        self.patience = patience
        self._exchange = exchange
        self._url = url

    @property
    def timeframes(self) -> tuple[str, ...]:
        """What the exchange offers."""
        return tuple(self._client.timeframes or ())

    def first_ns(self, timeframe: Timeframe, now_ns: int) -> int:
        """No exchange has older bars."""
        del timeframe, now_ns
        return FIRST

    def page(self, symbol: str, timeframe: Timeframe, start_ns: int, end_ns: int) -> Page:
        """One request for as many bars as the exchange gives at once."""
        limit = self._limit
        found = self._asked(symbol, str(timeframe), -(-start_ns // MILLI), limit)
        rows = sorted([int(row[0]) * MILLI, *map(_number, row[1:6])] for row in found)
        ahead = [row for row in rows if row[0] >= start_ns]
        inside = [row for row in ahead if row[0] < end_ns]
        # Without bars inside, the next ones lie behind the range, or the exchange looks only so far ahead.
        nothing = end_ns if ahead else start_ns + limit * timeframe.ns
        until = int(inside[-1][0]) + timeframe.ns if inside else nothing
        return Page.of(inside, min(until, end_ns))

    def actions(self, symbol: str, start_ns: int, end_ns: int) -> tuple[Split | Dividend, ...]:
        """Coins neither split nor pay."""
        del symbol, start_ns, end_ns
        return ()

    def _asked(self, symbol: str, timeframe: str, since: int, limit: int) -> list[Any]:
        try:
            found = self._client.fetch_ohlcv(symbol, timeframe, since=since, limit=limit)
        except Exception as error:
            raise self._told(error, symbol) from error
        if not isinstance(found, list) or any(not isinstance(row, list) or len(row) < 6 for row in found):
            raise down(self.name, "its answer is no list of bars")
        if not found and not _sound(self._client.last_json_response):
            # The client takes an answer that was cut off for an empty one, and a hole would look like a holiday.
            raise down(self.name, "its answer is cut off")
        return found

    @cached_property
    def _client(self) -> Any:
        ccxt = needed("ccxt", extra="crypto", what="provider ccxt")
        if self._exchange not in ccxt.exchanges:
            raise NotFound.among("exchange of ccxt", self._exchange, ccxt.exchanges)
        options = {"fetchMarkets": ["spot"], "fetchCurrencies": False}
        client = getattr(ccxt, self._exchange)({"timeout": round(waits(self.patience) * 1000), "options": options})
        client.enableLastJsonResponse = True
        if self._url:
            client.urls["api"] = _elsewhere(client.urls["api"], self._url.rstrip("/"))
        return client

    @cached_property
    def _limit(self) -> int:
        spot = ((self._client.features or {}).get("spot") or {}).get("fetchOHLCV") or {}
        return min(int(spot.get("limit") or PAGE), PAGE)

    def _told(self, error: Exception, symbol: str) -> GptTraderError | TryLater:
        """An error of the client in our words."""
        ccxt = needed("ccxt", extra="crypto", what="provider ccxt")
        if isinstance(error, GptTraderError):
            return error
        if isinstance(error, ccxt.BadSymbol):
            return NotFound.among(f"symbol of {self._exchange}", symbol, self._client.symbols or ())
        if isinstance(error, ccxt.RateLimitExceeded | ccxt.DDoSProtection):
            return too_often(self.name, _header(self._client, "Retry-After"))
        if isinstance(error, ccxt.AuthenticationError):
            return NotAuthorised(f"{self.name} refuses: {_short(error)}", hint="is it open to your country or address?")
        if isinstance(error, ccxt.BadRequest | ccxt.NotSupported):
            return UsageError(f"{self.name}: {_short(error)}", hint="does it have bars of this length?")
        return down(self.name, _short(error))


def _sound(answer: Any) -> bool:
    return isinstance(answer, list) or (isinstance(answer, dict) and bool(answer))


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)


def _elsewhere(address: Any, url: str) -> Any:
    """The same paths at another address."""
    if isinstance(address, Mapping):
        return {name: _elsewhere(inner, url) for name, inner in address.items()}
    return url + urlsplit(address).path.rstrip("/") if isinstance(address, str) else address


def _header(client: Any, name: str) -> str | None:
    headers = client.last_response_headers or {}
    return next((str(value) for key, value in headers.items() if key.lower() == name.lower()), None)


def _short(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:160]}"
