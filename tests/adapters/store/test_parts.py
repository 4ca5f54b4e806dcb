"""The parts of the store against plain models: spans against sets, sheets against dictionaries."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpt_trader.adapters.store import sheet as sheets
from gpt_trader.adapters.store.ask import bars_known
from gpt_trader.adapters.store.complete import complete
from gpt_trader.adapters.store.sheet import FIELDS, VALUES, Label, Sheet
from gpt_trader.adapters.store.spans import joined, missing
from gpt_trader.core.market import Timeframe, nanoseconds

SPANS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=8)


def moments(spans) -> set[int]:
    return {at for first, last in spans for at in range(first, last)}


@given(SPANS, SPANS)
def test_joined_spans_are_the_same_time_in_order_and_apart(some, more) -> None:
    found = joined(some, more)
    assert moments(found) == moments(some) | moments(more)
    assert all(a[1] < b[0] for a, b in pairwise(found))


@given(SPANS, st.integers(0, 30), st.integers(0, 30))
def test_what_is_missing_is_what_is_wanted_and_not_there(spans, first, last) -> None:
    assert moments(missing(spans, (first, last))) == set(range(first, last)) - moments(spans)


def rows(drawn: dict[int, int]) -> dict[str, np.ndarray]:
    prices = [float(price) if price else float("nan") for price in drawn.values()]
    return {"ts": np.array(list(drawn), dtype=np.int64), **{name: np.array(prices) for name in VALUES}}


@settings(max_examples=15)
@given(st.lists(st.dictionaries(st.integers(0, 9), st.integers(0, 3), max_size=6), min_size=1, max_size=5))
def test_a_sheet_knows_the_last_of_each_time_and_every_earlier_state(tmp_path_factory, answers) -> None:
    """A dictionary that is updated is the model; the file answers as the sheet does, at every moment."""
    path: Path = tmp_path_factory.mktemp("sheet") / "1d.parquet"
    sheet, model = Sheet(label=Label(zone="UTC")), dict[int, int]()
    states: list[tuple[int, dict[int, int]]] = []
    for answer in answers:
        before, known = dict(model), sheet.later(7)
        model.update(answer)
        sheet, added, revised = sheet.with_rows(rows(answer), asked=[], known=known)
        assert added == len(model) - len(before)
        assert revised == sum(before[t] != model[t] for t in before)
        states.append((known, dict(model)))
    sheets.write(sheet, path)
    last = dict(states)  # of several answers at one moment, those that changed nothing share it
    for known, state in last.items():
        found = bars_known(path, 0, 100, known=known)
        assert found["ts"].tolist() == sorted(state)
        assert [0 if np.isnan(c) else int(c) for c in found["close"]] == [state[t] for t in sorted(state)]
    again = sheets.read(path)
    assert all(np.array_equal(again.columns[n], sheet.columns[n], equal_nan=n in VALUES) for n in FIELDS)


def ns(text: str) -> int:
    return nanoseconds(datetime.fromisoformat(text))


@pytest.mark.parametrize(
    ("now", "length", "zone", "calendar", "until"),
    [
        ("2024-06-03T12:00Z", "1d", "UTC", "24/7", "2024-06-03T00:00Z"),
        ("2024-06-03T00:00Z", "1d", "UTC", "24/7", "2024-06-03T00:00Z"),
        ("2024-06-02T23:59Z", "1d", "UTC", "24/7", "2024-06-02T00:00Z"),
        ("2024-06-03T12:00Z", "1d", "America/New_York", "", "2024-06-03T00:00-04:00"),
        ("2024-06-03T19:59Z", "1d", "America/New_York", "XNYS", "2024-06-03T00:00-04:00"),
        ("2024-06-03T20:00Z", "1d", "America/New_York", "XNYS", "2024-06-04T00:00-04:00"),
        ("2012-07-03T17:00Z", "1d", "America/New_York", "XNYS", "2012-07-04T00:00-04:00"),  # an early close
        ("2024-06-02T20:00Z", "1d", "America/New_York", "XNYS", "2024-06-02T00:00-04:00"),  # a Sunday
        ("2024-06-05T12:00Z", "1w", "UTC", "24/7", "2024-06-03T00:00Z"),
        ("2024-06-05T12:00Z", "3d", "UTC", "24/7", "2024-06-03T00:00Z"),
    ],
)
def test_bars_that_open_before_this_are_over(now: str, length: str, zone: str, calendar: str, until: str) -> None:
    assert complete(ns(now), Timeframe.parse(length), zone=zone, calendar=calendar) == ns(until)


@pytest.mark.parametrize(
    ("now", "opens", "over"),
    [
        ("2024-06-03T12:00Z", "2024-06-03T11:00Z", True),
        ("2024-06-03T11:59Z", "2024-06-03T11:00Z", False),
        ("2024-06-03T14:10Z", "2024-06-03T13:30Z", False),
        ("2024-06-03T15:00Z", "2024-06-03T13:30Z", True),
    ],
)
def test_an_hour_is_over_when_it_is_over_also_where_it_begins_at_half_past(now: str, opens: str, over: bool) -> None:
    assert (ns(opens) < complete(ns(now), Timeframe(1, "h"), zone="UTC", calendar="24/7")) is over
