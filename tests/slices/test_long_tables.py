"""Tables of bars that stay on the disk: the same to every slice and to the journal, and never silently another."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gpt_trader.core.errors import BadData, JournalCorrupt, NoBars
from gpt_trader.core.frames import bars_of
from gpt_trader.core.stored import BarTable
from gpt_trader.journal import barfile
from gpt_trader.journal.artifacts import named_in
from gpt_trader.slices.backtest.params import BacktestParams
from gpt_trader.slices.backtest.slice import Backtest
from gpt_trader.slices.data.params import Table
from gpt_trader.workflow.pen import params_hash
from tests.slices.test_data import data  # noqa: F401 - a fixture

NAMES = [f"S{n}" for n in range(5)]
TRADED: dict[str, Any] = {"strategy": "sma_cross", "params": {"fast": 3, "slow": 9}}


@pytest.fixture
def fetch(data, ctx):  # noqa: F811
    def fetched(**given):
        options = {"seed": 3, "bars": 300, **given.pop("options", {})}
        return data.get_historical(Table(provider="synthetic", options=options, **{"symbols": NAMES, **given}), ctx)

    return fetched


def last_close(bars):
    return float(bars.close[-1])


def test_a_table_stays_on_the_disk_from_so_many_bars_on(fetch):
    assert isinstance(fetch(held=1500).bars, pd.DataFrame)
    kept, table = fetch(held=10**6), fetch(held=1499)
    assert isinstance(table.bars, BarTable)
    for name in ("data_provenance", "quarantine", "actions", "bar_count"):
        assert getattr(table, name) == getattr(kept, name)
    for one, other in zip(bars_of(table.bars, table.data_provenance), bars_of(kept.bars), strict=True):
        assert (one.symbol, one.content_hash) == (other.symbol, other.content_hash)


def test_the_file_is_the_table_for_any_reader_of_arrow(fetch, artifacts):
    kept, table = fetch().bars, fetch(held=0).bars
    read = pd.read_feather(artifacts.path(table.artifact))
    pd.testing.assert_frame_equal(read, kept, check_categorical=False, check_dtype=False)


def test_a_backtest_of_it_is_the_same_to_the_last_digit(fetch, strategies, ctx, resumed):
    plain: dict[str, Any] = {}
    late: dict[str, Any] = {"decided_at": "2020-03-02T00:00:00+00:00"}
    limited: dict[str, Any] = {"close_at_end": "close", "limits": "standard"}
    for more in (plain, late, limited):
        found = []
        for given in (fetch(), fetch(held=0)):
            bars = resumed(given)["bars"]
            asked = BacktestParams(bars=bars, data_provenance=given.data_provenance, **TRADED, **more)
            found.append(Backtest(strategies).execute(asked, ctx))
        kept, stored = found
        pd.testing.assert_frame_equal(stored.equity, kept.equity, check_exact=True)
        pd.testing.assert_frame_equal(stored.trades, kept.trades, check_exact=True)
        assert stored.trade_count > 10 or more is limited
        assert stored.refusals == kept.refusals
        assert bool(stored.refusals) is (more is limited)
        assert stored.provenance == kept.provenance
        assert stored.metrics == kept.metrics


def test_another_process_reads_it_too(fetch):
    table = fetch(held=0).bars
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        assert list(pool.map(last_close, table)) == [last_close(b) for b in bars_of(fetch().bars)]


def test_params_with_other_bars_have_another_hash(fetch):
    one, same, other = fetch(held=0), fetch(held=0), fetch(held=0, options={"seed": 4})
    assert params_hash({"bars": one.bars}) == params_hash({"bars": same.bars})
    assert params_hash({"bars": one.bars}) != params_hash({"bars": other.bars})


def test_the_journal_names_the_file_and_checks_it(fetch, artifacts):
    given = fetch(held=0)
    text = artifacts.encode({"bars": given.bars})
    assert given.bars.artifact.hash in named_in(text.encode())
    again = artifacts.decode(text)["bars"]
    assert [b.content_hash for b in bars_of(again)] == [b.content_hash for b in bars_of(given.bars)]
    path = artifacts.path(given.bars.artifact)
    whole = path.read_bytes()
    for damaged in (whole[:-7], whole[:-900], whole[:5000] + b"\x00\x01" + whole[5002:], b""):
        path.write_bytes(damaged)
        with pytest.raises(JournalCorrupt, match="damaged"):
            artifacts.decode(text)
    path.unlink()
    with pytest.raises(JournalCorrupt, match="cannot be read"):
        artifacts.decode(text)


def test_what_only_looks_like_a_table_is_left_as_it_is(artifacts):
    for value in ({"$bars": 1}, {"$bars": {"artifact": "x", "size": 1, "series": []}}, {"$bars": {}, "b": 2}):
        assert artifacts.decode(artifacts.encode({"a": value})) == {"a": value}


def test_a_sweep_leaves_what_is_named_and_takes_what_was_begun(fetch, artifacts):
    table = fetch(held=0).bars
    begun = artifacts.folder / "begun" / "1.2.arrow"
    begun.write_bytes(b"half")
    assert artifacts.sweep({table.artifact.hash}, before=2e10)[0] == 1
    assert not begun.exists()
    assert artifacts.path(table.artifact).exists()


def test_a_symbol_that_cannot_be_had_leaves_nothing_half_written(fetch, artifacts):
    with pytest.raises(NoBars):
        fetch(held=0, start="2020-01-04", end="2020-01-05")
    assert [f for f in artifacts.folder.rglob("*") if f.is_file()] == []


def test_bars_that_their_provenance_does_not_speak_of_are_refused(fetch, strategies, ctx):
    given, other = fetch(held=0), fetch(held=0, options={"seed": 4})
    asked = BacktestParams(bars=given.bars, data_provenance=other.data_provenance, **TRADED)
    with pytest.raises(BadData, match="provenance speaks of"):
        Backtest(strategies).execute(asked, ctx)


def test_a_symbol_without_a_price_is_refused_from_the_disk_too(artifacts, strategies, ctx):
    from tests.slices.market import walk

    empty = np.full(50, np.nan)
    bars = walk(50, seed=1)
    from dataclasses import replace

    nothing = replace(bars, symbol="BBB", open=empty, high=empty, low=empty, close=empty)
    table = artifacts.put_bars(iter([bars, nothing]), ["AAA", "BBB"])
    with pytest.raises(BadData, match="BBB"):
        Backtest(strategies).execute(BacktestParams(bars=table, **TRADED), ctx)


def test_a_part_without_bars_is_empty_wherever_it_lies(artifacts):
    """Also where a group of rows ends, and where the file does."""
    from tests.slices.market import walk

    group = barfile.GROUP
    bars = walk(group, seed=1)
    stored = artifacts.put_bars(iter([bars]), [bars.symbol])[0]
    for first in (0, 1, group - 1, group, group + 1):
        part, like = stored[first:first], bars[first:first]
        assert (len(part), part.close.shape, part.ts.dtype) == (0, (0,), like.ts.dtype)
        assert part.loaded().close.dtype == like.close.dtype
        assert part.content_hash == like.content_hash


def test_the_other_slices_that_trade_take_it_too(fetch, strategies, ctx):
    from gpt_trader.adapters.feeds.replay import Replay
    from gpt_trader.app.words import limits_of_words
    from gpt_trader.slices.adaptive_portfolio.slice import AdaptivePortfolio
    from gpt_trader.slices.optimize.slice import Optimize
    from gpt_trader.slices.paper_trade.slice import PaperTrade

    def played(bars: Any) -> Any:
        paper: Any = PaperTrade(strategies, Replay, limits_of_words)
        return paper.replay(
            paper.methods["replay"].check({"bars": bars, "limits": {"session_loss": 0.9}, **TRADED}), ctx
        ).equity

    def weighed(bars: Any) -> Any:
        folio: Any = AdaptivePortfolio(strategies, limits_of_words)
        asked = {"bars": bars, "allocation": "inverse_volatility"}
        return folio.rebalance(folio.methods["rebalance"].check(asked), ctx).equity

    def searched(bars: Any) -> Any:
        search: Any = Optimize(strategies, None)  # type: ignore[arg-type]
        asked = {"bars": bars, "strategy": "sma_cross", "space": {"fast": "2:4", "slow": "6:8"}, "engine": "desk"}
        return search.search(search.methods["search"].check(asked), ctx).trial_table

    kept, stored = fetch().bars, fetch(held=0).bars
    for use in (played, weighed, searched):
        pd.testing.assert_frame_equal(use(stored), use(kept), check_exact=True)
