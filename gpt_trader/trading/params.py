"""What a step of a workflow asks of the desk, and what it gets; light to import, as every check of a file reads it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic import ValidationError as Invalid

from gpt_trader.core.faults import fault_of
from gpt_trader.core.slices import Frame, Outputs, Params

Cash = Annotated[float, Field(gt=0, description="The money at the start.")]
Fee = Annotated[float, Field(ge=0, lt=0.1, description="The part of a trade's value that it costs.")]
Slippage = Annotated[float, Field(ge=0, lt=0.1, description="The part of the price lost at each fill.")]
Spread = Annotated[float, Field(ge=0, lt=0.1, description="The distance of bid and ask, as a part of the price.")]
Folds = Annotated[
    int, Field(ge=1, le=100, description="How many stretches are traded, each with what was best before it.")
]
First = Annotated[float, Field(gt=0.05, lt=0.95, description="The share of the time that is before the first stretch.")]


class Size(BaseModel):
    """What the desk reads of a size; whatever else is told of it is for the report."""

    model_config = ConfigDict(strict=True, extra="ignore", defer_build=True)

    rule: str = ""
    lot: float = Field(1.0, gt=0, allow_inf_nan=False)
    stop_atrs: float | None = Field(None, gt=0, allow_inf_nan=False)
    atr_bars: int | None = Field(None, ge=1)

    @model_validator(mode="after")
    def _a_stop_is_measured(self) -> Size:
        if self.stop_atrs is not None and self.atr_bars is None:
            raise ValueError("a stop needs atr_bars to be measured by, such as 14")
        return self


def _each_a_size(sizes: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    for symbol, size in sizes.items():
        try:
            Size.model_validate(size)
        except Invalid as wrong:
            raise ValueError(f"of {symbol}: {fault_of(wrong.errors(include_url=False)[0])}") from None
    return sizes


Sizes = Annotated[dict[str, dict[str, Any]], AfterValidator(_each_a_size)]


class SessionParams(Params):
    """The bars of a session, its money, its costs, and what it is compared with."""

    bars: Frame = Field(description="The table of bars.")
    data_provenance: dict[str, dict[str, Any]] = Field({}, description="What is said of the bars.")
    actions: list[dict[str, Any]] = Field([], description="The splits and dividends that are not in the prices.")
    sizes: Sizes = Field({}, description="For each symbol its {rule, lot}; else equal sleeves.")
    cash: Cash = 100_000.0
    fee: Fee = 0.001
    slippage: Slippage = 0.0005
    spread: Spread = 0.0
    decided_at: str = Field("", description="Trading begins at this moment; empty: at the first bar.")
    baseline: str = Field("buy_and_hold", description="What the result is compared with; empty: with nothing.")
    close_at_end: Literal["no", "close", "open"] = Field("no", description="Whether what is held is sold at the end.")


class TradeParams(SessionParams):
    """What trades on what, with which money and at which cost."""

    selection: dict[str, dict[str, Any]] = Field({}, description="For each symbol its {strategy, params}.")
    strategy: str = Field("", description="One strategy for all symbols; it comes before a selection.")
    params: dict[str, Any] = Field({}, description="The params of that one strategy.")


class Traded(Outputs):
    """The result in figures and tables; a figure that the data does not define is null."""

    final_equity: float
    total_return: float
    sharpe: float | None
    max_drawdown: float
    trade_count: int
    score: float
    metrics: dict[str, float | None]
    baseline_metrics: dict[str, Any]
    period: dict[str, Any]
    trades: Frame
    equity: Frame
    positions: list[dict[str, Any]]
    refusals: list[dict[str, Any]]
    details: dict[str, Any]
    provenance: dict[str, Any]
