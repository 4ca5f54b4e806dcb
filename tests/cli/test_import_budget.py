"""A command imports what it uses: modules are counted here, seconds never."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

BUNDLED = sorted(file.stem for file in (Path(__file__).parents[2] / "workflows").glob("*.yaml"))
HEAVY = {"pandas", "numpy", "sqlalchemy", "sqlmodel", "pyarrow", "numba", "apscheduler", "exchange_calendars"}
TYPED = HEAVY | {"pydantic", "jsonschema", "rich"}
LOADING = HEAVY | {"rich", "jsonschema", "sqlite3", "pysqlite3"}
SCRIPT = """
import json, sys
from gpt_trader.cli.main import main
sys.stdout = sys.stderr
try:
    main(sys.argv[1:])
except SystemExit:
    pass
sys.__stdout__.write(json.dumps(sorted(sys.modules)))
"""


def modules(*words: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *words], capture_output=True, text=True, env=os.environ, check=True, timeout=60
    )
    return set(json.loads(done.stdout))


def roots(found: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in found}


@pytest.fixture(autouse=True)
def _in_project(project):
    """Every command has a project to look at."""


@pytest.mark.parametrize(
    ("words", "forbidden", "most"),
    [
        (("--help",), TYPED | {"yaml", "importlib.metadata"}, 190),
        (("run", "--help"), TYPED | {"yaml"}, 190),
        (("__complete", "workflows"), TYPED | {"typer"}, 160),
        (("__complete", "runs"), TYPED | {"typer"}, 170),
        (("__complete", "slices"), TYPED | {"typer"}, 210),
        (("status",), TYPED, 265),
        (("runs", "list"), TYPED, 265),
        (("validate", "three"), LOADING, 450),
        *[(("validate", name), LOADING, 470) for name in BUNDLED],
        (("plan", "three"), LOADING, 450),
    ],
)
def test_a_command_imports_only_what_it_uses(words, forbidden, most):
    found = modules(*words)
    assert roots(found) & forbidden == set()
    assert len(found) <= most


def test_a_run_of_light_steps_imports_nothing_heavy(shell):
    found = modules_of_run()
    assert roots(found) & (HEAVY | {"rich", "jsonschema"}) == set()


def modules_of_run() -> set[str]:
    """A run ends its process itself; it is asked at the end."""
    script = SCRIPT.replace(
        "try:", "import gpt_trader.cli.conduct as c; c._leave = lambda app, code: app.close()\ntry:"
    )
    script = script.replace("sys.__stdout__.write(", "open(3, 'w').write(")
    read, write = os.pipe()
    done = subprocess.Popen(
        ["bash", "-c", f'exec 3>&{write}; exec "$0" "$@"', sys.executable, "-c", script, "run", "three"],
        pass_fds=[write],
        stderr=subprocess.PIPE,
    )
    os.close(write)
    with os.fdopen(read) as source:
        found = set(json.loads(source.read()))
    _, err = done.communicate(timeout=60)
    assert b"SUCCEEDED" in err or done.returncode == 0
    return found


def test_a_command_ends_without_a_word_of_the_libraries_that_it_used():
    script = (
        "import duckdb; duckdb.connect().execute('SELECT 1').fetchall()\nfrom gpt_trader.cli.main import main; main()"
    )
    words = [sys.executable, "-c", script, "--version"]
    done = subprocess.run(words, check=False, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
