"""Bars from the shell and in workflows: fetched, listed, checked, refreshed; with providers that misbehave."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gpt_trader import TradingOrchestrator
from gpt_trader.adapters.store.archive import LocalArchive
from gpt_trader.app.library import shipped
from gpt_trader.app.settings import load_settings
from gpt_trader.app.wiring import Application
from gpt_trader.cli.main import main
from gpt_trader.trading.clocks import BarClock
from tests.adapters.store.market import ns
from tests.adapters.venues.local import MUCH_LATER, Alpaca

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the clients' own imports
COMMAND = Path(sys.executable).parent / "gpt-trader"
SECRET = "a-secret-that-nobody-may-see"
Told = subprocess.CompletedProcess[str]


@pytest.fixture
def world(tmp_path: Path) -> dict[str, str]:
    keys = {"APCA_API_KEY_ID": "PKTEST", "APCA_API_SECRET_KEY": "very-secret"}
    return {**os.environ, **keys, "GPT_TRADER_HOME": str(tmp_path / "home"), "NO_COLOR": "1"}


@pytest.fixture
def call(
    tmp_path: Path, world: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Told]:
    """The command as it is, in this process, with a home of its own."""
    for name in ("APCA_API_KEY_ID", "APCA_API_SECRET_KEY", "GPT_TRADER_HOME", "NO_COLOR"):
        monkeypatch.setenv(name, world[name])
    monkeypatch.chdir(tmp_path)

    def run(*words: str, **environment: str) -> Told:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            with pytest.raises(SystemExit) as end:
                main(list(words))
        out, err = capsys.readouterr()
        return Told(words, int(str(end.value.code)), out, err)

    return run


@pytest.fixture
def venue() -> Iterator[Alpaca]:
    days = [datetime(2024, 1, 2, 5, tzinfo=UTC) + timedelta(n) for n in range(60)]
    with Alpaca([day for day in days if day.weekday() < 5]) as server:
        yield server


@pytest.fixture
def from_alpaca(venue: Alpaca) -> tuple[str, ...]:
    return ("--provider", "alpaca", "--option", f"url={venue.url}", "--from", "2024-01-02", "--to", "2024-02-29")


def document(told: Told) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(told.stdout)
    return found


# --- the shell


def test_the_sample_is_fetched_listed_and_checked(call) -> None:
    first = call("data", "fetch", "AAPL", "MSFT")
    assert first.returncode == 0, first.stderr
    assert "AAPL: 3,270 new, 0 corrected, 3,270 stored" in first.stderr
    again = document(call("data", "fetch", "AAPL,MSFT", "--json", "-q"))
    assert [(r["symbol"], r["added"], r["bars"]) for r in again["refreshed"]] == [("AAPL", 0, 3270), ("MSFT", 0, 3270)]
    listed = document(call("data", "list", "--json"))
    assert [(k["symbol"], k["provider"], k["timeframe"]) for k in listed["series"]] == [
        ("AAPL", "sample", "1d"),
        ("MSFT", "sample", "1d"),
    ]
    checked = call("data", "check")
    assert checked.returncode == 0
    assert "4 bars missing" in checked.stderr
    by_hours = document(call("data", "check", "AAPL", "--provider", "sample", "--calendar", "XNYS", "--json"))
    assert by_hours["ok"]
    assert by_hours["checked"][0]["checks"][0]["missing"] == 0


def test_a_venue_is_asked_once_and_then_for_nothing(call, venue, from_alpaca) -> None:
    plan = document(call("data", "fetch", "AAPL", *from_alpaca, "--dry-run", "--json"))
    assert plan["refreshed"][0]["missing"] == "2024-01-02T05:00:00Z to 2024-03-01T05:00:00Z"
    assert venue.seen == []
    first = document(call("data", "fetch", "AAPL", *from_alpaca, "--json"))
    assert (first["refreshed"][0]["added"], first["refreshed"][0]["requests"]) == (43, 1)
    venue.seen.clear()
    again = call("data", "fetch", "AAPL", *from_alpaca)
    assert "AAPL: 0 new, 0 corrected, 43 stored" in again.stderr
    assert venue.seen == []


def test_what_is_wrong_is_said_with_its_cure_and_the_documented_code(call) -> None:
    for words, code, told, cure in (
        (("data", "fetch", "AAPL", "IBMM"), 2, "no sample symbol is called 'IBMM'", "did you mean 'IBM'?"),
        (("data", "fetch", "AAPL", "--provider", "alpca"), 2, "no provider is called 'alpca'", "did you mean 'alpaca'"),
        (("data", "fetch"), 2, "no symbol is named", "gpt-trader data fetch AAPL MSFT"),
        (("data", "fetch", "AAPL", "--option", "seed"), 2, "--option takes NAME=VALUE", "for example"),
        (("data", "fetch", "AAPL", "--from", "2020-01-01"), 3, "no bars of AAPL", "to 2013-03-01"),
        (("data", "fetch", "AAPL", "--from", "2012-01-07", "--to", "2012-01-08"), 3, "which is a weekend", ""),
        (("data", "check", "IBM"), 2, "nothing of IBM is stored", "gpt-trader data fetch IBM"),
    ):
        done = call(*words)
        assert done.returncode == code, f"{words}: {done.stderr}"
        assert told in done.stderr
        assert cure in done.stderr
        assert "Traceback" not in done.stderr
    assert [k["symbol"] for k in document(call("data", "list", "--json"))["series"]] == ["AAPL"]


def test_a_wrong_key_is_refused_and_written_nowhere(call, venue, from_alpaca, tmp_path) -> None:
    venue.echo = True
    done = call("data", "fetch", "AAPL", *from_alpaca, "--debug", APCA_API_SECRET_KEY=SECRET)
    assert done.returncode == 4
    assert "alpaca refuses" in done.stderr
    assert "APCA_API_SECRET_KEY" in done.stderr
    assert SECRET not in done.stdout + done.stderr
    written = [path for path in (tmp_path / "home").rglob("*") if path.is_file()]
    assert [path for path in written if SECRET.encode() in path.read_bytes()] == []
    assert document(call("data", "list", "--json"))["series"] == []


def test_asked_too_often_it_ends_with_the_time_to_come_back(call, venue, from_alpaca) -> None:
    venue.faults.append(MUCH_LATER)
    done = call("data", "fetch", "AAPL", "MSFT", *from_alpaca)
    assert done.returncode == 1
    assert "asked too often" in done.stderr
    assert "after 3600 s" in done.stderr
    assert len(venue.seen) == 1  # MSFT would meet the same


def test_the_first_ctrl_c_keeps_what_is_whole_and_the_same_command_goes_on(call, world, tmp_path) -> None:
    minutes = [datetime(2024, 3, 4, 5, tzinfo=UTC) + timedelta(minutes=n) for n in range(25_000)]
    with Alpaca(minutes, page=2_500) as venue:
        venue.delay = 0.1
        words = ["data", "fetch", "AAPL", "--provider", "alpaca", "--timeframe", "1m", "--option", f"url={venue.url}"]
        words += ["--from", "2024-03-04", "--to", "2024-03-31"]
        process = subprocess.Popen([COMMAND, *words], cwd=tmp_path, env=world, stderr=subprocess.PIPE, text=True)
        until = time.monotonic() + 60
        while len(venue.seen) < 6 and time.monotonic() < until:
            time.sleep(0.02)
        venue.delay = 1.0  # however late the signal comes, it is not over by then
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 130
        assert "interrupted; what is whole was kept" in err
        assert "the same command goes on from there" in err
        stored = document(call("data", "list", "--json"))["series"][0]["bars"]
        assert stored == 20_000
        venue.delay = 0.0
        assert call(*words).returncode == 0
        assert document(call("data", "list", "--json"))["series"][0]["bars"] == 25_000


def test_a_damaged_file_is_listed_as_one_and_mended_by_the_command_that_is_named(call, tmp_path) -> None:
    call("data", "fetch", "IBM")
    file = tmp_path / "home" / "data" / "sample" / "IBM" / "1d.parquet"
    file.write_bytes(file.read_bytes()[:5_000])
    listed = call("data", "list")
    assert listed.returncode == 3
    cure = "gpt-trader data fetch IBM --provider sample --timeframe 1d --again"
    assert cure in listed.stderr
    assert call("data", "check").returncode == 3
    mended = call(*cure.split()[1:])
    assert mended.returncode == 0, mended.stderr
    assert call("data", "check").returncode == 0


# --- workflows


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TradingOrchestrator]:
    monkeypatch.setenv("APCA_API_KEY_ID", "PKTEST")
    monkeypatch.setenv("APCA_API_SECRET_KEY", "very-secret")
    settings = load_settings(env={"GPT_TRADER_HOME": str(tmp_path / "home")}, cwd=tmp_path)
    with TradingOrchestrator(settings) as orchestrator:
        yield orchestrator


def again(house: TradingOrchestrator, archive: LocalArchive | None = None) -> TradingOrchestrator:
    """Another process's orchestrator on the same home; perhaps with another archive."""
    other = TradingOrchestrator(house._application.settings)
    if archive is not None:
        other._application.__dict__["archive"] = archive
    return other


