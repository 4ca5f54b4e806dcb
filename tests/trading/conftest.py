"""What the tests of the trading room share."""

from __future__ import annotations

import pytest

from tests.trading import bars


@pytest.fixture(name="by_hand", scope="session")
def _by_hand():
    return bars.by_hand


@pytest.fixture(name="drawn", scope="session")
def _drawn():
    return bars.drawn
