"""A slow replay that is interrupted goes on where it was: no order is lost or made twice, no time is waited twice."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from gpt_trader.adapters.feeds.replay import Replay
from gpt_trader.app.words import limits_of_words
from gpt_trader.core.errors import GptTraderError, Interrupted
from gpt_trader.core.frames import frame_of
from gpt_trader.slices.paper_trade.params import ReplayParams
from gpt_trader.slices.paper_trade.slice import PaperTrade
from gpt_trader.trading.clocks import BarClock
from tests.slices.market import walk

DAY = 86_400.0
BARS = (walk(300, seed=1, drift=0.001), walk(300, seed=2, symbol="BBB", drift=0.001))


@pytest.fixture
def play(strategies, ctx):
    """A replay of one step of one run at a day a second, interrupted after so many seconds; and what it recorded."""
    slice_ = PaperTrade(strategies, Replay, limits_of_words)

    def made(*, stop=float("inf"), speed=DAY, **more):
        clock, told = BarClock(), []
        mine = replace(
            ctx,
            mode="paper",
            clock=clock,
            stopping=lambda: clock.monotonic() > stop,
            record=lambda topic, payload: told.append((topic, payload)),
        )
        given = {"strategy": "sma_cross", "speed": speed, **more}
        return slice_.replay(ReplayParams(bars=frame_of(BARS), **given), mine), clock.monotonic(), told

    return made


@pytest.fixture
def places(ctx, tmp_path):
    root = ctx.artifacts.path(ctx.artifacts.put(b"x", kind="txt")).parents[1]
    return lambda: sorted(root.rglob("*.place"))


def test_it_goes_on_where_it_was_and_ends_as_if_nothing_had_happened(play, places):
    whole, lasted, told = play()
    assert (lasted, told) == (pytest.approx(299.0, abs=0.5), [])
    assert len(whole.trades) > 5
    for stop in (40.0, 60.0, 100.0):
        with pytest.raises(Interrupted, match="it goes on from there"):
            play(stop=stop)
    assert len(places()) == 1
    again, rest, told = play()
    assert again.trades.equals(whole.trades)
    assert again.equity.equals(whole.equity)
    assert (again.details, again.refusals, again.replay) == (whole.details, whole.refusals, whole.replay)
    assert rest == pytest.approx(99.0, abs=1.5)  # the seconds that were left
    ((topic, payload),) = told
    assert topic == "paper_trade.continued"
    assert payload["bars"] == pytest.approx(400, abs=5)  # of two symbols
    assert places() == []


def test_without_a_place_it_begins_at_the_beginning(play, places):
    with pytest.raises(Interrupted):
        play(stop=40.0)
    (file,) = places()
    for wrong in (b"", b"{", b"[1]", b'{"bars": 3}', json.dumps({"of": "x", "bars": 9}).encode()):
        file.write_bytes(wrong)
        with pytest.raises(Interrupted, match=r"after 1?[0-9] of 600"):
            play(stop=5.0)
        file.unlink()


def test_a_place_of_other_inputs_is_no_place(play):
    with pytest.raises(Interrupted):
        play(stop=100.0)
    _, lasted, told = play(params={"fast": 5, "slow": 20})
    assert (lasted, told) == (pytest.approx(299.0, abs=0.5), [])


def test_a_replay_that_would_order_something_else_is_refused_and_can_be_begun_anew(play, places):
    with pytest.raises(Interrupted):
        play(stop=150.0)
    (file,) = places()
    kept = json.loads(file.read_bytes())
    file.write_text(json.dumps({**kept, "digest": "0" * 64}))
    with pytest.raises(GptTraderError, match="the strategy or the program has changed"):
        play()
    assert play()[1] == pytest.approx(299.0, abs=0.5)


def test_as_fast_as_it_goes_nothing_is_kept(play, places):
    play(speed=0.0)
    assert places() == []
