"""Sessions of an exchange, against what the exchanges announced."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import pytest

from gpt_trader.core.calendars import sessions
from gpt_trader.core.errors import ValidationError
from gpt_trader.core.market import SECOND, nanoseconds

HOUR = 3_600 * SECOND
NONE = np.zeros(0, dtype=np.int64)


def ns(text: str) -> int:
    return nanoseconds(datetime.fromisoformat(text))


def test_holidays_are_no_sessions_and_the_day_before_may_close_early() -> None:
    """New York closed at one on 3 July 2012 and rested on the fourth."""
    plan = sessions("XNYS", date(2012, 7, 2), date(2012, 7, 6))
    assert [str(day) for day in plan.days] == ["2012-07-02", "2012-07-03", "2012-07-05", "2012-07-06"]
    assert ((plan.closes - plan.opens) / HOUR).tolist() == [6.5, 3.5, 6.5, 6.5]
    assert plan.zone == "America/New_York"


def test_sessions_move_in_utc_when_the_clocks_change() -> None:
    plan = sessions("XNYS", date(2024, 3, 8), date(2024, 3, 11))
    assert plan.opens.tolist() == [ns("2024-03-08T14:30Z"), ns("2024-03-11T13:30Z")]


def test_a_weekend_has_no_sessions_and_is_no_error() -> None:
    plan = sessions("XNYS", date(2024, 3, 2), date(2024, 3, 3))
    assert len(plan) == 0
    assert len(plan.slots(HOUR, like=NONE)) == 0


def test_bars_are_expected_from_the_open_to_the_early_close() -> None:
    slots = sessions("XNYS", date(2012, 7, 3), date(2012, 7, 3)).slots(HOUR, like=NONE)
    assert slots.tolist() == [ns(f"2012-07-03T{hour}:30Z") for hour in (13, 14, 15, 16)]


def test_bars_on_the_full_hour_are_expected_where_the_given_ones_are_so() -> None:
    plan = sessions("XNYS", date(2012, 7, 2), date(2012, 7, 2))
    slots = plan.slots(HOUR, like=np.array([ns("2012-07-02T14:00Z"), ns("2012-07-02T15:00Z")]))
    assert (slots[0], slots[-1], len(slots)) == (ns("2012-07-02T13:00Z"), ns("2012-07-02T19:00Z"), 7)


def test_nothing_is_expected_in_a_lunch_break() -> None:
    slots = sessions("XHKG", date(2024, 3, 1), date(2024, 3, 1)).slots(HOUR // 2, like=NONE)
    assert ns("2024-03-01T04:00Z") not in slots
    assert len(slots) == 11  # 9:30 to 12, 13 to 16


def test_a_bar_that_reaches_into_a_session_trades_in_it() -> None:
    plan = sessions("XNYS", date(2012, 7, 2), date(2012, 7, 3))
    times = np.array([ns(f"2012-07-02T{time}Z") for time in ("12:00", "13:00", "19:59", "20:00")])
    _, inside = plan.holding(times, HOUR)
    assert inside.tolist() == [False, True, True, False]


def test_a_wrong_name_or_a_year_without_records_is_answered_with_a_cure() -> None:
    with pytest.raises(ValidationError, match="no calendar is called 'XNYZ'") as unknown:
        sessions("XNYZ", date(2012, 7, 2), date(2012, 7, 3))
    assert "XNYS" in (unknown.value.hint or "")
    with pytest.raises(ValidationError, match="1960") as early:
        sessions("XHKG", date(1950, 7, 3), date(2012, 7, 3))
    assert "narrow the range" in (early.value.hint or "")
