"""Which column is which: headers are recognised in any case and by the names that vendors give them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from gpt_trader.core.errors import BadData, ValidationError, did_you_mean

ALIASES: Mapping[str, tuple[str, ...]] = {
    "time": ("timestamp", "datetime", "time", "ts", "date", "opentime", "datetimeutc", "timeutc", "t", "indexlevel0"),
    "open": ("open", "o", "openprice", "priceopen", "bidopen"),
    "high": ("high", "h", "highprice", "pricehigh", "max", "bidhigh"),
    "low": ("low", "l", "lowprice", "pricelow", "min", "bidlow"),
    "close": ("close", "c", "closeprice", "priceclose", "last", "closelast", "bidclose"),
    "volume": ("volume", "vol", "v", "basevolume", "tickvol", "tickvolume", "size", "qty"),
    "adjusted": ("adjclose", "adjustedclose", "closeadj", "adjcloseprice"),
    "symbol": ("symbol", "ticker", "instrument", "sym", "tic"),
}
REQUIRED = ("time", "open", "high", "low", "close")
SEPARATORS = (",", ";", "\t", "|")


def recognise(header: Sequence[str], *, place: str, named: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """For each of our columns the file's: one, or for the time a date column and a time-of-day column."""
    found = {ours: _match(ours, header) for ours in ALIASES}
    for ours, theirs in named.items():
        _check_named(ours, theirs, header, place)
        found[ours] = (theirs,)
    if len(found["time"]) > 1:
        found["time"] = _one_time(found["time"], place)
    for ours, theirs_all in found.items():
        if ours != "time" and len(theirs_all) > 1:
            cure = f"choose one, for example columns={{'{ours}': '{theirs_all[0]}'}}"
            raise BadData(f"{place}:1: {_list(theirs_all)} could all be '{ours}'", hint=cure)
    missing = [ours for ours in REQUIRED if not found[ours]]
    if missing:
        raise BadData(f"{place}:1: no column for {_list(missing)} among {_list(header)}", hint=_cure(header, missing))
    return {ours: theirs for ours, theirs in found.items() if theirs}


def _match(ours: str, header: Sequence[str]) -> tuple[str, ...]:
    return tuple(theirs for theirs in header if _plain(theirs) in ALIASES[ours])


def _plain(name: str) -> str:
    return re.sub(r"^\d+|[^a-z0-9]", "", re.sub(r"^\d+\.?\s*", "", name.lower()))


def _one_time(names: tuple[str, ...], place: str) -> tuple[str, ...]:
    plain = {_plain(name): name for name in names}
    if set(plain) == {"date", "time"}:
        return plain["date"], plain["time"]
    for best in ("timestamp", "datetime", "ts"):
        if best in plain:
            return (plain[best],)
    raise BadData(f"{place}:1: {_list(names)} could all be the time", hint=f"choose: columns={{'time': '{names[0]}'}}")


def _check_named(ours: str, theirs: str, header: Sequence[str], place: str) -> None:
    if ours not in ALIASES:
        raise ValidationError(f"'{ours}' is no column of bars", hint=did_you_mean(ours, ALIASES))
    if theirs not in header:
        raise BadData(f"{place}:1: no column is called '{theirs}'", hint=did_you_mean(theirs, header))


def _cure(header: Sequence[str], missing: Sequence[str]) -> str:
    if len(header) == 1:
        other = [sign for sign in SEPARATORS if sign in header[0]]
        named = f"the line holds {other[0]!r}: " if other else ""
        return f"is the separator wrong? {named}pass separator={(other or [';'])[0]!r}"
    return f"name it, for example columns={{'{missing[0]}': '{header[-1]}'}}, or --data-option columns.{missing[0]}=..."


def _list(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
