"""Dagster in process: seven trivial ops. Run by the Python that has Dagster; prints one JSON line."""

import json
import os
import sys
import time

folder, what = sys.argv[1:]
home = os.path.join(folder, "home")
os.makedirs(home, exist_ok=True)
os.environ["DAGSTER_HOME"] = home
with open(os.path.join(home, "dagster.yaml"), "w", encoding="utf-8") as settings:
    settings.write("telemetry:\n  enabled: false\n")

from dagster import DagsterInstance, FilesystemIOManager, job, op  # noqa: E402 - DAGSTER_HOME must be set before


@op
def first():
    return 1


@op
def inc(v):
    return v + 1


@job(
    resource_defs={"io_manager": FilesystemIOManager(base_dir=os.path.join(folder, "io"))},
    config={"loggers": {"console": {"config": {"log_level": "ERROR"}}}},
)
def seven():
    v = first()
    for number in range(1, 7):
        v = inc.alias(f"inc_{number}")(v)


instance = DagsterInstance.get()


def once():
    assert seven.execute_in_process(instance=instance).output_for_node("inc_6") == 7


once()
if what == "measure":
    times, end = [], time.perf_counter() + 3
    while time.perf_counter() < end:
        began = time.perf_counter()
        once()
        times.append(time.perf_counter() - began)
    print(json.dumps({"runs_per_s": len(times) / sum(times)}))
instance.dispose()
