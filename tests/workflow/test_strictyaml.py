"""YAML is read strictly: words mean what YAML 1.2 says, keys come once, and no file can harm its reader."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpt_trader.workflow.faults import Source
from gpt_trader.workflow.scalars import scalar
from gpt_trader.workflow.strictyaml import read


def values(text):
    node, faults = read(Source("f.yaml", text))
    assert not faults, faults
    assert node is not None
    return node.plain()


def fault(text):
    _, faults = read(Source("f.yaml", text))
    assert len(faults) == 1, faults
    return faults[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ON", "ON"),
        ("on", "on"),
        ("yes", "yes"),
        ("No", "No"),
        ("n", "n"),
        ("9:30", "9:30"),
        ("1:30:00", "1:30:00"),
        ("2026-01-02", "2026-01-02"),
        ("2026-01-02T10:00:00Z", "2026-01-02T10:00:00Z"),
        ("0700", "0700"),
        ("0o17", "0o17"),
        ("017", "017"),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("1e3", 1000.0),
        ("1E-2", 0.01),
        (".5", 0.5),
        ("-0.5", -0.5),
        ("5.", 5.0),
        ("0", 0),
        ("-7", -7),
        ("+7", 7),
        ("0x1F", 31),
        ("true", True),
        ("False", False),
        ("~", None),
        ("null", None),
        ("", None),
        ("nan", "nan"),
        ("1.2.3", "1.2.3"),
        ("-", "-"),
        (".", "."),
        ("+", "+"),
        ("e5", "e5"),
    ],
)
def test_plain_words(text, expected):
    assert scalar(text) == expected
    assert type(scalar(text)) is type(expected)


def test_quotes_and_the_tag_str_make_text():
    assert values("a: '1'\nb: \"true\"\nc: !!str 1\nd: |\n  1\n") == {"a": "1", "b": "true", "c": "1", "d": "1\n"}


def test_the_key_on_is_text():
    assert values("on: 1\nno: 2\n") == {"on": 1, "no": 2}


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(st.characters(codec="ascii")),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=3),
        max_leaves=8,
    )
)
@settings(derandomize=True, max_examples=60, deadline=None)
def test_json_is_read_as_json_reads_it(value):
    text = json.dumps({"value": value})
    assert values(text) == json.loads(text)


def test_anchors_and_merge_keys():
    text = "a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: {<<: [*a, {z: 4}], w: *a}\n"
    assert values(text)["b"] == {"x": 1, "y": 3}
    assert values(text)["c"] == {"x": 1, "y": 2, "z": 4, "w": {"x": 1, "y": 2}}


def test_values_know_their_places():
    node, _ = read(Source("f", "a:\n  - x\n  - {b: 'é', c: 1}\n"))
    assert node is not None
    inner = node.pairs["a"][1].items[1]
    assert inner.place == (3, 5)
    assert inner.key_place("c") == (3, 14)
    assert inner.pairs["c"][1].place == (3, 17)
    assert inner.key_place("absent") == inner.place


BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{b}: &{b} [{','.join(['*' + a] * 10)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)
MERGE_BOMB = "a: &a {x0: 1}\n" + "".join(
    f"{b}: &{b} {{k: {{<<: *{a}, y{b}: [{','.join(['*' + a] * 9)}]}}}}\n"
    for a, b in zip("abcdefghi", "bcdefghij", strict=True)
)
DEEP_BY_ALIAS = "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 500))


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("", "yaml-empty", (1, 1)),
        ("# only a comment\n", "yaml-empty", (1, 1)),
        ("--- \n...\n", "yaml-empty", (1, 1)),
        ("a: 1\nb: 2\na: 3\n", "duplicate-key", (3, 1)),
        ("a: 1\n---\nb: 2\n", "yaml-documents", (2, 1)),
        ("a:\n\t- b\n", "yaml-tab", (2, 1)),
        ("a: @b\n", "yaml-syntax", (1, 4)),
        ("a: b: c\n", "yaml-syntax", (1, 5)),
        ("a: 'never closed\n\n\n", "yaml-syntax", (1, 4)),
        ("a: [1, 2\nb: 3\n", "yaml-syntax", (2, 2)),
        ("a: *b\n", "yaml-alias", (1, 4)),
        ("a: &a [*a]\n", "yaml-alias", (1, 8)),
        ("a: &a {<<: *a}\n", "yaml-alias", (1, 12)),
        ("a: !!python/object/apply:os.system [ls]\n", "yaml-tag", (1, 4)),
        ("a: !custom 1\n", "yaml-tag", (1, 4)),
        ("1: a\n", "yaml-key", (1, 1)),
        ("true: a\n", "yaml-key", (1, 1)),
        ("~: a\n", "yaml-key", (1, 1)),
        ("? [a]\n: b\n", "yaml-key", (1, 3)),
        ("a: .inf\n", "yaml-number", (1, 4)),
        ("a: -.INF\n", "yaml-number", (1, 4)),
        ("a: .nan\n", "yaml-number", (1, 4)),
        ("a: 1e999\n", "yaml-number", (1, 4)),
        ("a: 18446744073709551616\n", "yaml-number", (1, 4)),
        (f"a: {'9' * 5000}\n", "yaml-number", (1, 4)),
        ("<<: 1\n", "yaml-merge", (1, 5)),
        ("\ufeffa: 1\n", "yaml-bom", (1, 1)),
        ("a: b\0c\n", "yaml-character", (1, 5)),
        ("a: 1\nb: \x07\n", "yaml-character", (2, 4)),
        ("a: \u2028\n", "yaml-character", (1, 4)),
        ("a: \ud800\n", "yaml-character", (1, 4)),
        ("a: x" * 400_000, "yaml-size", (1, 1)),
        ("[" * 200_000, "yaml-depth", (1, 65)),
        ("{" * 200_000, "yaml-depth", (1, 65)),
        ("- " * 200_000, "yaml-depth", (1, 129)),
        (BOMB, "yaml-bomb", (5, 4)),
        (MERGE_BOMB, "yaml-bomb", None),
        (DEEP_BY_ALIAS, "yaml-bomb", None),
        ("a: &a x\nb: [" + "*a," * 1001 + "]\n", "yaml-alias", None),
        ("a: [" + "x," * 100_001 + "]\n", "yaml-size", None),
    ],
)
def test_what_is_refused_and_where(text, code, place):
    began = time.perf_counter()
    found = fault(text)
    assert time.perf_counter() - began < 30
    assert found.code == code
    assert place is None or (found.line, found.col) == place
    assert found.message


def test_several_faults_are_told_at_once_and_the_rest_is_still_read():
    node, faults = read(Source("f", "a: 1\na: 2\nb: !x 3\n4: c\nd: ok\n"))
    assert [f.code for f in faults] == ["duplicate-key", "yaml-tag", "yaml-key"]
    assert node is not None
    assert node.plain()["d"] == "ok"


def test_a_file_of_nothing_but_faults_is_cut_short():
    _, faults = read(Source("f", "a: b\n" * 50_000))
    assert len(faults) == 100


def test_the_hint_for_an_unknown_anchor():
    assert fault("a: &prices 1\nb: *price\n").hint == "did you mean 'prices'?"
