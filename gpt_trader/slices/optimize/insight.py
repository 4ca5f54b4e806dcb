"""What the trials say about the space: how much each parameter matters, and a map of two of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from gpt_trader.slices.optimize.plan import Plan
    from gpt_trader.slices.optimize.trials import Trials

    Floats = NDArray[np.float64]

BINS = 20
WIDE, HIGH = 24, 12
FEWEST = 10
METHOD = "share of the variance of the first objective that each parameter explains alone, made to add up to 1"


def importance_of(plan: Plan, trials: Trials) -> dict[str, float]:
    """How much each parameter matters, the most important first; they add up to 1."""
    goal = plan.judge.table(trials)[:, 0]
    known = np.isfinite(goal)
    if known.sum() < FEWEST:
        return {}
    values, shares = goal[known] - goal[known].mean(), {}
    for axis in plan.space.axes:
        groups, count = binned(np.array(trials.sets[axis.name])[known], BINS)
        sizes = np.bincount(groups, minlength=count)
        sums = np.bincount(groups, weights=values, minlength=count)
        shares[axis.name] = float(np.sum(sums**2 / np.maximum(sizes, 1)))
    total = sum(shares.values())
    ranked = sorted(shares.items(), key=lambda pair: -pair[1])
    return {name: share / total for name, share in ranked} if total > 0.0 else {}


def binned(values: NDArray[Any], most: int) -> tuple[NDArray[np.int64], int]:
    """The group of each value: one for each different value, or as many even ones as allowed."""
    different, at = np.unique(values, return_inverse=True)
    if len(different) <= most:
        return at.astype(np.int64), len(different)
    return (at * most // len(different)).astype(np.int64), most


def heatmap_of(plan: Plan, trials: Trials, importance: dict[str, float]) -> dict[str, Any]:
    """The mean of the first objective by the two parameters that matter most; null where nothing was tried."""
    moving = [axis.name for axis in plan.space.axes if axis.size > 1]
    names = sorted(moving, key=lambda name: -importance.get(name, 0.0))[:2]
    if len(names) < 2:
        return {}
    x, y = sorted(names, key=moving.index)
    figure = trials.figure(plan.judge.objectives[0])
    known = np.isfinite(figure)
    if not known.any():
        return {}
    columns, xs = _labelled(np.array(trials.sets[x])[known], WIDE)
    rows, ys = _labelled(np.array(trials.sets[y])[known], HIGH)
    places = rows * len(xs) + columns
    sizes = np.bincount(places, minlength=len(xs) * len(ys))
    sums = np.bincount(places, weights=figure[known], minlength=len(xs) * len(ys))
    means = [float(s / n) if n else None for s, n in zip(sums, sizes, strict=True)]
    return {
        "figure": plan.judge.objectives[0],
        "x": x,
        "y": y,
        "xs": xs,
        "ys": ys,
        "values": [means[i * len(xs) : (i + 1) * len(xs)] for i in range(len(ys))],
    }


def _labelled(values: NDArray[Any], most: int) -> tuple[NDArray[np.int64], list[list[Any]]]:
    """The bin of each value, and from where to where each bin goes."""
    groups, count = binned(values, most)
    labels = []
    for group in range(count):
        inside: Sequence[Any] = np.unique(values[groups == group]).tolist()
        labels.append([inside[0], inside[-1]])
    return groups, labels
