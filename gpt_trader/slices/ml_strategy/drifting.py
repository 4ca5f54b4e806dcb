"""Whether a market still looks like the one that a model was trained on: the population stability index of features."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gpt_trader.slices.ml_strategy.stored import Drift

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

BINS = 10
LOUD = 0.25
"""By custom, an index above this is a shift."""
EMPTY = 0.5
"""An empty bin counts as half a bar, so that the logarithm exists."""


def stability_index(expected: Floats, counts: Floats) -> float:
    """Sum over bins of (share - expected) * log(share / expected)."""
    shares = np.maximum(counts, EMPTY) / np.maximum(counts, EMPTY).sum()
    return float(((shares - expected) * np.log(shares / expected)).sum())


def reference_of(tables: Sequence[Floats], bars: int) -> Drift:
    """How the features of all symbols were spread, and how far any stretch of so many bars strayed from it."""
    rows = np.concatenate(tables)
    edges = [_edges(column) for column in rows.T]
    shares = [np.maximum(_counts(c, e), EMPTY) for c, e in zip(rows.T, edges, strict=True)]
    shares = [s / s.sum() for s in shares]
    usual = np.zeros(rows.shape[1])
    for table in tables:
        for first in range(0, max(len(table) - bars, 0) + 1, max(bars // 4, 1)):
            part = table[first : first + bars]
            found = [stability_index(s, _counts(c, e)) for c, e, s in zip(part.T, edges, shares, strict=True)]
            usual = np.maximum(usual, found)
    return Drift(
        bars=bars, edges=[e.tolist() for e in edges], shares=[s.tolist() for s in shares], usual=usual.tolist()
    )


def drift_of(rows: Floats, reference: Drift, names: Sequence[str]) -> dict[str, dict[str, float]]:
    """For each feature its index over these bars, and the highest that training itself showed."""
    found = {}
    for at, name in enumerate(names):
        counts = _counts(rows[:, at], np.array(reference.edges[at]))
        index = stability_index(np.array(reference.shares[at]), counts)
        found[name] = {"index": index, "usual": reference.usual[at]}
    return found


def shifted(drift: dict[str, dict[str, float]]) -> list[str]:
    """The features that shifted by custom, and further than any part of the training; the furthest first."""
    loud = [name for name, row in drift.items() if row["index"] > max(LOUD, row["usual"] * (1 + 1e-9))]
    return sorted(loud, key=lambda name: -drift[name]["index"])


def _edges(column: Floats) -> Floats:
    return np.unique(np.quantile(column, np.arange(1, BINS) / BINS))


def _counts(column: Floats, edges: Floats) -> Floats:
    places = np.searchsorted(edges, column, side="left")
    return np.bincount(places, minlength=len(edges) + 1).astype(np.float64)
