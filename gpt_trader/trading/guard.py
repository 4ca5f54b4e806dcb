"""The guard judges: it says yes or no to an order, and stop to a session; it never acts."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gpt_trader.core.orders import Approved, Refused
from gpt_trader.trading.guards.base import Look
from gpt_trader.trading.guards.integrity import FiniteNumbers, KnownInstrument
from gpt_trader.trading.guards.memory import Memory

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gpt_trader.core.orders import Order, RoundTrip
    from gpt_trader.trading.account import Account
    from gpt_trader.trading.costs import Costs
    from gpt_trader.trading.guards.base import Control

NEVER = 2**63 - 1


class Guard:
    """Controls in their order; the first no counts, and a control that fails says no.

    Between `floor` and `ceiling`, and before `wake`, no running control has anything to say: so a bar costs three comparisons.
    """

    def __init__(
        self,
        account: Account,
        controls: Sequence[Control] = (KnownInstrument(), FiniteNumbers()),
        *,
        costs: Costs | None = None,
    ) -> None:
        self.account = account
        self.memory = Memory()
        self.costs = costs
        self.floor = -math.inf
        self.ceiling = math.inf
        self.wake = NEVER
        self.working: Callable[[], Sequence[Order]] = tuple
        self._controls = tuple(controls)
        self._reductions = tuple(control for control in controls if not control.spares_reductions)
        self._issued: dict[str, Approved] = {}

    def check(self, order: Order, ns: int) -> Approved | Refused:
        """Judge an order: the verdict carries it, so that nothing else can be sent in its name."""
        look = Look(order, self.account, self.memory, self.working(), ns)
        for control in self._reductions if look.reducing else self._controls:
            try:
                reason = control.check(look)
            except Exception as fault:  # noqa: BLE001 - a control that fails refuses, whatever it was
                reason = f"the control failed: {fault!r}"
            if reason is not None:
                return Refused(control.code, reason, order)
        verdict = Approved(order)
        self._issued[order.id] = verdict
        self.memory.approved(order, ns)
        return verdict

    def look(self, equity: float, ns: int) -> None:
        """Ask the running controls; they say when they want to be asked again."""

    def closed(self, trip: RoundTrip) -> None:
        """Take note of a closed trade."""
        self.memory.closed(trip)

    def redeem(self, approved: Approved) -> bool:
        """Whether this very approval came from here and was not used before; it is used now."""
        return self._issued.pop(approved.order.id, None) is approved
