"""Finished trials as columns: what was tried, what came of it, and which of them count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from gpt_trader.slices.optimize.job import LOW_IS_GOOD, Outcome
from gpt_trader.slices.optimize.space import Sets, count_of

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

DONE, EARLY, FAILED = "done", "ended early", "failed"
HUGE = 1e12
"""What an infinite figure counts as, such as the profit factor of trades that never lost."""


@dataclass(slots=True)
class Trials:
    """The trials of one search, each number once; the first word on a number is the last."""

    numbers: list[int] = field(default_factory=list)
    sets: Sets = field(default_factory=dict)
    figures: dict[str, list[float]] = field(default_factory=dict)
    errors: dict[int, str] = field(default_factory=dict)
    rungs: dict[int, list[float]] = field(default_factory=dict)
    known: set[int] = field(default_factory=set)

    def __len__(self) -> int:
        return len(self.numbers)

    def add(self, numbers: Sequence[int], sets: Sets, found: Outcome) -> None:
        """Take in what a job found."""
        fresh = [i for i, number in enumerate(numbers) if number not in self.known]
        if len(fresh) < len(numbers):
            numbers = [numbers[i] for i in fresh]
            sets = {name: [column[i] for i in fresh] for name, column in sets.items()}
        self.numbers += numbers
        self.known.update(numbers)
        for name, column in sets.items():
            self.sets.setdefault(name, []).extend(column)
        for name, values in found["figures"].items():
            kept = values if len(fresh) == len(values) else [values[i] for i in fresh]
            self.figures.setdefault(name, []).extend(kept)
        for at, i in enumerate(fresh):
            if i in found["errors"]:
                self.errors[numbers[at]] = found["errors"][i]
            if i in found["rungs"]:
                self.rungs[numbers[at]] = found["rungs"][i]

    def until(self, end: int) -> Trials:
        """The trials with lower numbers, in their order: in whatever order they ended, the result is the same."""
        if self.numbers == list(range(end)):
            return self
        order = [i for i in np.argsort(np.array(self.numbers, dtype=np.int64)).tolist() if self.numbers[i] < end]
        return Trials(
            [self.numbers[i] for i in order],
            {name: [column[i] for i in order] for name, column in self.sets.items()},
            {name: [column[i] for i in order] for name, column in self.figures.items()},
            {number: text for number, text in self.errors.items() if number < end},
            {number: seen for number, seen in self.rungs.items() if number < end},
            {number for number in self.known if number < end},
        )

    def of_set(self, params: Mapping[str, Any]) -> Outcome | None:
        """What came of a set that was tried to its end before."""
        for at, number in enumerate(self.numbers):
            same = all(self.sets[name][at] == value for name, value in params.items())
            if same and number not in self.errors and number not in self.rungs:
                figures = {name: [column[at]] for name, column in self.figures.items()}
                return Outcome(figures=figures, errors={}, rungs={}, seconds=0.0)
        return None

    def set_of(self, at: int) -> tuple[Any, ...]:
        """The values of a trial's set: a sampler that learns may ask for the same one again."""
        return tuple(column[at] for column in self.sets.values())

    def figure(self, name: str) -> Floats:
        """One figure of every trial."""
        return np.array(self.figures.get(name, ()), dtype=np.float64)

    def goal(self, name: str) -> Floats:
        """A figure so that more is better; what is not defined is NaN."""
        values = np.nan_to_num(self.figure(name), nan=np.nan, posinf=HUGE, neginf=-HUGE)
        return -values if name in LOW_IS_GOOD else values

    def states(self) -> list[str]:
        """How each trial ended."""
        early = {n for n in self.rungs if n not in self.errors}
        if not early and not self.errors:
            return [DONE] * len(self)
        ended = np.isnan(self.figure("total_return"))
        return [
            FAILED if n in self.errors else EARLY if n in early and ended[i] else DONE
            for i, n in enumerate(self.numbers)
        ]

    def values(self) -> Mapping[str, Any]:
        """Every column by name, for conditions."""
        return {**self.sets, **self.figures}

    def frame(self, breaks: Floats) -> pd.DataFrame:
        """One row for each trial; `allowed` says whether it keeps the conditions."""
        import pandas as pd

        # Arrays, because a table of lists looks at every value.
        columns: dict[str, Any] = {"number": np.array(self.numbers), "state": _categories(self.states())}
        columns |= {name: np.array(values) for name, values in (*self.sets.items(), *self.figures.items())}
        columns["allowed"] = breaks == 0.0
        columns["error"] = [self.errors.get(n, "") for n in self.numbers] if self.errors else ""
        return pd.DataFrame(columns)


def _categories(states: Sequence[str]) -> Any:
    import pandas as pd

    words = [DONE, EARLY, FAILED]
    codes = np.zeros(len(states), dtype=np.int8)
    for code, word in enumerate(words[1:], 1):
        codes[[i for i, state in enumerate(states) if state == word]] = code
    return pd.Categorical.from_codes(codes, categories=pd.Index(words))


def rows_of(numbers: Sequence[int], sets: Sets, found: Outcome) -> dict[str, Any]:
    """What a job found, as one JSON object."""
    return {
        "numbers": list(numbers),
        "sets": sets,
        "figures": found["figures"],
        "errors": {str(i): text for i, text in found["errors"].items()},
        "rungs": {str(i): values for i, values in found["rungs"].items()},
    }


def read(row: Mapping[str, Any]) -> tuple[list[int], Sets, Outcome]:
    """What `rows_of` wrote."""
    found = Outcome(
        figures=row["figures"],
        errors={int(i): text for i, text in row["errors"].items()},
        rungs={int(i): values for i, values in row["rungs"].items()},
        seconds=0.0,
    )
    assert count_of(row["sets"]) == len(row["numbers"])
    return row["numbers"], row["sets"], found
