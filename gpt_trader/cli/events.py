"""`gpt-trader events tail`, `publish` and `replay`: the history of facts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gpt_trader.cli import render
from gpt_trader.cli.documents import iso
from gpt_trader.cli.session import application
from gpt_trader.cli.summary import short
from gpt_trader.core.errors import UsageError, ValidationError
from gpt_trader.core.strictjson import read_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from gpt_trader.core.events import Event
    from gpt_trader.journal.history import History

_LOOK_SECONDS = 0.2
_RANGE = re.compile(r"(\d+)(?:-(\d*))?")


def tail(
    pattern: Annotated[
        str, typer.Argument(metavar="[PATTERN]", help="Topics, such as trade.executed or trade.*.")
    ] = "**",
    count: Annotated[int, typer.Option("--count", "-n", metavar="N", min=0, help="How many old ones first.")] = 10,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new ones until Ctrl-C.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document for each event, on its line.")
    ] = False,
) -> int:
    """Show the newest events, and follow them.

    $ gpt-trader events tail
    $ gpt-trader events tail 'approval.*' --follow --json
    """
    from gpt_trader.core.events import topic_filter
    from gpt_trader.journal.history import History

    with application() as app:
        history = History(app.store, app.clock)
        place = history.last()
        for event in history.tail(count, pattern) if count else ():
            _print(event, as_json=as_json)
        while follow:
            matches = topic_filter(pattern)
            for event in history.after(place):
                place = event.seq
                if matches(event.topic):
                    _print(event, as_json=as_json)
            render.screen.out.flush()
            app.clock.sleep(_LOOK_SECONDS)
    return 0


def _print(event: Event, *, as_json: bool) -> None:
    if as_json:
        render.json_line(event_fields(event))
        return
    told = " ".join(f"{name}={short(value)}" for name, value in event.payload.items())
    at = render.paint(str(iso(event.at)), "dim")
    render.data(f"{event.seq:>6}  {at}  {render.paint(event.topic, 'cyan')}  {told}".rstrip())


def event_fields(event: Event) -> dict[str, Any]:
    """An event as JSON."""
    return {
        "seq": event.seq,
        "topic": event.topic,
        "at": iso(event.at),
        "key": event.key or None,
        "run": event.run_id or None,
        "payload": dict(event.payload),
    }


def publish(
    topic: Annotated[str, typer.Argument(metavar="TOPIC", help="Words joined by dots, such as market.data.updated.")],
    payload: Annotated[str, typer.Argument(metavar="[JSON]", help="What happened, as a JSON object.")] = "{}",
    key: Annotated[str, typer.Option(metavar="TEXT", help="Events of one key are handled in order.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check it; publish nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the event as JSON.")] = False,
) -> int:
    """Publish an event.

    $ gpt-trader events publish market.data.updated '{"symbol": "AAPL", "price": 150.0}'
    """
    with application() as app:
        fields = _object(payload)
        if dry_run:
            app.bus.history.fact(topic, fields, key=key)
            if as_json:
                render.document({"dry_run": True, "would": "publish", "topic": topic, "key": key, "payload": fields})
            else:
                render.data(f"would publish {topic}")
            return 0
        event = app.bus.publish(topic, fields, key=key)
        if as_json:
            render.document(event_fields(event))
        else:
            _print(event, as_json=False)
    return 0


def _object(text: str) -> dict[str, Any]:
    try:
        found = read_json(text)
    except ValueError as error:
        raise ValidationError(f"the payload is no JSON: {error}", hint="""write '{"symbol": "AAPL"}'""") from None
    if not isinstance(found, dict):
        raise ValidationError("the payload must be a JSON object", hint="""write '{"symbol": "AAPL"}'""")
    return found


def replay(
    events: Annotated[str, typer.Argument(metavar="SEQ", help="One sequence number, or a range: 12, 12-40, 12-.")],
    to: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A durable subscriber, in whichever process.")
    ] = None,
    handler: Annotated[str | None, typer.Option(metavar="MODULE:FUNCTION", help="A function to call here.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count the events; hand over nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> int:
    """Hand events of the past to named subscribers again.

    $ gpt-trader events replay 12-40 --to alerts
    $ gpt-trader events replay 12- --handler handlers:on_trade

    Nobody else gets them, and the place of a subscriber does not move.
    """
    from gpt_trader.journal.history import History
    from gpt_trader.journal.replays import replay_to

    if not to and handler is None:
        raise UsageError("to whom?", hint="--to NAME, or --handler MODULE:FUNCTION")
    with application() as app:
        history = History(app.store, app.clock)
        first, last = _range(events, history)
        if dry_run:
            counts = {"events": sum(1 for _ in history.between(first, last))}
        else:
            counts = {name: replay_to(history, name, first, last) for name in to or ()}
            if handler is not None:
                counts[handler] = app.bus.replay(first, last, to=_function(handler))
    if as_json:
        render.document({"first": first, "last": last, "dry_run": dry_run, "handed_over": counts})
        return 0
    for name, count in counts.items():
        several = "1 event" if count == 1 else f"{count} events"
        render.data(f"would hand over {several}" if dry_run else f"handed {several} to {name}")
    return 0


def _range(text: str, history: History) -> tuple[int, int]:
    found = _RANGE.fullmatch(text)
    if found is None:
        raise UsageError(f"'{text}' is no range of events", hint="write 12, 12-40 or 12-")
    first = int(found[1])
    last = first if found[2] is None else int(found[2] or history.last())
    if found[2] and last < first:
        raise UsageError(f"'{text}' is no range of events", hint="it ends before it begins")
    return first, last


def _function(text: str) -> Callable[[Event], None]:
    """A function of a module that is installed or lies in this folder."""
    import sys
    from importlib import import_module
    from pathlib import Path

    module, colon, name = text.partition(":")
    if not colon:
        raise UsageError(f"'{text}' names no function", hint="write module:function")
    sys.path.insert(0, str(Path.cwd()))
    try:
        found = getattr(import_module(module), name, None)
    except ImportError as error:
        raise UsageError(f"{module} cannot be imported: {error}") from None
    if not callable(found):
        raise UsageError(f"{module} has no function '{name}'")
    return found  # type: ignore[no-any-return]
