"""Cuts for validation by hand, and the promise that nothing reaches from one side to the other."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gpt_trader.slices.ml_strategy.purged import PurgedSplit

STARTS = np.arange(12)
ENDS = STARTS + 2  # what came of a sample is known two bars later


def lists(folds):
    return [(learn.tolist(), test.tolist()) for learn, test in folds]


def test_forward_by_hand():
    """Twelve samples in three parts of four: 4-7 may learn from what ended before 4, 8-11 from what ended before 8."""
    assert lists(PurgedSplit(2).forward(STARTS, ENDS)) == [
        ([0, 1], [4, 5, 6, 7]),
        ([0, 1, 2, 3, 4, 5], [8, 9, 10, 11]),
    ]


def test_a_gap_leaves_out_more_before_the_part():
    assert lists(PurgedSplit(2, gap=3).forward(STARTS, ENDS)) == [([0, 1, 2], [8, 9, 10, 11])]
    assert lists(PurgedSplit(2, gap=1).forward(STARTS, ENDS)) == [
        ([0], [4, 5, 6, 7]),
        ([0, 1, 2, 3, 4], [8, 9, 10, 11]),
    ]


def test_around_by_hand():
    """Parts 0-3, 4-7, 8-11; the last outcome of the middle one is known at 9, so that 10 and 11 may be learned from."""
    assert lists(PurgedSplit(3).around(STARTS, ENDS)) == [
        ([6, 7, 8, 9, 10, 11], [0, 1, 2, 3]),
        ([0, 1, 10, 11], [4, 5, 6, 7]),
        ([0, 1, 2, 3, 4, 5], [8, 9, 10, 11]),
    ]


def test_an_embargo_leaves_out_more_after_the_part():
    assert lists(PurgedSplit(3, embargo=1).around(STARTS, ENDS)) == [
        ([7, 8, 9, 10, 11], [0, 1, 2, 3]),
        ([0, 1, 11], [4, 5, 6, 7]),
        ([0, 1, 2, 3, 4, 5], [8, 9, 10, 11]),
    ]


def test_samples_of_one_moment_stay_together():
    starts = np.repeat(np.arange(6), 2)  # two symbols
    for learn, test in PurgedSplit(2).forward(starts, starts + 1):
        assert not set(starts[learn]) & set(starts[test])
        assert all(np.sum(starts[test] == moment) == 2 for moment in set(starts[test].tolist()))


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 15)), min_size=4, max_size=60),
    st.integers(2, 5), st.integers(0, 5), st.integers(0, 8),
)  # fmt: skip
def test_what_is_learned_from_never_touches_what_is_judged(samples, folds, gap, embargo):
    starts = np.array([start for start, _ in samples])
    ends = starts + np.array([length for _, length in samples])
    split = PurgedSplit(folds, gap=gap, embargo=embargo)
    for learn, test in split.forward(starts, ends):
        assert ends[learn].max() + gap < starts[test].min()
    for learn, test in split.around(starts, ends):
        first, last = starts[test].min(), ends[test].max()
        assert all(e + gap < first or s > last + embargo for s, e in zip(starts[learn], ends[learn], strict=True))
    judged = np.concatenate([np.array([], dtype=int), *(test for _, test in split.around(starts, ends))])
    assert len(judged) == len(set(judged.tolist()))
