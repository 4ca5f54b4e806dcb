"""Bars as columns: frozen, in order, and named by what they hold."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from typing import Any

import numpy as np
import pytest

from gpt_trader.core.bars import Bars, Gap, Over, Provenance, Quarantine, priced
from gpt_trader.core.errors import BadData, ValidationError
from gpt_trader.core.market import Timeframe

DAY = 86_400_000_000_000


def bars(count: int = 5, **changes: Any) -> Bars:
    price = np.linspace(10.0, 12.0, count)
    columns = {"open": price, "high": price + 1, "low": price - 1, "close": price, "volume": np.full(count, 100.0)}
    given: dict[str, Any] = {"symbol": "X", "timeframe": Timeframe(1, "d"), "ts": np.arange(count) * DAY, **columns}
    return Bars(provenance=Provenance(origin="synthetic", source="test"), **{**given, **changes})


def test_the_columns_cannot_be_changed() -> None:
    one = bars()
    with pytest.raises(ValueError, match="read-only"):
        one.close[0] = 1.0
    with pytest.raises(FrozenInstanceError):
        one.symbol = "Y"  # type: ignore[misc]


def test_the_array_that_was_passed_stays_writable_for_its_owner() -> None:
    mine = np.linspace(1.0, 2.0, 5)
    bars(close=mine)
    mine[0] = 3.0
    assert mine[0] == 3.0


@pytest.mark.parametrize("ts", [[0, 1, 1, 2, 3], [0, 2, 1, 3, 4]], ids=["twice", "back"])
def test_times_that_do_not_rise_are_refused(ts: list[int]) -> None:
    with pytest.raises(ValidationError, match="do not rise strictly"):
        bars(ts=np.array(ts))


def test_columns_of_unequal_length_are_refused() -> None:
    with pytest.raises(ValidationError, match="differ in length"):
        bars(close=np.array([1.0]))


def test_equal_content_has_an_equal_hash_wherever_it_came_from() -> None:
    elsewhere = replace(bars(), provenance=Provenance(origin="file", source="other.csv"))
    assert elsewhere.content_hash == bars().content_hash


@pytest.mark.parametrize(
    "changed", [bars(symbol="Y"), bars(timeframe=Timeframe(1, "h")), bars(volume=np.full(5, 101.0)), bars(4)]
)
def test_any_other_content_has_another_hash(changed: Bars) -> None:
    assert changed.content_hash != bars().content_hash


def test_between_takes_the_start_and_leaves_the_end() -> None:
    assert bars().between(DAY, 3 * DAY).ts.tolist() == [DAY, 2 * DAY]
    assert len(bars().between(None, None)) == 5


def test_a_report_counts_by_reason_and_shows_the_first_rows() -> None:
    report = Quarantine(
        rows={"nan": np.arange(1, 9), "duplicate": np.array([4])}, gaps=(Gap(0, 3, 2),), gap_count=1, missing=2
    )
    assert report.counts == {"nan": 8, "duplicate": 1}
    assert report.total == 9
    assert list(report.lines(limit=2)) == [
        "nan: 8 rows (1, 2, ...)",
        "duplicate: 1 row (4)",
        "gaps: 1, 2 bars missing, none filled",
    ]


@pytest.mark.parametrize("bad", [np.nan, np.inf, 0.0, -1.0])
@pytest.mark.parametrize("column", ["open", "high", "low", "close"])
def test_bars_without_a_usable_price_are_refused_by_the_time_of_the_first(column: str, bad: float) -> None:
    values = np.full(5, 10.0)
    values[2:4] = bad
    assert priced(bars(volume=values)) is not None
    with pytest.raises(
        BadData, match="2 of the 5 bars of X have no usable price, the first one at 1970-01-03"
    ) as caught:
        priced(bars(5, **{column: values}))
    assert "data check" in str(caught.value.hint)


def test_a_bar_is_over_after_its_length_or_where_the_next_one_opens() -> None:
    hour = DAY // 24
    one = bars(ts=np.array([0, 24, 47, 72, 168]) * hour)  # a day of 23 hours, one of 25, and a pause
    assert (one.ends // hour).tolist() == [24, 47, 71, 96, 192]
    assert [Over(one)(int(begin)) for begin in one.ts] == one.ends.tolist()
    assert Over(one)(1_000 * hour) == 1_024 * hour  # a bar that is not among them


def test_one_row_too_soon_shortens_its_own_bar_alone() -> None:
    one = bars(ts=np.array([0, DAY, 2 * DAY, 3 * DAY, 3 * DAY + 60_000_000_000]))
    assert one.ends.tolist() == [DAY, 2 * DAY, 3 * DAY, 3 * DAY + 60_000_000_000, 4 * DAY + 60_000_000_000]
