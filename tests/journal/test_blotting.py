"""No part of a table keeps a secret, whatever the type of a column is, and what holds none stays as it was."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from gpt_trader.core.secrets import Secrets
from gpt_trader.journal.artifacts import ArtifactFolder
from gpt_trader.journal.blotting import without

SECRET = "S3cr3t-value-9"
ARROW = pd.ArrowDtype(pa.string())
TWO = [SECRET, "b"]


def _noted() -> pd.DataFrame:
    table = pd.DataFrame({"n": [1, 2]})
    table.attrs["from"] = {"key": SECRET}
    return table


TABLES: dict[str, pd.DataFrame] = {
    "objects": pd.DataFrame({"o": pd.Series([*TWO, None], dtype=object)}),
    "texts": pd.DataFrame({"o": pd.Series([*TWO, None], dtype="string")}),
    "arrow": pd.DataFrame({"o": pd.Series([*TWO, None], dtype=ARROW)}),
    "arrow bytes": pd.DataFrame({"o": pd.Series([SECRET.encode(), b"b"], dtype=pd.ArrowDtype(pa.binary()))}),
    "categories": pd.DataFrame({"o": pd.Categorical([SECRET, f"{SECRET}!", "b", None], ordered=True)}),
    "bytes": pd.DataFrame({"o": [SECRET.encode(), b"b"]}),
    "lists": pd.DataFrame({"o": [TWO, ["b"]]}),
    "arrays": pd.DataFrame({"o": [np.array(TWO, dtype=object), np.array(["b"], dtype=object)]}),
    "maps": pd.DataFrame({"o": [{"k": SECRET}, {"k": "b"}]}),
    "index": pd.DataFrame({"n": [1, 2]}, index=pd.Index(TWO, name=SECRET)),
    "indexes": pd.DataFrame({"a": TWO, "b": [1, 2], "n": [1, 2]}).set_index(["a", "b"]),
    "category index": pd.DataFrame({"n": [1, 2]}, index=pd.CategoricalIndex(TWO)),
    "names": pd.DataFrame({SECRET: [1, 2], "n": [1, 2]}),
    "notes": _noted(),
}


@pytest.fixture
def folder(tmp_path: Path) -> ArtifactFolder:
    made = ArtifactFolder(tmp_path / "artifacts")
    made.secrets = Secrets([SECRET])
    return made


def _everything(table: pd.DataFrame) -> str:
    cells = [repr(value) for value in table.reset_index().to_numpy().ravel().tolist()]
    return repr([cells, table.columns.tolist(), table.index.names, table.attrs])


@pytest.mark.parametrize("where", TABLES)
def test_no_part_of_a_table_keeps_a_secret(folder: ArtifactFolder, where: str) -> None:
    table = TABLES[where]
    before = _everything(table)
    assert SECRET in before
    back = folder.decode(folder.encode({"table": table}))["table"]
    assert SECRET not in _everything(back)
    assert "***" in _everything(back)
    assert not any(SECRET.encode() in file.read_bytes() for file in folder.folder.glob("*/*"))
    assert len(back) == len(table)
    assert _everything(table) == before, "the step's own table is left alone"


def test_a_list_of_arrow_that_pandas_writes_but_does_not_read_is_clean_too() -> None:
    kind = pd.ArrowDtype(pa.list_(pa.string()))
    cleaned = without(Secrets([SECRET]), pd.DataFrame({"o": pd.Series([TWO, None], dtype=kind)}))
    assert cleaned["o"].dtype == kind
    assert cleaned["o"][0] == ["***", "b"]


def test_a_column_keeps_its_type_and_the_rest_of_its_cells(folder: ArtifactFolder) -> None:
    table = pd.concat([TABLES[name] for name in ("texts", "categories", "arrow")], axis=1).iloc[:2]
    table.columns = pd.Index(["texts", "categories", "arrow"])
    back = folder.decode(folder.encode({"table": table}))["table"]
    assert [str(kind) for kind in back.dtypes] == [str(kind) for kind in _reread(folder, table).dtypes]
    assert back["texts"].tolist() == ["***", "b"]
    assert back["categories"].tolist() == ["***", "***!"]
    assert back["categories"].cat.ordered


def _reread(folder: ArtifactFolder, table: pd.DataFrame) -> Any:
    other = ArtifactFolder(folder.folder.parent / "other")
    return other.decode(other.encode({"table": table}))["table"]


def test_what_holds_no_secret_is_kept_to_the_byte(folder: ArtifactFolder) -> None:
    table = pd.DataFrame(
        {
            "n": [12345678, 2],
            "x": [0.1, np.nan],
            "t": pd.DatetimeIndex(["2026-01-02", pd.NaT], tz="UTC"),
            "o": ["a", None],
            "d": [Decimal("12345678.5"), None],
            "l": [(1, 2), None],
            "c": pd.Categorical(["a", "b"]),
        }
    )
    other = ArtifactFolder(folder.folder.parent / "other")
    folder.secrets.know("12345678")
    assert folder.encode({"table": table}) == other.encode({"table": table})
