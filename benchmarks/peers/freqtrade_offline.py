"""A folder in which freqtrade finds all that it asks for; its markets are made up, so that it asks no exchange."""

import json
import logging
from pathlib import Path

import pandas as pd
from freqtrade.data.history import get_datahandler
from freqtrade.enums import CandleType
from freqtrade.exchange.exchange import Exchange

from benchmarks import data

PAIR = "BTC/USDT"
SIDE = {"price_side": "other", "use_order_book": False}
NONE = {"min": None, "max": None}
CONFIG = {
    "stake_currency": "USDT",
    "stake_amount": 100,
    "dry_run": True,
    "dry_run_wallet": 1_000_000,
    "max_open_trades": 1,
    "tradable_balance_ratio": 1.0,
    "fee": data.FEE,
    "trading_mode": "spot",
    "margin_mode": "",
    "exchange": {"name": "binance", "pair_whitelist": [PAIR], "pair_blacklist": []},
    "pairlists": [{"method": "StaticPairList"}],
    "entry_pricing": SIDE,
    "exit_pricing": SIDE,
    "dataformat_ohlcv": "feather",
}
MARKET = {
    "id": "BTCUSDT",
    "symbol": PAIR,
    "base": "BTC",
    "quote": "USDT",
    "baseId": "BTC",
    "quoteId": "USDT",
    "active": True,
    "spot": True,
    "swap": False,
    "future": False,
    "option": False,
    "margin": False,
    "contract": False,
    "type": "spot",
    "linear": None,
    "inverse": None,
    "contractSize": None,
    "info": {},
    "taker": data.FEE,
    "maker": data.FEE,
    "precision": {"amount": 1e-8, "price": 1e-5},
    "limits": {"amount": NONE, "cost": NONE, "price": NONE, "leverage": {}},
}


def made_up(exchange, reload=False):  # noqa: ARG001, FBT002 - as the exchange has it
    exchange._api_async.set_markets([MARKET])  # noqa: SLF001


def lay_out(folder, strategy, columns, *, results):
    """Write the strategy, the bars and the settings; what to ask freqtrade for, to use them."""
    logging.disable(logging.WARNING)
    Exchange._load_async_markets = made_up  # noqa: SLF001
    root = Path(folder)
    for name in ("data/binance", "strategies", results):
        (root / name).mkdir(parents=True)
    (root / "strategies" / "cross.py").write_text(strategy)
    (root / "config.json").write_text(json.dumps(CONFIG))
    frame = pd.DataFrame({"date": pd.DatetimeIndex(columns.pop("ts"), tz="UTC"), **columns})
    get_datahandler(root / "data" / "binance", "feather").ohlcv_store(PAIR, "1m", frame, CandleType.SPOT)
    return {"config": [str(root / "config.json")], "user_data_dir": folder, "strategy": "Cross"}
