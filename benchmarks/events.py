"""Publish to handler, every event persisted with full sync: our bus beside Redis streams, in turns on the same work.

Run `python -m benchmarks.events [ROUNDS]`. Redis needs `redis-server` and the package `redis`; without them it is
skipped with a line. The sides take turns event by event, because a disk has moods that last for minutes.
BENCH_TMP chooses the file system that all write to; one in memory would hide the cost of the sync.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Protocol

LIGHT, EVERY = 1500, 0.002
TURNS, SERIAL, BULK, BATCH = 8, 500, 5000, 100
PAD = "x" * 120
PORT = 16391


def body(number: int) -> dict[str, Any]:
    """About 200 bytes of JSON; the clock is one for all processes of a machine."""
    return {"id": number, "type": "bar.closed", "symbol": "BTC/USDT", "t": time.monotonic_ns(), "pad": PAD}


class Side(Protocol):
    """One way to publish and to handle; `many` and `one` return when the events are kept."""

    name: str

    def one(self, number: int) -> None: ...

    def many(self, numbers: range) -> None: ...

    def expect(self, count: int) -> None: ...

    def wait(self) -> None: ...

    def close(self) -> list[int]: ...


class Ours:
    """A durable subscriber of the bus on a SQLite journal, in this process."""

    name = "gpt-trader"

    def __init__(self, folder: Path) -> None:
        from gpt_trader.journal.bus import EventBus
        from gpt_trader.journal.migrations import open_store
        from gpt_trader.trading.clocks import WallClock

        self.latencies: list[int] = []
        self.target, self.done = 0, threading.Semaphore(0)
        self.store = open_store(f"sqlite:///{folder / 'journal.db'}", WallClock())
        self.bus = EventBus(self.store, WallClock())
        self.bus.subscribe("bar.*", self.handle, name="bench")

    def handle(self, event: Any) -> None:
        self.latencies.append(time.monotonic_ns() - event.payload["t"])
        if len(self.latencies) == self.target:
            self.done.release()

    def one(self, number: int) -> None:
        self.bus.publish("bar.closed", body(number))

    def many(self, numbers: range) -> None:
        self.bus.publish_many([("bar.closed", body(i)) for i in numbers])

    def expect(self, count: int) -> None:
        self.target += count

    def wait(self) -> None:
        self.done.acquire()

    def close(self) -> list[int]:
        self.bus.close()
        self.store.close()
        return self.latencies


class Bare:
    """What the database alone costs: the same rows committed, and a plain call."""

    name = "*limit: the commits alone*"

    def __init__(self, folder: Path) -> None:
        from gpt_trader.journal.migrations import open_store
        from gpt_trader.trading.clocks import WallClock

        self.latencies: list[int] = []
        self.store = open_store(f"sqlite:///{folder / 'bare.db'}", WallClock())
        self.connection = self.store.driver.connect()
        self.insert = self.store.sql["event.add"]

    def one(self, number: int) -> None:
        sent = body(number)
        self.connection.execute(self.insert, self.row(sent))
        self.latencies.append(time.monotonic_ns() - sent["t"])

    def many(self, numbers: range) -> None:
        rows = [self.row(body(i)) for i in numbers]
        self.connection.execute("BEGIN IMMEDIATE")
        self.connection.executemany(self.insert, rows)
        self.connection.execute("COMMIT")

    @staticmethod
    def row(sent: dict[str, Any]) -> dict[str, Any]:
        return {"topic": "bar.closed", "key": "", "at": 0, "run_id": "", "payload": json.dumps(sent)}

    def expect(self, count: int) -> None:
        pass

    def wait(self) -> None:
        pass

    def close(self) -> list[int]:
        self.connection.close()
        self.store.close()
        return self.latencies


def consume(pipe: Any, target: Any) -> None:
    """The reader of Redis, a process of its own as it always is."""
    import redis

    server = redis.Redis(port=PORT)
    latencies: list[int] = []
    pipe.put("ready")
    while target.value >= 0:
        for _, messages in server.xreadgroup("g", "c", {"s": ">"}, count=200, block=200) or []:
            latencies += [time.monotonic_ns() - json.loads(fields[b"d"])["t"] for _, fields in messages]
            server.xack("s", "g", *[i for i, _ in messages])
            if len(latencies) == target.value:
                pipe.put("done")
    pipe.put(latencies)


class Redis:
    """A stream with a consumer group, the append-only file synced before each reply."""

    name = "Redis streams, fsync always"

    def __init__(self, folder: Path) -> None:
        import redis

        options = ["--port", str(PORT), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
        command = ["redis-server", *options, "--appendonly", "yes", "--appendfsync", "always"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        self.server = redis.Redis(port=PORT)
        for _ in range(200):
            try:
                self.server.ping()
                break
            except redis.ConnectionError:
                time.sleep(0.02)
        self.server.xgroup_create("s", "g", mkstream=True)
        context = multiprocessing.get_context("spawn")
        self.pipe, self.target = context.Queue(), context.Value("q", 0)
        self.reader = context.Process(target=consume, args=(self.pipe, self.target))
        self.reader.start()
        self.pipe.get()

    def one(self, number: int) -> None:
        self.server.xadd("s", {"d": json.dumps(body(number))})

    def many(self, numbers: range) -> None:
        with self.server.pipeline(transaction=False) as batch:
            for i in numbers:
                batch.xadd("s", {"d": json.dumps(body(i))})
            batch.execute()

    def expect(self, count: int) -> None:
        self.target.value += count

    def wait(self) -> None:
        self.pipe.get()

    def close(self) -> list[int]:
        self.target.value = -1
        latencies: list[int] = self.pipe.get()
        self.reader.join()
        self.process.terminate()
        self.process.wait()
        return latencies


def peer_missing() -> str:
    """Why Redis cannot be measured; empty when it can."""
    if shutil.which("redis-server") is None:
        return "Redis: skipped, redis-server is not installed (apt-get install redis-server)"
    try:
        import redis  # noqa: F401
    except ImportError:
        return "Redis: skipped, its client is not installed (pip install redis)"
    return ""


def one_round(folder: Path) -> dict[str, dict[str, float]]:
    """The figures of every side."""
    kinds: list[Any] = [Ours, Bare] if peer_missing() else [Ours, Redis, Bare]
    sides: list[Side] = [kind(folder) for kind in kinds]
    took = {side.name: {"serial": 0.0, "bulk": 0.0} for side in sides}
    for side in sides:
        side.expect(LIGHT)
    for i in range(LIGHT):
        for side in sides:
            side.one(i)
            time.sleep(EVERY)
    for side in sides:
        side.wait()
    for _ in range(TURNS):
        for side in sides:
            took[side.name]["serial"] += timed(side, [range(i, i + 1) for i in range(SERIAL)])
        for side in sides:
            took[side.name]["bulk"] += timed(side, [range(i, i + BATCH) for i in range(0, BULK, BATCH)])
    return {side.name: figures(side.close(), **took[side.name]) for side in sides}


def timed(side: Side, parts: list[range]) -> float:
    """Seconds until all of it was published and handled."""
    side.expect(sum(map(len, parts)))
    began = time.monotonic()
    for part in parts:
        if len(part) == 1:
            side.one(part[0])
        else:
            side.many(part)
    side.wait()
    return time.monotonic() - began


def figures(latencies: list[int], serial: float, bulk: float) -> dict[str, float]:
    warm = sorted(latencies[LIGHT // 20 : LIGHT])
    p50, p99 = statistics.median(warm) / 1e3, warm[int(0.99 * len(warm))] / 1e3
    return {"p50_us": p50, "p99_us": p99, "serial": TURNS * SERIAL / serial, "bulk": TURNS * BULK / bulk}


def measure(rounds: int = 1) -> dict[str, dict[str, float]]:
    """The median of each figure over the rounds."""
    if missing := peer_missing():
        print(missing, file=sys.stderr)
    collected: dict[str, list[dict[str, float]]] = {}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_TMP", "/var/tmp")) as folder:
            for name, found in one_round(Path(folder)).items():
                collected.setdefault(name, []).append(found)
    return {n: {k: statistics.median(f[k] for f in every) for k in every[0]} for n, every in collected.items()}


def table(rounds: int) -> str:
    """The figures as Markdown; a ratio is ours against theirs."""
    found = measure(rounds)
    rows = ["| bus | p50, µs | p99, µs | one by one, events/s | in batches of 100, events/s |", "|---|---|---|---|---|"]
    for name, f in found.items():
        rows.append(f"| {name} | {f['p50_us']:.0f} | {f['p99_us']:.0f} | {f['serial']:,.0f} | {f['bulk']:,.0f} |")
    others = {"Redis": found.get(Redis.name), "the commits alone": found[Bare.name]}
    return "\n".join(rows + [beside(name, found[Ours.name], other) for name, other in others.items() if other])


def beside(name: str, mine: dict[str, float], other: dict[str, float]) -> str:
    """A row that sets ours against another's."""
    ratio = {key: mine[key] / other[key] for key in mine}
    return (
        f"| *gpt-trader against {name}* | *{ratio['p50_us']:.2f}* | *{ratio['p99_us']:.2f}* "
        f"| *{ratio['serial']:.2f} times* | *{ratio['bulk']:.2f} times* |"
    )


if __name__ == "__main__":
    print(table(int(sys.argv[1]) if len(sys.argv) > 1 else 3))
