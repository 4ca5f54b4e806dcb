"""Gives every test the same world: its own home, no colours, no keys of the person who runs it, one seed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Iterator

pytest_plugins = ["tests.databases"]

settings.register_profile(
    "test",
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("soak", parent=settings.get_profile("test"), derandomize=False, max_examples=2000)


MEMORY, ROOM = Path("/dev/shm"), 4 << 30


def pytest_configure(config: pytest.Config) -> None:
    settings.load_profile("soak" if config.option.markexpr == "soak" else "test")
    # Thousands of synced commits take minutes on a busy disk, and no test pulls its plug: files in memory are as real.
    if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


def pytest_xdist_auto_num_workers() -> int:
    """More workers than cores: half of the time tests wait for processes, servers and leases."""
    return max(2, (os.cpu_count() or 1) * 3 // 2)


@pytest.fixture(autouse=True, scope="session")
def _own_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in [n for n in os.environ if n.startswith("GPT_TRADER_")]:
            patch.delenv(name)
        for name in ("NO_COLOR", "FORCE_COLOR", "CI", "COLUMNS", "TERMINAL_WIDTH"):
            patch.delenv(name, raising=False)
        patch.setenv("GPT_TRADER_HOME", str(tmp_path_factory.mktemp("home")))
        yield
