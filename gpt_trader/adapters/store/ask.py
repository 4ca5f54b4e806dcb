"""Questions to a stored series: which bars of a range were valid at a moment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gpt_trader.adapters.store.sheet import FIELDS, VALUES, opened, readable

if TYPE_CHECKING:
    from numpy.typing import NDArray

VALID = f"""
    select ts, {", ".join(VALUES)} from bars
    where ts >= $first and ts < $last and known <= $known
    qualify known = max(known) over (partition by ts)
    order by ts
"""  # noqa: S608 - the names are ours
ALWAYS = 2**63 - 1


def bars_known(path: Path, first: int, last: int, *, known: int = ALWAYS) -> dict[str, NDArray[Any]]:
    """The columns of the bars that open in the range, as they were known at the moment.

    pyarrow reads, for it checks every page against its checksum, and only the groups of rows that the range touches;
    duckdb answers.
    """
    import duckdb

    with readable(path):
        file = opened(path)
        bars = file.read_row_groups(list(_groups(file.metadata, first, last)), columns=list(FIELDS))
    with duckdb.connect(config={"threads": 2, "autoinstall_known_extensions": False}) as connection:
        connection.register("bars", bars)
        found = connection.execute(VALID, {"first": first, "last": last, "known": known}).fetchnumpy()
    return {str(name): np.asarray(column) for name, column in found.items()}


def _groups(metadata: Any, first: int, last: int) -> list[int]:
    groups = []
    for at in range(metadata.num_row_groups):
        told = metadata.row_group(at).column(0).statistics
        if told is None or not told.has_min_max or (told.min < last and told.max >= first):
            groups.append(at)
    return groups
