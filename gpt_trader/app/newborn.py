"""A new strategy of a user's own: a file that works and a test that passes, out of two templates."""

from __future__ import annotations

import keyword
import os
import re
from collections.abc import Container, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from gpt_trader.app.library import shown
from gpt_trader.core.errors import Conflict, GptTraderError, UsageError

if TYPE_CHECKING:
    from gpt_trader.app.settings import Settings

_TEMPLATES = Path(__file__).parent / "templates"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


def strategy_files(
    name: str, settings: Settings, *, taken: Container[str], folder: Path | None = None
) -> Mapping[Path, str]:
    """The texts of a new strategy and of its test, by file; a name that is taken, or is no name, is refused."""
    if not _NAME.fullmatch(name) or keyword.iskeyword(name):
        raise UsageError(f"'{name}' is no name for a strategy", hint="small letters, digits and _, such as my_trend")
    place = (settings.plugins / "strategies" if folder is None else folder.expanduser().absolute()) / f"{name}.py"
    test = settings.project / "tests" / f"test_{name}.py"
    there = [shown(file) for file in (place, test) if file.exists()]
    if there:
        raise Conflict(f"nothing was written, because there is {' and '.join(there)}", hint="choose another name")
    if name in taken:
        raise Conflict(f"there is a strategy '{name}' already", hint="`gpt-trader strategies list` shows what is taken")
    words = {
        "@name@": name,
        "@class@": "".join(part.title() for part in name.split("_")),
        "@path@": Path(os.path.relpath(place, test.parent)).as_posix(),
    }
    return {Path(shown(place)): _text("strategy", words), Path(shown(test)): _text("test_strategy", words)}


def _text(template: str, words: Mapping[str, str]) -> str:
    text = (_TEMPLATES / f"{template}.py.txt").read_text(encoding="utf-8")
    for word, meaning in words.items():
        text = text.replace(word, meaning)
    return text


def write_files(files: Mapping[Path, str]) -> None:
    """Write them all, or none; a file that exists is never overwritten."""
    written: list[Path] = []
    try:
        for file, text in files.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("x", encoding="utf-8") as target:
                written.append(file)
                target.write(text)
    except OSError as error:
        for file in written:
            file.unlink(missing_ok=True)
        raise GptTraderError(f"{error.filename} cannot be written: {error.strerror}") from None
