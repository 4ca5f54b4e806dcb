"""Topics and the patterns that choose among them."""

from __future__ import annotations

import pytest

from gpt_trader.core.errors import ValidationError
from gpt_trader.core.events import check_topic, topic_filter


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("trade.executed", ["trade.executed"], ["trade", "trade.executed.now", "trade_executed", "trade.Executed"]),
        ("trade.*", ["trade.executed", "trade.a.b"], ["trade", "trades.a", "x.trade.a"]),
        ("*.done", ["run.done"], ["run.x.done", "done"]),
        ("**.done", ["run.done", "run.x.done", "done"], ["run.done.x"]),
        ("a.**.z", ["a.z", "a.b.z", "a.b.c.z"], ["a", "z", "a.b"]),
        ("**", ["a", "a.b.c"], []),
        ("*", ["a", "a.b"], []),
        ("a.**", ["a", "a.b", "a.b.c"], ["b.a", "ab"]),
    ],
)
def test_a_pattern_takes_what_it_says(pattern: str, yes: list[str], no: list[str]) -> None:
    takes = topic_filter(pattern)
    assert [t for t in yes if not takes(t)] == []
    assert [t for t in no if takes(t)] == []


@pytest.mark.parametrize("topic", ["", "a b", "A.b", "a..b", ".a", "a.", "a.*", "ä.b", "a\n"])
def test_what_is_no_topic_is_refused(topic: str) -> None:
    with pytest.raises(ValidationError):
        check_topic(topic)


@pytest.mark.parametrize("pattern", ["", "a b", "a.", "***", "a.b*", "A.*", ".*"])
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(ValidationError):
        topic_filter(pattern)
