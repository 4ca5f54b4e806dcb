"""A strategy that never comes back is interrupted, at no cost per bar: a thread looks whether the desk moves."""

from __future__ import annotations

import ctypes
import logging
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import CodeType, FrameType, TracebackType

    from gpt_trader.core.ports import TradingStrategyPlugin

LOG = logging.getLogger(__name__)
LOOKS = 4
KNOCK = getattr(signal, "SIGVTALRM", None)
"""It wakes the main thread even from a call that sleeps; where there is none, only Python code is interrupted."""


class Overdue(BaseException):
    """Raised inside a strategy that did not answer in time; no Exception, so that it is not caught by accident."""


def codes_of(plugins: Iterable[TradingStrategyPlugin]) -> frozenset[CodeType]:
    """The code in which strategies have the word; what is compiled has none, and cannot be interrupted."""
    methods = ("initialize", "on_market_data", "on_trade_executed", "cleanup")
    found = (getattr(getattr(type(plugin), name), "__code__", None) for plugin in plugins for name in methods)
    return frozenset(code for code in found if code is not None)


class Watchdog:
    """Watches the thread that entered it; who stands still inside a strategy for its whole time gets Overdue.

    In the main thread that ends a call that sleeps as well; in another one it takes effect when such a call returns,
    and until then a warning in the log says where the strategy stands. A call that lets no other thread run, such as a
    search with a regular expression that explodes, is ended when it returns: nobody can say a word before.
    """

    def __init__(self, progress: Callable[[], object], asking: frozenset[CodeType], *, deadline: float) -> None:
        self._progress = progress
        self._asking = asking
        self._deadline = deadline
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="strategy-watchdog", daemon=True)
        self._watched = 0
        self._knocks = False
        self._before: object = None

    def __enter__(self) -> None:
        self._watched = threading.get_ident()
        self._knocks = KNOCK is not None and threading.current_thread() is threading.main_thread()
        if self._knocks and KNOCK is not None:
            self._before = signal.signal(KNOCK, self._answer)
        self._thread.start()

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        if self._knocks and KNOCK is not None:
            signal.signal(KNOCK, self._before or signal.SIG_DFL)  # type: ignore[arg-type]

    def _watch(self) -> None:
        seen, still, interrupted = self._progress(), 0.0, False
        step = self._deadline / LOOKS
        wall, used = time.monotonic(), time.process_time()
        while not self._over.wait(step):
            # A look that was kept waiting counts for as long as the processor worked meanwhile, not for a pause.
            passed = min(time.monotonic() - wall, max(step, time.process_time() - used))
            wall, used = time.monotonic(), time.process_time()
            now = self._progress()
            frame = sys._current_frames().get(self._watched)  # noqa: SLF001 - as documented
            moved = now != seen or not self._has_the_word(frame)
            seen = now
            still = 0.0 if moved else still + passed
            interrupted = interrupted and not moved
            if still >= self._deadline:
                if interrupted and frame is not None:
                    self._tell(frame)
                still, interrupted = 0.0, True
                self._interrupt()

    def _tell(self, frame: FrameType) -> None:
        where = f"{frame.f_code.co_filename}:{frame.f_lineno}"
        LOG.warning("a strategy does not come back, and cannot be interrupted before it does: it stands at %s", where)

    def _interrupt(self) -> None:
        if self._knocks and KNOCK is not None:
            signal.pthread_kill(self._watched, KNOCK)
        else:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._watched), ctypes.py_object(Overdue))

    def _answer(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - as the system calls it
        if self._has_the_word(frame):
            raise Overdue

    def _has_the_word(self, frame: FrameType | None) -> bool:
        while frame is not None:
            if frame.f_code in self._asking:
                return True
            frame = frame.f_back
        return False
