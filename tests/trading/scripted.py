"""A strategy that does what a test wrote down, and a backtest around it."""

from __future__ import annotations

from decimal import Decimal

from gpt_trader.core.market import Instrument
from gpt_trader.core.orders import Side, Terms, TradeSignal
from gpt_trader.core.ports import TradingStrategyPlugin
from gpt_trader.trading.config import BacktestConfig
from gpt_trader.trading.modes import run_backtest
from gpt_trader.trading.rules import FillRules
from gpt_trader.trading.seats import StrategySpec


class Scripted(TradingStrategyPlugin):
    """Gives, at the bar of each number, the signals that the script has for it."""

    def __init__(self, script):
        self.script = script
        self.seen = {}
        self.trades = []

    def on_market_data(self, market_data):
        number = self.seen.get(market_data.symbol, 0)
        self.seen[market_data.symbol] = number + 1
        return [signal for symbol, signal in self.script.get(number, []) if symbol == market_data.symbol] or None

    def on_trade_executed(self, trade):
        self.trades.append(trade)


def buy(quantity=10, *, symbol="X", target=False, **terms):
    return symbol, TradeSignal(symbol, Side.BUY, quantity, terms=Terms(**terms) if terms else Terms(), target=target)


def sell(quantity=10, *, symbol="X", target=False, **terms):
    return symbol, TradeSignal(symbol, Side.SELL, quantity, terms=Terms(**terms) if terms else Terms(), target=target)


def trade(bars, script, *, fill=None, **config):
    """The report of a script over bars; each number of a bar has one signal or several."""
    told = {at: [s] if isinstance(s, tuple) and isinstance(s[0], str) else list(s) for at, s in script.items()}
    bars = bars if isinstance(bars, list) else [bars]
    instruments = {b.symbol: Instrument(b.symbol, tick=Decimal("0.01")) for b in bars}
    config.setdefault("instruments", instruments)
    config.setdefault("cash", Decimal(1_000_000))
    settings = BacktestConfig(fill=fill or FillRules(), **config)
    return run_backtest(StrategySpec("script", lambda: Scripted(told)), bars, settings)


def fills(report):
    """The fills as (bar number, side, quantity, price), with bars a day apart."""
    day = 86_400_000_000_000
    return [(f.ns // day, str(f.side), int(f.quantity), float(f.price)) for f in report.fills]
