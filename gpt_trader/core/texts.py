"""Texts from outside, made such that every database can keep them."""

from __future__ import annotations


def storable(text: str) -> str:
    """The text with what is no character (part of a file's name, say) and NUL written out."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")


def words(error: BaseException) -> str:
    """What an error says; one of somebody's own may fail even at that."""
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - whatever it raises, the first error is the one to be told
        return "it cannot say what went wrong"
