"""Secret values that this process knows of, so that no text that is kept or shown holds one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

MASK = "***"
SHORTEST = 8
"""A shorter one could be found in any text by chance."""
_TELLING = 24
"""A shorter line of a secret tells little of it, and might be a word of other texts."""
_DEEPEST = 3
"""So many times may JSON hold JSON as a text; each doubles the backslashes of a key with several lines."""
_FIGURES = re.compile(r"[-+]?[\d.,]*\d[\d.,]*([eE][-+]?\d+)?")
_PASSWORD = re.compile(r"(password|passfile|sslpassword|sslkey)=([^&\s]*)", re.IGNORECASE)
_NO_CODE = re.compile(r"%(?![0-9a-f]{2})|%00", re.IGNORECASE)
_IN_QUOTES = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"')


def is_figures(value: str) -> bool:
    """Whether a text could be a number, so that as many numbers could be taken for it."""
    return _FIGURES.fullmatch(value) is not None


@dataclass(frozen=True, slots=True)
class _Form:
    """One way in which a secret is written; figures count only where they are not part of a longer number."""

    text: str
    data: bytes
    alone: re.Pattern[str] | None
    alone_in_bytes: re.Pattern[bytes] | None


class Secrets:
    """Blots secret values out of texts, also as JSON and addresses write them, and never out of numbers.

    It is false while it knows none.
    """

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._forms: tuple[_Form, ...] = ()
        for value in values:
            self.know(value)

    def __bool__(self) -> bool:
        return bool(self._forms)

    def know(self, value: str) -> None:
        """From now on, blot this out."""
        if len(value) < SHORTEST:
            return
        known = {form.text for form in self._forms}.union(*map(_written, (value, *_telling_lines(value))))
        self._forms = tuple(_form(text) for text in sorted(known, key=len, reverse=True))

    def clean(self, text: str) -> str:
        """The text without secrets."""
        for form in self._forms:
            if form.text in text:
                text = form.alone.sub(MASK, text) if form.alone else text.replace(form.text, MASK)
        return text

    def clean_bytes(self, data: bytes) -> bytes:
        """The bytes of a text without secrets."""
        mask = MASK.encode()
        for form in self._forms:
            if form.data in data:
                data = form.alone_in_bytes.sub(mask, data) if form.alone_in_bytes else data.replace(form.data, mask)
        return data

    def clean_json(self, text: str) -> str:
        """A JSON text without secrets: its strings are blotted and nothing else; what is no JSON, as any text."""
        if not self.may_be_in(text):
            return text
        import json

        try:
            json.loads(text, parse_int=str, parse_float=str)
        except (ValueError, RecursionError):
            return self.clean(text)
        return _IN_QUOTES.sub(self._clean_quoted, text)

    def _clean_quoted(self, quoted: re.Match[str]) -> str:
        if not self.may_be_in(quoted[0]):
            return quoted[0]
        import json

        text = json.loads(quoted[0])
        cleaned = self.clean(text)
        return quoted[0] if cleaned == text else json.dumps(cleaned)

    def may_be_in(self, text: str) -> bool:
        """Whether a text holds what could be a secret; quick also for a long one."""
        return any(form.text in text for form in self._forms)

    def clean_values(self, value: Any) -> Any:
        """A value whose texts, also those inside maps and lists, are without secrets."""
        if isinstance(value, str):
            return self.clean(value)
        if isinstance(value, bytes):
            return self.clean_bytes(value)
        if isinstance(value, dict):
            return {self.clean_values(k): self.clean_values(v) for k, v in value.items()}
        if isinstance(value, list):
            return [self.clean_values(v) for v in value]
        if type(value) is tuple:
            return tuple(self.clean_values(v) for v in value)
        return value

    def clean_rows(
        self, rows: Sequence[Mapping[str, Any]], *, but: Container[str] = (), documents: Container[str] = ()
    ) -> Sequence[Mapping[str, Any]]:
        """Flat maps whose texts are without secrets, `but` those under these names; `documents` are JSON texts."""
        return [
            {
                k: (self.clean_json(v) if k in documents else self.clean(v))
                if isinstance(v, str) and k not in but
                else v
                for k, v in row.items()
            }
            for row in rows
        ]


def _form(text: str) -> _Form:
    data = text.encode(errors="surrogateescape")
    if not is_figures(text):
        return _Form(text, data, None, None)
    alone = rf"(?<!\d)(?<!\d[.,]){re.escape(text)}(?![.,]?\d)"
    return _Form(text, data, re.compile(alone), re.compile(alone.encode()))


def _telling_lines(value: str) -> Iterator[str]:
    """The lines of a key that has several: printed or listed one by one, each tells its part."""
    lines = value.splitlines()
    if len(lines) > 1:
        yield from (line for line in lines if len(line) >= _TELLING and not re.search(r"\s", line))


def _written(value: str) -> set[str]:
    """A value as it stands, in pages, in messages, in addresses, and in JSON, also in the JSON that JSON holds."""
    from html import escape
    from urllib.parse import quote, quote_plus

    as_bytes = value.encode(errors="surrogateescape")  # the environment may hold any
    as_page = escape(value)
    pages = {as_page, escape(value, quote=False), as_page.replace("&quot;", "&#34;").replace("&#x27;", "&#39;")}
    forms = {value, *pages, repr(value)[1:-1]}
    for _ in range(_DEEPEST):
        forms |= {inner for form in forms for inner in _in_json(form)}
    return forms | {quote(as_bytes), quote(as_bytes, safe=""), quote_plus(as_bytes)}


def _in_json(text: str) -> Iterator[str]:
    import json

    yield json.dumps(text)[1:-1]
    yield json.dumps(text, ensure_ascii=False)[1:-1]


# the passwords of a URL


def garbled(url: str) -> bool:
    """Whether a database would read this URL in another way than its author meant, for want of percent-encoding."""
    behind = url.partition("://")[2].removeprefix(f"{_user_of(url)}@")
    place, _, query = behind.partition("?")
    nameless = query and not all("=" in part for part in query.removesuffix("&").split("&"))
    return "@" in place or bool(nameless) or _NO_CODE.search(url) is not None


def passwords_of(url: str) -> list[str]:
    """The passwords that stand in a URL, as they are written and as they are meant."""
    from urllib.parse import unquote

    written = [_login_of(url).partition(":")[2], *(found[2] for found in _PASSWORD.finditer(url))]
    return list(dict.fromkeys(form for text in written if text for form in (text, unquote(text))))


def masked(url: str) -> str:
    """A URL without its passwords, wherever they stand in it."""
    scheme, mark, rest = url.partition("://")
    login = _login_of(url)
    bare = f"{scheme}{mark}{login.partition(':')[0]}{rest.removeprefix(login)}"
    return _PASSWORD.sub(r"\1=...", bare)


def blotted(text: str, values: Iterable[str]) -> str:
    """The text without these values; short ones where they stand alone, for a gap inside a word would tell them."""
    for value in sorted(values, key=len, reverse=True):
        alone = rf"(?<![A-Za-z0-9]){re.escape(value)}(?![A-Za-z0-9])"
        text = text.replace(value, MASK) if len(value) >= SHORTEST else re.sub(alone, MASK, text)
    return text


def _login_of(url: str) -> str:
    """Who logs in, and with what; where that is unclear, all that could be part of it."""
    if url.startswith("sqlite:"):
        return ""
    return url.partition("://")[2].rpartition("@")[0] if garbled(url) else _user_of(url)


def _user_of(url: str) -> str:
    """The part of a URL that PostgreSQL takes for user and password: what comes before the first `@` but for a `/`."""
    found = re.match(r"([^@/]*)@", url.partition("://")[2])
    return found[1] if found else ""
