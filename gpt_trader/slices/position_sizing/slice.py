"""The position_sizing slice: how much of each symbol, as a rule that the desk applies and as a number of units now."""

from __future__ import annotations

from typing import ClassVar

from gpt_trader.core.context import StepContext
from gpt_trader.core.slices import Slice, method
from gpt_trader.slices.position_sizing.params import SizeParams, Sizes


class PositionSizing(Slice):
    """Sizes positions."""

    name: ClassVar[str] = "position_sizing"

    @method()
    def calculate(self, params: SizeParams, ctx: StepContext) -> Sizes:
        """A fixed fraction, 1 % risk to a stop, a target of volatility, Kelly's share or risk parity, in whole lots."""
        from gpt_trader.core.bars import priced
        from gpt_trader.core.frames import bars_of
        from gpt_trader.slices.position_sizing.rules import sizes_of

        every = [priced(bars) for bars in bars_of(params.bars)]
        ctx.check()
        return Sizes(sizes=sizes_of(every, params))
