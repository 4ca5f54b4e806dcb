"""nautilus_trader on the event-driven work, run by the Python that has it: the number of bars.

Bars only and its own compiled averages; its risk engine and its analysis are off. A market order fills at the close of
the signal's bar, which is the open of the next one.
"""

import sys
import time
from decimal import Decimal

began = time.perf_counter()
from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.config import LoggingConfig, RiskEngineConfig, StrategyConfig
from nautilus_trader.indicators import SimpleMovingAverage
from nautilus_trader.model.currencies import USDT
from nautilus_trader.model.data import BarType
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide
from nautilus_trader.model.identifiers import InstrumentId, Symbol, Venue
from nautilus_trader.model.instruments import CurrencyPair
from nautilus_trader.model.objects import Currency, Money, Price, Quantity
from nautilus_trader.trading.strategy import Strategy

import_s = time.perf_counter() - began

import pandas as pd
from nautilus_trader.persistence.wranglers import BarDataWrangler

from benchmarks import data, measure

VENUE = Venue("SIM")
BTC = Currency.from_str("BTC")
FEE = Decimal(str(data.FEE))
PAIR = CurrencyPair(
    instrument_id=InstrumentId(Symbol("BTCUSDT"), VENUE),
    raw_symbol=Symbol("BTCUSDT"),
    base_currency=BTC,
    quote_currency=USDT,
    price_precision=5,
    size_precision=0,
    price_increment=Price(1e-5, 5),
    size_increment=Quantity.from_int(1),
    margin_init=Decimal(0),
    margin_maint=Decimal(0),
    maker_fee=FEE,
    taker_fee=FEE,
    ts_event=0,
    ts_init=0,
)


class CrossConfig(StrategyConfig, frozen=True):
    pair: InstrumentId
    bars: BarType


class Cross(Strategy):
    def __init__(self, config):
        super().__init__(config)
        self.fast, self.slow = SimpleMovingAverage(10), SimpleMovingAverage(30)
        self.unit = Quantity.from_int(1)
        self.fills = 0

    def on_start(self):
        self.register_indicator_for_bars(self.config.bars, self.fast)
        self.register_indicator_for_bars(self.config.bars, self.slow)
        self.subscribe_bars(self.config.bars)

    def on_bar(self, _bar):
        if not self.slow.initialized:
            return
        flat = self.portfolio.is_flat(self.config.pair)
        if self.fast.value > self.slow.value:
            if flat:
                self.submit_order(self.order_factory.market(self.config.pair, OrderSide.BUY, self.unit))
        elif not flat:
            self.submit_order(self.order_factory.market(self.config.pair, OrderSide.SELL, self.unit))

    def on_order_filled(self, _event):
        self.fills += 1


count = int(sys.argv[1])
columns = data.for_backtest(count)
last = float(columns["close"][-1])
frame = pd.DataFrame(columns, index=pd.DatetimeIndex(columns.pop("ts"), tz="UTC"))
kind = BarType.from_str("BTCUSDT.SIM-1-MINUTE-LAST-EXTERNAL")
bars = BarDataWrangler(kind, PAIR).process(frame)
quiet = BacktestEngineConfig(
    logging=LoggingConfig(bypass_logging=True), risk_engine=RiskEngineConfig(bypass=True), run_analysis=False
)
engine = BacktestEngine(quiet)
engine.add_venue(
    venue=VENUE,
    oms_type=OmsType.NETTING,
    account_type=AccountType.CASH,
    base_currency=None,
    starting_balances=[Money(1_000_000, USDT)],
)
engine.add_instrument(PAIR)
engine.add_data(bars)
strategy = Cross(CrossConfig(pair=PAIR.id, bars=kind))
engine.add_strategy(strategy)
timed = measure.timed(engine.run)
account = engine.cache.account_for_venue(VENUE)
units = account.balance_total(BTC)
equity = account.balance_total(USDT).as_double() + (units.as_double() * last if units else 0.0)
measure.tell(import_s=import_s, **timed, bars_per_s=count / timed["run_s"], fills=strategy.fills, equity=equity)
