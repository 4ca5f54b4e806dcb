"""A small house for the runner's tests: slices that count, note, fail, hang and die, and a runner on any journal."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from gpt_trader.core.context import StepContext
from gpt_trader.core.errors import RefusedByRisk
from gpt_trader.core.slices import Frame, Outputs, Params, Slice, SliceCatalog, method
from gpt_trader.journal.artifacts import ArtifactFolder
from gpt_trader.journal.migrations import open_store
from gpt_trader.journal.owners import new_owner
from gpt_trader.journal.runs import Runs, StepRecord
from gpt_trader.trading.clocks import WallClock
from gpt_trader.workflow.active import Change, Parts
from gpt_trader.workflow.loader import load_or_raise
from gpt_trader.workflow.runner import Runner


class Number(Params):
    v: int = 0


class Value(Outputs):
    v: int


class Note(Params):
    """What is noted, and in which file."""

    log: str
    text: str = ""
    fails: int = 0
    seconds: float = 0.0


class Noted(Outputs):
    said: str


class Found(Outputs):
    found: bool
    said: str = ""


class Scored(Outputs):
    score: float


class Item(Params):
    symbol: str
    log: str = ""


class Table(Outputs):
    bars: Frame


class Rows(Params):
    bars: Frame


class Exact(Outputs):
    price: Decimal
    day: date
    pair: tuple[int, int]


class Anything(Outputs):
    thing: Any


class Kind(Params):
    price: Any


class Count(Slice):
    """Counts."""

    name = "count"

    @method()
    def inc(self, params: Number, ctx: StepContext) -> Value:
        """One more."""
        return Value(v=params.v + 1)

    @method()
    def table(self, params: Number, ctx: StepContext) -> Table:
        """A small table."""
        return Table(bars=pd.DataFrame({"close": [1.0, 2.5, params.v]}))

    @method()
    def exact(self, params: Number, ctx: StepContext) -> Exact:
        """Values that JSON has no words for."""
        return Exact(price=Decimal("1.10"), day=date(2026, 1, 2), pair=(1, 2))

    @method()
    def kind(self, params: Kind, ctx: StepContext) -> Noted:
        """What a param is, seen from inside."""
        return Noted(said=repr(params.price))

    @method()
    def strange(self, params: Number, ctx: StepContext) -> Anything:
        """Something that cannot be kept."""
        return Anything(thing=object())

    @method()
    def rows(self, params: Rows, ctx: StepContext) -> Value:
        """The sum of a table's last column."""
        return Value(v=int(params.bars["close"].sum() * 2))

    @method()
    def score(self, params: Item, ctx: StepContext) -> Scored:
        """The length of a name."""
        if params.log:
            _append(params.log, f"score {params.symbol}")
        if params.symbol == "BAD":
            raise ValueError("no such thing as BAD")
        return Scored(score=float(len(params.symbol)))


class Notes(Slice):
    """Writes one line for each call, as a witness outside the journal."""

    name = "notes"

    @method()
    def note(self, params: Note, ctx: StepContext) -> Noted:
        """Note a text; fail as often as asked, first."""
        _append(params.log, f"{params.text or ctx.path}")
        before = Path(params.log).read_text().count(f"{params.text or ctx.path}\n")
        time.sleep(params.seconds)
        if before <= params.fails:
            raise ConnectionError(f"failure {before}")
        ctx.record("notes.noted", {"text": params.text})
        return Noted(said=params.text)

    @method(effect="once")
    def order(self, params: Note, ctx: StepContext) -> Noted:
        """Something that may happen once only: the venue is a file."""
        _append(params.log, f"order {ctx.key}")
        return Noted(said=ctx.key)

    @method()
    def find_order(self, params: Note, ctx: StepContext) -> Found:
        """Look whether the venue has it."""
        path = Path(params.log)
        there = path.exists() and f"order {ctx.key}\n" in path.read_text()
        return Found(found=there, said=ctx.key)


class Mumble(Exception):
    """An error that fails when it is asked what it is."""

    hint = object()

    def __str__(self) -> str:
        raise ValueError("no words")


