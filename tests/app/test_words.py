"""What a person writes of costs, limits and params."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar, Literal

import pytest
from pydantic import BaseModel

from gpt_trader.app.words import fee_of, limits_of_words, number, params_of, slippage_of, value_of
from gpt_trader.core.errors import NotFound, UsageError
from gpt_trader.core.ports import TradingStrategyPlugin
from gpt_trader.trading.costs import Fee, Slippage
from gpt_trader.workflow.faults import FaultsFound


class Params(BaseModel):
    count: int = 1
    label: str = ""
    side: Literal["1", "2"] = "1"
    maybe: str | None = None
    names: list[str] = []


class Strategy(TradingStrategyPlugin):
    Params: ClassVar = Params

    def on_market_data(self, market_data):
        return None


@pytest.mark.parametrize(
    ("text", "exact"), [("0.1", "0.1"), ("0.1%", "0.001"), ("-5", "-5"), ("100_000", "100000"), ("1e3", "1E+3")]
)
def test_numbers_are_exact_and_may_be_per_cents(text, exact):
    assert number(text, "--x") == Decimal(exact)


@pytest.mark.parametrize("text", ["", "%", "x", "nan", "inf", "-inf", "1,5", "0x10", "nan%"])
def test_what_is_no_finite_number_is_refused_by_the_name_of_its_option(text):
    with pytest.raises(UsageError, match="--x must be a number"):
        number(text, "--x")


@pytest.mark.parametrize("read", [fee_of, slippage_of])
@pytest.mark.parametrize("text", ["1", "10", "100%", "250%"])
def test_a_cost_of_the_whole_value_is_a_slip_of_the_pen(read, text):
    with pytest.raises(UsageError, match="must be a part below 1"):
        read(text)
    assert read("99%") is not None


def test_named_parts_are_parts_and_amounts_are_amounts():
    for wrong in ("percent=1", "maker=5", "per_share=1,percent=10"):
        with pytest.raises(UsageError, match="below 1"):
            fee_of(wrong)
    with pytest.raises(UsageError, match="below 1"):
        slippage_of("volume:2")
    assert fee_of("minimum=5,per_share=1").minimum == 5
    assert slippage_of("fixed:2").amount == 2


def test_a_fee_is_a_part_of_the_value_or_has_named_parts():
    assert fee_of("0.1%") == Fee(percent=Decimal("0.001"))
    parts = fee_of("per_share=0.005, minimum=1,maximum=20,maker=-0.01%")
    assert parts == Fee(per_share=Decimal("0.005"), minimum=Decimal(1), maximum=Decimal(20), maker=Decimal("-0.0001"))


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("none", Slippage()),
        ("0.05%", Slippage("percent", Decimal("0.0005"))),
        ("fixed:0.01", Slippage("fixed", Decimal("0.01"))),
        ("volume:0.1", Slippage("volume", Decimal("0.1"))),
    ],
)
def test_slippage_has_three_kinds(text, meant):
    assert slippage_of(text) == meant


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("0.5", 0.5),
        ("true", True),
        ("False", False),
        ("none", None),
        ("null", None),
        ("[1, 2]", [1, 2]),
        ("up", "up"),
    ],
)
def test_words_are_values_where_they_look_like_one(text, value):
    assert value_of(text) == value
    assert type(value_of(text)) is type(value)


def test_a_text_stays_a_text_where_the_strategy_wants_one():
    given = params_of(["count=3", "label=3", "side=2", "maybe=7"], Strategy)
    assert given["count"] == 3
    assert (given["label"], given["maybe"]) == ("3", "7")
    assert params_of(["maybe=none"], Strategy) == {"maybe": None}
    assert Params(**params_of(["side=2"], Strategy)).side == "2"


def test_limits_are_named_or_read_from_a_file(tmp_path):
    file = tmp_path / "limits.yaml"
    file.write_text("trades_per_session: 3\n")
    assert limits_of_words("standard") == "standard"
    assert limits_of_words(str(file)) == {"trades_per_session": 3}
    with pytest.raises(NotFound, match="no such file"):
        limits_of_words(str(tmp_path / "none.yaml"))
    file.write_text("trades_per_session: 3\ntrades_per_session: 4\n")
    with pytest.raises(FaultsFound):
        limits_of_words(str(file))
