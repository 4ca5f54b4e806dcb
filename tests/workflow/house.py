"""The slices that the tests of the language know: every method that the examples of the specification name."""

from typing import Literal

from pydantic import Field

from gpt_trader.core.context import StepContext
from gpt_trader.core.slices import Frame, Outputs, Params, Slice, SliceCatalog, method


class Nothing(Params):
    pass


class Done(Outputs):
    pass


class History(Params):
    symbols: list[str] = Field(description="Which symbols are fetched.")
    days: int = Field(default=30, ge=1)
    source: Literal["sample", "csv"] = "sample"


class Bars(Outputs):
    bars: Frame


class OfBars(Params):
    bars: Frame


class Score(Params):
    symbol: str
    bars: Frame
    weight: float = 1.0


class Scored(Outputs):
    score: float


class Patterns(Outputs):
    patterns: list[str]


class Regime(Outputs):
    regime: str


class Order(Params):
    account: str = "main"
    quantity: float = 1.0


class Placed(Outputs):
    order_id: str


class Found(Outputs):
    found: bool
    order_id: str = ""


class Data(Slice):
    """Past and present prices."""

    name = "data"

    @method()
    def get_historical(self, params: History, ctx: StepContext) -> Bars:
        """Fetches past bars."""
        return Bars(bars=params.symbols)

    @method()
    def real_time_data_stream(self, params: Nothing, ctx: StepContext) -> Bars:
        """Follows the market."""
        return Bars(bars=None)


class Analyze(Slice):
    """Looks at prices."""

    name = "analyze"

    @method()
    def find_patterns(self, params: OfBars, ctx: StepContext) -> Patterns:
        """Finds candle patterns."""
        return Patterns(patterns=[])

    @method()
    def detect_regime(self, params: OfBars, ctx: StepContext) -> Regime:
        """Tells calm from stormy."""
        return Regime(regime="calm")

    @method()
    def score(self, params: Score, ctx: StepContext) -> Scored:
        """Scores one symbol."""
        return Scored(score=0.5)


class PaperTrade(Slice):
    """Trades on paper."""

    name = "paper_trade"

    @method(effect="once")
    def place_order(self, params: Order, ctx: StepContext) -> Placed:
        """Places one order."""
        return Placed(order_id="1")

    @method()
    def find_order(self, params: Order, ctx: StepContext) -> Found:
        """Looks an order up."""
        return Found(found=False)

    @method(effect="once")
    def execute_trade(self, params: Nothing, ctx: StepContext) -> Done:
        """Executes a signal."""
        return Done()

    @method(effect="once")
    def order_execution(self, params: Nothing, ctx: StepContext) -> Done:
        """Executes orders."""
        return Done()


PLAIN = (
    "log_skip",
    "notify",
    "save_report",
    "analyze_market",
    "check_signals",
    "validate_risk",
    "update_portfolio",
    "log_metrics",
    "system_health_check",
    "load_positions",
    "validate_config",
    "signal_generation",
    "risk_validation",
    "position_management",
    "reconciliation",
    "performance_report",
    "next_day_prep",
)


def _plain(name: str) -> object:
    def act(self: Slice, params: Nothing, ctx: StepContext) -> Done:
        """Does something."""
        return Done()

    act.__name__ = name
    return method()(act)


WATCHING: type[Slice] = type(
    "Watching", (Slice,), {"name": "watching", "__doc__": "Watches all."} | {n: _plain(n) for n in PLAIN}
)


class Twin(Slice):
    """Offers a name that another slice offers too."""

    name = "twin"

    @method()
    def detect_regime_again(self, params: Nothing, ctx: StepContext) -> Done:
        """Does nothing."""
        return Done()

    @method()
    def find_order(self, params: Order, ctx: StepContext) -> Found:
        """Looks up."""
        return Found(found=False)


class Watch(Slice):
    """Watches the market."""

    name = "monitor"

    @method()
    def health(self, params: Nothing, ctx: StepContext) -> Done:
        """Tells whether all is well."""
        return Done()


def catalog() -> SliceCatalog:
    """A fresh catalog with all slices of the tests."""
    made = SliceCatalog()
    for cls in (Data, Analyze, PaperTrade, WATCHING, Watch, Twin):
        made.offer(cls.name, lambda found=cls: found)  # type: ignore[misc]
    return made
