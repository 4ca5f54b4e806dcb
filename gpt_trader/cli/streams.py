"""Keeps stdout for results: what steps print goes to stderr, and only so much of it."""

from __future__ import annotations

import io
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

from gpt_trader.cli import render

LIMIT = 1024 * 1024


class Relay(io.TextIOBase):
    """A text stream for steps; it hands on at most `LIMIT` characters, then says that it drops the rest."""

    def __init__(self, hand_on: Callable[[str], None]) -> None:
        self._hand_on = hand_on
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
                head, newline, tail = (self._part + text).rpartition("\n")
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


def divert() -> None:
    """From now on, whatever is not printed by render.py goes to stderr, also from programs that steps start."""
    if isinstance(sys.stdout, Relay):
        return
    render.screen.out.flush()
    encoding = getattr(render.screen.out, "encoding", None) or "utf-8"
    render.screen.out = open(os.dup(1), "w", encoding=encoding, errors="backslashreplace")  # noqa: SIM115, PTH123
    os.dup2(2, 1)
    relay = Relay(_show)
    sys.stdout = sys.stderr = relay


def _show(text: str) -> None:
    render.screen.err.write(render.screen.secrets.clean(text))
    render.screen.err.flush()


def finish() -> None:
    """Show what steps printed without an end of line."""
    if isinstance(sys.stdout, Relay):
        sys.stdout.finish()
