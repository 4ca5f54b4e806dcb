"""Plugins: what entry points and the project's plugin folder offer, found without loading it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zlib import crc32

from gpt_trader.app.entries import Entry, entries
from gpt_trader.core.catalog import Catalog
from gpt_trader.core.errors import ValidationError
from gpt_trader.core.slices import Slice, SliceCatalog
from gpt_trader.workflow.modules import load_module

if TYPE_CHECKING:
    from gpt_trader.core.feeds import StrategyCatalog
    from gpt_trader.core.ports import TradingStrategyPlugin

OWN = "gpt-trader"


@dataclass(frozen=True, slots=True)
class Offer:
    """Something that a plugin offers: its name, where it comes from, how it is loaded, and whether it may be."""

    name: str
    origin: str
    load: Callable[[], Any]
    allowed: bool = True


def offers(kind: str, folder: Path, allowed: tuple[str, ...], base: type) -> Iterator[Offer]:
    """What may be used as `slices` or `strategies`: of this program, of allowed distributions, of the plugin folder.

    Only these distributions are read: to look through all that are installed takes longer than most commands.
    """
    for name in (OWN, *allowed):
        for entry in entries(name, f"gpt_trader.{kind}"):
            yield Offer(entry.name, name, _entry(entry))
    place = folder / kind
    if place.is_dir():
        for file in sorted(place.glob("*.py")):
            if not file.name.startswith("_"):
                yield Offer(file.stem, str(file), _file(file, kind, base))


def not_allowed(kind: str, allowed: tuple[str, ...]) -> Iterator[Offer]:
    """What installed distributions offer that may not be used, because the settings do not allow them."""
    from importlib.metadata import entry_points

    for entry in sorted(entry_points(group=f"gpt_trader.{kind}"), key=lambda e: e.name):
        origin = entry.dist.name if entry.dist else "unknown"
        if origin != OWN and origin not in allowed:
            yield Offer(entry.name, origin, _entry(Entry(entry.name, entry.value)), allowed=False)


def _entry(entry: Entry) -> Callable[[], Any]:
    def load() -> Any:
        try:
            return entry.load()
        except (Exception, SystemExit) as error:
            raise ValidationError(f"plugin '{entry.name}' ({entry.value}) cannot be loaded: {error}") from error

    return load


def _file(file: Path, kind: str, base: type) -> Callable[[], Any]:
    def load() -> Any:
        name = f"gpt_trader_plugins_{kind}_{file.stem}"
        try:
            module = load_module(name, str(file))
        except (Exception, SystemExit) as error:
            raise ValidationError(f"plugin {file} cannot be loaded: {type(error).__name__}: {error}") from error
        own = [v for v in vars(module).values() if _defined_here(v, base, module.__name__)]
        if len(own) != 1:
            raise ValidationError(
                f"plugin {file} must define one {base.__name__}, not {len(own)}",
                hint=f"class ...(gpt_trader.{base.__name__})",
            )
        return own[0]

    return load


def _defined_here(value: object, base: type, module: str) -> bool:
    return isinstance(value, type) and issubclass(value, base) and value.__module__ == module


def slice_catalog(folder: Path, allowed: tuple[str, ...]) -> SliceCatalog:
    """The catalog of all slices that may be used."""
    catalog = SliceCatalog()
    for offer in offers("slices", folder, allowed, Slice):
        catalog.offer(offer.name, offer.load)
    return catalog


def strategy_catalog(folder: Path, allowed: tuple[str, ...]) -> StrategyCatalog:
    """The catalog of all strategies that may be used; one is loaded, and looked at, when it is first named."""
    from gpt_trader.core.ports import TradingStrategyPlugin

    catalog: StrategyCatalog = Catalog("strategy", plural="strategies")
    for offer in offers("strategies", folder, allowed, TradingStrategyPlugin):
        catalog.add(offer.name, _strategy(offer))
    return catalog


def strategy_file(file: Path) -> type[TradingStrategyPlugin]:
    """The one strategy that a Python file holds, wherever the file is."""
    from gpt_trader.core.ports import TradingStrategyPlugin

    kind = f"file_{crc32(bytes(file.resolve()))}"  # a plugin of the same name is another module
    return _strategy(Offer(file.stem, str(file), _file(file, kind, TradingStrategyPlugin)))()


def _strategy(offer: Offer) -> Callable[[], type[TradingStrategyPlugin]]:
    def load() -> type[TradingStrategyPlugin]:
        from gpt_trader.core.ports import TradingStrategyPlugin

        found = offer.load()
        if not (isinstance(found, type) and issubclass(found, TradingStrategyPlugin)):
            raise ValidationError(f"strategy '{offer.name}': {found!r} is no subclass of TradingStrategyPlugin")
        missing = sorted(getattr(found, "__abstractmethods__", ()))
        if missing:
            raise ValidationError(f"strategy '{offer.name}' has no method '{missing[0]}'")
        return found

    return load
