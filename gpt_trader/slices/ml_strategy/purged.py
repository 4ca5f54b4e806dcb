"""Cuts of the past into learning and judging that share nothing: what reaches from one into the other is left out.

A sample is known at its start, and what came of it at its end; both are counted in bars.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class PurgedSplit:
    """So many parts of equal time, a gap before and an embargo after each part that is judged."""

    folds: int
    gap: int = 0
    embargo: int = 0

    def forward(self, starts: Places, ends: Places) -> Iterator[tuple[Places, Places]]:
        """Each part after the first is judged by what ended, gap included, before its first sample began."""
        for part in self._parts(starts, self.folds + 1)[1:]:
            learn = np.flatnonzero(ends + self.gap < starts[part].min())
            if len(learn):
                yield learn, part

    def around(self, starts: Places, ends: Places) -> Iterator[tuple[Places, Places]]:
        """Each part is judged by all else, but for what overlaps with it, the gap before and the embargo after it."""
        for part in self._parts(starts, self.folds):
            before = ends + self.gap < starts[part].min()
            after = starts > ends[part].max() + self.embargo
            learn = np.flatnonzero(before | after)
            if len(learn):
                yield learn, part

    @staticmethod
    def _parts(starts: Places, count: int) -> list[Places]:
        """Samples of one moment stay together."""
        moments = np.unique(starts)
        return [
            np.flatnonzero((starts >= group[0]) & (starts <= group[-1]))
            for group in np.array_split(moments, count)
            if len(group)
        ]
