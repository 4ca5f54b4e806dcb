"""Secrets are blotted out wherever they stand, and what is left can still be read."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpt_trader.core.secrets import MASK, SHORTEST, Secrets

TEXTS = st.text(min_size=SHORTEST, max_size=30).filter(lambda text: text.strip() == text)
PLAIN = st.text() | st.integers() | st.none()
DOCUMENTS = st.recursive(PLAIN, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


def test_nothing_known_is_nothing_blotted_out() -> None:
    assert not Secrets()
    assert Secrets().clean("as it was") == "as it was"


@pytest.mark.parametrize(
    "write", [str, json.dumps, lambda v: quote(v, safe=""), lambda v: f"https://x/?key={quote(v)}&b=1"]
)
@pytest.mark.parametrize("value", ["s3cr3t-value", 'with "quotes" and \\', "ä ö & = ? / +", "two\nlines of it"])
def test_a_secret_is_found_as_text_in_json_and_in_addresses(value: str, write: object) -> None:
    written = write(value)  # type: ignore[operator]
    assert Secrets([value]).clean(f"a {written} b") == f"a {str(written).replace(_bare(written, value), MASK)} b"


def _bare(written: str, value: str) -> str:
    """The secret as it stands in what was written."""
    forms = [value, json.dumps(value)[1:-1], quote(value, safe=""), quote(value)]
    return next(form for form in forms if form in written)


def test_what_is_too_short_is_left_alone() -> None:
    assert Secrets(["short"]).clean("short") == "short"


def test_a_secret_inside_another_leaves_nothing_of_the_longer_one() -> None:
    assert Secrets(["abcdefgh", "abcdefghijkl"]).clean("abcdefghijkl") == MASK


def test_figures_stay_figures_so_that_a_document_can_still_be_read() -> None:
    secrets = Secrets(["12345678"])
    assert json.loads(secrets.clean('{"a": 12345678, "b": "12345678"}')) == {"a": 99999999, "b": "99999999"}


@given(TEXTS, DOCUMENTS)
def test_no_document_holds_it_and_each_can_be_read(value: str, around: object) -> None:
    secrets = Secrets([value])
    document = {"a": around, "b": f"x{value}y", value: [value]}
    for text in (json.dumps(document), json.dumps(document, ensure_ascii=False)):
        cleaned = secrets.clean(text)
        assert value not in str(json.loads(cleaned)).replace(MASK, "").replace("9" * len(value), "")
        assert secrets.clean_bytes(text.encode()) == cleaned.encode()
