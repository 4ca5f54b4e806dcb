"""What the live_trade slice is asked for, and what it gives."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from gpt_trader.core.slices import Outputs, Params


class LiveParams(Params):
    """What would trade on what, where, for whose account, and within which limits."""

    strategy: str = Field("", description="What trades, by its name.")
    params: dict[str, Any] = Field({}, description="The strategy's params.")
    symbols: list[str] = Field([], description="What is traded.")
    venue: str = Field("", description="Where orders go.")
    account: str = Field("", description="The account at the venue.")
    limits: str | dict[str, Any] = Field("standard", description="`standard`, a YAML file of limits, or their table.")


class LiveConfig(Outputs):
    """Whether trading could begin, and what is missing otherwise."""

    ready: bool
    missing: list[str]


class LiveSession(Outputs):
    """Nothing yet: without a venue no session begins."""
