"""DBOS Transact on SQLite: seven trivial steps. Run by the Python that has DBOS; prints one JSON line."""

import json
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from dbos import DBOS

folder, what = sys.argv[1:]
url = f"sqlite:///{folder}/dbos.sqlite"
DBOS(config={"name": "seven", "system_database_url": url, "log_level": "ERROR", "run_admin_server": False})


@DBOS.step()
def inc(v):
    return v + 1


@DBOS.workflow()
def seven():
    v = 0
    for _ in range(7):
        v = inc(v)
    return v


DBOS.launch()
assert seven() == 7


def hundred():
    began = time.perf_counter()

    def one(_):
        assert seven() == 7
        return time.perf_counter() - began

    with ThreadPoolExecutor(100) as pool:
        return list(pool.map(one, range(100)))


if what == "measure":
    times, end = [], time.perf_counter() + 3
    while time.perf_counter() < end:
        began = time.perf_counter()
        seven()
        times.append(time.perf_counter() - began)
    rounds = sorted((hundred() for _ in range(3)), key=max)
    middle = rounds[1]
    found = {
        "runs_per_s": len(times) / sum(times),
        "hundred_s": max(middle),
        "hundred_p99_ms": 1e3 * sorted(middle)[98],
        "warm_p50_ms": 1e3 * statistics.median(times),
    }
    print(json.dumps(found))
DBOS.destroy()
