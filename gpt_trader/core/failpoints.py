"""Named places where a test may kill the process, or make the disk fail, exactly there."""

from __future__ import annotations

import errno
import os
import signal
import threading
from collections.abc import Callable

_armed: dict[str, Callable[[], None]] = {}


def hit(name: str) -> None:
    """Pass a named place; nothing happens there unless it was armed."""
    if _armed:
        act = _armed.get(name)
        if act is not None:
            act()


def arm(spec: str) -> None:
    """Arm places from a text such as `run.begin.committed=kill@3,journal.commit=full`."""
    _armed.clear()
    for part in filter(None, spec.split(",")):
        name, _, rest = part.partition("=")
        action, _, nth = (rest or "kill").partition("@")
        _armed[name] = _nth(int(nth or 1), _ACTIONS[action])


def _nth(count: int, action: Callable[[], None]) -> Callable[[], None]:
    remaining = count

    def act() -> None:
        nonlocal remaining
        remaining -= 1
        if remaining == 0:
            action()

    return act


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _stop() -> None:
    # sent to this very thread: sent to the process, another may take it while this one runs on for a moment
    signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)


def _full() -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _broken() -> None:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


_ACTIONS: dict[str, Callable[[], None]] = {"kill": _kill, "stop": _stop, "full": _full, "broken": _broken}
