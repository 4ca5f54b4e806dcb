"""A catalog keeps what can be named: it loads a thing when it is first asked for, and knows near misses."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, TypeVar

from gpt_trader.core.errors import NotFound, ValidationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")


class Catalog(Generic[T]):
    """Names and the factories behind them; each factory runs once, when its name is first asked for."""

    def __init__(self, kind: str, *, plural: str | None = None) -> None:
        self.kind = kind
        self.plural = plural or f"{kind}s"
        self._factories: dict[str, Callable[[], T]] = {}
        self._loaded: dict[str, T] = {}
        self._making = threading.RLock()  # a factory may ask for another name

    def add(self, name: str, factory: Callable[[], T]) -> None:
        """Offer a thing under a name that is still free."""
        if name in self._factories:
            raise ValidationError(f"two {self.plural} are called '{name}'", hint="rename or remove one of them")
        self._factories[name] = factory

    def __getitem__(self, name: str) -> T:
        if name not in self._loaded:
            if name not in self._factories:
                raise NotFound.among(self.kind, name, self._factories)
            with self._making:
                if name not in self._loaded:
                    self._loaded[name] = self._factories[name]()
        return self._loaded[name]

    def __contains__(self, name: object) -> bool:
        return name in self._factories

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._factories))

    def __len__(self) -> int:
        return len(self._factories)
