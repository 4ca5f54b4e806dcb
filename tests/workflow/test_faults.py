"""Faults are shown with their place to people, and handed to machines in their own formats."""

import json

import pytest

from gpt_trader.core.errors import ValidationError
from gpt_trader.workflow.faults import FORMATS, Fault, FaultsFound, Source, render

SOURCE = Source("flows/a,b:c.yaml", "name: x\r\nsteps: [oops]\nlast")
ONE = SOURCE.fault("unknown-method", "no method is called 'oops'", (2, 9), hint="did you mean 'ops'?")
TWO = SOURCE.fault("bad", "100% wrong\nreally", (99, 99))


def test_text_shows_the_line_a_caret_and_the_hint():
    assert render([ONE], "text") == (
        "flows/a,b:c.yaml:2:9: unknown-method: no method is called 'oops'\n"
        "  2 | steps: [oops]\n"
        "    |         ^\n"
        "  hint: did you mean 'ops'?"
    )


def test_a_place_behind_the_end_is_moved_inside_the_file():
    assert (TWO.line, TWO.col, TWO.source) == (3, 5, "last")


def test_a_long_line_is_shown_around_the_caret():
    source = Source("f", "x" * 400)
    _, shown, caret = render([source.fault("c", "m", (1, 300))], "text").splitlines()
    assert len(shown) < 180
    assert caret.index("^") < len(shown)


def test_json_is_versioned_and_holds_every_field():
    told = json.loads(render([ONE, TWO], "json"))
    assert told["version"] == 1
    assert told["faults"][0] == {
        "code": "unknown-method",
        "message": "no method is called 'oops'",
        "file": "flows/a,b:c.yaml",
        "line": 2,
        "column": 9,
        "source": "steps: [oops]",
        "hint": "did you mean 'ops'?",
    }


def test_github_annotations_escape_what_would_end_them():
    one, two = render([ONE, TWO], "github").splitlines()
    assert one == (
        "::error file=flows/a%2Cb%3Ac.yaml,line=2,col=9,title=unknown-method::"
        "no method is called 'oops'%0Adid you mean 'ops'?"
    )
    assert two.endswith("::100%25 wrong%0Areally")


def test_sarif_names_its_rules_and_points_at_them():
    log = json.loads(render([ONE, TWO, ONE], "sarif"))
    run = log["runs"][0]
    assert log["version"] == "2.1.0"
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert rules == ["bad", "unknown-method"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
    region = run["results"][0]["locations"][0]["physicalLocation"]
    assert region["region"] == {"startLine": 2, "startColumn": 9}
    assert region["artifactLocation"]["uri"] == "flows/a,b:c.yaml"


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_can_show_a_fault_without_a_source(format):
    assert "m" in render([Fault(code="c", message="m", file="f")], format)


def test_the_error_carries_all_faults_and_counts_them():
    error = FaultsFound([ONE, TWO])
    assert isinstance(error, ValidationError)
    assert error.exit_code == 3
    assert error.faults == (ONE, TWO)
    assert error.message.startswith("2 faults in flows/a,b:c.yaml\n")
    assert "flows/a,b:c.yaml:2:9" in error.message
    assert FaultsFound([ONE]).message.startswith("1 fault in")


def test_the_place_of_a_character_counts_lines_of_any_ending():
    source = Source("f", "a\r\nbc\rd\ne")
    assert [source.place(i) for i in (0, 4, 6, 8)] == [(1, 1), (2, 2), (3, 1), (4, 1)]
    assert source.line(2) == "bc"
    assert source.line(9) == ""
