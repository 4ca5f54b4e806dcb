"""All that a slice may touch of the world, in one frozen value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from gpt_trader.core.errors import NotFound

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from gpt_trader.core.bars import Bars
    from gpt_trader.core.ports import Clock


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file result, named by the hash of its bytes."""

    hash: str
    kind: str
    size: int


class Artifacts(Protocol):
    """Where large or file-like results are kept."""

    def put(self, data: bytes, *, kind: str) -> Artifact:
        """Keep these bytes, durably, and return their name."""

    def put_bars(self, every: Iterable[Bars], symbols: Sequence[str]) -> Sequence[Bars]:
        """Keep the bars of all these symbols in a file; each is written before the next is asked for."""

    def path(self, artifact: Artifact) -> Path:
        """The file that holds an artifact."""


def _unheard(topic: str, payload: Mapping[str, Any]) -> None:
    """Drop what nobody listens to."""


def _unseen(done: float, total: float, text: str) -> None:
    """Draw nothing."""


def _unnamed(name: str) -> str:
    """Know no secret."""
    raise NotFound(
        f"there is no secret '{name}' here", hint="a workflow lists what its steps may have under `secrets:`"
    )


def _going_on() -> None:
    """Let the step go on."""


def _not_asked() -> bool:
    """Nobody asks for an early end."""
    return False


@dataclass(frozen=True, kw_only=True)
class StepContext:
    """What a step is given: who it is, the time, and the few ways in which it may touch the world."""

    run_id: str
    path: str
    attempt: int
    mode: str
    clock: Clock
    artifacts: Artifacts
    executor: Executor
    record: Callable[[str, Mapping[str, Any]], None] = _unheard
    progress: Callable[[float, float, str], None] = _unseen
    check: Callable[[], None] = _going_on
    secret: Callable[[str], str] = _unnamed
    """The value of a secret that the workflow lists; it is kept nowhere, and blotted out of whatever the step gives."""
    stopping: Callable[[], bool] = _not_asked
    """Whether somebody wants the run to stop; a step that can go on later where it was may then raise Interrupted."""

    @property
    def key(self) -> str:
        """The same text for every attempt of this step of this run: a name for its effect."""
        return f"{self.run_id}:{self.path}"

    def at(
        self,
        path: str,
        attempt: int,
        *,
        record: Callable[[str, Mapping[str, Any]], None],
        progress: Callable[[float, float, str], None],
        check: Callable[[], None],
        stopping: Callable[[], bool],
    ) -> StepContext:
        """The same for another attempt; as `dataclasses.replace`, in a third of the time."""
        made = object.__new__(StepContext)
        made.__dict__.update(self.__dict__, path=path, attempt=attempt)
        made.__dict__.update(record=record, progress=progress, check=check, stopping=stopping)
        return made
