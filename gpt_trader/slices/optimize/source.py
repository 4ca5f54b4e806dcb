"""Where a strategy is written, so that another process or machine can load the same one."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gpt_trader.core.errors import ConfigError

if TYPE_CHECKING:
    from gpt_trader.core.ports import TradingStrategyPlugin


@dataclass(frozen=True, slots=True)
class Source:
    """A class by its module and name, with the file where that module is no importable one."""

    module: str
    name: str
    file: str | None = None

    @classmethod
    def of(cls, made: type[TradingStrategyPlugin]) -> Source:
        """The source of a strategy's class."""
        return cls(made.__module__, made.__qualname__, getattr(sys.modules.get(made.__module__), "__file__", None))

    @property
    def portable(self) -> bool:
        """Whether another process can load it."""
        return "<locals>" not in self.name and self.module != "__main__"

    def load(self) -> Any:
        """The class."""
        if self.module not in sys.modules:
            self._import()
        found: Any = sys.modules[self.module]
        for word in self.name.split("."):
            found = getattr(found, word)
        return found

    def _import(self) -> None:
        try:
            importlib.import_module(self.module)
        except ModuleNotFoundError:
            spec = importlib.util.spec_from_file_location(self.module, self.file) if self.file else None
            if spec is None or spec.loader is None:
                raise ConfigError(f"{self.module} cannot be imported here", hint="install it where it is run") from None
            module = importlib.util.module_from_spec(spec)
            sys.modules[self.module] = module
            spec.loader.exec_module(module)
