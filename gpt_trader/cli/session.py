"""What one call of the program works with: its settings with the flags of the command line, and the application."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gpt_trader.app.settings import OPTIONS, Settings, load_settings
from gpt_trader.cli import render
from gpt_trader.core.errors import UsageError, did_you_mean
from gpt_trader.core.secrets import Secrets

if TYPE_CHECKING:
    from gpt_trader.app.wiring import Application

_flags: dict[str, Any] = {}


def override(text: str) -> None:
    """Take `NAME=VALUE` of the command line as a setting."""
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError("--set takes NAME=VALUE", hint="for example: --set journal=sqlite:///other.db")
    if name not in OPTIONS:
        raise UsageError(f"there is no setting '{name}'", hint=did_you_mean(name, OPTIONS))
    _flags[name] = value


def forget() -> None:
    """Begin a new call."""
    _flags.clear()


def settings() -> Settings:
    """The settings in force for this call."""
    found = load_settings(flags=_flags)
    render.screen.secrets = Secrets(found.secrets)
    return found


def application(observer: Callable[[Any], None] | None = None) -> Application:
    """The application of this call; close it, or use it in a `with`."""
    from gpt_trader.app.wiring import Application

    made = Application(settings(), observer=observer)
    render.screen.secrets = made.secrets
    return made
