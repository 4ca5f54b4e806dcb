"""Publish to handler, every event persisted with full sync: our bus beside Redis streams, in turns on the same work.

Run `python -m benchmarks.events [ROUNDS]`. Redis needs `redis-server` and the package `redis`; without them it is skipped.
BENCH_TMP chooses the file system that both write to; one in memory would hide the cost of the sync.
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
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LIGHT, EVERY = 1500, 0.002
ONE_BY_ONE = 4000
BULK, BATCH = 40_000, 100
PAD = "x" * 120
PORT = 16391


@dataclass
class Figures:
    """One bus in one round: microseconds from publish to handler, and events per second until all were handled."""

    name: str
    p50: float
    p99: float
    single: float
    batches: float


def body(number: int) -> dict[str, Any]:
    """About 200 bytes of JSON; the clock is one for all processes of a machine."""
    return {"id": number, "type": "bar.closed", "symbol": "BTC/USDT", "t": time.monotonic_ns(), "pad": PAD}


def figures(name: str, latencies: list[int], single: float, batches: float) -> Figures:
    warm = sorted(latencies[len(latencies) // 20 :])
    p99 = warm[int(0.99 * len(warm))]
    return Figures(name, statistics.median(warm) / 1e3, p99 / 1e3, ONE_BY_ONE / single, BULK / batches)


def ours(folder: Path) -> Figures:
    """A durable subscriber of the bus on a SQLite journal, in this process."""
    from gpt_trader.journal.bus import EventBus
    from gpt_trader.journal.migrations import open_store
    from gpt_trader.trading.clocks import WallClock

    store = open_store(f"sqlite:///{folder / 'journal.db'}", WallClock())
    latencies: list[int] = []
    done = threading.Semaphore(0)
    targets: list[int] = []

    def handle(event: Any) -> None:
        latencies.append(time.monotonic_ns() - event.payload["t"])
        if len(latencies) == targets[-1]:
            done.release()

    with EventBus(store, WallClock()) as bus:
        bus.subscribe("bar.*", handle, name="bench")

        def measured(count: int, publish: Callable[[], None]) -> float:
            targets.append(len(latencies) + count)
            began = time.monotonic()
            publish()
            done.acquire()
            return time.monotonic() - began

        def light() -> None:
            for i in range(LIGHT):
                bus.publish("bar.closed", body(i))
                time.sleep(EVERY)

        def serial() -> None:
            for i in range(ONE_BY_ONE):
                bus.publish("bar.closed", body(i))

        def bulk() -> None:
            for a in range(0, BULK, BATCH):
                bus.publish_many([("bar.closed", body(i)) for i in range(a, a + BATCH)])

        measured(LIGHT, light)
        paced = list(latencies)
        result = figures("gpt-trader", paced, measured(ONE_BY_ONE, serial), measured(BULK, bulk))
    store.close()
    return result


def bare(folder: Path) -> Figures:
    """What the database alone costs: the same rows, each committed by itself, and then a plain call."""
    from gpt_trader.journal.migrations import open_store
    from gpt_trader.trading.clocks import WallClock

    store = open_store(f"sqlite:///{folder / 'journal.db'}", WallClock())
    connection, latencies = store.driver.connect(), []
    insert = store.sql["event.add"]

    def commit(numbers: range) -> list[dict[str, Any]]:
        bodies = [body(i) for i in numbers]
        rows = [{"topic": "bar.closed", "key": "", "at": 0, "run_id": "", "payload": json.dumps(b)} for b in bodies]
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(insert, rows)
        connection.execute("COMMIT")
        return bodies

    for i in range(LIGHT):
        latencies += [time.monotonic_ns() - b["t"] for b in commit(range(i, i + 1))]
        time.sleep(EVERY)
    began = time.monotonic()
    for i in range(ONE_BY_ONE):
        commit(range(i, i + 1))
    between = time.monotonic()
    for a in range(0, BULK, BATCH):
        commit(range(a, a + BATCH))
    ended = time.monotonic()
    connection.close()
    store.close()
    return figures("*limit: the commits alone*", latencies, between - began, ended - between)


def consume(total: int, pipe: Any) -> None:
    """The reader of Redis, a process of its own as it always is."""
    import redis

    server = redis.Redis(port=PORT)
    latencies: list[int] = []
    pipe.put("ready")
    while len(latencies) < total:
        for _, messages in server.xreadgroup("g", "c", {"s": ">"}, count=200, block=5000) or []:
            latencies += [time.monotonic_ns() - json.loads(fields[b"d"])["t"] for _, fields in messages]
            server.xack("s", "g", *[i for i, _ in messages])
    pipe.put((latencies, time.monotonic()))


def redis_streams(folder: Path) -> Figures:
    """A stream with a consumer group, the append-only file synced before each reply."""
    import redis

    options = ["--port", str(PORT), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
    command = ["redis-server", *options, "--appendonly", "yes", "--appendfsync", "always"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    server = redis.Redis(port=PORT)

    def measured(total: int, publish: Callable[[], None]) -> tuple[list[int], float]:
        server.flushall()
        server.xgroup_create("s", "g", mkstream=True)
        context = multiprocessing.get_context("spawn")
        pipe = context.Queue()
        reader = context.Process(target=consume, args=(total, pipe))
        reader.start()
        pipe.get()
        time.sleep(0.2)
        began = time.monotonic()
        publish()
        latencies, ended = pipe.get()
        reader.join()
        return latencies, ended - began

    def light() -> None:
        for i in range(LIGHT):
            server.xadd("s", {"d": json.dumps(body(i))})
            time.sleep(EVERY)

    def serial() -> None:
        for i in range(ONE_BY_ONE):
            server.xadd("s", {"d": json.dumps(body(i))})

    def bulk() -> None:
        for a in range(0, BULK, BATCH):
            with server.pipeline(transaction=False) as batch:
                for i in range(a, a + BATCH):
                    batch.xadd("s", {"d": json.dumps(body(i))})
                batch.execute()

    try:
        wait_for(server)
        paced, _ = measured(LIGHT, light)
        single, batches = measured(ONE_BY_ONE, serial)[1], measured(BULK, bulk)[1]
        return figures("Redis streams, fsync always", paced, single, batches)
    finally:
        process.terminate()
        process.wait()


def wait_for(server: Any) -> None:
    import redis

    for _ in range(200):
        try:
            server.ping()
            return
        except redis.ConnectionError:
            time.sleep(0.02)


def peer_missing() -> str:
    """Why Redis cannot be measured; empty when it can."""
    if shutil.which("redis-server") is None:
        return "Redis is not measured: redis-server is not installed (apt-get install redis-server)"
    try:
        import redis  # noqa: F401
    except ImportError:
        return "Redis is not measured: its client is not installed (pip install redis)"
    return ""


def measure(rounds: int = 1) -> list[Figures]:
    """The median of each bus over some rounds, in turns."""
    sides = [ours, bare] if peer_missing() else [ours, redis_streams, bare]
    taken: dict[str, list[Figures]] = {}
    for _ in range(rounds):
        for side in sides:
            with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_TMP", "/var/tmp")) as folder:
                found = side(Path(folder))
                taken.setdefault(found.name, []).append(found)
    return [median(name, every) for name, every in taken.items()]


def median(name: str, every: list[Figures]) -> Figures:
    return Figures(
        name, *(statistics.median(getattr(f, k) for f in every) for k in ("p50", "p99", "single", "batches"))
    )


def main(rounds: int = 1) -> None:
    """Print the table."""
    if missing := peer_missing():
        print(missing)
    print(
        "| bus, every event synced | p50, us | p99, us | one by one, /s | in batches of 100, /s |\n|---|---|---|---|---|"
    )
    for f in measure(rounds):
        print(f"| {f.name} | {f.p50:.0f} | {f.p99:.0f} | {f.single:,.0f} | {f.batches:,.0f} |")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
