"""Controls of a running session: they look at what has become of it, and say when to stop."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, ClassVar, Literal

from gpt_trader.core.orders import exact
from gpt_trader.trading.guards.base import require_limit
from gpt_trader.trading.guards.memory import since
from gpt_trader.trading.names import belongs

if TYPE_CHECKING:
    from gpt_trader.trading.guards.memory import Memory

SECOND = 1_000_000_000
NUDGE = 1.0 + 1e-12
Act = Literal["flatten", "halt", "lock", "pause", "reduce_only"]
Severity = Literal["critical", "warning", "info"]


@dataclass(frozen=True, slots=True)
class Halt:
    """What a running control demands: flatten everything, halt, lock entries, pause, or only reduce."""

    act: Act
    code: str
    reason: str
    severity: Severity
    strategy: str = ""
    """Of which strategy; without one, of the whole session."""
    sessions: float = 1.0
    """How long it lasts: the sessions that it holds, the one that it began in counted."""

    def concerns(self, strategy: str) -> bool:
        """Whether it is about what this strategy does."""
        return not self.strategy or belongs(strategy, self.strategy)


@dataclass(frozen=True, slots=True)
class RunningControl:
    """One rule. `watch` gives the reason to act, or None; what it cannot judge is a reason."""

    code: ClassVar[str] = ""
    act: ClassVar[Act] = "halt"
    severity: ClassVar[Severity] = "critical"
    by_clock: ClassVar[bool] = False
    """Only a market that is watched by a clock can break it; a recording has no silence and no latency."""

    def __post_init__(self) -> None:
        for field in fields(self):
            require_limit(self.code, getattr(self, field.name), field)

    def watch(self, memory: Memory) -> str | None:
        """The reason to act now, or None."""
        raise NotImplementedError

    def lasts(self, memory: Memory) -> float:  # noqa: ARG002
        """How many sessions its halt lasts, the present one counted."""
        return 1.0

    def restart(self, memory: Memory) -> None:
        """Its halt is over: measure anew from here."""


def below(height: float, part: float) -> float:
    """The height less a part of it, to the cent: 3 % of 100,000 leave 97,000 and not a hair more or less."""
    if not math.isfinite(height):
        return -math.inf
    return float(exact(height) * (1 - exact(part)))


@dataclass(frozen=True, slots=True)
class EquityControl(RunningControl):
    """A rule about how far the equity may fall below some height."""

    act = "flatten"
    measured_from: ClassVar[str] = ""
    limit: float = 0.03

    def height(self, memory: Memory) -> float:
        """The equity from which the fall is measured."""
        height: float = getattr(memory, self.measured_from)
        return height

    def restart(self, memory: Memory) -> None:
        setattr(memory, self.measured_from, memory.equity)

    def watch(self, memory: Memory) -> str | None:
        height = self.height(memory)
        floor = below(height, self.limit)
        if memory.equity > floor:
            return None
        return f"{self.limit:.2%} below {height:,.2f}: the equity is {memory.equity:,.2f}"

    def mark(self, memory: Memory) -> float:
        """A float at or just above the floor: what is higher need not be looked at."""
        height = self.height(memory)
        return height * (1.0 - self.limit) * NUDGE if height > 0 else -math.inf


@dataclass(frozen=True, slots=True)
class SessionLoss(EquityControl):
    """The session has lost this part of what it started with, deposits set aside."""

    code = "session_loss"
    measured_from = "start_equity"
    limit: float = 0.03


@dataclass(frozen=True, slots=True)
class DailyLoss(EquityControl):
    """The day has lost this part of what it started with."""

    code = "daily_loss"
    measured_from = "day_equity"
    limit: float = 0.03


@dataclass(frozen=True, slots=True)
class TrailingDrawdown(EquityControl):
    """The equity has fallen this far below its peak."""

    code = "trailing_drawdown"
    measured_from = "peak"
    limit: float = 0.1

    def lasts(self, memory: Memory) -> float:  # noqa: ARG002
        return math.inf


@dataclass(frozen=True, slots=True)
class ConsecutiveLosses(RunningControl):
    """So many trades in a row were losses, in whatever sessions: no entries for as many sessions as they took.

    Five losses of a morning lock that session, five losses of a month of daily bars a month; then it counts anew.
    """

    code = "consecutive_losses"
    act = "lock"
    severity = "warning"
    limit: int = 5

    def watch(self, memory: Memory) -> str | None:
        count, taken = memory.consecutive_losses, memory.losing_sessions
        if count < self.limit:
            return None
        return f"{count} trades in a row lost within {taken} session{'s' * (taken > 1)}: no entries for as long"

    def lasts(self, memory: Memory) -> float:
        return float(memory.losing_sessions)

    def restart(self, memory: Memory) -> None:
        memory.consecutive_losses = 0


@dataclass(frozen=True, slots=True)
class RejectStorm(RunningControl):
    """The venue rejected so many orders within a minute."""

    code = "reject_storm"
    limit: int = 5
    seconds: float = 60.0

    def watch(self, memory: Memory) -> str | None:
        count = since(memory.rejects, memory.ns - int(self.seconds * SECOND))
        return None if count < self.limit else f"{count} orders were rejected within {self.seconds:g} s"

    def restart(self, memory: Memory) -> None:
        memory.rejects.clear()


@dataclass(frozen=True, slots=True)
class SlippageAnomaly(RunningControl):
    """A fill was this much worse than its order's reference."""

    code = "slippage_anomaly"
    act = "pause"
    severity = "warning"
    by_clock = True
    limit: float = 0.02

    def watch(self, memory: Memory) -> str | None:
        slip = memory.slippage
        return None if slip < self.limit else f"a fill was {slip:.2%} worse than its reference"

    def restart(self, memory: Memory) -> None:
        memory.slippage = 0.0


