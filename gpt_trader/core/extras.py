"""One way to use an optional package, so that whoever lacks it is told which line installs it."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from gpt_trader.core.errors import ConfigError


def needed(module: str, *, extra: str, what: str) -> Any:
    """The module of an extra; where it is not installed, an error that says what wants it and how to get it."""
    try:
        return import_module(module)
    except ModuleNotFoundError as missing:
        top = module.partition(".")[0]
        if missing.name is None or missing.name.partition(".")[0] != top:
            raise
        raise ConfigError(
            f"{what} needs {top}, which is not installed", hint=f"pip install 'gpt-trader[{extra}]'"
        ) from None
