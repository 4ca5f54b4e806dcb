"""Tables without secrets: none in a cell, an index, a name or the notes of one; a column without any stays as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gpt_trader.core.secrets import Secrets

_NUMBERS = "biufcmM"
"""Kinds of numbers and times, which no secret is looked for in."""


def without(secrets: Secrets, table: Any) -> Any:
    """The table with no secret in it."""
    made = table.copy(deep=False)
    for name in table.columns:
        column = table[name]
        cleaned = _column(secrets, column)
        if cleaned is not column:
            made[name] = cleaned
    made.index = _index(secrets, table.index)
    made.columns = _index(secrets, table.columns)
    if table.attrs:
        made.attrs = secrets.clean_values(table.attrs)
    return made


def _column(secrets: Secrets, column: Any) -> Any:
    """A column whose texts are clean, of the same type where that can hold them; each different text is seen once."""
    import pandas as pd

    if column.dtype.kind in _NUMBERS:
        return column
    groups = isinstance(column.dtype, pd.CategoricalDtype)
    try:
        known = _cleaned(secrets, list(column.cat.categories if groups else column.unique()))
    except (TypeError, NotImplementedError):  # lists and maps are not hashable
        return _cell_by_cell(secrets, column)
    changed = {value: cleaned for value, cleaned in known.items() if cleaned is not value}
    if not changed:
        return column
    cells = [changed.get(value, value) for value in column]
    if groups:
        kind = pd.CategoricalDtype(list(dict.fromkeys(known.values())), ordered=column.dtype.ordered)
        return pd.Series(cells, index=column.index, dtype=kind)
    return _as_before(cells, column)


def _cleaned(secrets: Secrets, values: list[Any]) -> dict[Any, Any]:
    """Each value and what is kept for it; texts are searched all at once, for mostly none of them holds a secret."""
    texts = "\n".join(value for value in values if isinstance(value, str))
    search = secrets.may_be_in(texts)
    return {value: _cell(secrets, value) if search or not isinstance(value, str) else value for value in values}


def _cell_by_cell(secrets: Secrets, column: Any) -> Any:
    before = list(column)
    cells = [_cell(secrets, value) for value in before]
    return column if all(new is old for new, old in zip(cells, before, strict=True)) else _as_before(cells, column)


def _as_before(cells: list[Any], column: Any) -> Any:
    """A column of these cells, of the type of the other."""
    import pandas as pd

    made = pd.Series(cells, index=column.index, dtype=object)
    try:
        return made.astype(column.dtype)
    except (TypeError, ValueError, NotImplementedError):
        return made


def _cell(secrets: Secrets, value: Any) -> Any:
    """The value itself, if there is no secret in it."""
    if hasattr(value, "dtype") and value.dtype.kind in _NUMBERS:
        return value
    plain = value.tolist() if hasattr(value, "tolist") else value
    cleaned = secrets.clean_values(plain)
    return value if cleaned is plain or cleaned == plain else cleaned


def _index(secrets: Secrets, index: Any) -> Any:
    """An index, or the names of columns, likewise."""
    import pandas as pd

    if index.nlevels > 1:
        if any(_labels(secrets, level) is not level for level in index.levels):
            levels = [_labels(secrets, index.get_level_values(n)) for n in range(index.nlevels)]
            index = pd.MultiIndex.from_arrays(levels, names=index.names)
    else:
        index = _labels(secrets, index)
    names = secrets.clean_values(list(index.names))
    return index if names == list(index.names) else index.set_names(names)


def _labels(secrets: Secrets, index: Any) -> Any:
    import pandas as pd

    if index.dtype.kind in _NUMBERS:
        return index
    column = pd.Series(index, index=range(len(index)))
    cleaned = _column(secrets, column)
    return index if cleaned is column else pd.Index(cleaned, name=index.name)
