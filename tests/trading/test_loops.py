"""The compiled loops do what their text says: run as plain Python they give the same fills and the same figures."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest

from gpt_trader.trading.loops import prepare, simulation, targets
from gpt_trader.trading.loops.account import Terms
from gpt_trader.trading.loops.simulation import Columns
from gpt_trader.trading.native import LOOPS, compiled, flat

BARS = 400


def columns(seed: int, *, silent: float = 0.0) -> Columns:
    rng = np.random.default_rng(seed)
    close = np.round(50.0 * np.exp(np.cumsum(rng.normal(0.0, 0.01, BARS))), 2)
    opened = np.round(np.concatenate(([50.0], close[:-1])) * np.exp(rng.normal(0.0, 0.004, BARS)), 2)
    volume = np.where(rng.random(BARS) < silent, 0.0, 5_000.0)
    traded = np.where(volume > 0, np.arange(BARS), BARS)
    r = np.diff(close) / close[:-1]
    sums = (np.concatenate(([0.0], np.cumsum(x))) for x in (r, r * r))
    return Columns(opened, close, volume, np.minimum.accumulate(traded[::-1])[::-1].copy(), *sums)


def terms(**changes: float) -> Terms:
    usual = dict.fromkeys(Terms._fields, 0.0)
    usual |= {"cash": 100_000.0, "leverage": 1.0, "lot": 1.0, "tick": 0.01, "units": math.nan, "share": 1.0}
    return Terms(**{**usual, "maximum": math.inf, "volume_share": math.inf, **changes})


def both(row: np.ndarray, seed: int, *, silent: float = 0.0, **changes: float):
    results = []
    for loop in (simulation.simulate_all, compiled(simulation.simulate_all)):
        fills, out = np.zeros((2 * BARS, 4)), np.zeros((1, simulation.FIGURES))
        loop(row[None], columns(seed, silent=silent), terms(**changes), 365.0, fills, out)
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
def test_compiled_and_plain_agree(case: dict[str, float], kind: str) -> None:
    rng = np.random.default_rng(3)
    rows = {
        "flips": rng.integers(-1, 2, BARS),
        "long": np.ones(BARS),
        "short": -np.ones(BARS),
        "rare": np.repeat(rng.integers(-1, 2, BARS // 40), 40),
        "flat": np.zeros(BARS),
    }
    (plain_fills, plain_out), (fills, out) = both(rows[kind].astype(np.int8), 11, **case)
    np.testing.assert_allclose(fills, plain_fills, rtol=1e-12)
    np.testing.assert_allclose(out, plain_out, rtol=1e-9, atol=1e-12)


def test_many_rows_are_each_simulated_alone() -> None:
    rows = np.random.default_rng(5).integers(-1, 2, (3, BARS)).astype(np.int8)
    many = np.zeros((3, simulation.FIGURES))
    compiled(simulation.simulate_all)(rows, columns(1), terms(), 365.0, np.empty((0, 4)), many)
    for row, figures in zip(rows, many, strict=True):
        alone = both(row, 1)[0][1][0]
        np.testing.assert_allclose(figures, alone, rtol=1e-9, atol=1e-12)


def test_lines_are_compared_alike() -> None:
    lines = np.random.default_rng(6).normal(size=(4, BARS))
    which, first = np.array([0, 2]), np.array([5, BARS])
    made = []
    for above in (targets.above, compiled(targets.above)):
        out = np.full((2, BARS), 9, dtype=np.int8)
        above(lines, which, lines, which + 1, first, -1, out)
        made.append(out)
    assert np.array_equal(made[0], made[1])
    assert (made[0][0, :5] == 0).all()
    assert (made[0][0, 5:] == np.where(lines[0, 5:] > lines[1, 5:], 1, -1)).all()
    assert (made[0][1] == 0).all()


def test_running_averages_add_the_newest_before_they_take_away_the_oldest() -> None:
    values, lengths = np.random.default_rng(7).normal(50.0, 1.0, BARS), np.array([1, 2, 30, BARS + 5])
    made = [np.empty((4, BARS)) for _ in range(2)]
    for loop, rows in zip((targets.running_averages, compiled(targets.running_averages)), made, strict=True):
        loop(values, lengths, rows)
    assert np.array_equal(made[0], made[1])
    total = 0.0
    for i, value in enumerate(values.tolist()):
        total = total + value - (values[i - 30] if i >= 30 else 0.0)
        assert made[0][2][i] == total / 30
    assert made[0][2][29:] == pytest.approx(np.convolve(values, np.full(30, 1 / 30), "valid"))


@pytest.mark.parametrize("low", [-1, 0])
def test_latches_hold_alike(low: int) -> None:
    lines = np.vstack((np.random.default_rng(6).normal(size=BARS), *(np.full(BARS, x) for x in (1.0, -1.0, 0.2, -0.2))))
    made = []
    for latched in (targets.latched, compiled(targets.latched)):
        out = np.full((1, BARS), 9, dtype=np.int8)
        latched(lines, targets.Rails(*(np.array([n]) for n in range(5))), np.array([3]), low, out)
        made.append(out[0])
    assert np.array_equal(made[0], made[1])
    state = 0
    for i, x in enumerate(lines[0].tolist()):
        if i >= 3:
            leaves = (state > 0 and x < 0.2) or (state < 0 and x > -0.2)
            state = 1 if x > 1 else low if x < -1 else 0 if leaves else state
        assert made[0][i] == state


def test_the_prepared_loops_are_those_of_the_sources():
    head = LOOPS.read_text().partition("\n")[0]
    assert head.endswith(f"{prepare.digest()}."), "run `make schemas`: loops.ll is old"


def test_arguments_made_ready_once_are_the_same_arguments():
    row = np.random.default_rng(5).integers(-1, 2, (1, BARS)).astype(np.int8)
    made = []
    for bars, money in ((columns(1), terms()), (flat(columns(1)), flat(terms()))):
        out = np.zeros((1, simulation.FIGURES))
        compiled(simulation.simulate_all)(row, bars, money, 365.0, np.empty((0, 4)), out)
        made.append(out)
    assert made[0][0, simulation.FILLS] > 10
    assert np.array_equal(made[0], made[1])


def test_preparing_gives_loops_for_any_processor():
    script = "from gpt_trader.trading.loops import prepare; import sys; sys.stdout.write(prepare.text())"
    made = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert "target triple" not in made
    assert "x86" not in made
    kept = {line.partition("(")[0] for line in LOOPS.read_text().splitlines() if line.startswith("define")}
    assert kept == {line.partition("(")[0] for line in made.splitlines() if line.startswith("define")}


@pytest.mark.parametrize(
    "values", [np.zeros(5, dtype=np.float32), np.zeros((5, 1)), np.zeros(10)[::2]], ids=["type", "shape", "steps"]
)
def test_an_array_of_another_kind_is_refused_and_not_misread(values: np.ndarray):
    with pytest.raises(TypeError, match="was expected, not"):
        compiled(targets.running_averages)(values, np.array([2]), np.empty((1, 5)))
