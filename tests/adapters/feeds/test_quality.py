"""Checks on the way in: each kind of wrong row is kept out, named and counted; none is dropped or filled in silence."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpt_trader.adapters.feeds.quality import Rows, Rules, inspect
from gpt_trader.adapters.feeds.times import NO_TIME
from gpt_trader.core.bars import Loaded, Provenance, Quarantine
from gpt_trader.core.errors import BadData, NoBars, ValidationError
from gpt_trader.core.market import Timeframe

HOUR = 3_600_000_000_000
DAY = 24 * HOUR
MONDAY = 4 * DAY  # 1970-01-05
BUMPS = st.sampled_from([0.0, 1.0, np.nan, -200.0, 900.0])


def rows(count: int = 10, *, step: int = HOUR, start: int = MONDAY) -> Rows:
    close = np.asarray(100.0 + np.arange(count) % 3, dtype=np.float64)
    return Rows(
        row=np.arange(1, count + 1),
        ts=start + np.arange(count, dtype=np.int64) * step,
        open=close.copy(),
        high=close + 1,
        low=close - 1,
        close=close,
        volume=np.full(count, 1000.0),
    )


def look(these: Rows, **rules: Any) -> Loaded:
    provenance = Provenance(origin="file", source="x.csv")
    return inspect(these, symbol="X", provenance=provenance, rules=Rules(**rules), refused=Quarantine())


def test_clean_rows_all_pass() -> None:
    seen = look(rows())
    assert len(seen.bars) == 10
    assert seen.quarantine.total == 0
    assert list(seen.quarantine.lines()) == []


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("open", np.nan, "nan"),
        ("close", np.inf, "infinite"),
        ("volume", np.inf, "infinite"),
        ("low", 0.0, "non_positive"),
        ("close", -5.0, "non_positive"),
        ("high", 98.0, "high_below_low"),
        ("high", 100.5, "outside_range"),
        ("low", 101.5, "outside_range"),
        ("volume", -1.0, "negative_volume"),
        ("high", 500.0, "far_off_neighbours"),
        ("low", 1.0, "far_off_neighbours"),
        ("ts", NO_TIME, "no_time"),
    ],
)
def test_a_wrong_row_is_kept_out_with_its_reason(column: str, value: float, reason: str) -> None:
    these = rows()
    getattr(these, column)[4] = value
    seen = look(these)
    assert seen.quarantine.counts == {reason: 1}
    assert seen.quarantine.rows[reason].tolist() == [5]
    assert len(seen.bars) == 9


def test_unknown_and_zero_volume_are_not_wrong() -> None:
    these = rows()
    these.volume[2], these.volume[3] = np.nan, 0.0
    seen = look(these)
    assert seen.quarantine.total == 0
    assert np.isnan(seen.bars.volume[2])


def test_a_price_outside_the_range_by_rounding_alone_passes() -> None:
    these = rows()
    these.high[4] = max(these.open[4], these.close[4]) * (1 - 1e-12)
    assert look(these).quarantine.total == 0


def test_one_date_far_ahead_does_not_condemn_the_rows_after_it() -> None:
    these = rows()
    these.ts[3] += 1000 * DAY
    seen = look(these)
    assert seen.quarantine.rows["out_of_order"].tolist() == [4]
    assert len(seen.bars) == 9


def test_a_row_that_steps_back_is_out_of_order() -> None:
    these = rows()
    these.ts[6] = these.ts[2] + 1
    assert look(these).quarantine.rows["out_of_order"].tolist() == [7]


def test_newest_first_is_turned_round_and_said() -> None:
    these = rows().pick(np.arange(10)[::-1])
    seen = look(these)
    assert seen.bars.ts.tolist() == rows().ts.tolist()
    assert seen.quarantine.notes == ("newest first: the rows were turned round",)


def test_of_equal_rows_at_one_time_the_first_is_kept() -> None:
    these = rows().pick(np.array([0, 1, 2, 2, 2, 3, 4]))
    these.row[:] = np.arange(1, 8)
    seen = look(these)
    assert seen.quarantine.counts == {"duplicate": 2}
    assert seen.quarantine.rows["duplicate"].tolist() == [4, 5]


def test_of_rows_at_one_time_that_disagree_none_is_believed() -> None:
    these = rows().pick(np.array([0, 1, 2, 2, 3, 4]))
    these.row[:] = np.arange(1, 7)
    these.close[3] += 0.5
    seen = look(these)
    assert seen.quarantine.rows["conflicting_duplicate"].tolist() == [3, 4]
    assert len(seen.bars) == 4


def test_a_move_that_stays_is_no_wrong_print() -> None:
    """A split halves the price for good: its neighbours on the two sides disagree."""
    these = rows()
    for name in ("open", "high", "low", "close"):
        getattr(these, name)[5:] /= 2
    assert look(these).quarantine.total == 0


def test_two_wrong_prints_side_by_side_are_both_found() -> None:
    these = rows()
    for name in ("open", "high", "low", "close"):
        getattr(these, name)[4:6] *= 10
    assert look(these).quarantine.rows["far_off_neighbours"].tolist() == [5, 6]


def test_the_outlier_rule_has_an_edge_and_can_be_off() -> None:
    these = rows()
    these.high[4] = 100.0 * 1.6
    assert look(these, outlier=0.9).quarantine.total == 0
    assert look(these, outlier=0.5).quarantine.counts == {"far_off_neighbours": 1}
    assert look(these, outlier=None).quarantine.total == 0


def test_a_wrong_print_is_found_at_the_border_of_two_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gpt_trader.adapters.feeds.quality.BLOCK", 4)
    these = rows(40)
    for at in (4, 5, 20, 37):
        these.close[at] = these.high[at] = 900.0
    assert look(these).quarantine.rows["far_off_neighbours"].tolist() == [5, 6, 21, 38]


def test_a_column_without_any_number_is_an_error_with_a_cure() -> None:
    these = rows()
    these.close[:] = np.nan
    with pytest.raises(BadData, match="column 'close' holds no number") as error:
        look(these)
    assert error.value.hint


def test_no_readable_time_is_an_error_with_a_cure() -> None:
    these = rows()
    these.ts[:] = NO_TIME
    with pytest.raises(BadData, match="no time could be read"):
        look(these)


def test_nothing_left_is_an_error_that_holds_the_report() -> None:
    these = rows(3)
    these.low[:] = -1.0
    with pytest.raises(NoBars, match="every row") as error:
        look(these)
    assert "non_positive: 3 rows" in (error.value.hint or "")


def test_one_bar_is_too_few() -> None:
    with pytest.raises(NoBars, match="only one bar"):
        look(rows(1))


@pytest.mark.parametrize(
    ("step", "name"),
    [(HOUR, "1h"), (HOUR // 60, "1m"), (HOUR // 4, "15m"), (HOUR // 720, "5s"), (DAY, "1d"), (7 * DAY, "1w")],
)
def test_the_timeframe_is_the_most_common_step(step: int, name: str) -> None:
    these = rows(20, step=step)
    these.ts[10:] += step
    assert str(look(these).bars.timeframe) == name


def test_a_missing_hour_is_a_gap_and_is_not_filled() -> None:
    these = rows().pick(np.array([0, 1, 2, 5, 6, 7]))
    seen = look(these)
    (gap,) = seen.quarantine.gaps
    assert (gap.after, gap.before, gap.missing) == (these.ts[2], these.ts[3], 2)
    assert len(seen.bars) == 6


def test_the_night_is_no_gap_where_the_market_rests_at_the_weekend() -> None:
    day = rows(6).ts
    ts = np.concatenate([day + n * DAY for n in (0, 1, 2)])
    these = rows(18)
    these.ts[:] = ts
    assert look(these).quarantine.gap_count == 0


def test_a_weekend_and_a_holiday_are_no_gap_without_a_calendar_but_a_week_is() -> None:
    days = [0, 1, 2, 3, 4, 7, 9, 10, 11, 21, 22]
    these = rows(len(days))
    these.ts[:] = MONDAY + np.array(days) * DAY
    (gap,) = look(these).quarantine.gaps
    assert gap.missing == 5


def test_a_calendar_counts_its_own_sessions() -> None:
    """9 July 2012 was an ordinary session in New York, 4 July 2012 a holiday."""
    days = np.array(["2012-07-02", "2012-07-03", "2012-07-05", "2012-07-06", "2012-07-10"], dtype="datetime64[D]")
    these = rows(5)
    these.ts[:] = days.astype("datetime64[ns]").astype(np.int64) + 4 * HOUR
    seen = look(these, calendar="XNYS")
    assert seen.quarantine.gap_count == 1
    assert seen.quarantine.missing == 1


def test_round_the_clock_every_missing_day_is_a_gap() -> None:
    these = rows(8, step=DAY).pick(np.array([0, 1, 2, 4, 5, 6, 7]))
    assert look(these).quarantine.missing == 1


def test_an_unknown_calendar_is_answered_with_the_nearest() -> None:
    with pytest.raises(ValidationError, match="no calendar is called 'XNYZ'") as error:
        look(rows(8, step=DAY), calendar="XNYZ")
    assert "XNYS" in (error.value.hint or "")


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(0, 12), BUMPS), min_size=3, max_size=30))
def test_every_row_is_either_a_bar_or_in_the_report(drawn: list[tuple[int, float]]) -> None:
    these = rows(len(drawn))
    these.ts[:] = MONDAY + np.array([time for time, _ in drawn]) * HOUR
    these.close[:] += np.array([bump for _, bump in drawn])
    try:
        seen = look(these)
    except (NoBars, BadData):
        return
    kept_out = np.concatenate([np.zeros(0, dtype=np.int64), *seen.quarantine.rows.values()])
    assert len(set(kept_out.tolist())) == len(kept_out)
    assert len(seen.bars) + len(kept_out) == len(drawn)
    assert (np.diff(seen.bars.ts) > 0).all()


def minutes_of(*spans: tuple[str, str]) -> Rows:
    """Minutes from one moment of UTC to before another, and so on."""
    parts = [np.arange(np.datetime64(a, "m"), np.datetime64(b, "m")) for a, b in spans]
    ts = np.concatenate(parts).astype("datetime64[ns]").astype(np.int64)
    these = rows(len(ts))
    these.ts[:] = ts
    return these


def test_minutes_are_expected_from_the_open_to_an_early_close_and_not_on_a_holiday() -> None:
    """New York closed at one on 3 July 2012; the fourth was a holiday; ten minutes of the fifth are not there."""
    these = minutes_of(
        ("2012-07-03T13:30", "2012-07-03T17:00"),
        ("2012-07-05T13:30", "2012-07-05T15:00"),
        ("2012-07-05T15:10", "2012-07-05T20:00"),
    )
    (gap,) = look(these, calendar="XNYS").quarantine.gaps
    assert gap.missing == 10


def test_the_end_of_a_session_that_is_cut_off_is_missing() -> None:
    these = minutes_of(("2012-07-03T13:30", "2012-07-03T16:45"), ("2012-07-05T13:35", "2012-07-05T20:00"))
    assert look(these, calendar="XNYS").quarantine.missing == 15 + 5


def test_bars_before_the_open_and_after_the_close_are_neither_expected_nor_wrong() -> None:
    these = minutes_of(("2012-07-03T12:00", "2012-07-03T18:00"), ("2012-07-05T11:00", "2012-07-05T21:00"))
    assert look(these, calendar="XNYS").quarantine.gap_count == 0


def test_the_lunch_break_of_an_exchange_is_no_gap() -> None:
    these = minutes_of(("2024-03-01T01:30", "2024-03-01T04:00"), ("2024-03-01T05:00", "2024-03-01T08:00"))
    assert look(these, calendar="XHKG").quarantine.gap_count == 0


def at(moments: list[int]) -> Rows:
    """Rows that open at these moments."""
    return replace(rows(len(moments)), ts=np.array(moments, dtype=np.int64))


def test_a_day_in_progress_a_minute_after_the_last_bar_is_kept_out() -> None:
    seen = look(at([*(MONDAY + day * DAY for day in range(9)), MONDAY + 8 * DAY + HOUR // 60]))
    assert seen.quarantine.rows["too_soon"].tolist() == [10]
    assert (len(seen.bars), seen.bars.ends[-1]) == (9, MONDAY + 9 * DAY)


def test_half_a_bar_and_a_day_of_23_hours_are_soon_enough() -> None:
    assert look(at([MONDAY + part * HOUR // 2 for part in (0, 1, 3, 5, 7)])).quarantine.total == 0
    assert look(at([MONDAY + hours * HOUR for hours in (0, 24, 47, 71, 95)])).quarantine.total == 0


def test_rows_of_another_length_than_the_one_that_was_named_are_no_bars() -> None:
    with pytest.raises(NoBars) as caught:
        look(rows(), timeframe=Timeframe(1, "d"))
    assert "too_soon" in str(caught.value.hint)


def starts(year: int, count: int, *, months: int = 1, late: int = 0) -> list[int]:
    """The first days of months in a row; of each third one a few days late, as if it had begun with a holiday."""
    at = [year * 12 + months * number for number in range(count)]
    days = [date(at // 12, at % 12 + 1, 1 + late * (number % 3 == 0)) for number, at in enumerate(at)]
    return [(day - date(1970, 1, 1)).days * DAY for day in days]


@pytest.mark.parametrize("late", [0, 2])
@pytest.mark.parametrize(("months", "name"), [(1, "31d"), (3, "92d"), (12, "366d")])
def test_months_quarters_and_years_are_over_when_the_next_one_begins(months: int, name: str, late: int) -> None:
    moments = starts(2021, 24, months=months, late=late)
    seen = look(at(moments))
    assert (str(seen.bars.timeframe), seen.quarantine.gap_count) == (name, 0)
    ends = seen.bars.ends
    assert ((ends[:-1] == moments[1:]) | (np.diff(moments) > seen.bars.span)).all()
    assert late or ends[:-1].tolist() == moments[1:]
    assert look(at(moments[:9] + moments[10:])).quarantine.missing == 1


def test_four_weeks_are_no_month() -> None:
    assert str(look(rows(step=28 * DAY)).bars.timeframe) == "4w"