def flow(folder: Path, url: str, **more: str) -> str:
    given = {"symbols": "[AAPL]", "provider": "alpaca", "options": f'{{url: "{url}"}}', "start": "2024-01-02", **more}
    lines = "\n".join(f"        {name}: {value}" for name, value in given.items())
    (folder / "flow.yaml").write_text(
        "name: flow\nsteps:\n  - fetch_data:\n      slice: data\n      method: get_historical\n      with:\n"
        + lines
        + "\n"
    )
    return str(folder / "flow.yaml")


def test_a_second_run_is_served_from_the_store_also_where_the_provider_is_gone(house, tmp_path) -> None:
    days = [datetime(2024, 1, 2, 5, tzinfo=UTC) + timedelta(n) for n in range(30)]
    with Alpaca([day for day in days if day.weekday() < 5]) as venue:
        first = house.execute_workflow(flow(tmp_path, venue.url, end="2024-01-31"))
        assert first.status == "SUCCEEDED", first.error
        assert len(venue.asked("/v2/stocks/bars")) == 1
    second = again(house).execute_workflow(flow(tmp_path, venue.url, end="2024-01-31"))
    assert second.outputs["data_provenance"]["AAPL"]["hash"] == first.outputs["data_provenance"]["AAPL"]["hash"]


