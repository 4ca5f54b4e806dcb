"""A bar on the last line of a terminal for work that takes a while; elsewhere, and for quick work, nothing."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from gpt_trader.cli import render
from gpt_trader.trading.clocks import WallClock

_WIDE = 30
_PATIENCE, _BETWEEN = 0.4, 0.1


class Bar:
    """Shows how much of the work is done; it is gone when the work is over, however that ended."""

    def __init__(self, total: int, what: str) -> None:
        self._total, self._what = max(total, 1), what
        self._clock = WallClock()
        self._began = self._clock.monotonic()
        self._next = self._began + _PATIENCE
        self._shown = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        if self._shown:
            _write("")

    def __call__(self, done: int, total: int | None = None) -> None:
        """So much is done, of so much."""
        now = self._clock.monotonic()
        if now < self._next or not render.on_terminal():
            return
        self._next, self._shown = now + _BETWEEN, True
        part = min(done / (total or self._total), 1.0)
        left = (now - self._began) * (1 - part) / part if part else 0.0
        filled = "#" * round(part * _WIDE)
        _write(f"{self._what}  [{filled:.<{_WIDE}}] {part:4.0%}  {render.seconds(left)} left")


def _write(text: str) -> None:
    render.screen.err.write(f"\r\x1b[K{text}")
    render.screen.err.flush()
