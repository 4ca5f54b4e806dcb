"""Venues on 127.0.0.1 that speak the protocol of the real ones, and misbehave when they are told to."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

MINUTE_MS = 60_000
DAY_MS = 1_440 * MINUTE_MS
LENGTHS = {"1m": MINUTE_MS, "1h": 60 * MINUTE_MS, "1d": DAY_MS}


@dataclass(frozen=True)
class Answer:
    """What is sent; `cut` sends only so many bytes of it and hangs up."""

    body: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int | None = None


LATER = Answer({"message": "too many requests."}, 429, {"Retry-After": "2"})
MUCH_LATER = Answer({"message": "too many requests."}, 429, {"Retry-After": "3600"})
BROKEN = Answer("<html>Bad gateway</html>", 502)


class LocalVenue:
    """Answers requests; each of `faults` is sent once, instead of the answer."""

    def __init__(self) -> None:
        self.faults: deque[Answer | None] = deque()
        self.delay = 0.0
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.changed: Callable[[int, list[Any]], list[Any]] = lambda _, row: row
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def asked(self, path: str) -> list[dict[str, str]]:
        return [query for where, query in self.seen if where == path]

    def answer(self, path: str, query: dict[str, str], headers: Mapping[str, str]) -> Answer:
        raise NotImplementedError


def _handler(venue: LocalVenue) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
            venue.seen.append((parts.path, query))
            time.sleep(venue.delay)
            fault = venue.faults.popleft() if venue.faults else None
            self._send(fault or venue.answer(parts.path, query, dict(self.headers)))

        def _send(self, answer: Answer) -> None:
            text = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
            body = text.encode()
            self.send_response(answer.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body if answer.cut is None else body[: answer.cut])
            if answer.cut is not None:
                self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    return Handler


def row_at(ms: int, length: int) -> list[float]:
    """Open, high, low, close, volume: the same for the same moment, and never twice the same price."""
    base = 100 + (ms // length) % 977 / 100
    return [base, base + 1.5, base - 1.25, base + 0.5, 1_000 + (ms // length) % 89]


class Binance(LocalVenue):
    """Spot bars from `first` to before `last`, in milliseconds; those in `holes` never were."""

    def __init__(self, first: str = "2024-01-01", last: str = "2024-06-01", *, holes: tuple[int, ...] = ()) -> None:
        super().__init__()
        self.first, self.last = ms_of(first), ms_of(last)
        self.holes = holes

    def answer(self, path: str, query: dict[str, str], headers: Mapping[str, str]) -> Answer:
        if path == "/api/v3/exchangeInfo":
            return Answer({"timezone": "UTC", "symbols": [_market("BTC", "USDT"), _market("ETH", "USDT")]})
        if path != "/api/v3/klines":
            return Answer({"code": -1, "msg": f"no {path}"}, 404)
        length = LENGTHS[query["interval"]]
        start = max(int(query["startTime"]), self.first)
        times = range(-(-start // length) * length, self.last, length)
        chosen = [ms for ms in times if ms not in self.holes][: int(query["limit"])]
        return Answer([self._kline(ms, length) for ms in chosen])

    def _kline(self, ms: int, length: int) -> list[Any]:
        values = self.changed(ms, row_at(ms, length))
        return [ms, *(str(value) for value in values), ms + length - 1, "0", 1, "0", "0", "0"]


def _market(base: str, quote: str) -> dict[str, Any]:
    return {
        "symbol": base + quote,
        "status": "TRADING",
        "baseAsset": base,
        "baseAssetPrecision": 8,
        "quoteAsset": quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "orderTypes": ["LIMIT", "MARKET"],
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "permissions": ["SPOT"],
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000", "tickSize": "0.01"},
            {"filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": "9000", "stepSize": "0.00001"},
        ],
    }


class Kraken(LocalVenue):
    """Spot bars as Kraken tells them: times in seconds, the pair's own name, and never more than the last so many."""

    def __init__(self, first: str = "2024-01-01", last: str = "2024-06-01", *, kept: int = 720) -> None:
        super().__init__()
        self.first, self.last, self.kept = ms_of(first), ms_of(last), kept

    def answer(self, path: str, query: dict[str, str], headers: Mapping[str, str]) -> Answer:
        if path == "/0/public/AssetPairs":
            return Answer({"error": [], "result": {"XXBTZUSD": _pair("XBT", "USD"), "XETHZUSD": _pair("ETH", "USD")}})
        if path == "/0/public/Assets":
            names = {"XXBT": "XBT", "XETH": "ETH", "ZUSD": "USD"}
            assets = {name: {"aclass": "currency", "altname": alt, "decimals": 8} for name, alt in names.items()}
            return Answer({"error": [], "result": assets})
        if path != "/0/public/OHLC":
            return Answer({"error": ["EGeneral:Unknown method"]})
        length = int(query["interval"]) * MINUTE_MS
        times = list(range(-(-self.first // length) * length, self.last, length))[-self.kept :]
        rows = [self._row(ms, length) for ms in times if ms > int(query.get("since", 0)) * 1_000]
        return Answer({"error": [], "result": {"XXBTZUSD": rows, "last": times[-1] // 1_000}})

    def _row(self, ms: int, length: int) -> list[Any]:
        *prices, volume = self.changed(ms, row_at(ms, length))
        return [ms // 1_000, *(f"{price:.2f}" for price in prices), "0.0", f"{volume:.8f}", 7]


def _pair(base: str, quote: str) -> dict[str, Any]:
    return {
        "altname": base + quote,
        "wsname": f"{base}/{quote}",
        "base": f"X{base}",
        "quote": f"Z{quote}",
        "lot": "unit",
        "pair_decimals": 1,
        "cost_decimals": 5,
        "lot_decimals": 8,
        "lot_multiplier": 1,
        "leverage_buy": [],
        "leverage_sell": [],
        "fees": [[0, 0.4]],
        "fees_maker": [[0, 0.25]],
        "ordermin": "0.0001",
        "costmin": "0.5",
        "tick_size": "0.1",
        "status": "online",
    }


class Alpaca(LocalVenue):
    """Bars at the given moments (UTC), in pages; with `key` and `secret` as the only right ones."""

    def __init__(self, moments: list[datetime], *, page: int = 10_000) -> None:
        super().__init__()
        self.moments = moments
        self.page = page
        self.key = ("PKTEST", "very-secret")
        self.echo = False
        self.actions: dict[str, list[dict[str, Any]]] = {}

    def answer(self, path: str, query: dict[str, str], headers: Mapping[str, str]) -> Answer:
        if (headers.get("APCA-API-KEY-ID"), headers.get("APCA-API-SECRET-KEY")) != self.key:
            given = f" {headers.get('APCA-API-SECRET-KEY')}" if self.echo else ""
            return Answer({"message": f"forbidden.{given}"}, 403)
        if path == "/v1/corporate-actions":
            return Answer({"corporate_actions": self.actions, "next_page_token": None})
        if path != "/v2/stocks/bars":
            return Answer({"message": "Not Found"}, 404)
        return self._bars(query)

    def _bars(self, query: dict[str, str]) -> Answer:
        symbol = query["symbols"]
        if not symbol.replace(".", "").isalpha():
            return Answer({"code": 42210000, "message": f"invalid symbol: {symbol}"}, 400)
        start, end = (_moment(query[name]) for name in ("start", "end"))
        chosen = [m for m in self.moments if start <= m <= end] if symbol == "AAPL" else []
        first = int(query.get("page_token") or 0)
        count = min(int(query["limit"]), self.page)
        bars = [self._bar(m) for m in chosen[first : first + count]]
        more = str(first + count) if first + count < len(chosen) else None
        return Answer({"bars": {symbol: bars} if bars else {}, "next_page_token": more})

    def _bar(self, moment: datetime) -> dict[str, Any]:
        ms = round(moment.timestamp() * 1_000)
        values = self.changed(ms, row_at(ms, MINUTE_MS))
        return {
            "t": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
            **dict(zip("ohlcv", values, strict=True)),
            "n": 1,
            "vw": 1.0,
        }


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def ms_of(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1_000)


class Yahoo(LocalVenue):
    """Daily bars at the midnights of New York that are given; `splits` and `dividends` by day, prices as of `ratio`."""

    def __init__(self, days: list[datetime], *, zone: str = "America/New_York") -> None:
        super().__init__()
        self.days = days
        self.zone = zone
        self.ratio = 1.0
        self.splits: dict[datetime, int] = {}
        self.dividends: dict[datetime, float] = {}

    def answer(self, path: str, query: dict[str, str], headers: Mapping[str, str]) -> Answer:
        symbol = path.rpartition("/")[2]
        if symbol != "AAPL":
            error = {"code": "Not Found", "description": "No data found, symbol may be delisted"}
            return Answer({"chart": {"result": None, "error": error}}, 404)
        if "period1" not in query:
            return Answer({"chart": {"result": [{"meta": self._meta()}], "error": None}})
        first, last = int(query["period1"]), int(query["period2"])
        days = [day for day in self.days if first <= day.timestamp() < last]
        if not days:
            error = {"code": "Bad Request", "description": "Data doesn't exist for startDate = 1, endDate = 2"}
            return Answer({"chart": {"result": None, "error": error}}, 400)
        return Answer({"chart": {"result": [self._result(days)], "error": None}})

    def _meta(self) -> dict[str, Any]:
        return {
            "currency": "USD",
            "symbol": "AAPL",
            "instrumentType": "EQUITY",
            "exchangeTimezoneName": self.zone,
            "timezone": "EST",
            "gmtoffset": -18000,
            "firstTradeDate": 345479400,
            "regularMarketTime": 1_700_000_000,
            "dataGranularity": "1d",
            "validRanges": ["1d", "max"],
        }

    def _result(self, days: list[datetime]) -> dict[str, Any]:
        rows = [row_at(round(day.timestamp() * 1_000), DAY_MS) for day in days]
        columns: dict[str, list[float]] = {
            name: [row[at] / self.ratio for row in rows] for at, name in enumerate(("open", "high", "low", "close"))
        }
        opens = {day: int(day.timestamp()) + 34_200 for day in days}  # Yahoo dates a day by its opening
        splits = {day: ratio for day, ratio in self.splits.items() if day in opens}
        paid = {day: amount for day, amount in self.dividends.items() if day in opens}
        return {
            "meta": self._meta(),
            "timestamp": [opens[day] for day in days],
            "indicators": {
                "quote": [{**columns, "volume": [row[4] for row in rows]}],
                "adjclose": [{"adjclose": columns["close"]}],
            },
            "events": {
                "splits": {
                    str(opens[d]): {"date": opens[d], "numerator": n, "denominator": 1, "splitRatio": f"{n}:1"}
                    for d, n in splits.items()
                },
                "dividends": {str(opens[d]): {"date": opens[d], "amount": amount} for d, amount in paid.items()},
            },
        }
