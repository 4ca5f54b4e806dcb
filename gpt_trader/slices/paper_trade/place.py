"""How far a slow replay has come, kept on the disk, so that after a crash its time is not waited for again.

The same bars give the same orders, so a replay that goes on is one that plays what was played at once; what it ordered
up to that place must be what it had ordered there before.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json, to_json

from gpt_trader.core.context import Artifact
from gpt_trader.core.errors import GptTraderError

if TYPE_CHECKING:
    from pathlib import Path

    from gpt_trader.core.context import StepContext
    from gpt_trader.core.ports import Clock
    from gpt_trader.trading.desk import Desk

KIND = "place"


@dataclass(frozen=True, slots=True)
class Place:
    """After so many bars so many orders had been made, and this is their hash."""

    bars: int = 0
    orders: int = 0
    digest: str = ""


class Orders:
    """Counts and hashes the orders of a desk as they come."""

    def __init__(self) -> None:
        self.count = 0
        self._hash = hashlib.sha256()

    def place(self, desk: Desk, bars: int) -> Place:
        """How far it is now."""
        for order in desk.tape.orders[self.count :]:
            self._hash.update(repr(order).encode())
        self.count = len(desk.tape.orders)
        return Place(bars, self.count, self._hash.hexdigest())


class Keeper:
    """Keeps the place of one step's replay; a place of other inputs, or one that was not written whole, is no place."""

    def __init__(self, ctx: StepContext, asked: Mapping[str, Any]) -> None:
        name = hashlib.sha256(f"paper_trade:{ctx.key}".encode()).hexdigest()
        self._file: Path = ctx.artifacts.path(Artifact(name, KIND, 0))
        self._of = hashlib.sha256(to_json(dict(asked))).hexdigest()
        self.before = self._read()

    def _read(self) -> Place:
        with suppress(OSError, ValueError, KeyError, TypeError):
            told = from_json(self._file.read_bytes())
            if told.pop("of") == self._of:
                return Place(**told)
        return Place()

    def keep(self, place: Place) -> None:
        """Keep this place; it is on the disk when this returns."""
        text = to_json({"of": self._of, "bars": place.bars, "orders": place.orders, "digest": place.digest})
        part = self._file.with_suffix(".part")
        self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(self._file)

    def compare(self, place: Place) -> None:
        """Refuse to go on with a replay that is not the one that was interrupted."""
        if place != self.before:
            self.forget()
            raise GptTraderError(
                f"after {place.bars} bars the replay has made {place.orders} orders that are not the "
                f"{self.before.orders} it had made before it was interrupted: the strategy or the program has changed",
                hint="begin it anew: gpt-trader runs retry latest",
            )

    def forget(self) -> None:
        """Nothing is kept of a replay that ended."""
        self._file.unlink(missing_ok=True)


class Quick:
    """A clock on which waiting takes no time until it is told to walk; then it goes on as the other one does."""

    def __init__(self, clock: Clock, *, quick: bool) -> None:
        self._clock, self._ahead, self.quick = clock, 0.0, quick

    def now(self) -> datetime:
        """The time of the other clock."""
        return self._clock.now()

    def micros(self) -> int:
        """The same time in microseconds."""
        return self._clock.micros()

    def monotonic(self) -> float:
        """Its seconds, and those that were passed over."""
        return self._clock.monotonic() + self._ahead

    def sleep(self, seconds: float) -> None:
        """Pass over this time, or wait for it."""
        if self.quick:
            self._ahead += max(seconds, 0.0)
        else:
            self._clock.sleep(seconds)
