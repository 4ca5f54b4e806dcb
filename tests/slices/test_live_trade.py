"""Live trading is refused, and all that is missing is said at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gpt_trader.app.words import limits_of_words
from gpt_trader.core.errors import NotAuthorised, ValidationError
from gpt_trader.slices.live_trade.params import LiveParams
from gpt_trader.slices.live_trade.slice import NO_VENUE, LiveTrade

WHOLE: dict[str, Any] = {"strategy": "sma_cross", "symbols": ["AAPL"], "venue": "alpaca", "account": "mine"}


@pytest.fixture
def desk(strategies):
    return LiveTrade(strategies, limits_of_words)


@pytest.fixture
def live(ctx):
    return replace(ctx, mode="live")


def test_nothing_given_every_fault_is_named(desk, ctx):
    looked = desk.validate_config(LiveParams(limits="none"), ctx)
    assert looked.ready is False
    assert looked.missing == [
        "the run's mode is backtest, not live", "no symbol is named", "no venue is named", "no account is named",
        "no strategy is named", "live trading always has limits", NO_VENUE,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        ({"strategy": "sma_crss"}, "no strategy is called 'sma_crss'"),
        ({"params": {"fast": 30, "slow": 10}}, "sma_cross: "),
        ({"limits": {"max_quantity": -5}}, "max_quantity"),
        ({"limits": "nowhere.yaml"}, "no such file"),
    ],
)
def test_each_fault_is_a_validation_error(desk, live, wrong, fault):
    with pytest.raises(ValidationError, match=fault) as caught:
        desk.start(LiveParams(**{**WHOLE, **wrong}), live)
    assert caught.value.exit_code == 3
    assert NO_VENUE in caught.value.message


def test_a_whole_configuration_is_refused_as_there_is_no_venue(desk, live):
    assert desk.validate_config(LiveParams(**WHOLE), live).missing == [NO_VENUE]
    with pytest.raises(NotAuthorised, match="the configuration is whole") as caught:
        desk.start(LiveParams(**WHOLE), live)
    assert caught.value.exit_code == 4
    assert "--mode paper" in str(caught.value.hint)
