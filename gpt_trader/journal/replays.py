"""Hands events of the past to one durable subscriber again, in whichever process it is served."""

from __future__ import annotations

from gpt_trader.core.errors import NotFound
from gpt_trader.journal.history import PAGE, History
from gpt_trader.journal.hub import REPLAYED
from gpt_trader.journal.writer import Op


def replay_to(history: History, subscriber: str, first: int, last: int) -> int:
    """Have it handle what matches its pattern once more; its place does not move. Returns how many events they are."""
    store = history.store
    found = store.read("subscription.get", name=subscriber)
    if not found:
        raise NotFound.among("subscriber", subscriber, [str(r["name"]) for r in store.read("subscription.list")])
    count = 0
    page: list[Op] = []
    for event in history.between(first, min(last, history.last()), str(found[0]["pattern"])):
        row = {"subscriber": subscriber, "key": f"#{event.seq}", "seq": event.seq, "attempts": 0, "next_at": 0}
        page.append(("delivery.put", {**row, "error": ""}, False))
        count += 1
        if len(page) == PAGE:
            store.write(page)
            page = []
    fact = history.fact(REPLAYED, {"subscriber": subscriber, "first": first, "last": last})
    store.write([*page, ("event.add", fact, False)])
    return count
