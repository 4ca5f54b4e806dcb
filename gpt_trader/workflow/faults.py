"""Faults of a document: all of them at once, each with its place, for people and for machines."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from gpt_trader.core.errors import ValidationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Format = Literal["text", "json", "github", "sarif"]
Place = tuple[int, int]
_LONGEST_SHOWN = 1000
FORMATS: tuple[Format, ...] = ("text", "json", "github", "sarif")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is wrong, and where: line and column count from 1, `source` is that line of the file."""

    code: str
    message: str
    file: str
    line: int = 1
    col: int = 1
    source: str = ""
    hint: str | None = None

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.col}: {self.code}: {self.message}".replace("\n", " ")


class Source:
    """The text of one file, which makes faults at places inside it."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text
        self._lines = re.split(r"\r\n|\r|\n", text)

    def fault(self, code: str, message: str, at: Place = (1, 1), *, hint: str | None = None) -> Fault:
        """A fault at a line and column, moved inside the file where they lie behind its end."""
        line = min(max(at[0], 1), len(self._lines))
        source = self._lines[line - 1]
        col = min(max(at[1], 1), len(source) + 1)
        shown = source if len(source) <= _LONGEST_SHOWN else ""
        return Fault(code=code, message=message, file=self.file, line=line, col=col, source=shown, hint=hint)

    def line(self, number: int) -> str:
        """The text of a line, counted from 1."""
        return self._lines[number - 1] if 0 < number <= len(self._lines) else ""

    def place(self, index: int) -> Place:
        """The line and column of a character."""
        before = re.split(r"\r\n|\r|\n", self.text[:index])
        return len(before), len(before[-1]) + 1


class FaultsFound(ValidationError):
    """A document has faults."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        count = "1 fault" if len(self.faults) == 1 else f"{len(self.faults)} faults"
        files = ", ".join(dict.fromkeys(f.file for f in self.faults))
        super().__init__(f"{count} in {files}\n{render(self.faults, 'text')}")

    @property
    def details(self) -> Mapping[str, Any]:
        """Each fault with its place."""
        return {"faults": [_fields(f) for f in self.faults]}


def render(faults: Sequence[Fault], format: Format) -> str:
    """The faults as text with source lines and carets, as JSON, as GitHub annotations, or as SARIF 2.1.0."""
    ways = {"text": _text, "json": _json, "github": _github, "sarif": _sarif}
    return ways[format](faults)


def _text(faults: Sequence[Fault]) -> str:
    return "\n".join(_block(f) for f in faults)


def _block(fault: Fault) -> str:
    rows = [str(fault)]
    if fault.source.strip():
        shown, caret = _window(fault.source, fault.col)
        margin = str(fault.line)
        rows += [f"  {margin} | {shown}", f"  {' ' * len(margin)} | {caret}^"]
    if fault.hint:
        rows.append(f"  hint: {fault.hint}")
    return "\n".join(rows)


def _window(source: str, col: int) -> tuple[str, str]:
    start = 0 if len(source) <= 160 else max(0, col - 80)
    shown = "".join(c if c.isprintable() else " " for c in source[start : start + 160])
    return shown, " " * (col - 1 - start)


def _json(faults: Sequence[Fault]) -> str:
    return json.dumps({"version": 1, "faults": [_fields(f) for f in faults]}, indent=2, ensure_ascii=False)


def _fields(fault: Fault) -> dict[str, Any]:
    return {
        "code": fault.code,
        "message": fault.message,
        "file": fault.file,
        "line": fault.line,
        "column": fault.col,
        "source": fault.source,
        "hint": fault.hint,
    }


def _github(faults: Sequence[Fault]) -> str:
    return "\n".join(
        f"::error file={_property(f.file)},line={f.line},col={f.col},title={_property(f.code)}::{_message(f)}"
        for f in faults
    )


def _message(fault: Fault) -> str:
    text = fault.message if fault.hint is None else f"{fault.message}\n{fault.hint}"
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    escaped = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return escaped.replace(":", "%3A").replace(",", "%2C")


def _sarif(faults: Sequence[Fault]) -> str:
    rules = sorted({f.code for f in faults})
    driver = {"name": "gpt-trader", "rules": [{"id": code} for code in rules]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(f, rules.index(f.code)) for f in faults],
    }
    document = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return json.dumps(document, indent=2, ensure_ascii=False)


def _result(fault: Fault, rule: int) -> dict[str, Any]:
    from urllib.parse import quote

    text = fault.message if fault.hint is None else f"{fault.message} ({fault.hint})"
    region = {"startLine": fault.line, "startColumn": fault.col}
    artifact = {"uri": quote(fault.file.replace("\\", "/"), safe="/:@!$&'()*+,;=-._~")}
    place = {"physicalLocation": {"artifactLocation": artifact, "region": region}}
    return {
        "ruleId": fault.code,
        "ruleIndex": rule,
        "level": "error",
        "message": {"text": text},
        "locations": [place],
    }
