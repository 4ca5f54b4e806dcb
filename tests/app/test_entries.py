"""Entry points read from their own file are those that importlib.metadata knows."""

from __future__ import annotations

import os
from importlib import metadata
from pathlib import Path

import pytest

from gpt_trader.app.entries import Entry, entries
from gpt_trader.core.version import VERSION


def test_it_reads_what_importlib_metadata_reads() -> None:
    """Of everything that is installed here, and of every group in it."""
    compared = 0
    for name in {dist.name for dist in metadata.distributions()}:
        for group in metadata.distribution(name).entry_points.groups:
            known = metadata.distribution(name).entry_points.select(group=group)
            assert entries(name, group) == sorted((Entry(e.name, e.value) for e in known), key=lambda e: e.name)
            compared += 1
    assert compared > 10


def test_what_an_entry_stands_for_is_imported() -> None:
    found = {entry.name: entry for entry in entries("GPT_Trader", "gpt_trader.slices")}
    assert found["data"].load().name == "data"
    assert Entry("join", "os:path.join").load() is os.path.join
    assert Entry("join", "os : path.join [extra]").load() is os.path.join
    assert Entry("os", "os").load() is os


def test_a_name_is_found_however_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As pip has it, the first folder of Python's path counts; a distribution may also offer nothing."""
    for site, value in (("first", "one:A"), ("second", "two:B")):
        info = tmp_path / site / "My.Own_Slices-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "entry_points.txt").write_text(
            f"# a note\n[other]\nx = y:Z\n[ group ]\na = {value} [extra]\n; no = it\n"
        )
    (tmp_path / "first" / "quiet-1.0.dist-info").mkdir()
    (tmp_path / "first" / "shut-1.0.dist-info" / "entry_points.txt").mkdir(parents=True)  # cannot be read
    monkeypatch.setattr("sys.path", [str(tmp_path / "nowhere"), str(tmp_path / "first"), str(tmp_path / "second")])
    assert entries("my-own-slices", "group") == entries("MY_own.slices", "group") == [Entry("a", "one:A [extra]")]
    assert entries("quiet", "group") == entries("shut", "group") == entries("unheard-of", "group") == []


def test_one_that_is_installed_in_another_way_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "old.egg-info"
    info.mkdir()
    (info / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: old\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[group]\na = os:path [extra]\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    (entry,) = entries("old", "group")
    assert entry.load() is os.path


def test_the_version_is_that_of_the_distribution() -> None:
    assert metadata.version("gpt-trader") == VERSION
