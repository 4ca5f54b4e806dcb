"""Stretches that were traded one after the other are told as one account, under either order of events."""

from __future__ import annotations

from decimal import Decimal

import pytest

from gpt_trader.core.market import DAY
from gpt_trader.trading.config import BacktestConfig
from gpt_trader.trading.forward import trade_from
from gpt_trader.trading.seats import StrategySpec
from gpt_trader.trading.sizing import Share
from gpt_trader.trading.stretches import account_of
from tests.trading.bars import by_hand
from tests.trading.scripted import Scripted, buy

QUIET, WIDE = (100, 101, 99, 100), (100, 112, 93, 100)
EXITS = {"stop_loss": 95, "take_profit": 110}


def account(rows):
    """Two stretches of four bars, each of which buys for half of its money at the open of its second bar."""
    bars, spec = by_hand(rows), StrategySpec("s", lambda: Scripted({n: [buy(None, **EXITS)] for n in (2, 6)}))
    stretches, cash = [], Decimal(10_000)
    for begin in (2, 6):
        config = BacktestConfig(cash=cash, sizing=Share(Decimal("0.5")))
        stretches.append(trade_from([spec], [bars[: begin + 4]], begin * DAY, config=config))
        cash = stretches[-1].report.final_equity
    return account_of(stretches, None, "")


def test_the_other_order_of_events_is_traded_through_all_stretches_with_the_money_that_it_leaves():
    told = account([QUIET] * 4 + [WIDE] + [QUIET] * 3 + [WIDE, QUIET])
    assert told["final_equity"] == 10_000 - 50 * 5 - 48 * 5
    other = told["details"]["other_order_of_events"]
    assert (told["details"]["ambiguous_bars"], other["events"], other["trades"]) == (2, "favourable", 2)
    assert Decimal(other["final_equity"]) == 10_000 + 50 * 10 + 52 * 10
    assert other["total_return"] == pytest.approx(0.102)


def test_where_no_bar_could_have_gone_two_ways_there_is_no_other_order():
    told = account([QUIET] * 10)
    assert told["details"]["ambiguous_bars"] == 0
    assert told["details"]["other_order_of_events"] is None
