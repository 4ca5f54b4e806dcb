"""Spans of time, from one moment to before another: what was asked for already, and what is left to ask."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

Span = tuple[int, int]


def joined(spans: Iterable[Span], more: Iterable[Span] = ()) -> tuple[Span, ...]:
    """The same time in as few spans as possible, in order."""
    found: list[Span] = []
    for first, last in sorted(span for span in (*spans, *more) if span[0] < span[1]):
        if found and first <= found[-1][1]:
            found[-1] = (found[-1][0], max(last, found[-1][1]))
        else:
            found.append((first, last))
    return tuple(found)


def missing(spans: Iterable[Span], wanted: Span) -> Iterator[Span]:
    """The parts of the wanted span that are in none of the spans."""
    at, end = wanted
    for first, last in joined(spans):
        if first >= end:
            break
        if at < first:
            yield at, first
        at = max(at, last)
    if at < end:
        yield at, end
