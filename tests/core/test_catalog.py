"""A catalog loads what is asked for, once, and knows near misses."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from gpt_trader.core.catalog import Catalog
from gpt_trader.core.errors import NotFound, ValidationError, did_you_mean


def test_a_thing_is_loaded_once_and_not_before_it_is_asked_for() -> None:
    loads: list[int] = []

    def load() -> int:
        loads.append(1)
        return 1

    catalog: Catalog[int] = Catalog("number")
    catalog.add("one", load)
    assert (loads, list(catalog), len(catalog), "one" in catalog) == ([], ["one"], 1, True)
    assert (catalog["one"], catalog["one"], loads) == (1, 1, [1])


def test_a_thing_that_two_threads_ask_for_first_at_once_is_loaded_once() -> None:
    both = threading.Barrier(2)
    loads: list[object] = []

    def load() -> object:
        time.sleep(0.05)
        loads.append(object())
        return loads[-1]

    def ask(_: int) -> object:
        both.wait()
        return catalog["one"]

    catalog: Catalog[object] = Catalog("thing")
    catalog.add("one", load)
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(ask, range(2))) == loads * 2
    assert len(loads) == 1


def test_a_factory_may_ask_for_another_name() -> None:
    catalog: Catalog[int] = Catalog("number")
    catalog.add("one", lambda: 1)
    catalog.add("two", lambda: catalog["one"] + 1)
    assert catalog["two"] == 2


def test_a_name_is_given_once() -> None:
    catalog: Catalog[int] = Catalog("number")
    catalog.add("one", lambda: 1)
    with pytest.raises(ValidationError, match="two numbers are called 'one'"):
        catalog.add("one", lambda: 2)


def test_a_typing_error_is_answered_with_the_nearest_name() -> None:
    catalog: Catalog[int] = Catalog("slice")
    catalog.add("market_regime", lambda: 1)
    with pytest.raises(NotFound, match="no slice is called 'market_regim'") as caught:
        catalog["market_regim"]
    assert caught.value.hint == "did you mean 'market_regime'?"
    assert caught.value.exit_code == 2


def test_small_letters_are_the_nearest_error_of_all() -> None:
    assert did_you_mean("aapl", ["AAPL", "FB", "MSFT"]) == "did you mean 'AAPL'?"


def test_few_names_are_listed_and_many_are_not() -> None:
    assert did_you_mean("xyz", ["data", "monitor"]) == "there are: data, monitor"
    assert did_you_mean("xyz", [f"name{i}" for i in range(20)]) is None
