"""The Python face: what the README prints runs as printed, with imports from gpt_trader alone."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import gpt_trader
from gpt_trader import EventBus, TradingOrchestrator
from gpt_trader.app.settings import load_settings

SLICE = """
from gpt_trader import Outputs, Params, Slice, StepContext, method

class P(Params):
    symbols: list[str]

class O(Outputs):
    count: int

class News(Slice):
    name = "news"

    @method()
    def read_news(self, params: P, ctx: StepContext) -> O:
        "Counts."
        return O(count=len(params.symbols))
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "plugins" / "slices").mkdir(parents=True)
    (tmp_path / "plugins" / "slices" / "news.py").write_text(SLICE)
    (tmp_path / "workflows").mkdir()
    (tmp_path / "workflows" / "daily.yaml").write_text(
        "name: daily\ninputs: {symbols: {type: array, items: {type: string}, default: [AAPL]}}\nsteps: [read_news]\n"
    )
    monkeypatch.setenv("GPT_TRADER_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    sys.modules.pop("gpt_trader_plugins_slices_news", None)


def test_a_result_is_shown_in_a_line_whatever_it_gave(project: Path) -> None:
    with TradingOrchestrator() as orchestrator:
        result = orchestrator.execute_workflow("simple_backtest", symbols=["AAPL"])
    assert result["bar_count"] == 3270
    assert len(repr(result)) < 200


@pytest.mark.usefixtures("project")
def test_a_workflow_runs_from_python() -> None:
    orchestrator = TradingOrchestrator()
    result = orchestrator.execute_workflow("daily", symbols=["AAPL", "MSFT"])
    assert (result.ok, result["count"]) == (True, 2)
    assert orchestrator.execute_workflow("daily").outputs == {"count": 1}
    orchestrator.close()


@pytest.mark.usefixtures("project")
def test_events_reach_their_subscribers_from_python() -> None:
    heard, done = [], threading.Event()

    def handler(event: gpt_trader.Event) -> None:
        heard.append((event.topic, dict(event.payload)))
        done.set()

    bus = EventBus()
    bus.subscribe("trade.executed", handler)
    bus.publish("market.data.updated", {"symbol": "AAPL", "price": 150.0})
    bus.publish("trade.executed", {"symbol": "AAPL"})
    assert done.wait(10)
    bus.close()
    assert heard == [("trade.executed", {"symbol": "AAPL"})]


@pytest.mark.usefixtures("project")
def test_the_bus_hears_the_runs_of_the_orchestrator() -> None:
    with TradingOrchestrator() as orchestrator:
        heard, done = [], threading.Event()

        def handler(event: gpt_trader.Event) -> None:
            heard.append(event.topic)
            if event.topic == "run.succeeded":
                done.set()

        orchestrator.bus.subscribe("run.*", handler)
        orchestrator.execute_workflow("daily")
        assert done.wait(10)
    assert heard == ["run.started", "run.succeeded"]


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = (
        "import sys, gpt_trader; print(*[m for m in sys.modules if m.partition('.')[0] in "
        "{'pandas','numpy','pydantic','sqlalchemy','sqlmodel','typer','rich','yaml'}])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == ""


def test_every_public_word_can_be_imported_and_others_cannot() -> None:
    for name in gpt_trader.__all__:
        assert getattr(gpt_trader, name).__name__ or True
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = gpt_trader.Nothing


class TestPlugins:
    def test_a_plugin_file_that_breaks_is_told_when_it_is_used(self, project: Path) -> None:
        (project / "plugins" / "slices" / "bad.py").write_text("import no_such_module\n")
        with TradingOrchestrator() as orchestrator:
            catalog = orchestrator._application.catalog
            assert "bad" in catalog
            with pytest.raises(gpt_trader.GptTraderError, match="cannot be loaded: ModuleNotFoundError"):
                catalog["bad"]

    def test_a_plugin_file_defines_one_slice(self, project: Path) -> None:
        (project / "plugins" / "slices" / "none.py").write_text("x = 1\n")
        with (
            TradingOrchestrator() as orchestrator,
            pytest.raises(gpt_trader.GptTraderError, match="must define one Slice"),
        ):
            orchestrator._application.catalog["none"]


def test_settings_can_be_given(project: Path) -> None:
    settings = load_settings(env={"GPT_TRADER_HOME": str(project / "other")}, cwd=project)
    with TradingOrchestrator(settings) as orchestrator:
        assert orchestrator.execute_workflow("daily").ok
    assert (project / "other" / "journal.db").exists()
    assert not (project / "home").exists()
