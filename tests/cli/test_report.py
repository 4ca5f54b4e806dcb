"""The report of a run: found where the run made one, made from its results where it did not."""

from __future__ import annotations

import json
import webbrowser
from pathlib import Path

import pytest

WITH = """
name: with_report
mode: backtest
steps:
  - fetch_data: {slice: data, method: get_historical, with: {symbols: [AAPL], start: "2011-01-01"}}
  - test: {slice: backtest, method: execute, with: {strategy: sma_cross}}
"""
REPORT = "  - tell: {slice: monitor, method: create_report, with: {title: The report of the run}}\n"


@pytest.fixture
def ran(project, call):
    """A run with a report, and one without."""
    for name, text in {"with_report": WITH + REPORT, "without": WITH.replace("with_report", "without")}.items():
        (project / "workflows" / f"{name}.yaml").write_text(text)
    return {name: call("run", name, "--json", "-q").json["id"] for name in ("without", "with_report")}


def test_the_report_that_a_run_made_is_found_in_every_format(ran, call):
    page = Path(call("report", "latest").out.strip())
    assert "<title>The report of the run</title>" in page.read_text()
    assert (
        Path(call("report", "latest", "--format", "md").out.strip()).read_text().startswith("# The report of the run")
    )
    told = json.loads(Path(call("report", "latest", "--format", "json").out.strip()).read_text())
    assert told["title"] == "The report of the run"
    assert call("report").out.strip() == str(page)
    assert call("report", ran["with_report"]).out.strip() == str(page)


def test_a_run_without_a_report_gets_one_from_its_results(ran, call):
    page = Path(call("report", ran["without"]).out.strip()).read_text()
    assert f"<title>without, run {ran['without']}</title>" in page
    assert "AAPL: price and trades" in page
    found = call("runs", "show", ran["without"], "--json").json["steps"][1]["outputs"]
    assert f"{found['final_equity']:,.2f}" in page


def test_a_report_whose_file_is_gone_is_made_again(ran, call):
    page = Path(call("report", "latest").out.strip())
    page.unlink()
    again = Path(call("report", "latest").out.strip())
    assert again.exists()
    assert "AAPL: price and trades" in again.read_text()


def test_a_copy_has_the_format_that_its_name_says(ran, call, tmp_path):
    for name, start in (("r.html", "<!doctype"), ("r.md", "# The report"), ("r.json", "{"), ("plain", "<!doctype")):
        told = call("report", "latest", "--out", str(tmp_path / name), "--json").json
        assert told["path"] == str(tmp_path / name)
        assert (tmp_path / name).read_text().startswith(start)
        assert told["bytes"] == (tmp_path / name).stat().st_size
    assert call("report", "latest", "--out", str(tmp_path / "r.html")).code == 0
    folder = call("report", "latest", "--out", str(tmp_path))
    assert (folder.code, "is a folder" in folder.err) == (2, True)
    lost = call("report", "latest", "--out", str(tmp_path / "nowhere" / "r.html"))
    assert (lost.code, "cannot be written" in lost.err) == (1, True)
    assert [f.name for f in tmp_path.glob(".*")] == []


def test_it_is_shown_in_the_browser_and_a_missing_one_is_told(ran, call, monkeypatch):
    shown: list[str] = []

    def opened(url: str) -> bool:
        shown.append(url)
        return True

    monkeypatch.setattr(webbrowser, "open", opened)
    found = call("report", "latest", "--open")
    assert shown == [Path(found.out.strip()).as_uri()]
    assert found.err == ""
    monkeypatch.setattr(webbrowser, "open", lambda url: False)
    found = call("report", "latest", "--open")
    assert found.code == 0
    assert f"open the file yourself: {found.out.strip()}" in found.err


def test_a_run_without_results_a_wrong_format_and_no_run_are_told(project, call):
    none = call("report")
    assert (none.code, "there are no runs yet" in none.err) == (2, True)
    call("run", "three", "-q")
    bare = call("report", "latest")
    assert bare.code == 2
    assert "has nothing to report on: no step gave equity or trades or metrics" in bare.err
    assert "gpt-trader runs show" in bare.err
    wrong = call("report", "latest", "--format", "htm")
    assert (wrong.code, "did you mean 'html'" in wrong.err) == (2, True)
