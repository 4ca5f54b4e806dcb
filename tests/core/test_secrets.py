"""Secrets are blotted out wherever they stand, and what is left can still be read."""

from __future__ import annotations

import json
from collections.abc import Callable
from html import escape
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpt_trader.core.secrets import MASK, SHORTEST, Secrets, blotted, garbled, masked, passwords_of

TEXTS = st.text(min_size=SHORTEST, max_size=30).filter(lambda text: text.strip() == text)
PLAIN = st.text() | st.integers() | st.none()
DOCUMENTS = st.recursive(PLAIN, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


def test_nothing_known_is_nothing_blotted_out() -> None:
    assert not Secrets()
    assert Secrets().clean("as it was") == "as it was"


@pytest.mark.parametrize(
    "write", [str, json.dumps, lambda v: quote(v, safe=""), lambda v: f"https://x/?key={quote(v)}&b=1", escape]
)
@pytest.mark.parametrize("value", ["s3cr3t-value", 'with "quotes" and \\', "ä ö & = ? / +", "two\nlines of it"])
def test_a_secret_is_found_as_text_in_json_and_in_addresses(value: str, write: object) -> None:
    written = write(value)  # type: ignore[operator]
    assert Secrets([value]).clean(f"a {written} b") == f"a {str(written).replace(_bare(written, value), MASK)} b"


def _bare(written: str, value: str) -> str:
    """The secret as it stands in what was written."""
    forms = [value, json.dumps(value)[1:-1], quote(value, safe=""), quote(value), escape(value)]
    return next(form for form in forms if form in written)


@pytest.mark.parametrize("value", ['a "quoted" one', "back\\slashed", "-----BEGIN KEY-----\nMIIä\n-----END KEY-----\n"])
@pytest.mark.parametrize("deep", [1, 2, 3])
def test_a_secret_is_found_in_json_inside_json(value: str, deep: int) -> None:
    for ascii_only in (True, False):
        text: object = {"key": value}
        for _ in range(deep):
            text = json.dumps(text, ensure_ascii=ascii_only)
        for cleaned in (Secrets([value]).clean(str(text)), Secrets([value]).clean_json(str(text))):
            read: object = cleaned
            for _ in range(deep):
                read = json.loads(str(read))
            assert read == {"key": MASK}


@pytest.mark.parametrize("write", [escape, lambda v: escape(v, quote=False), repr])
def test_a_secret_is_found_in_pages_and_messages(write: Callable[[str], str]) -> None:
    value = "S3cr3t!value&<x>\"q'\n"
    assert "S3cr3t" not in Secrets([value]).clean(f"<p>{write(value)}</p>")
    assert b"S3cr3t" not in Secrets([value]).clean_bytes(f"<p>{write(value)}</p>".encode())


def test_what_is_too_short_is_left_alone() -> None:
    assert Secrets(["short"]).clean("short") == "short"


def test_a_secret_inside_another_leaves_nothing_of_the_longer_one() -> None:
    assert Secrets(["abcdefgh", "abcdefghijkl"]).clean("abcdefghijkl") == MASK


@pytest.mark.parametrize("figures", ["10000000", "-1.2345678", "12345678e9", "1,000,000.50"])
def test_a_number_is_never_changed_whatever_the_secret(figures: str) -> None:
    secrets = Secrets([figures])
    number = figures.replace(",", "")
    text = f'{{"cash":{number},"all":[1{number.lstrip("-")}25],"word":"a{figures}b"}}'
    assert secrets.clean_json(text) == text.replace(f"a{figures}b", f"a{MASK}b")
    assert secrets.clean_values({"cash": 10000000, "pin": figures}) == {"cash": 10000000, "pin": MASK}


def test_figures_in_a_text_are_blotted_out_where_they_stand_alone() -> None:
    secrets = Secrets(["10000000"])
    text = "pin 10000000, at 110000000.25 and 10000000.25 and 0.10000000; ?pin=10000000."
    kept = "pin ***, at 110000000.25 and 10000000.25 and 0.10000000; ?pin=***."
    assert secrets.clean(text) == kept
    assert secrets.clean_bytes(text.encode()) == kept.encode()


def test_what_only_looks_like_a_secret_between_the_strings_of_json_stays() -> None:
    secrets = Secrets(['{"a":1,"b":2}', "null,null"])
    assert secrets.clean_json('[{"a":1,"b":2},null,null]') == '[{"a":1,"b":2},null,null]'


def test_what_is_no_json_is_cleaned_as_a_text() -> None:
    assert Secrets(["s3cr3t-value"]).clean_json('ValueError: "s3cr3t-value') == f'ValueError: "{MASK}'


def test_a_secret_that_is_no_text_of_any_language_is_taken_too() -> None:
    value = b"\xff\xfe-caf\xe9-key".decode(errors="surrogateescape")
    assert Secrets([value]).clean(f"a {value}") == f"a {MASK}"


@given(TEXTS, DOCUMENTS)
def test_no_document_holds_it_and_each_can_be_read(value: str, around: object) -> None:
    secrets = Secrets([value])
    document = {"a": around, "b": f"x{value}y", value: [value]}
    for text in (json.dumps(document), json.dumps(document, ensure_ascii=False)):
        cleaned = json.loads(secrets.clean_json(text))
        assert cleaned == secrets.clean_values(document)
        assert cleaned["b"] == f"x{MASK}y"
        assert _numbers(cleaned) == _numbers(document)


def _numbers(value: object) -> list[int]:
    """All numbers of a document, in their order."""
    if isinstance(value, dict | list):
        inside = value.values() if isinstance(value, dict) else value
        return [n for v in inside for n in _numbers(v)]
    return [value] if isinstance(value, int) else []


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://ada:secret@host/db", "postgresql://ada@host/db"),
        ("postgresql://ada:se@cret@host/db", "postgresql://ada@host/db"),
        ("postgresql://ada:se/cret@host/db", "postgresql://ada@host/db"),
        ("postgresql://ada:se?cret@host/db", "postgresql://ada@host/db"),
        ("postgresql://ada:s@e?cret@host/db", "postgresql://ada@host/db"),
        ("postgresql://ada:secret@host/db?application_name=a@b", "postgresql://ada@host/db?application_name=a@b"),
        ("sqlite:////x/journal.db", "sqlite:////x/journal.db"),
        ("sqlite:////x:y/a@b.db", "sqlite:////x:y/a@b.db"),
        ("postgresql://host/db", "postgresql://host/db"),
        ("postgresql:///db?host=/tmp&application_name=a@b", "postgresql:///db?host=/tmp&application_name=a@b"),
        ("postgresql://host/db?user=ada&password=s3cret", "postgresql://host/db?user=ada&password=..."),
    ],
)
def test_a_password_is_not_shown(url: str, shown: str) -> None:
    assert masked(url) == shown


