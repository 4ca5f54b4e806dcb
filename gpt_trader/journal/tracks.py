"""Tracks: how far a subscriber has come through the history, once for topics of priority and once for all others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gpt_trader.core.events import topic_filter
from gpt_trader.journal.history import Stored

Matches = Callable[[str], bool]
EXPRESS, ORDINARY = "!", ""


@dataclass(slots=True)
class Track:
    """Everything up to `cursor` is dealt with; the next event of concern is not before `mark` (None: there is none)."""

    matches: Matches
    tag: str
    cursor: int = 0
    mark: int | None = None

    def order(self, row: Stored) -> str:
        """Events that share this are handled one after the other: those of one key, or of one topic without keys."""
        return f"{self.tag}={row[2]}" if row[2] else f"{self.tag}~{row[1]}"


def tracks_for(pattern: str, priority: Sequence[str]) -> list[Track]:
    """The tracks that a pattern needs, the express one first."""
    wanted = topic_filter(pattern)
    urgent = [topic_filter(p) for p in priority]

    def express(topic: str) -> bool:
        return wanted(topic) and any(matches(topic) for matches in urgent)

    def ordinary(topic: str) -> bool:
        return wanted(topic) and not any(matches(topic) for matches in urgent)

    tracks = [Track(_remembered(ordinary), ORDINARY)]
    if any(_may_meet(pattern, p) for p in priority):
        tracks.insert(0, Track(_remembered(express), EXPRESS))
    return tracks


def _may_meet(pattern: str, other: str) -> bool:
    """Whether one topic may match both; told by the first words, which is enough to save most subscribers a track."""
    first, second = pattern.partition(".")[0], other.partition(".")[0]
    return first == second or "*" in first + second


def _remembered(matches: Matches) -> Matches:
    """Topics are few and events many."""
    known: dict[str, bool] = {}

    def match(topic: str) -> bool:
        found = known.get(topic)
        if found is None:
            if len(known) > 4096:
                known.clear()
            found = known[topic] = matches(topic)
        return found

    return match
