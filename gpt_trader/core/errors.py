"""The one tree of errors, so that two places (the command line and the API) can catch them all.

GptTraderError                1  something failed; the message says what, the hint what to do
├── UsageError                2  the command was called wrongly
├── NotFound                  2  a name that nothing has; carries "did you mean"
├── ValidationError           3  a file, a parameter or an interface is not what it must be
│   ├── FaultsFound           3  several faults of one document, all at once
│   └── BadData               3  market data that cannot be used; names the place (file, row) and the cure
│       └── NoBars            3  ... because nothing, or too little, is left of it
├── NotAuthorised             4  the caller may not do this
├── RefusedByRisk             5  the risk desk said no
├── ConfigError               3  settings that cannot be used
├── StepFailed                1  a step of a workflow did not succeed
│   ├── StepTimeout           1  ... within its time
│   └── AgentFailed           1  ... because the outside program misbehaved
├── ProviderDown              1  a provider of market data does not answer as it should
│   └── RateLimited           1  ... because it was asked too often
├── RunCancelled              1  the run was cancelled on request
├── JournalError              1  durable memory cannot be used as asked
│   ├── JournalUnavailable    1  it cannot be opened or written now
│   ├── JournalCorrupt        1  what it holds is damaged
│   ├── JournalNewer          1  a newer program wrote it
│   ├── Fenced                1  another owner has taken over; nothing was written
│   └── Conflict              1  the journal's record and the request disagree
└── Interrupted             130  a person pressed Ctrl-C
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, ClassVar

from gpt_trader.core.texts import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class GptTraderError(Exception):
    """Something failed."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str | None = None, *, hint: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())
        self.hint = hint

    @property
    def message(self) -> str:
        """The sentence a person reads."""
        return str(self.args[0])

    @property
    def details(self) -> Mapping[str, Any]:
        """What a program may want to read beside the sentence."""
        return {}


class UsageError(GptTraderError):
    """The command was called wrongly."""

    exit_code = 2


class NotFound(GptTraderError):
    """Nothing has this name."""

    exit_code = 2

    @classmethod
    def among(cls, kind: str, name: str, names: Iterable[str]) -> NotFound:
        """The error for a name that is not among the names that exist."""
        return cls(f"no {kind} is called '{name}'", hint=did_you_mean(name, names))


class ValidationError(GptTraderError):
    """Something is not what it must be."""

    exit_code = 3


class BadData(ValidationError):
    """This market data cannot be used."""


class NoBars(BadData):
    """No bars are left."""


class ConfigError(GptTraderError):
    """These settings cannot be used."""

    exit_code = 3


class NotAuthorised(GptTraderError):
    """The caller may not do this."""

    exit_code = 4


class RefusedByRisk(GptTraderError):
    """The risk desk refused."""

    exit_code = 5


class StepFailed(GptTraderError):
    """A step did not succeed."""

    where: str = ""

    @classmethod
    def at(cls, name: str, path: str, cause: BaseException) -> StepFailed:
        """The failure of a named step, with its cause's words."""
        text = cause.message if isinstance(cause, GptTraderError) else f"{type(cause).__name__}: {words(cause)}"
        hint = cause.hint if isinstance(cause, GptTraderError) else None
        failed = cls(f"step '{name}' failed: {text}", hint=hint)
        failed.where = path
        failed.__cause__ = cause
        return failed


class StepTimeout(StepFailed):
    """A step did not end within its time."""

    def __init__(self, message: str | None = None, *, hint: str | None = None, path: str = "") -> None:
        super().__init__(message, hint=hint)
        self.path = path


class AgentFailed(StepFailed):
    """An outside program misbehaved."""


class ProviderDown(GptTraderError):
    """A provider of market data does not answer as it should."""


class RateLimited(ProviderDown):
    """A provider of market data was asked too often."""


class RunCancelled(GptTraderError):
    """The run was cancelled."""


class JournalError(GptTraderError):
    """Durable memory cannot be used as asked."""


class JournalUnavailable(JournalError):
    """The journal cannot be opened or written now."""


class JournalCorrupt(JournalError):
    """What the journal holds is damaged."""


class JournalNewer(JournalError):
    """A newer program wrote this journal."""


class Fenced(JournalError):
    """Another owner has taken over; nothing was written."""


class Conflict(JournalError):
    """The journal's record and the request disagree."""


class Interrupted(GptTraderError):
    """Interrupted."""

    exit_code = 130


def did_you_mean(name: str, names: Iterable[str]) -> str | None:
    """A hint that names the nearest existing names, or lists the few there are."""
    known = sorted(set(names))
    near = [n for n in known if n.lower() == name.lower()] or get_close_matches(name, known, n=3, cutoff=0.6)
    if near:
        return "did you mean " + " or ".join(f"'{n}'" for n in near) + "?"
    if 0 < len(known) <= 12:
        return "there are: " + ", ".join(known)
    return None
