"""A download that is killed: the file is whole, what was written is not asked for again, and the end is the same."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gpt_trader.adapters.store import sheet as sheets
from gpt_trader.adapters.store.spans import missing
from tests.adapters.store.market import House, ns

ROOT = Path(__file__).parents[3]
RANGE = {"start": "2024-01-01", "end": "2024-05-29"}


def killed(folder: Path, points: str, page: int) -> None:
    words = [sys.executable, "-m", "tests.adapters.store.victim", str(folder), points, str(page)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.mark.parametrize(
    ("points", "page", "stored"),
    [
        ("", 1, 0),
        ("", 8, 60),
        ("store.written=kill@1", 99, 0),
        ("store.replaced=kill@1", 99, 20),
        ("store.written=kill@3", 99, 40),
        ("store.replaced=kill@3", 99, 60),
    ],
)
def test_whatever_is_stored_after_a_kill_is_whole_and_the_rest_is_asked_for(
    tmp_path: Path, points: str, page: int, stored: int
) -> None:
    killed(tmp_path, points, page)
    house = House(tmp_path)
    kept = list(house.archive.kept())
    assert [k.bars for k in kept] == ([stored] if stored else [])
    if stored:
        covered = sheets.label(house.file()).covered
        left = list(missing(covered, (ns("2024-01-01T00:00Z"), ns("2024-05-30T00:00Z"))))
        assert left == [(ns("2024-01-01T00:00Z") + stored * 86_400_000_000_000, ns("2024-05-30T00:00Z"))]
    whole = House(tmp_path / "other").load(**RANGE).bars.content_hash
    assert house.load(**RANGE).bars.content_hash == whole
    asked_again = [start for start, _ in house.venue.asked]
    assert min(asked_again) >= ns("2024-01-01T00:00Z") + max(stored - 5, 0) * 86_400_000_000_000
    assert [p.name for p in house.file().parent.iterdir() if p.name not in (".1d.lock", "1d.parquet")] == []
