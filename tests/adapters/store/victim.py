"""A process that downloads into a store, to be killed: FOLDER, failpoints, and the page at which it dies."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from gpt_trader.adapters.store import download
from gpt_trader.core import failpoints
from tests.adapters.store.market import House, Venue


def main(folder: str, points: str, page: int) -> None:
    """Download 150 days, written every twenty; die at the page, or at the named place."""
    download.LEAST = 20
    failpoints.arm(points)

    def die(count: int) -> None:
        if count == page:
            os.kill(os.getpid(), signal.SIGKILL)

    house = House(Path(folder), Venue(on_page=die))
    house.refresh(start="2024-01-01", end="2024-05-29")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
