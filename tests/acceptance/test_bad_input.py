"""From the shell: whatever is wrong with the data ends with its cause, its cure and its code, and leaves no traces."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gpt_trader.app.settings import load_settings
from gpt_trader.app.wiring import Application
from tests.adapters.venues.local import MUCH_LATER, Alpaca

COMMAND = Path(sys.executable).parent / "gpt-trader"
Told = subprocess.CompletedProcess[str]
HEAD = "date,open,high,low,close,volume"
WITH_MODEL = """
name: with_model
mode: backtest
inputs:
  model: {type: string}
steps:
  - fetch_data: {slice: data, method: get_historical, with: {symbols: [IBM]}}
  - detect_regime: {slice: market_regime, method: detect}
  - select_strategy: {slice: ml_strategy, method: predict_best}
"""


class House:
    """The installed command in a folder and a home of its own, and what is left in them."""

    def __init__(self, root: Path) -> None:
        self.root, self.home = root / "work", root / "home"
        self.root.mkdir()
        self.made = set[str]()

    def __call__(self, *words: str, **environment: str) -> Told:
        env = {**os.environ, "GPT_TRADER_HOME": str(self.home), "NO_COLOR": "1", **environment}
        return subprocess.run(
            [COMMAND, *words], capture_output=True, text=True, env=env, cwd=self.root, timeout=100, check=False
        )

    def write(self, name: str, rows: Sequence[str], head: str = HEAD) -> None:
        self.put(name, ("\n".join([head, *rows]) + "\n").encode())

    def put(self, name: str, content: bytes) -> None:
        (self.root / name).write_bytes(content)
        self.made.add(name)

    def left(self) -> dict[str, Any]:
        """The newest run; every artifact that no step names, every stored series, every part of a file."""
        with Application(load_settings(env={"GPT_TRADER_HOME": str(self.home)}, cwd=self.root)) as app:
            (run,) = app.runs.recent(count=1)
            steps = app.runs.steps(run.id)
        named = "".join(step.outputs or "" for step in steps)
        kept = {folder: _files(self.home / folder) for folder in ("artifacts", "data")}
        return {
            "status": run.status,
            "open": [step.name for step in steps if step.status == "RUNNING"],
            "orphans": [file.name for file in kept["artifacts"] if file.stem not in named],
            "stored": [file.name for file in kept["data"]],
            "reports": [file.name for file in kept["artifacts"] if file.suffix == ".html"],
            "parts": [file.name for file in _files(self.root) if file.name not in self.made],
        }


def _files(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file()]


NOTHING = {"status": "FAILED", "open": [], "orphans": [], "stored": [], "reports": [], "parts": []}


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


@pytest.fixture
def venue() -> Iterator[Alpaca]:
    days = [datetime(2024, 1, 2, 5, tzinfo=UTC) + timedelta(n) for n in range(60)]
    with Alpaca([day for day in days if day.weekday() < 5]) as server:
        yield server


def days(count: int) -> list[str]:
    found = (datetime(2018, 1, 1, tzinfo=UTC) + timedelta(n) for n in range(2 * count))
    return [f"{day:%Y-%m-%d}" for day in found if day.weekday() < 5][:count]


def rows(count: int, *, price: Callable[[int], float] | None = None, day: Callable[[str, int], str] | None = None):
    """So many days of a price that goes up and down, or as the functions say."""
    made = []
    for n, text in enumerate(days(count)):
        close = price(n) if price else 100 + 10 * math.sin(n / 9) + n / 50
        when = day(text, n) if day else text
        made.append(f"{when},{close:.2f},{close + 1:.2f},{close - 1:.2f},{close:.2f},1000000")
    return made


def fails(done: Told, code: int, *said: str) -> None:
    assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
    for words in said:
        assert words in done.stderr
    assert "hint: " in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("words", "code", "said", "cure"),
    [
        (("--symbols", "APPL"), 2, "no sample symbol is called 'APPL'", "did you mean 'AAPL'?"),
        (("--symbols", "aapl"), 2, "no sample symbol is called 'aapl'", "did you mean 'AAPL'?"),
        (("--from", "2030-01-01"), 3, "no bars of AAPL from 2030-01-01", "there are bars from 2000-03-01 to"),
        (("--from", "2012-06-01", "--to", "2012-01-01"), 2, "2012-06-01 to 2012-01-01 is empty", "the start must"),
        (("--from", "2010-01-05", "--to", "2010-01-05"), 3, "only one bar of AAPL", "widen the range"),
        (("--from", "2012-01-07", "--to", "2012-01-08"), 3, "which is a weekend", "there are bars from"),
        (("--provider", "alpca"), 2, "no provider is called 'alpca'", "did you mean 'alpaca'"),
        (("--provider", "csv", "--path", "nowhere"), 2, "there is no file", "hint"),
    ],
    ids=[
        "unknown symbol", "small letters", "empty range", "reversed range", "one bar", "weekend", "unknown provider",
        "no file",
    ],
)  # fmt: skip
def test_what_there_is_no_data_for(house, words, code, said, cure):
    done = house("run", "simple_backtest", *words)
    fails(done, code, said, cure)
    assert "or change what it was given: gpt-trader runs fork" in done.stderr
    assert house.left() == NOTHING


def test_a_column_without_any_number(house):
    house.write("ACME.csv", [f"{row.rsplit(',', 2)[0]},,1000" for row in rows(300)])
    done = house("run", "simple_backtest", "--provider", "csv", "--path", "ACME.csv", "--symbols", "ACME")
    fails(done, 3, "ACME.csv: column 'close' holds no number at all", "is the decimal sign a comma?")
    assert house.left() == NOTHING


@pytest.mark.parametrize("other", ["T00:00:00", ""], ids=["times without an offset", "bare dates"])
def test_mixed_time_zones(house, other):
    house.write("ACME.csv", rows(300, day=lambda text, n: text + ("T00:00:00+05:00" if n % 2 else other)))
    done = house("run", "simple_backtest", "--provider", "csv", "--path", "ACME.csv", "--symbols", "ACME")
    fails(done, 3, "mixed time zones: row 2 has an offset, row 1 has none", "write every time with its offset, or none")
    assert house.left() == NOTHING


def test_times_with_different_offsets_are_the_moments_that_they_name(house):
    """One o'clock in Paris and eight o'clock in Tokyo are the same midnight in Greenwich."""
    shown = ("T01:00:00+01:00", "T09:00:00+09:00", "T00:00:00Z")
    house.write("ACME.csv", rows(300, day=lambda text, n: text + shown[n % 3]))
    done = house("run", "data_check", "--provider", "csv", "--path", "ACME.csv", "--symbols", "ACME", "--json", "-q")
    assert done.returncode == 0, done.stderr
    (check,) = json.loads(done.stdout)["steps"][0]["outputs"]["checks"]
    assert (check["bars"], check["from"][:10], check["to"][:10]) == (300, days(300)[0], days(300)[-1])


def test_a_truncated_parquet_file(house):
    import pandas as pd

    frame = pd.DataFrame([row.split(",") for row in rows(300)], columns=HEAD.split(","))
    frame[HEAD.split(",")[1:]] = frame[HEAD.split(",")[1:]].astype(float)
    house.put("ACME.parquet", frame.to_parquet(index=False)[:-2_000])
    done = house("run", "simple_backtest", "--provider", "parquet", "--path", "ACME.parquet", "--symbols", "ACME")
    fails(done, 3, "ACME.parquet cannot be read", "damaged or cut off")
    assert house.left() == NOTHING


def asked(venue: Alpaca | None) -> list[str]:
    url = venue.url if venue else "http://127.0.0.1:9"
    return [
        "run", "simple_backtest", "--provider", "alpaca", "--symbols", "AAPL", "--from", "2024-01-02",
        "--to", "2024-02-29", "--options", json.dumps({"url": url}),
    ]  # fmt: skip


KEYS = {"APCA_API_KEY_ID": "PKTEST", "APCA_API_SECRET_KEY": "very-secret"}


def test_a_provider_that_is_down(house):
    fails(house(*asked(None), **KEYS), 1, "alpaca does not answer as it should", "`store: fallback`")
    assert house.left() == NOTHING


def test_a_provider_that_is_asked_too_often(house, venue):
    venue.faults.append(MUCH_LATER)
    fails(house(*asked(venue), **KEYS), 1, "asked too often", "after 3600 s")
    assert house.left() == NOTHING


def test_a_wrong_key_and_none(house, venue):
    wrong = KEYS | {"APCA_API_SECRET_KEY": "guessed"}
    venue.echo = True
    done = house(*asked(venue), **wrong)
    fails(done, 4, "alpaca refuses", "APCA_API_SECRET_KEY")
    assert "guessed" not in done.stdout + done.stderr
    assert house.left() == NOTHING
    none = house(*asked(venue), APCA_API_KEY_ID="", APCA_API_SECRET_KEY="")
    fails(none, 4, "alpaca needs a key, and there is none", "APCA_API_KEY_ID")
    assert house.left() == NOTHING


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"format": "gpt-trader strategy model", "version": 99}, "has the format version 99, and this program reads"),
        ({"format": "gpt-trader strategy model", "version": 1, "feature_set": 0}, "was trained on other features"),
        ({"format": "something else"}, "is no strategy model of this program"),
    ],
)
def test_a_model_file_from_another_version(house, content, said):
    house.put("old.model", json.dumps(content).encode())
    house.put("with_model.yaml", WITH_MODEL.encode())
    fails(house("run", "with_model.yaml", "--model", "old.model"), 3, said, "train it again with this version")
    assert house.left() == NOTHING


def test_a_strategy_that_never_trades(house):
    quiet = ["--strategy", "sma_cross", "--symbols", "AAPL", "--from", "2012-01-01"]
    done = house("backtest", *quiet, "--param", "slow=3000")
    assert done.returncode == 0
    assert "the strategy gave no signal" in done.stderr
    assert "give more bars, or other params" in done.stderr
    paper = house("run", "--mode", "paper", *quiet, "--params", '{"slow": 3000}')
    assert paper.returncode == 0, paper.stderr
    assert "Nothing was traded: give more bars, or other params." in paper.stdout


def test_a_price_that_never_moves(house):
    house.write("FLAT.csv", [f"{day},50,50,50,50,1000000" for day in days(600)])
    words = ("run", "simple_backtest", "--provider", "csv", "--path", "FLAT.csv", "--symbols", "FLAT")
    done = house(*words)
    assert done.returncode == 0, done.stderr
    assert "The price of FLAT never moves." in done.stdout
    assert "no candidate could be judged" in done.stdout
    fails(house(*words, "--sizing", "risk"), 3, "FLAT")


def test_a_symbol_that_stops_trading_while_it_may_be_held(house):
    house.write("GOOD.csv", rows(900))
    house.write("LATE.csv", rows(700))
    done = house("run", "simple_backtest", "--provider", "csv", "--path", ".", "--symbols", "GOOD", "LATE")
    assert done.returncode == 0, done.stderr
    assert f"LATE has no bars after {days(700)[-1]}: what was held of it keeps its last price." in done.stdout


def test_a_symbol_that_stopped_trading_before_the_decision(house):
    house.write("GOOD.csv", rows(900))
    house.write("EARLY.csv", rows(300))
    done = house("run", "simple_backtest", "--provider", "csv", "--path", ".", "--symbols", "GOOD", "EARLY")
    fails(done, 3, "EARLY", "smaller part")
    assert house.left() == NOTHING


@pytest.mark.parametrize(
    "words",
    [
        ("run", "simple_backtest", "--strategies", "momentum", "sma_crss"),
        ("run", "simple_backtest", "--strategies", '[{"name": "sma_crss", "params": {}}]'),
        ("run", "simple_backtest", "--strategies", "sma_crss", "--dry-run"),
        ("run", "portfolio_rebalance", "--strategies", "sma_crss"),
        ("run", "--mode", "paper", "--strategy", "sma_crss"),
    ],
)
def test_an_unknown_strategy_is_told_before_anything_runs(house: House, words: tuple[str, ...]) -> None:
    told = house(*words)
    assert (told.returncode, told.stdout) == (2, "")
    assert "no strategy is called 'sma_crss'" in told.stderr
    assert "did you mean 'sma_cross'?" in told.stderr
    with Application(load_settings(env={"GPT_TRADER_HOME": str(house.home)}, cwd=house.root)) as app:
        assert not app.runs.recent(count=1)


def test_a_size_that_is_none_is_a_fault_of_the_file_with_its_place_before_anything_runs(house: House) -> None:
    step = "- trade: {slice: backtest, method: execute, with: {strategy: momentum, sizes: {IBM: {lot: 0}}}}"
    fetch = "- fetch: {slice: data, method: get_historical, with: {symbols: [IBM]}}"
    (house.root / "sized.yaml").write_text(f"name: sized\nsteps:\n  {fetch}\n  {step}\n")
    told = house("validate", "sized.yaml")
    assert told.returncode == 3
    assert "sized.yaml:4:" in told.stdout + told.stderr
    assert "'sizes': of IBM: lot must be greater than 0" in told.stdout + told.stderr
