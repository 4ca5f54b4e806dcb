"""How generous the simulated market is: the choices, and which of them may flatter a result."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from gpt_trader.core.errors import ConfigError


@dataclass(frozen=True)
class FillRules:
    """How generous the simulated market is; every default is the careful choice."""

    limit: Literal["through", "touch"] = "through"
    events: Literal["adverse", "favourable"] = "adverse"
    volume_share: Decimal | None = Decimal("0.1")
    same_close: bool = False
    session_offset_ns: int = 0

    def __post_init__(self) -> None:
        share = self.volume_share
        if share is not None and not (share.is_finite() and 0 < share <= 1):
            raise ConfigError(
                f"the share of volume must be above 0 and at most 1, not {share}",
                hint="None takes what there is; on the command line: --volume-share off",
            )

    @property
    def optimistic(self) -> tuple[str, ...]:
        """The rules that may flatter a result, so that the report can name them."""
        named = {
            "limit orders fill when touched": self.limit == "touch",
            "the favourable of two events comes first": self.events == "favourable",
            "the volume of a bar does not limit fills": self.volume_share is None,
            "decisions fill at the close they were made on": self.same_close,
        }
        return tuple(name for name, chosen in named.items() if chosen)
