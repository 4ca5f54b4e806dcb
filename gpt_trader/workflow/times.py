"""Lengths of time, moments and cron lines, as workflow files write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta

from gpt_trader.core.errors import ValidationError

DURATION = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h|d))+$"
_PIECE = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_LONGEST = 366 * 86_400
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?")
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day", 1, 31, {}),
    ("month", 1, 12, {name: n for n, name in enumerate(_MONTHS, 1)}),
    ("weekday", 0, 7, {name: n for n, name in enumerate(_DAYS)}),
)


def seconds(value: str | float) -> float:
    """The seconds of `500ms`, `10s`, `5m`, `2h`, `1d`, `1h30m`, or of a number of seconds."""
    if not isinstance(value, str):
        return float(value)
    if not re.fullmatch(DURATION, value) or len(value) > 40:
        raise ValidationError(f"'{value:.40}' is no length of time", hint="write 500ms, 10s, 5m, 2h or 1d")
    total = sum(float(number) * _SECONDS[unit] for number, unit in _PIECE.findall(value))
    if total > _LONGEST:
        raise ValidationError(f"'{value}' is longer than 366 days")
    return total


def check_zone(name: str) -> None:
    """Refuse what is no time zone."""
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise ValidationError(f"no time zone is called '{name:.60}'", hint="write America/New_York or UTC") from None


def moment(text: str, now: datetime) -> datetime:
    """An ISO time with its offset, or a time of day with its zone: the next such one."""
    from zoneinfo import ZoneInfo

    clock, _, zone = text.strip().partition(" ")
    if _CLOCK.fullmatch(clock) and zone.strip():
        check_zone(zone.strip())
        return _next(time.fromisoformat(clock), now.astimezone(ZoneInfo(zone.strip())))
    hint = 'write "15:30 America/New_York" or 2026-11-20T15:30:00Z'
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValidationError(f"'{text:.60}' is no moment", hint=hint) from None
    if found.tzinfo is None:
        raise ValidationError(f"'{text:.60}' names no time zone", hint=hint)
    return found


def _next(clock: time, here: datetime) -> datetime:
    """The next time that a clock shows this; one that is put back shows it twice, one that is put forward skips it."""
    found: list[datetime] = []
    for days in (0, 1):
        then = datetime.combine(here.date() + timedelta(days=days), clock, here.tzinfo)
        found += [then, then.replace(fold=1)] if _at(then.replace(fold=1)) > _at(then) else [then]
    return next(then for then in found if _at(then) > _at(here))


def _at(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


def check_moment(text: str) -> None:
    """Refuse what is no moment."""
    moment(text, datetime(2026, 1, 1, tzinfo=UTC))


def check_cron(text: str) -> None:
    """Refuse what is no cron line of five fields."""
    parts = text.lower().split()
    if len(parts) != len(_FIELDS):
        hint = "write minute hour day month weekday, such as 30 9 * * mon-fri"
        raise ValidationError(f"a cron line has five fields, not {len(parts)}", hint=hint)
    for part, (name, low, high, words) in zip(parts, _FIELDS, strict=True):
        for piece in part.split(","):
            _check_piece(piece, name, (low, high), words)


def _check_piece(piece: str, name: str, limits: tuple[int, int], words: dict[str, int]) -> None:
    span, slash, step = piece.partition("/")
    bad = ValidationError(f"'{piece:.40}' is no {name}", hint=f"use {limits[0]}-{limits[1]}, lists, ranges, * and */2")
    if slash and not (re.fullmatch(r"[0-9]{1,4}", step) and int(step) > 0):
        raise bad
    if span == "*":
        return
    ends = [words.get(word, int(word) if re.fullmatch(r"[0-9]{1,4}", word) else -1) for word in span.split("-")]
    if len(ends) > 2 or any(not limits[0] <= end <= limits[1] for end in ends) or ends != sorted(ends):
        raise bad
