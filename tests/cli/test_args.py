"""Several values after one option, and options that are inputs."""

from __future__ import annotations

import pytest

from gpt_trader.cli.args import bare_flags, sort
from gpt_trader.core.errors import UsageError

KNOWN = {"flags": {"--json"}, "single": {"--mode", "-m"}, "many": {"--input"}}


def sorted_(*words: str):
    return sort(list(words), **KNOWN)


@pytest.mark.parametrize(
    "words",
    [
        ("flow", "--symbols", "AAPL", "MSFT"),
        ("flow", "--symbols=AAPL", "--symbols", "MSFT"),
        ("--symbols=AAPL", "flow", "--symbols", "MSFT"),
    ],
)
def test_an_unknown_option_takes_all_words_up_to_the_next_option_and_may_repeat(words):
    found = sorted_(*words)
    assert found.inputs == {"symbols": ["AAPL", "MSFT"]}
    assert found.positional == ["flow"]


def test_an_unknown_option_before_the_name_swallows_it():
    assert sorted_("--symbols", "AAPL", "flow").inputs == {"symbols": ["AAPL", "flow"]}


def test_known_options_keep_their_words():
    found = sorted_("flow", "--json", "--mode", "paper", "--input", "a=1", "b=2", "-m=x")
    assert found.inputs == {}
    assert found.words == ["--json", "--mode", "paper", "--input", "a=1", "--input", "b=2", "-m=x", "--", "flow"]


def test_negative_numbers_are_values_and_dashes_become_underscores():
    assert sorted_("f", "--stop-loss", "-0.5", "-3", "-.5").inputs == {"stop_loss": ["-0.5", "-3", "-.5"]}


def test_an_unknown_short_option_is_left_to_be_refused():
    assert sorted_("-x").words == ["-x"]


def test_after_two_dashes_every_word_is_a_name():
    assert sorted_("--", "--odd.yaml").positional == ["--odd.yaml"]


def test_a_boolean_input_is_a_switch():
    schemas = {"fast": {"type": "boolean"}, "cash": {"type": "number"}}
    assert bare_flags({"fast": []}, schemas) == {"fast": ["true"]}
    assert bare_flags({"no_fast": []}, schemas) == {"fast": ["false"]}
    assert bare_flags({"fast": ["no"]}, schemas) == {"fast": ["no"]}


def test_any_other_input_needs_a_value():
    with pytest.raises(UsageError, match="--cash-left takes a value"):
        bare_flags({"cash_left": []}, {"cash_left": {"type": "number"}})
