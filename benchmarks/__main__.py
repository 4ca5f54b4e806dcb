"""`make bench`: installs the peers, measures everything in turns with them, and prints the tables of the README.

`python -m benchmarks [--write] [NAME ...]` measures some only; `--write` puts tables and chart into the README.
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import venv
from pathlib import Path

from benchmarks import chart
from benchmarks.measure import ROOT

NAMES = ("workflow", "events", "startup", "backtest", "sweep", "optimize", "slices")
PLACE = ROOT / "benchmarks" / "out"
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))


def install(chosen: list[str]) -> None:
    """Each peer that is asked for, in a virtual environment of its own; one that cannot be installed is left out."""
    asking = "".join((ROOT / "benchmarks" / f"{name}.py").read_text() for name in chosen)
    for line in (ROOT / "benchmarks" / "peers.txt").read_text().splitlines():
        name, *packages = line.partition("#")[0].split() or [""]
        if not name or name not in asking or os.environ.get(name):
            continue
        folder = PLACE / name.lower()
        python = folder / "bin" / "python"
        if not (folder / ".done").exists():
            print(f"installing {' '.join(packages)}", file=sys.stderr)
            venv.create(folder, with_pip=True, clear=True)
            done = subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=False)
            if done.returncode:
                print(f"{name}: left out, it could not be installed", file=sys.stderr)
                continue
            (folder / ".done").touch()
        os.environ[name] = str(python)


def main(words: list[str]) -> None:
    """Measure, and print one table after the other."""
    chosen = [w for w in words if not w.startswith("-")] or [n for n in NAMES if _there(n)]
    install(chosen)
    os.environ.setdefault("BENCH_TMP", str(PLACE))
    PLACE.mkdir(parents=True, exist_ok=True)
    tables = {}
    for name in chosen:
        tables[name] = importlib.import_module(f"benchmarks.{name}").table(ROUNDS)
        print(tables[name], end="\n\n", flush=True)
    if "--write" in words:
        _write(tables)


def _there(name: str) -> bool:
    return (ROOT / "benchmarks" / f"{name}.py").exists()


def _write(tables: dict[str, str]) -> None:
    """Replace the tables that were measured; the others stay."""
    readme = Path(ROOT / "README.md")
    text = readme.read_text()
    for name, table in tables.items():
        before, begin, rest = text.partition(f"<!-- bench:{name}:begin -->\n")
        _, end, after = rest.partition(f"<!-- bench:{name}:end -->")
        if end:
            text = f"{before}{begin}{table}\n{end}{after}"
    readme.write_text(text)
    chart.PLACE.write_text(chart.draw(text))


if __name__ == "__main__":
    main(sys.argv[1:])
