"""Facts in the past tense and the filters that choose among them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from gpt_trader.core.errors import ValidationError

_TOPIC = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)*")
_PATTERN = re.compile(r"(\*\*|\*|[a-z0-9_]+)(\.(\*\*|\*|[a-z0-9_]+))*")


@dataclass(frozen=True, slots=True)
class Event:
    """A fact that the history holds; `seq` is its place there and `at` microseconds since 1970, UTC."""

    seq: int
    topic: str
    at: int
    payload: Mapping[str, Any] = field(default_factory=dict)
    key: str = ""
    run_id: str = ""


Handler = Callable[[Event], None]


def check_topic(topic: str) -> str:
    """Return the topic if it is one: words of a-z, 0-9 and _, joined by dots."""
    if not _TOPIC.fullmatch(topic):
        raise ValidationError(f"'{topic}' is no topic", hint="use words such as trade.executed: a-z, 0-9, _ and dots")
    return topic


@lru_cache(maxsize=1024)
def topic_filter(pattern: str) -> Callable[[str], bool]:
    """A test for topics: `*` stands for one word, `**` for any number of them; `trade.*` also takes deeper topics."""
    if not _PATTERN.fullmatch(pattern):
        raise ValidationError(f"'{pattern}' is no topic pattern", hint="write trade.executed, trade.* or **")
    if "*" not in pattern:
        return pattern.__eq__
    words = pattern.split(".")
    if words[-1] == "*":
        words[-1] = "**+"
    expression = r"\.".join(_WORDS.get(w, re.escape(w)) for w in words)
    expression = expression.replace(r"(?:__any__)\.", r"(?:[^.]+\.)*").replace(r"\.(?:__any__)", r"(?:\.[^.]+)*")
    matches = re.compile(expression.replace("(?:__any__)", ".*")).fullmatch
    return lambda topic: matches(topic) is not None


_WORDS = {"*": r"[^.]+", "**": "(?:__any__)", "**+": r".+"}
