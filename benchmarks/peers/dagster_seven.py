"""Dagster in process: seven trivial ops. Run by the Python that has Dagster; prints one JSON line."""

import json
import os
import sys
import time
from pathlib import Path

folder, what = sys.argv[1:]
home = Path(folder) / "home"
home.mkdir(exist_ok=True)
os.environ["DAGSTER_HOME"] = str(home)  # before Dagster is imported
(home / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")

from dagster import DagsterInstance, FilesystemIOManager, job, op


@op
def first():
    return 1


@op
def inc(v):
    return v + 1


@job(
    resource_defs={"io_manager": FilesystemIOManager(base_dir=str(Path(folder) / "io"))},
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
