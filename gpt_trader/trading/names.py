"""What strategies are called: NAME, or NAME:SYMBOL where one trades each of its symbols by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def belongs(strategy: str, name: str) -> bool:
    """Whether a strategy of this session is the one of that name, or trades one of its symbols for it."""
    return strategy == name or strategy.startswith(f"{name}:")


def name_of(strategy: str) -> str:
    """The name of a strategy without its symbol."""
    return strategy.rpartition(":")[0] or strategy


def names_of(strategies: Sequence[str]) -> set[str]:
    """Every name by which limits may mean one of these strategies, or several together."""
    return {*strategies, *map(name_of, strategies)}
