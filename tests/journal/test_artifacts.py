"""Artifacts are named by their hash, appear whole or not at all, and outputs come back as they were."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpt_trader.core.errors import JournalCorrupt, JournalUnavailable, ValidationError
from gpt_trader.journal.artifacts import INLINE_BYTES, ArtifactFolder

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@pytest.fixture
def folder(tmp_path: Path) -> ArtifactFolder:
    return ArtifactFolder(tmp_path / "artifacts")


@given(value=st.dictionaries(st.text(), JSON, max_size=4))
def test_plain_outputs_come_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, value: dict[str, object]
) -> None:
    folder = ArtifactFolder(tmp_path_factory.getbasetemp() / "plain")
    assert folder.decode(folder.encode(value)) == value


class Word(str):
    """A text that is more than a text."""

    __slots__ = ()


SINGLE = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.text().map(Word)


@given(value=st.dictionaries(st.text(), SINGLE | JSON | st.floats().map(np.float64), max_size=4))
def test_what_is_kept_is_told_as_it_will_be_read(tmp_path_factory: pytest.TempPathFactory, value: dict[str, object]):
    """To the type, so that a step sees the same whether the one before it ran just now or before a crash."""
    folder = ArtifactFolder(tmp_path_factory.getbasetemp() / "kept")
    text, told = folder.keep(value)
    assert repr(told) == repr(folder.decode(text))
    assert told is not value


def test_values_of_python_have_one_text_form(folder: ArtifactFolder) -> None:
    value = {"d": Decimal("1.10"), "t": dt.date(2026, 1, 2), "n": np.float64(1.5), "i": np.int64(3), "a": np.arange(2)}
    assert folder.decode(folder.encode(value)) == {"d": "1.10", "t": "2026-01-02", "n": 1.5, "i": 3, "a": [0, 1]}
    assert math.isnan(folder.decode(folder.encode({"x": math.nan}))["x"])


def test_tables_inside_lists_come_back_as_tables(folder: ArtifactFolder) -> None:
    frame = pd.DataFrame({"t": pd.to_datetime(["2026-01-02"], utc=True), "close": [1.5]})
    text = folder.encode({"frames": [frame, frame], "n": 1})
    assert len(list(folder.folder.rglob("*.parquet"))) == 1
    back = folder.decode(text)
    pd.testing.assert_frame_equal(back["frames"][1], frame)


def test_long_outputs_become_one_artifact(folder: ArtifactFolder) -> None:
    value = {"text": "ä" * INLINE_BYTES, "frame": pd.DataFrame({"a": [1]})}
    text = folder.encode(value)
    assert len(text) < 200
    back = folder.decode(text)
    assert back["text"] == value["text"]
    assert back["frame"]["a"].tolist() == [1]


@pytest.mark.parametrize("value", [{"x": object()}, {"x": b"\xff\xfe"}, {"x": lambda: 1}])
def test_what_has_no_text_form_is_refused(folder: ArtifactFolder, value: object) -> None:
    with pytest.raises(ValidationError, match="cannot be kept"):
        folder.encode(value)


@pytest.mark.parametrize("kind", ["../../etc/passwd", "html", "json", 5])
@pytest.mark.parametrize("name", ["../../../etc/passwd", "0" * 64, "0" * 63, 5])
def test_what_only_looks_like_an_artifact_reads_no_file_outside(
    folder: ArtifactFolder, name: object, kind: object
) -> None:
    """An outside program may answer anything; a mark of its own making opens nothing but an artifact."""
    value = {"$artifact": name, "kind": kind, "size": 1}
    text = folder.encode({"result": value})
    if (name, kind) == ("0" * 64, "json"):
        with pytest.raises(JournalCorrupt, match="cannot be read"):
            folder.decode(text)
    else:
        assert folder.decode(text) == {"result": value}


def test_a_damaged_artifact_is_whole_again_when_the_same_is_kept_once_more(folder: ArtifactFolder) -> None:
    artifact = folder.put(b"hello", kind="html")
    folder.path(artifact).write_bytes(b"jello")
    assert folder.put(b"hello", kind="html") == artifact
    assert folder.get(artifact) == b"hello"


def test_a_damaged_artifact_is_found_when_it_is_read(folder: ArtifactFolder) -> None:
    artifact = folder.put(b"hello", kind="html")
    assert folder.get(artifact) == b"hello"
    folder.path(artifact).write_bytes(b"jello")
    with pytest.raises(JournalCorrupt, match="damaged"):
        folder.get(artifact)
    folder.path(artifact).unlink()
    with pytest.raises(JournalCorrupt, match="cannot be read"):
        folder.get(artifact)


def test_a_truncated_artifact_is_written_again(folder: ArtifactFolder) -> None:
    artifact = folder.put(b"hello", kind="html")
    folder.path(artifact).write_bytes(b"he")
    assert folder.get(folder.put(b"hello", kind="html")) == b"hello"


def test_a_folder_that_cannot_be_written_fails_plainly(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalUnavailable, match="cannot be written"):
        ArtifactFolder(tmp_path / "file").put(b"x", kind="html")


def test_nothing_is_left_over_beside_the_artifacts(folder: ArtifactFolder) -> None:
    for n in range(5):
        folder.put(b"%d" % n, kind="html")
    assert all(p.name[0] != "." for p in folder.folder.rglob("*"))