@pytest.mark.parametrize("password", ["Longpass12", "short1", "p%40ss", "a?b", "", "%C3%A4"])
@pytest.mark.parametrize("behind", ["h/db", "/db?host=/tmp&", "[::1]:5432/db?application_name=a@b&password=x%40y"])
def test_a_url_is_read_as_the_database_reads_it(password: str, behind: str) -> None:
    conninfo = pytest.importorskip("psycopg.conninfo")
    url = f"postgresql://u:{password}@{behind}"
    assert not garbled(url)
    read = conninfo.conninfo_to_dict(url).get("password")
    assert read is None or read in passwords_of(url)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:p@ssw0rd123@h/db",
        "postgresql://u:pa/ss@h/db",
        "postgresql://u:100%@h/db",
        "postgresql://u:a%zzb@h/db",
        "postgresql://u:a%00b@h/db",
        "postgresql://u:s@e?cret@host/db",
    ],
)
def test_a_url_that_a_database_would_read_in_another_way_is_told(url: str) -> None:
    assert garbled(url)


def test_a_short_word_is_blotted_out_where_it_stands_alone() -> None:
    assert blotted("no host short1@h for short1", ["short1"]) == "no host ***@h for ***"
    assert blotted("a connection for a: Longpass12x", ["a", "Longpass12"]) == "*** connection for ***: ***x"


def test_the_lines_of_a_key_of_several_lines_are_not_told_one_by_one_either():
    lines = [
        "-----BEGIN PRIVATE KEY-----",
        "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC+/Kc",
        "short+end=",
        "-----END PRIVATE KEY-----",
    ]
    secrets = Secrets(["\n".join(lines)])
    assert secrets.clean_values(lines) == [lines[0], "***", lines[2], lines[3]]
    assert secrets.clean(f"https://host/?key={'MIIEvQIBADANBgkqhkiG9w0BAQEFAASC%2B%2FKc'}") == "https://host/?key=***"
