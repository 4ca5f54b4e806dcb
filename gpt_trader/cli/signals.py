"""What Ctrl-C, SIGTERM and a closed terminal do to a run: the first stops it after its step, the second at once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any, Self

from gpt_trader.cli import render

INTERRUPTED = 130
_SHOW_CURSOR = b"\x1b[?25h\n"
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _nothing() -> None:
    """Have nothing to do at the end."""


class Stopping:
    """Counts requests to stop while it is entered; `last` is done before it ends the process at once."""

    def __init__(self, last: Callable[[], None] = _nothing) -> None:
        self.count = 0
        self._last = last
        self._stop: Callable[[], None] | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                if signal.getsignal(number) is not signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._hear)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def tell(self, stop: Callable[[], None]) -> None:
        """Call this at the first request; at once if there was one already."""
        self._stop = stop
        if self.count:
            stop()

    def _hear(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self.count += 1
        if self.count > 1:
            self._last()
            with suppress(OSError, ValueError):  # the terminal may be gone
                terminal = render.screen.err.fileno()
                if os.isatty(terminal):
                    os.write(terminal, _SHOW_CURSOR)
            os._exit(INTERRUPTED)
        if self._stop is not None:
            self._stop()
