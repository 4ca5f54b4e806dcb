"""The history keeps facts in sequence, and gives them back as they were."""

from __future__ import annotations

import json
import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpt_trader.core.errors import ValidationError
from gpt_trader.journal.history import PAYLOAD_BYTES, History, event_of
from gpt_trader.journal.store import Store
from gpt_trader.trading.clocks import BarClock, WallClock

_numbers = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_documents = st.dictionaries(
    _texts,
    st.recursive(
        st.none() | st.booleans() | _numbers | _texts,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_texts, inner, max_size=4),
        max_leaves=12,
    ),
    max_size=5,
)


@pytest.fixture
def history(store: Store) -> History:
    return History(store, BarClock(1_700_000_000_000_000_000))


def test_events_come_back_in_sequence_with_time_key_and_run(history: History):
    first = history.append("data.loaded", {"bars": 3}, key="AAPL", run_id="r1")
    second = history.append("data.loaded")
    assert (first.seq, second.seq) == (1, 2)
    assert first.at == 1_700_000_000_000_000
    assert history.after(0) == [first, second]
    assert history.after(1) == [second]
    assert history.of_run("r1") == [first]
    assert history.last() == 2


@given(_documents)
def test_a_payload_means_what_plain_json_says_it_means(document: dict):
    fact = History(None, WallClock()).fact("a.b", document)  # type: ignore[arg-type]
    assert json.loads(fact["payload"]) == document
    assert event_of((1, "a.b", "", 0, "", fact["payload"])).payload == document


def test_decimals_become_texts_and_the_infinite_stays_infinite(history: History):
    payload = history.append("a.b", {"price": Decimal("1.10"), "stop": math.inf, "gap": math.nan}).payload
    assert payload["price"] == "1.10"
    assert payload["stop"] == math.inf
    assert math.isnan(payload["gap"])


@pytest.mark.parametrize(
    ("topic", "payload", "key"),
    [
        ("Not.A.Topic", {}, ""),
        ("a..b", {}, ""),
        (7, {}, ""),
        ("a.b", {"x": object()}, ""),
        ("a.b", ["no", "mapping"], ""),
        ("a.b", {"x": "\ud800"}, ""),
        ("a.b", {"x": "y" * PAYLOAD_BYTES}, ""),
        ("a.b", {}, "new\nline"),
        ("a.b", {}, "k" * 201),
        ("a.b", {}, 7),
    ],
)
def test_what_cannot_be_kept_is_refused_before_anything_is_written(history: History, topic, payload, key):
    with pytest.raises(ValidationError):
        history.append(topic, payload, key=key)
    assert history.last() == 0


def test_a_payload_that_contains_itself_is_refused(history: History):
    payload: dict = {}
    payload["me"] = payload
    with pytest.raises(ValidationError, match="cannot be kept"):
        history.append("a.b", payload)


def test_between_pages_through_more_than_one_page(history: History):
    facts = [history.fact("a.even" if i % 2 == 0 else "a.odd", {"i": i}) for i in range(600)]
    history.store.write([("event.add", facts, False)])
    assert [e.seq for e in history.between(1, 600)] == list(range(1, 601))
    assert [e.seq for e in history.between(550, 10_000, "a.odd")] == list(range(550, 601, 2))
    assert list(history.between(5, 4)) == []


def test_tail_gives_the_newest_that_match_oldest_first(history: History):
    facts = [history.fact("rare.x" if i % 200 == 0 else "often.x", {"i": i}) for i in range(1000)]
    history.store.write([("event.add", facts, False)])
    assert [e.payload["i"] for e in history.tail(3)] == [997, 998, 999]
    assert [e.payload["i"] for e in history.tail(3, "rare.*")] == [400, 600, 800]
    assert len(history.tail(100, "rare.*")) == 5


def test_forgetting_keeps_the_newest_so_that_no_sequence_number_is_given_twice(history: History):
    for _ in range(5):
        history.append("a.b")
    assert history.forget(before=1 << 60) == 4
    assert [e.seq for e in history.after(0)] == [5]
    assert history.append("a.b").seq == 6


def test_forgetting_spares_what_a_durable_subscriber_has_not_seen(history: History):
    for _ in range(5):
        history.append("a.b")
    place = {"name": "slow", "pattern": "**", "cursor": 2, "express": 4, "fence": 0, "updated_at": 0}
    history.store.write([("subscription.add", place, False)])
    assert history.forget(before=1 << 60) == 2
    assert history.forget(before=0) == 0
    assert [e.seq for e in history.after(0)] == [3, 4, 5]
