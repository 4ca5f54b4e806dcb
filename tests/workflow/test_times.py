"""Lengths of time, moments and cron lines are read as written, and refused otherwise."""

from datetime import UTC, datetime

import pytest
from apscheduler.triggers.cron import CronTrigger
from hypothesis import given, settings
from hypothesis import strategies as st

from gpt_trader.core.errors import ValidationError
from gpt_trader.workflow.times import check_cron, check_moment, check_zone, moment, seconds


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("500ms", 0.5),
        ("10s", 10),
        ("5m", 300),
        ("2h", 7200),
        ("1d", 86400),
        ("1h30m", 5400),
        ("1.5s", 1.5),
        (2, 2),
        (0.5, 0.5),
    ],
)
def test_lengths_of_time(text, expected):
    assert seconds(text) == pytest.approx(expected)


@pytest.mark.parametrize("text", ["", "10", "s", "10 s", "-1s", "1w", "1e3s", "10S", "9" * 400 + "s", "367d"])
def test_what_is_no_length_of_time(text):
    with pytest.raises(ValidationError):
        seconds(text)


@pytest.mark.parametrize(
    "text", ["15:30 America/New_York", "00:00 UTC", "2026-11-20T15:30:00Z", "2026-11-20T15:30+01:00"]
)
def test_moments(text):
    check_moment(text)


@pytest.mark.parametrize("text", ["", "15:30", "24:00 UTC", "15:30 Nowhere", "2026-11-20", "2026-11-20T15:30", "soon"])
def test_what_is_no_moment(text):
    with pytest.raises(ValidationError):
        check_moment(text)


@pytest.mark.parametrize("name", ["", "Nowhere/City", "../etc/passwd", "/etc/passwd", "America", "\0", "x" * 500])
def test_what_is_no_time_zone(name):
    with pytest.raises(ValidationError):
        check_zone(name)


@pytest.mark.parametrize(
    "text",
    ["30 9 * * 1-5", "*/5 * * * *", "0 0 1,15 * *", "0 12 * jan-mar mon-fri", "0-30/10 8-16 * * MON,wed", "0 0 * * 7"],
)
def test_cron_lines(text):
    check_cron(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8", "*/0 * * * *",
        "5-1 * * * *", "a * * * *", "* * * * monday", "1-2-3 * * * *", ", * * * *", "* * * * mon-", "@daily",
        "-1 * * * *",
    ],
)  # fmt: skip
def test_what_is_no_cron_line(text):
    with pytest.raises(ValidationError):
        check_cron(text)


_FIELD = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 6)]


@given(st.tuples(*(st.one_of(st.just("*"), st.integers(a - 1, b + 1).map(str)) for a, b in _FIELD)))
@settings(derandomize=True, max_examples=100, deadline=None)
def test_cron_agrees_with_the_scheduler_on_single_numbers(fields):
    text = " ".join(fields)
    try:
        CronTrigger.from_crontab(text)
        taken = True
    except ValueError:
        taken = False
    try:
        check_cron(text)
        ours = True
    except ValidationError:
        ours = False
    assert ours is taken or fields[4] == "7"


class TestMoments:
    NOON = datetime(2026, 3, 7, 17, 0, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("text", "then"),
        [
            ("2026-11-20T15:30:00Z", datetime(2026, 11, 20, 15, 30, tzinfo=UTC)),
            ("15:30 America/New_York", datetime(2026, 3, 7, 20, 30, tzinfo=UTC)),
            ("12:00:01 America/New_York", datetime(2026, 3, 7, 17, 0, 1, tzinfo=UTC)),
            ("12:00 America/New_York", datetime(2026, 3, 8, 16, 0, tzinfo=UTC)),  # the clocks go forward that night
        ],
    )
    def test_a_time_of_day_is_the_next_such_one_of_its_zone(self, text: str, then: datetime) -> None:
        assert moment(text, self.NOON) == then

    @pytest.mark.parametrize(
        ("now", "clock", "then"),
        [  # New York puts its clocks back at 06:00 UTC, from 02:00 to 01:00
            ("2026-11-01T05:15:00+00:00", "01:30", "2026-11-01T05:30:00+00:00"),
            ("2026-11-01T05:45:00+00:00", "01:30", "2026-11-01T06:30:00+00:00"),
            ("2026-11-01T06:15:00+00:00", "01:30", "2026-11-01T06:30:00+00:00"),
            ("2026-11-01T06:45:00+00:00", "01:30", "2026-11-02T06:30:00+00:00"),
            ("2026-11-01T05:45:00+00:00", "02:30", "2026-11-01T07:30:00+00:00"),
            # and forward at 07:00 UTC, from 02:00 to 03:00
            ("2026-03-08T06:30:00+00:00", "02:30", "2026-03-08T07:30:00+00:00"),
            ("2026-03-08T07:10:00+00:00", "02:30", "2026-03-08T07:30:00+00:00"),
            ("2026-03-08T07:30:00+00:00", "02:30", "2026-03-09T06:30:00+00:00"),
            ("2026-03-08T06:30:00+00:00", "03:00", "2026-03-08T07:00:00+00:00"),
        ],
    )
    def test_it_is_never_past_when_the_clocks_change(self, now: str, clock: str, then: str) -> None:
        found = moment(f"{clock} America/New_York", datetime.fromisoformat(now))
        assert found.astimezone(UTC) == datetime.fromisoformat(then)
