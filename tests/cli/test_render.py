"""What is printed, and where."""

from __future__ import annotations

import io
import json

import pytest

from gpt_trader.cli import render
from gpt_trader.core.errors import ConfigError, RefusedByRisk
from gpt_trader.core.secrets import Secrets


@pytest.fixture(autouse=True)
def printed(monkeypatch):
    """What was printed since it was asked last: stdout and stderr."""
    out, err = io.StringIO(), io.StringIO()
    monkeypatch.setattr(render, "screen", render.Screen(out, err))

    def read() -> tuple[str, str]:
        texts = out.getvalue(), err.getvalue()
        for stream in (out, err):
            stream.seek(0)
            stream.truncate()
        return texts

    return read


def test_data_goes_to_stdout_and_messages_to_stderr(printed):
    render.data("result")
    render.note("how it goes")
    render.warn("careful")
    render.error("wrong", "do this")
    out, err = printed()
    assert out == "result\n"
    assert err == "how it goes\nwarning: careful\nerror: wrong\n\nhint: do this\n"


def test_quiet_keeps_notes_and_hints_back_but_neither_warnings_nor_errors(printed):
    render.screen.quiet = True
    render.note("no")
    render.hint("no")
    render.warn("yes")
    render.error("yes", "with what to do")
    assert printed()[1] == "warning: yes\nerror: yes\n\nhint: with what to do\n"


def test_details_are_for_verbose_alone(printed):
    render.detail("no")
    render.screen.verbose = True
    render.detail("yes")
    assert printed()[1] == "yes\n"


def test_colours_are_painted_only_where_they_are_shown():
    assert render.paint("x", "bold red") == "x"
    render.screen.colour_out = True
    assert render.paint("x", "bold red") == "\x1b[1;31mx\x1b[0m"
    assert render.paint("x", "bold red", err=True) == "x"


def test_a_document_has_a_version(printed):
    render.document({"runs": [], "name": "Käse"})
    assert json.loads(printed()[0]) == {"version": 1, "runs": [], "name": "Käse"}


def test_a_line_document_is_one_line(printed):
    render.json_line({"a": "x\ny"})
    assert printed()[0] == '{"version": 1, "a": "x\\ny"}\n'


def test_what_is_no_number_is_null(printed):
    render.document({"x": float("nan"), "y": [float("inf"), {"z": (-float("inf"), 1.5)}]})

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    out = json.loads(printed()[0], parse_constant=refuse)
    assert out == {"version": 1, "x": None, "y": [None, {"z": [None, 1.5]}]}


def test_a_secret_of_figures_changes_no_number_of_a_document(printed):
    render.screen.secrets = Secrets(["12345678"])
    render.document({"cash": 12345678, "pin": "12345678"})
    assert json.loads(printed()[0]) == {"version": 1, "cash": 12345678, "pin": "***"}


@pytest.mark.parametrize(("text", "shown"), [("\x1b[2Jboo", "\\x1b[2Jboo"), ("a\tb\nc", "a\tb\nc"), ("\x07", "\\x07")])
def test_the_text_of_others_cannot_steer_a_terminal(text, shown):
    assert render.clean(text) == shown


def test_a_limit_makes_one_short_line():
    assert render.clean("a\n  b   c", 50) == "a b c"
    assert render.clean("x" * 50, 10) == "xxxxxxx..."


@pytest.mark.parametrize(
    ("fault", "code", "told"),
    [
        (ConfigError("bad", hint="fix"), 3, "error: bad\n\nhint: fix\n"),
        (RefusedByRisk("no"), 5, "error: no\n"),
        (PermissionError(13, "Permission denied", "/x"), 1, "error: Permission denied: /x\n"),
        (KeyError("k"), 1, "error: KeyError: 'k'\n\nhint: --debug shows where this came from\n"),
    ],
)
def test_an_error_is_one_line_a_hint_and_an_exit_code(fault, code, told, printed):
    assert render.failed(fault) == code
    assert printed()[1] == told


def test_a_trace_is_shown_with_debug_alone(printed):
    render.screen.debug = True
    try:
        raise KeyError("k")
    except KeyError as fault:
        render.failed(fault)
    assert "Traceback" in printed()[1]


def test_a_table_is_aligned_and_not_cut_where_no_terminal_is(printed):
    render.table(("NAME", "WHAT"), [["a", "x" * 300], ["longer", "y\nz"]])
    lines = printed()[0].splitlines()
    assert lines == ["NAME    WHAT", "a       " + "x" * 300, "longer  y z"]


def test_the_last_column_is_cut_at_the_edge_of_a_terminal(printed, monkeypatch):
    monkeypatch.setattr(render.Screen, "wide", property(lambda _: 20))
    render.table(("NAME", "WHAT"), [["a", "x" * 300]])
    assert [len(line) for line in printed()[0].splitlines()] == [10, 20]


@pytest.mark.parametrize(
    ("value", "told"),
    [(0.0004, "0 ms"), (0.25, "250 ms"), (1.26, "1.3 s"), (75, "1 min 15 s"), (3700, "1 h 1 min"), (90_000, "1 d 1 h")],
)
def test_lengths_of_time_are_told_as_people_do(value, told):
    assert render.seconds(value) == told