def test_a_run_beyond_the_store_fails_unless_the_stored_bars_are_asked_for_by_name(house, tmp_path, venue) -> None:
    assert house.execute_workflow(flow(tmp_path, venue.url, end="2024-01-31")).ok
    nowhere = "http://127.0.0.1:9"
    hasty = replace(house._application.archive, clock=BarClock(ns("2024-06-03T12:00Z")))  # pauses pass at once
    failed = again(house, hasty).execute_workflow(flow(tmp_path, nowhere, end="2024-02-15"))
    assert failed.status == "FAILED"
    assert "alpaca does not answer" in (failed.error or {})["message"]
    assert "store: fallback" in (failed.error or {})["hint"]
    told = again(house, hasty).execute_workflow(flow(tmp_path, nowhere, end="2024-02-15", store="fallback"))
    assert told.ok
    assert "the provider was down" in told.outputs["data_provenance"]["AAPL"]["note"]
    assert any("the provider was down" in line for line in told.outputs["quarantine"]["AAPL"]["lines"])


def test_data_refresh_has_its_schedule_and_runs_by_hand(house) -> None:
    loaded = house._application.library.check("data_refresh")
    assert not loaded.faults
    (trigger,) = loaded.workflow.triggers
    assert trigger.kind == "schedule"
    assert trigger.options["cron"] == "30 17 * * 1-5"
    assert trigger.options["calendar"] == "XNYS"
    assert (trigger.options["overlap"], trigger.options["catch_up"]) == ("skip", "latest")
    first = house.execute_workflow("data_refresh")
    assert first.status == "SUCCEEDED", first.error
    assert (first.outputs["added"], first.outputs["ok"]) == (6540, True)
    assert [c["symbol"] for c in first.outputs["checks"]] == ["AAPL", "MSFT"]
    second = house.execute_workflow("data_refresh")
    assert second.outputs["added"] == 0
    assert shipped("workflows").joinpath("data_refresh.yaml").exists()


def test_a_refresh_is_a_fact_that_others_hear(house) -> None:
    assert house.execute_workflow("data_refresh", symbols=["IBM"]).ok
    from gpt_trader.journal.history import History

    with Application(house._application.settings) as app:
        facts = list(History(app.store, app.clock).tail(50, "market.data.updated"))
    assert [(e.payload["symbol"], e.payload["added"]) for e in facts] == [("IBM", 3270)]


def test_the_bundled_backtest_runs_on_downloaded_bars(house, venue) -> None:
    days = [datetime(2021, 1, 4, 5, tzinfo=UTC) + timedelta(n) for n in range(900)]
    venue.moments = [day for day in days if day.weekday() < 5]
    given = {"provider": "alpaca", "options": {"url": venue.url}, "from": "2021-01-04", "to": "2023-05-31"}
    done = house.execute_workflow("simple_backtest", symbols=["AAPL"], **given)
    assert done.status == "SUCCEEDED", done.error
    assert "alpaca" in json.dumps(done.outputs["data_provenance"])