class Trouble(Slice):
    """Goes wrong."""

    name = "trouble"

    @method()
    def hang(self, params: Note, ctx: StepContext) -> Found:
        """Hang, deaf to everything."""
        _append(params.log, "hang")
        time.sleep(params.seconds or 60)
        _append(params.log, "woke")
        return Found(found=False, said="woke")

    @method()
    def refuse(self, params: Note, ctx: StepContext) -> Found:
        """A refusal by the risk desk."""
        _append(params.log, "refuse")
        raise RefusedByRisk("too large")

    @method()
    def leave(self, params: Note, ctx: StepContext) -> Found:
        """Leave as a script would."""
        sys.exit(3)

    @method()
    def mumble(self, params: Note, ctx: StepContext) -> Noted:
        """Raise what cannot even be told."""
        raise Mumble

    @method()
    def quit_task(self, params: Note, ctx: StepContext) -> Found:
        """Cancel itself, as asynchronous code does."""
        raise asyncio.CancelledError

    @method(effect="once")
    def send(self, params: Note, ctx: StepContext) -> Noted:
        """Send, and never hear whether it arrived."""
        raise ConnectionError("no acknowledgement")

    @method()
    def die(self, params: Note, ctx: StepContext) -> Noted:
        """End the process that it runs in."""
        os._exit(7)

    @method()
    def where(self, params: Note, ctx: StepContext) -> Noted:
        """The process that it runs in."""
        return Noted(said=str(os.getpid()))

    @method()
    def big(self, params: Number, ctx: StepContext) -> Noted:
        """A hundred megabytes."""
        return Noted(said="x" * (params.v * 1_000_000))

    @method()
    def wrong(self, params: Number, ctx: StepContext) -> Noted:
        """Not what it promises."""
        return Value(v=1)  # type: ignore[return-value]


def _append(log: str, text: str) -> None:
    with Path(log).open("a", encoding="utf-8") as out:
        out.write(f"{text}\n")


def _itself(cls: type[Slice]) -> type[Slice]:
    return cls


def catalog() -> SliceCatalog:
    made = SliceCatalog()
    for cls in (Count, Notes, Trouble):
        made.offer(cls.name, partial(_itself, cls))
    return made


class House:
    """A runner on a journal, with its tools."""

    def __init__(self, url: str, folder: Path, **options: Any) -> None:
        self.url = url
        self.folder = folder
        self.log = folder / "log.txt"
        self.changes: list[Change] = []
        self.clock = options.pop("clock", None) or WallClock()
        self.store = open_store(url, self.clock)
        self.catalog = catalog()
        self.runs = Runs(self.store, self.clock)
        parts = Parts(
            runs=self.runs,
            catalog=self.catalog,
            artifacts=ArtifactFolder(folder / "artifacts"),
            clock=self.clock,
            owner=new_owner(),
            agent_env={"PATH": os.defpath},
            observer=options.pop("observer", self.changes.append),
            **options,
        )
        self.runner = Runner(parts)

    def load(self, text: str, *, find: Callable[[str], tuple[str, str] | None] = lambda name: None) -> Any:
        return load_or_raise(text.replace("LOG", str(self.log)), file="test.yaml", catalog=self.catalog, find=find)

    def run(self, text: str, inputs: Mapping[str, Any] | None = None, **options: Any) -> Any:
        """Run a workflow's text and wait for its result."""
        return self.runner.start(self.load(text), inputs, **options).result(30)

    def lines(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []

    def steps(self, run_id: str) -> dict[str, list[StepRecord]]:
        """The attempts by path."""
        found: dict[str, list[StepRecord]] = {}
        for record in self.runs.steps(run_id):
            found.setdefault(record.path, []).append(record)
        return found

    def statuses(self, run_id: str) -> dict[str, list[str]]:
        return {path: [r.status for r in records] for path, records in self.steps(run_id).items()}

    def close(self) -> None:
        self.runner.close()
        self.store.close()


@contextmanager
def house(url: str, folder: Path, **options: Any) -> Iterator[House]:
    made = House(url, folder, **options)
    try:
        yield made
    finally:
        made.close()


def workflow(steps: str, *, name: str = "test", head: str = "") -> str:
    """The text of a workflow whose steps are given, one flow-style map a line."""
    indented = "\n".join(f"  {line}" for line in steps.strip().splitlines())
    return f"name: {name}\n{head}\nsteps:\n{indented}\n"
