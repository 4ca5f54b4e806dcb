"""The compiled loops do what their text says: run as plain Python they give the same fills and the same figures."""

from __future__ import annotations

import importlib.util
import math
from types import ModuleType

import numba
import numpy as np
import pytest

from gpt_trader.trading import compiled

BARS = 400


@pytest.fixture(scope="module")
def plain() -> ModuleType:
    """The same file, loaded without the compiler."""
    spec = importlib.util.spec_from_file_location("plain", compiled.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(numba, "njit", lambda **_: lambda function: function)
        spec.loader.exec_module(module)
    return module


def columns(module: ModuleType, seed: int, *, silent: float = 0.0):
    rng = np.random.default_rng(seed)
    close = np.round(50.0 * np.exp(np.cumsum(rng.normal(0.0, 0.01, BARS))), 2)
    opened = np.round(np.concatenate(([50.0], close[:-1])) * np.exp(rng.normal(0.0, 0.004, BARS)), 2)
    volume = np.where(rng.random(BARS) < silent, 0.0, 5_000.0)
    traded = np.where(volume > 0, np.arange(BARS), BARS)
    r = np.diff(close) / close[:-1]
    sums = (np.concatenate(([0.0], np.cumsum(x))) for x in (r, r * r))
    return module.Columns(opened, close, volume, np.minimum.accumulate(traded[::-1])[::-1].copy(), *sums)


def terms(module: ModuleType, **changes: float):
    usual = dict.fromkeys(module.Terms._fields, 0.0)
    usual |= {"cash": 100_000.0, "leverage": 1.0, "lot": 1.0, "tick": 0.01, "units": math.nan, "share": 1.0}
    return module.Terms(**{**usual, "maximum": math.inf, "volume_share": math.inf, **changes})


def both(plain: ModuleType, row: np.ndarray, seed: int, *, silent: float = 0.0, **changes: float):
    results = []
    for module in (plain, compiled):
        fills, out = np.zeros((2 * BARS, 4)), np.zeros(module.COLUMNS)
        module.simulate(row, columns(module, seed, silent=silent), terms(module, **changes), 365.0, fills, out)
        results.append((fills, out))
    return results


CASES = {
    "free": {},
    "any fraction": {"lot": 0.0, "percent": 0.001},
    "units": {"units": 10.0, "percent": 0.001},
    "too many units": {"units": 5_000.0},
    "half the money": {"share": 0.5, "per_share": 0.01, "minimum": 1.0},
    "bounded fees": {"percent": 0.002, "minimum": 3.0, "maximum": 8.0},
    "worse prices": {"slip_fixed": 0.02, "slip_percent": 0.001, "spread": 0.0005, "share": 0.9},
    "worse by volume": {"slip_volume": 0.1, "tick": 0.0, "share": 0.9},
    "small volume": {"volume_share": 0.1},
    "silence": {"silent": 0.2, "percent": 0.001},
    "silence, units": {"silent": 0.2, "units": 20.0},
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("kind", ["flips", "long", "short", "rare", "flat"])
def test_compiled_and_plain_agree(plain: ModuleType, case: dict[str, float], kind: str) -> None:
    rng = np.random.default_rng(3)
    rows = {
        "flips": rng.integers(-1, 2, BARS),
        "long": np.ones(BARS),
        "short": -np.ones(BARS),
        "rare": np.repeat(rng.integers(-1, 2, BARS // 40), 40),
        "flat": np.zeros(BARS),
    }
    (plain_fills, plain_out), (fills, out) = both(plain, rows[kind].astype(np.int8), 11, **case)
    np.testing.assert_allclose(fills, plain_fills, rtol=1e-12)
    np.testing.assert_allclose(out, plain_out, rtol=1e-9, atol=1e-12)


def test_many_rows_are_each_simulated_alone(plain: ModuleType) -> None:
    rows = np.random.default_rng(5).integers(-1, 2, (3, BARS)).astype(np.int8)
    many = np.zeros((3, compiled.COLUMNS))
    plain.simulate_all(rows, columns(plain, 1), terms(plain), 365.0, np.empty((0, 4)), many)
    for row, figures in zip(rows, many, strict=True):
        alone = both(plain, row, 1)[1][1]
        np.testing.assert_allclose(figures, alone, rtol=1e-9, atol=1e-12)


def test_lines_are_compared_alike(plain: ModuleType) -> None:
    lines = np.random.default_rng(6).normal(size=(4, BARS))
    which, first = np.array([0, 2]), np.array([5, BARS])
    made = []
    for module in (plain, compiled):
        out = np.full((2, BARS), 9, dtype=np.int8)
        module.above(lines, which, lines, which + 1, first, -1, out)
        made.append(out)
    assert np.array_equal(made[0], made[1])
    assert (made[0][0, :5] == 0).all()
    assert (made[0][0, 5:] == np.where(lines[0, 5:] > lines[1, 5:], 1, -1)).all()
    assert (made[0][1] == 0).all()


def test_running_averages_add_the_newest_before_they_take_away_the_oldest(plain: ModuleType) -> None:
    values, lengths = np.random.default_rng(7).normal(50.0, 1.0, BARS), np.array([1, 2, 30, BARS + 5])
    made = [np.empty((4, BARS)) for _ in range(2)]
    for module, rows in zip((plain, compiled), made, strict=True):
        module.running_averages(values, lengths, rows)
    assert np.array_equal(made[0], made[1])
    total = 0.0
    for i, value in enumerate(values.tolist()):
        total = total + value - (values[i - 30] if i >= 30 else 0.0)
        assert made[0][2][i] == total / 30
    assert made[0][2][29:] == pytest.approx(np.convolve(values, np.full(30, 1 / 30), "valid"))


@pytest.mark.parametrize("low", [-1, 0])
def test_latches_hold_alike(plain: ModuleType, low: int) -> None:
    lines = np.vstack((np.random.default_rng(6).normal(size=BARS), *(np.full(BARS, x) for x in (1.0, -1.0, 0.2, -0.2))))
    made = []
    for module in (plain, compiled):
        out = np.full((1, BARS), 9, dtype=np.int8)
        module.latched(lines, module.Rails(*(np.array([n]) for n in range(5))), np.array([3]), low, out)
        made.append(out[0])
    assert np.array_equal(made[0], made[1])
    state = 0
    for i, x in enumerate(lines[0].tolist()):
        if i >= 3:
            leaves = (state > 0 and x < 0.2) or (state < 0 and x > -0.2)
            state = 1 if x > 1 else low if x < -1 else 0 if leaves else state
        assert made[0][i] == state
