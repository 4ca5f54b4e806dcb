"""What the parameters of all built-in strategies have in common."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Below = Literal["flat", "short"]


class StrategyParams(BaseModel):
    """Strict parameters, with a quantity that, when it is left out, the session's sizing decides."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    quantity: float | None = Field(None, gt=0, description="units of each entry; none leaves it to the session")
