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
        """A fixed fraction of the account as each symbol's sleeve, or 1 % risk to a stop, in whole lots."""
        from gpt_trader.core.frames import bars_of
        from gpt_trader.slices.position_sizing.rules import sized

        every = bars_of(params.bars)
        ctx.check()
        return Sizes(sizes={bars.symbol: sized(bars, params, symbols=len(every)) for bars in every})
