"""The practical limit of the sweep: a compiled loop for this one strategy, with no branch and no division in a bar."""

import sys
import time

began = time.perf_counter()
import numba

import_s = time.perf_counter() - began

import numpy as np

from benchmarks import data, sweep


@numba.njit(error_model="numpy", nogil=True)
def all_pairs(steps, averages, pairs, periods, out):
    """`steps[bar, 2 * long_now + long_before]` is the return of a bar; what is left of the peak never exceeds 1."""
    bars = steps.shape[0]
    for number in range(pairs.shape[0]):
        fast, slow = averages[pairs[number, 0]], averages[pairs[number, 1]]
        growth, left, least, total, squares = 1.0, 1.0, 1.0, 0.0, 0.0
        before, closed = 0, 0
        for bar in range(1, bars):
            now = int(fast[bar - 1] > slow[bar - 1])
            step = steps[bar, 2 * now + before]
            closed += before & (1 - now)
            before = now
            growth *= 1.0 + step
            left = min(left * (1.0 + step), 1.0)
            least = min(least, left)
            total += step
            squares += step * step
        mean = total / (bars - 1)
        variance = (squares - mean * total) / (bars - 2)
        out[number, 0] = growth - 1.0
        out[number, 1] = mean * np.sqrt(periods / variance) if variance > 0 else 0.0
        out[number, 2] = least - 1.0
        out[number, 3] = closed


close = data.for_sweep()["close"]
windows = range(sweep.FIRST, sweep.LAST + 1)
pairs = np.array([(i, j) for i in range(len(windows)) for j in range(i + 1, len(windows))])


def work():
    sums = np.concatenate(([0.0], np.cumsum(close)))
    averages = np.full((len(windows), len(close)), np.nan)
    for row, window in zip(averages, windows, strict=True):
        row[window - 1 :] = (sums[window:] - sums[:-window]) / window
    market = np.concatenate(([0.0], np.diff(close) / close[:-1]))
    entering = (1.0 + market) / (1.0 + data.FEE) - 1.0
    steps = np.column_stack((np.zeros(len(close)), np.full(len(close), -data.FEE), entering, market))
    out = np.empty((len(pairs), 4))
    all_pairs(np.ascontiguousarray(steps), averages, pairs, sweep.PERIODS, out)
    return out


sweep.tell(len(pairs), import_s, work, once=sys.argv[1:] == ["once"], repeats=9)
