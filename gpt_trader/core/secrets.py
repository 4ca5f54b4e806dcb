"""Secret values that this process knows of, so that no text that is kept or shown holds one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence

MASK = "***"
SHORTEST = 8
"""A shorter one could be found in any text by chance."""


class Secrets:
    """Blots secret values out of texts, also as JSON and addresses write them; false while it knows none."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._forms: dict[str, str] = {}
        for value in values:
            self.know(value)

    def __bool__(self) -> bool:
        return bool(self._forms)

    def know(self, value: str) -> None:
        """From now on, blot this out."""
        if len(value) < SHORTEST:
            return
        # in JSON, figures may stand for themselves: then figures take their place
        mask = "9" * len(value) if value.isdecimal() else MASK
        known = self._forms | dict.fromkeys(_written(value), mask)
        self._forms = {form: known[form] for form in sorted(known, key=len, reverse=True)}

    def clean(self, text: str) -> str:
        """The text without secrets."""
        for form, mask in self._forms.items():
            if form in text:
                text = text.replace(form, mask)
        return text

    def clean_bytes(self, data: bytes) -> bytes:
        """The bytes of a text without secrets."""
        for form, mask in self._forms.items():
            if form.encode() in data:
                data = data.replace(form.encode(), mask.encode())
        return data

    def clean_values(self, value: Any) -> Any:
        """A value whose texts, also those inside maps and lists, are without secrets."""
        if isinstance(value, str):
            return self.clean(value)
        if isinstance(value, dict):
            return {self.clean_values(k): self.clean_values(v) for k, v in value.items()}
        if isinstance(value, list | tuple):
            return [self.clean_values(v) for v in value]
        return value

    def clean_rows(self, rows: Sequence[Mapping[str, Any]], *, but: Container[str] = ()) -> Sequence[Mapping[str, Any]]:
        """Flat maps whose texts are without secrets, `but` those under these names."""
        return [
            {k: self.clean(v) if isinstance(v, str) and k not in but else v for k, v in row.items()} for row in rows
        ]


def _written(value: str) -> set[str]:
    """A value as it stands, in JSON, and in addresses."""
    import json
    from urllib.parse import quote, quote_plus

    in_json = {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
    return {value, *in_json, quote(value), quote(value, safe=""), quote_plus(value)}
