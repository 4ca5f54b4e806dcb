"""A slice that gives another answer at every call, and tells a file of each call: what it wrote outlives any kill."""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path
from typing import Any

from pydantic import Field

from gpt_trader.core.context import StepContext
from gpt_trader.core.slices import Outputs, Params, Slice, method

_AGAIN = re.compile(r"~\d+")


class Draw(Params):
    log: str
    see: dict[str, str] = Field(default_factory=dict)
    fails: int = 0
    seconds: float = 0.0


class Drawn(Outputs):
    nonce: str
    number: int


class Looked(Outputs):
    found: bool
    nonce: str = ""
    number: int = 0


class Witness(Slice):
    """Gives another answer at every call, and tells a file of each call before it returns."""

    name = "witness"

    @method()
    def draw(self, params: Draw, ctx: StepContext) -> Drawn:
        """Draw a number by chance."""
        drawn = _draw()
        tell(params.log, "ran", ctx.run_id, ctx.path, ctx.attempt, drawn.nonce, params.see)
        time.sleep(params.seconds)
        if calls(params.log, ctx.run_id, ctx.path) <= params.fails:
            raise ConnectionError("not yet")
        ctx.record("witness.drew", {"path": ctx.path, "nonce": drawn.nonce})
        return drawn

    @method(effect="once")
    def order(self, params: Draw, ctx: StepContext) -> Drawn:
        """Do what may be done once only."""
        drawn = _draw()
        tell(params.log, "ordered", ctx.run_id, ctx.path, ctx.attempt, drawn.nonce, params.see)
        time.sleep(params.seconds)
        if params.fails:
            raise ConnectionError("no acknowledgement")
        return drawn

    @method()
    def find(self, params: Draw, ctx: StepContext) -> Looked:
        """Look in the file."""
        for line in lines(params.log):
            if line[:3] == ["ordered", ctx.run_id, ctx.path]:
                return Looked(found=True, nonce=line[4], number=int(line[4][:4], 16))
        return Looked(found=False)


def _draw() -> Drawn:
    nonce = os.urandom(6).hex()
    return Drawn(nonce=nonce, number=int(nonce[:4], 16))


def tell(log: str | Path, *words: object) -> None:
    """Append a line, whole: what a process has written outlives its kill."""
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.write(handle, json.dumps(words).encode() + b"\n")
    os.close(handle)


def lines(log: str | Path) -> list[list[Any]]:
    path = Path(log)
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def calls(log: str, run_id: str, path: str) -> int:
    """How often a step was called, in whichever attempt of what it stands in."""
    return sum(line[1] == run_id and _AGAIN.sub("", line[2]) == _AGAIN.sub("", path) for line in lines(log))
