"""A process that is killed: publishes and handles events, and notes on the disk what it did.

Usage: bus_victim.py URL FOLDER FAILPOINTS KIND COUNT, where KIND is plain, poison, transactional or serve.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from gpt_trader.core import failpoints
from gpt_trader.core.events import Event
from gpt_trader.journal.bus import BusSettings, EventBus
from gpt_trader.journal.migrations import open_store
from gpt_trader.journal.writer import Op
from gpt_trader.trading.clocks import WallClock

SETTINGS = BusSettings(backoff_seconds=0.002, backoff_factor=1.5)


class Victim:
    """One bus with one durable subscriber."""

    def __init__(self, url: str, folder: str, kind: str) -> None:
        self.folder, self.kind = Path(folder), kind
        self.bus = EventBus(open_store(url, WallClock()), WallClock(), SETTINGS)
        if kind == "transactional":
            self.bus.subscribe_transactional("in.*", self.answer, name="reader", from_seq=1)
        else:
            self.bus.subscribe("in.*", self.handle, name="reader", from_seq=1)

    def note(self, file: str, seq: int) -> None:
        # what a process has written outlives its kill
        handle = os.open(self.folder / file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(handle, f"{seq}\n".encode())
        os.close(handle)

    def handle(self, event: Event) -> None:
        if self.kind == "poison" and event.key == "k1":
            self.note("tried", event.seq)
            raise RuntimeError("poison")
        self.note("handled", event.seq)

    def answer(self, event: Event) -> list[Op]:
        self.note("handled", event.seq)
        return [("event.add", self.bus.history.fact("out.done", {"of": event.seq}), False)]

    def publish(self, count: int) -> None:
        for i in range(count):
            self.note("published", self.bus.publish("in.x", {"i": i}, key=f"k{i % 3}").seq)
            if i % 10 == 0:
                time.sleep(0.004)


def main(url: str, folder: str, spec: str, kind: str, count: str) -> None:
    victim = Victim(url, folder, kind)
    failpoints.arm(spec)
    victim.publish(int(count))
    victim.bus.flush(20)
    if kind == "serve":
        time.sleep(60)
    victim.bus.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
