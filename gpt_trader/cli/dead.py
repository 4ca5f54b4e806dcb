"""`gpt-trader events dead`: what a subscriber could not handle waits here for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from gpt_trader.cli import render
from gpt_trader.cli.documents import iso
from gpt_trader.cli.events import event_fields
from gpt_trader.cli.session import application
from gpt_trader.core.errors import NotFound, UsageError

if TYPE_CHECKING:
    from gpt_trader.app.wiring import Application
    from gpt_trader.journal.dead import DeadLetter

_TO = Annotated[str | None, typer.Option("--to", metavar="NAME", help="Only those of this subscriber.")]
_SEQ = Annotated[list[int] | None, typer.Argument(metavar="[SEQ]...", help="Which events.")]
_ALL = Annotated[bool, typer.Option("--all", help="All of them.")]
_DRY = Annotated[bool, typer.Option("--dry-run", help="Say what would be done; change nothing.")]
_JSON = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
_MOST = 100_000


def list_dead(
    to: _TO = None,
    count: Annotated[int, typer.Option("--count", "-n", metavar="N", min=1, help="How many.")] = 50,
    as_json: _JSON = False,
) -> int:
    """List the dead letters.

    $ gpt-trader events dead list
    """
    with application() as app:
        found = app.bus.dead.list(to, count=count)
    if as_json:
        render.document({"dead_letters": [_fields(letter) for letter in found]})
    elif found:
        rows = [[str(d.seq), d.subscriber, d.event.topic if d.event else "", str(d.attempts), d.error] for d in found]
        render.table(("SEQ", "SUBSCRIBER", "TOPIC", "ATTEMPTS", "ERROR"), rows)
    else:
        render.note("there are no dead letters")
    return 0


def _fields(letter: DeadLetter) -> dict[str, Any]:
    return {
        "seq": letter.seq,
        "subscriber": letter.subscriber,
        "attempts": letter.attempts,
        "error": letter.error,
        "at": iso(letter.at),
        "event": event_fields(letter.event) if letter.event else None,
    }


def retry(
    seq: _SEQ = None, to: _TO = None, everything: _ALL = False, dry_run: _DRY = False, as_json: _JSON = False
) -> int:
    """Have dead letters delivered again.

    $ gpt-trader events dead retry 17 --to alerts
    $ gpt-trader events dead retry --all
    """
    return _settle("retry", seq, to, everything=everything, dry_run=dry_run, as_json=as_json)


def drop(
    seq: _SEQ = None, to: _TO = None, everything: _ALL = False, dry_run: _DRY = False, as_json: _JSON = False
) -> int:
    """Give dead letters up.

    $ gpt-trader events dead drop 17
    """
    return _settle("drop", seq, to, everything=everything, dry_run=dry_run, as_json=as_json)


def _settle(what: str, seq: list[int] | None, to: str | None, *, everything: bool, dry_run: bool, as_json: bool) -> int:
    with application() as app:
        chosen = _chosen(app, seq, to, everything=everything)
        if not dry_run:
            act = app.bus.dead.retry if what == "retry" else app.bus.dead.drop
            for letter in chosen:
                act(letter.subscriber, letter.seq)
    done = {"retry": "to be delivered again", "drop": "dropped"}[what]
    if as_json:
        named = [{"seq": d.seq, "subscriber": d.subscriber} for d in chosen]
        render.document({"done": what, "dry_run": dry_run, "dead_letters": named})
        return 0
    for letter in chosen:
        render.data(f"event {letter.seq} for {letter.subscriber}: " + (f"would be {done}" if dry_run else done))
    return 0


def _chosen(app: Application, seq: list[int] | None, to: str | None, *, everything: bool) -> list[DeadLetter]:
    if not seq and not everything:
        raise UsageError("which ones?", hint="name sequence numbers, or --all")
    found = app.bus.dead.list(to, count=_MOST)
    chosen = [letter for letter in found if everything or letter.seq in (seq or ())]
    missing = sorted(set(seq or ()) - {letter.seq for letter in chosen})
    if missing:
        raise NotFound(f"there is no dead letter {missing[0]}", hint="`gpt-trader events dead list` shows them")
    return chosen
