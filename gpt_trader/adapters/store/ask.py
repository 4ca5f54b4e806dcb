"""Questions to a stored series: which bars of a range were valid at a moment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gpt_trader.adapters.store.sheet import FIELDS, VALUES, opened, readable

if TYPE_CHECKING:
    from numpy.typing import NDArray

COLUMNS = ", ".join(("ts", *VALUES))
RANGE = f"select {COLUMNS} from bars where ts >= $first and ts < $last"  # noqa: S608 - the names are ours
LAST = " and known <= $known qualify known = max(known) over (partition by ts)"
ALWAYS = 2**63 - 1


def bars_known(path: Path, first: int, last: int, *, known: int | None = ALWAYS) -> dict[str, NDArray[Any]]:
    """The columns of the bars that open in the range, as they were known at the moment; None: no row was superseded.

    pyarrow reads, for it checks every page against its checksum, and only the groups of rows that the range touches;
    duckdb answers.
    """
    import duckdb

    asked = {"first": first, "last": last} | ({} if known is None else {"known": known})
    with readable(path):
        file = opened(path)
        bars = file.read_row_groups(list(_groups(file.metadata, first, last)), columns=list(FIELDS))
    with duckdb.connect(config={"threads": 2, "autoinstall_known_extensions": False}) as connection:
        connection.register("bars", bars)
        question = RANGE + (LAST if known is not None else "") + " order by ts"
        found = connection.execute(question, asked).fetchnumpy()
    return {str(name): np.asarray(column) for name, column in found.items()}


def _groups(metadata: Any, first: int, last: int) -> list[int]:
    groups = []
    for at in range(metadata.num_row_groups):
        told = metadata.row_group(at).column(0).statistics
        if told is None or not told.has_min_max or (told.min < last and told.max >= first):
            groups.append(at)
    return groups
