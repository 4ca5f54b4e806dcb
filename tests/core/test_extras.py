"""An optional package is handed over, or the line that installs it is named."""

from __future__ import annotations

import sys

import pytest

from gpt_trader.core.errors import ConfigError
from gpt_trader.core.extras import needed


def test_an_installed_module_is_handed_over():
    import json.decoder

    assert needed("json.decoder", extra="x", what="a test") is json.decoder


def test_a_missing_package_is_named_with_the_line_that_installs_it():
    with pytest.raises(ConfigError, match="indicators needs no_such_package, which is not installed") as caught:
        needed("no_such_package.inner", extra="ta", what="indicators")
    assert caught.value.hint == "pip install 'gpt-trader[ta]'"


def test_what_an_installed_package_itself_lacks_is_not_blamed_on_the_extra(tmp_path, monkeypatch):
    (tmp_path / "half_a_package.py").write_text("import no_such_package\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="no_such_package"):
        needed("half_a_package", extra="ta", what="indicators")
    assert "half_a_package" not in sys.modules
