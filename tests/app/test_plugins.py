"""Plugins come from entry points of allowed distributions and from the project's folder; none is loaded early."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gpt_trader.app.plugins import not_allowed, offers, slice_catalog, strategy_catalog
from gpt_trader.core.errors import NotFound, ValidationError
from gpt_trader.core.slices import Slice

CODE = """
import gpt_trader
from pathlib import Path

Path(__file__).with_suffix(".loaded").touch()


class Given(gpt_trader.Params):
    n: int = 1


class Gave(gpt_trader.Outputs):
    n: int


class Foreign(gpt_trader.Slice):
    \"\"\"From elsewhere.\"\"\"

    name = "foreign"

    @gpt_trader.method()
    def add(self, params: Given, ctx: gpt_trader.StepContext) -> Gave:
        \"\"\"Add.\"\"\"
        return Gave(n=params.n + 1)
"""


def distribute(folder: Path, patch: pytest.MonkeyPatch, kind: str, entry: str, code: str) -> Path:
    """Put a distribution where pip would; returns what appears when its module, which the entry names, is loaded."""
    module, site = entry.partition(" = ")[2].partition(":")[0], folder / "site"
    name = module.removesuffix("_module")
    info = site / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[gpt_trader.{kind}]\n{entry}\n")
    (site / f"{module}.py").write_text(code)
    patch.syspath_prepend(str(site))
    patch.delitem(sys.modules, module, raising=False)
    return site / f"{module}.loaded"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A distribution with a slice."""
    return distribute(tmp_path, monkeypatch, "slices", "foreign = foreign_slices_module:Foreign", CODE)


def test_a_slice_of_an_allowed_distribution_is_found_and_loaded_when_it_is_used(installed: Path) -> None:
    catalog = slice_catalog(Path("nowhere"), ("foreign-slices",))
    assert "foreign" in catalog
    assert not installed.exists()
    assert catalog.method("foreign", "add").summary == "Add."
    assert installed.exists()


def test_a_distribution_that_is_not_allowed_is_named_and_never_loaded(installed: Path) -> None:
    catalog = slice_catalog(Path("nowhere"), ())
    with pytest.raises(NotFound):
        catalog["foreign"]
    assert [(o.name, o.origin, o.allowed) for o in not_allowed("slices", ())] == [("foreign", "foreign-slices", False)]
    assert not installed.exists()


def test_an_entry_point_that_leads_nowhere_is_told_when_it_is_used(installed: Path) -> None:
    installed.with_name("foreign_slices_module.py").write_text("")
    catalog = slice_catalog(Path("nowhere"), ("foreign-slices",))
    with pytest.raises(ValidationError, match=r"plugin 'foreign' .* cannot be loaded"):
        catalog["foreign"]


def test_a_plugin_that_calls_exit_ends_nothing(tmp_path: Path) -> None:
    own = tmp_path / "slices"
    own.mkdir()
    (own / "leaving.py").write_text("raise SystemExit(7)\n")
    with pytest.raises(ValidationError, match=r"leaving\.py cannot be loaded: SystemExit: 7"):
        slice_catalog(tmp_path, ())["leaving"]


def test_two_that_offer_the_same_name_are_told(installed: Path, tmp_path: Path) -> None:
    own = tmp_path / "plugins" / "slices"
    own.mkdir(parents=True)
    (own / "foreign.py").write_text(CODE)
    with pytest.raises(ValidationError, match="two slices are called 'foreign'"):
        slice_catalog(tmp_path / "plugins", ("foreign-slices",))


def test_the_programs_own_slices_are_entry_points_like_any_other() -> None:
    own = [o.name for o in offers("slices", Path("nowhere"), (), Slice)]
    assert {"data", "backtest", "monitor"} <= set(own)


STRATEGY = """
import pathlib

import gpt_trader

pathlib.Path(__file__).with_suffix(".loaded").touch()


class Patient(gpt_trader.TradingStrategyPlugin):
    def on_market_data(self, market_data):
        return None
"""


@pytest.fixture
def sold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A distribution with a strategy."""
    return distribute(tmp_path, monkeypatch, "strategies", "patient = sold_strategies_module:Patient", STRATEGY)


def test_a_strategy_of_an_allowed_distribution_is_found_and_loaded_when_it_is_used(sold: Path) -> None:
    catalog = strategy_catalog(Path("nowhere"), ("sold-strategies",))
    assert "patient" in catalog
    assert not sold.exists()
    assert catalog["patient"].__name__ == "Patient"
    assert sold.exists()


def test_a_strategy_of_a_distribution_that_is_not_allowed_is_named_and_never_loaded(sold: Path) -> None:
    with pytest.raises(NotFound):
        strategy_catalog(Path("nowhere"), ())["patient"]
    found = [(o.name, o.origin, o.allowed) for o in not_allowed("strategies", ())]
    assert found == [("patient", "sold-strategies", False)]
    assert not sold.exists()
