"""Providers of recorded bars by name, so that whoever asks for `sample` or `csv` need know no adapter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from gpt_trader.core.bars import BarSource
from gpt_trader.core.catalog import Catalog
from gpt_trader.core.ports import TradingStrategyPlugin

SourceMaker: TypeAlias = Callable[[Mapping[str, Any]], BarSource]
"""Makes a source of bars out of a provider's options; options that the provider does not know are an error."""

FeedCatalog: TypeAlias = Catalog[SourceMaker]
"""The providers that exist; slices need it by the name `feeds`."""

StrategyCatalog: TypeAlias = Catalog[type[TradingStrategyPlugin]]
"""The strategies that exist; slices need it by the name `strategies`."""
