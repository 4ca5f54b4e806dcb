"""What pydantic finds wrong, in words for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def fault_of(found: Mapping[str, Any]) -> str:
    """One fault as a clause that begins with the name of the value, where it has one."""
    name, message = ".".join(map(str, found["loc"])), str(found["msg"])
    if found["type"] == "value_error":
        return ": ".join(filter(None, (name, message.removeprefix("Value error, "))))
    if found["type"] == "extra_forbidden":
        return f"there is no '{name}'"
    if found["type"] == "missing":
        return f"{name} is missing"
    if message.startswith("Input should "):
        return f"{name or 'it'} must {message.removeprefix('Input should ')}"
    return f"{name or 'params'}: {message[:1].lower()}{message[1:]}"