@dataclass(frozen=True, slots=True)
class LatencyAnomaly(RunningControl):
    """The venue took this long to acknowledge."""

    code = "latency_anomaly"
    act = "pause"
    severity = "warning"
    by_clock = True
    seconds: float = 5.0

    def watch(self, memory: Memory) -> str | None:
        return None if memory.latency < self.seconds else f"an answer took {memory.latency:.1f} s"


@dataclass(frozen=True, slots=True)
class ReconciliationMismatch(RunningControl):
    """Our position and the venue's differ: the instrument may only be reduced."""

    code = "reconciliation_mismatch"
    act = "reduce_only"
    severity = "warning"

    def watch(self, memory: Memory) -> str | None:
        return f"positions differ: {', '.join(sorted(memory.mismatched))}" if memory.mismatched else None


@dataclass(frozen=True, slots=True)
class UnprotectedPosition(RunningControl):
    """A position has been without a stop at the venue for this long."""

    code = "unprotected_position"
    act = "flatten"
    by_clock = True
    seconds: float = 5.0

    def watch(self, memory: Memory) -> str | None:
        return None if memory.unprotected <= self.seconds else f"no stop at the venue for {memory.unprotected:.1f} s"


@dataclass(frozen=True, slots=True)
class FeedSilence(RunningControl):
    """Nothing was heard of the market for longer than this."""

    code = "feed_silence"
    by_clock = True
    seconds: float = 30.0

    def watch(self, memory: Memory) -> str | None:
        return None if memory.silence <= self.seconds else f"the feed has been silent for {memory.silence:.0f} s"


@dataclass(frozen=True, slots=True)
class MarginBuffer(RunningControl):
    """Less than this part of the equity is left above the margin that is needed."""

    code = "margin_buffer"
    act = "lock"
    severity = "warning"
    limit: float = 0.05

    def watch(self, memory: Memory) -> str | None:
        left = 1.0 - memory.margin_use
        return None if left >= self.limit else f"{left:.2%} of the equity is left above the margin"


@dataclass(frozen=True, slots=True)
class SessionDuration(RunningControl):
    """The session has run for this long."""

    code = "session_duration"
    act = "lock"
    severity = "info"
    by_clock = True
    hours: float = 4.0

    def watch(self, memory: Memory) -> str | None:
        ran = (memory.ns - memory.start_ns) / (3600 * SECOND)
        return None if ran < self.hours else f"the session has run for {ran:.1f} h"


@dataclass(frozen=True, slots=True)
class ConcurrentSteps(RunningControl):
    """More steps than this run at once."""

    code = "concurrent_steps"
    act = "pause"
    severity = "warning"
    by_clock = True
    limit: int = 10

    def watch(self, memory: Memory) -> str | None:
        return None if memory.steps <= self.limit else f"{memory.steps} steps run at once"


RUNNING = (
    SessionLoss,
    DailyLoss,
    TrailingDrawdown,
    ConsecutiveLosses,
    RejectStorm,
    SlippageAnomaly,
    LatencyAnomaly,
    ReconciliationMismatch,
    UnprotectedPosition,
    FeedSilence,
    MarginBuffer,
    SessionDuration,
    ConcurrentSteps,
)

STRATEGY_RUNNING = (SessionLoss, DailyLoss, TrailingDrawdown, ConsecutiveLosses, RejectStorm, SlippageAnomaly)
"""Those that are about what one strategy does; the others are about the session, its market and its venue."""
