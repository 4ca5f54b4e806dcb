"""Keeps stdout for results: what steps print goes to stderr, and only so much of it."""

from __future__ import annotations

import codecs
import io
import os
import select
import sys
import threading
from collections.abc import Callable
from typing import Any

from gpt_trader.cli import render

LIMIT = 1024 * 1024
_PIPE_HOLDS = 64 * 1024
_LAST_WORDS_SECONDS = 2.0


class Relay(io.TextIOBase):
    """A text stream for steps; it hands on at most `LIMIT` characters, then says that it drops the rest."""

    def __init__(self, hand_on: Callable[[str], None], clean: Callable[[str], str] = str) -> None:
        self._hand_on = hand_on
        self._clean = clean
        self._left = LIMIT
        self._part = ""
        self._lock = threading.Lock()
        self.buffer = _Bytes(self)

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return "utf-8"

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        with self._lock:
            if self._left > 0:
                head, newline, tail = self._clean(self._part + text).rpartition("\n")  # before its lines go apart
                self._part = tail
                if newline or len(tail) > 8192:
                    self.finish(head + newline)
        return len(text)

    def finish(self, text: str = "") -> None:
        """Hand on these lines, or what of a line is left."""
        if text or self._part:
            self._pass(text or f"{self._part}\n")
            self._part = self._part if text else ""

    def _pass(self, text: str) -> None:
        shown = text[: self._left]
        self._left -= len(shown)
        try:
            self._hand_on(shown)
            if self._left <= 0:
                self._hand_on("\nnote: the steps printed more than 1 MiB; the rest is dropped\n")
        except (OSError, ValueError):
            self._left = 0  # nobody reads it


class _Bytes(io.RawIOBase):
    def __init__(self, relay: Relay) -> None:
        self._relay = relay

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        return self._relay.write(bytes(data).decode(errors="replace"))


class _Caught:
    """What the programs that steps start print, for they inherit 1 and 2: read here, and told like the steps' own."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._kept = (os.dup(1), os.dup(2))
        self._from, into = os.pipe()
        self._bell, self._rope = os.pipe()
        os.set_blocking(self._from, False)
        for number in (1, 2):
            os.dup2(into, number)
        os.close(into)
        self._thread = threading.Thread(target=self._read, daemon=True, name="gpt-trader-output")
        self._thread.start()

    def _read(self) -> None:
        decode = codecs.getincrementaldecoder("utf-8")(errors="replace").decode
        ready: list[int] = []
        while self._bell not in ready:
            ready, _, _ = select.select([self._from, self._bell], [], [])
            self._relay.write(decode(self._some()))

    def _some(self) -> bytes:
        try:
            return os.read(self._from, _PIPE_HOLDS)
        except BlockingIOError:
            return b""

    def close(self) -> None:
        """Have what was printed so far told, and 1 and 2 lead where they led before; later words find no reader."""
        for number, kept in zip((1, 2), self._kept, strict=True):
            os.dup2(kept, number)
        os.write(self._rope, b".")
        self._thread.join(_LAST_WORDS_SECONDS)
        if not self._thread.is_alive():
            os.close(self._from)


_caught: list[_Caught] = []


def divert() -> None:
    """From now on, whatever is not printed by render.py goes to stderr, also from programs that steps start."""
    if isinstance(sys.stdout, Relay):
        return
    render.screen.out.flush()
    render.screen.out, render.screen.err = _again(1, render.screen.out), _again(2, render.screen.err)
    relay = Relay(_show, render.screen.secrets.clean)
    sys.stdout = sys.stderr = relay
    _caught.append(_Caught(relay))


def _again(number: int, stream: Any) -> Any:
    """The same stream under another number."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return open(os.dup(number), "w", encoding=encoding, errors="backslashreplace")  # noqa: PTH123 - for the life of the process


def _show(text: str) -> None:
    render.screen.err.write(text)
    render.screen.err.flush()


def finish() -> None:
    """Show what is left of what steps printed, and listen no longer to the programs that they started."""
    while _caught:
        _caught.pop().close()
    if isinstance(sys.stdout, Relay):
        sys.stdout.finish()
