"""The limits of a session by name: none, standard, or one's own, each checked before anything starts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, Literal, TypeAlias

from gpt_trader.core.errors import ConfigError, did_you_mean
from gpt_trader.trading.guards.base import Control
from gpt_trader.trading.guards.market import MARKET
from gpt_trader.trading.guards.pace import PACE
from gpt_trader.trading.guards.running import RUNNING, RunningControl
from gpt_trader.trading.guards.size import SIZE

PRE_TRADE: dict[str, type[Control]] = {kind.code: kind for kind in (*MARKET, *PACE, *SIZE)}
WATCHES: dict[str, type[RunningControl]] = {kind.code: kind for kind in RUNNING}
STRATEGIES = "strategies"
OFF = "off"
Choice: TypeAlias = Literal["none", "standard"] | Mapping[str, Any]
"""Limits by name, or one's own as a table."""
ReadLimits: TypeAlias = Callable[[str], Choice]
"""Reads a name, or the file of that name."""


@dataclass(frozen=True)
class Limits:
    """The controls of a session, and what they are called in a summary."""

    name: str
    controls: tuple[Control, ...] = ()
    running: tuple[RunningControl, ...] = ()
    per_strategy: Mapping[str, tuple[Control, ...]] = field(default_factory=dict)

    @property
    def values(self) -> dict[str, Any]:
        """Every limit by its code."""
        before = {control.code: _values(control) for control in self.controls}
        return {**before, **{control.code: _values(control) for control in self.running}}

    def for_recording(self) -> Limits:
        """The limits without those that only a wall clock can judge: a recording has no silence and no latency."""
        running = tuple(control for control in self.running if not control.by_clock)
        return Limits(self.name, self.controls, running, self.per_strategy)


def limits_of(choice: Literal["none", "standard"] | Mapping[str, Any]) -> Limits:
    """The limits that a choice stands for; one's own start from the standard ones, and may switch some `off`."""
    if isinstance(choice, str):
        if choice not in {"none", "standard"}:
            raise ConfigError(f"'{choice}' names no limits", hint="none, standard, or a file of your own")
        return Limits("none") if choice == "none" else _built("standard", {})
    if not isinstance(choice, Mapping):
        raise ConfigError(f"limits are a table of names and numbers, not {choice!r}")
    return _built("custom", choice)


def limits_always(chosen: str | Mapping[str, Any], read: ReadLimits, what: str) -> Choice:
    """The limits by name, file or table, for a session that has them in any case; none, or all switched off, fails."""
    cure = "`standard`, or a file of your own"
    if chosen == "none":
        raise ConfigError(f"{what} always has limits", hint=cure)
    choice = read(chosen) if isinstance(chosen, str) else chosen
    limits = limits_of(choice)
    if not (limits.controls and limits.for_recording().running):
        raise ConfigError(f"{what} always has limits, and these are switched off", hint=cure)
    return choice


def limits_schema() -> dict[str, Any]:
    """The JSON Schema of a table of limits."""
    known = {**PRE_TRADE, **WATCHES}
    own = {"type": "object", "additionalProperties": False, "properties": {c: _schema(k) for c, k in PRE_TRADE.items()}}
    properties = {code: _schema(kind) for code, kind in known.items()}
    properties[STRATEGIES] = {"type": "object", "additionalProperties": own}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Limits",
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
    }


def make(kind: type[Any], value: object) -> Any:
    """A control with its limit: a number for its one limit, or a table of them."""
    names = [f.name for f in fields(kind)]
    if isinstance(value, Mapping):
        unknown = set(value) - set(names)
        if unknown:
            word = str(min(map(str, unknown)))
            raise ConfigError(f"{kind.code} has no limit called '{word}'", hint=did_you_mean(word, names))
        return kind(**{name: _listed(each) for name, each in value.items()})
    if len(names) == 0:
        if value is True:
            return kind()
        raise ConfigError(f"{kind.code} takes no limit, not {value!r}", hint=f"true or {OFF}")
    return kind(**{names[0]: _listed(value)})


def _built(name: str, table: Mapping[str, Any]) -> Limits:
    known = {*PRE_TRADE, *WATCHES, STRATEGIES}
    for code in table:
        if code not in known:
            raise ConfigError(f"there is no limit called '{code}'", hint=did_you_mean(str(code), known))
    strategies = table.get(STRATEGIES, {})
    if not isinstance(strategies, Mapping):
        raise ConfigError(f"{STRATEGIES} is a table of names, not {strategies!r}")
    return Limits(
        name,
        tuple(_chosen(PRE_TRADE, table)),
        tuple(_chosen(WATCHES, table)),
        {who: _own(who, limits) for who, limits in strategies.items()},
    )


def _chosen(kinds: Mapping[str, type[Any]], table: Mapping[str, Any]) -> list[Any]:
    made: list[Any] = []
    for code, kind in kinds.items():
        value = table.get(code, MISSING)
        if value is MISSING:
            made.append(kind())
        elif not (value == OFF or value is False):
            made.append(make(kind, value))
    return made


def _own(who: str, limits: object) -> tuple[Control, ...]:
    if not isinstance(limits, Mapping):
        raise ConfigError(f"the limits of {who} are a table, not {limits!r}")
    for code in limits:
        if code not in PRE_TRADE:
            raise ConfigError(f"a strategy has no limit called '{code}'", hint=did_you_mean(str(code), PRE_TRADE))
    return tuple(make(PRE_TRADE[code], value) for code, value in limits.items())


def _listed(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _values(control: object) -> Any:
    pairs = {f.name: getattr(control, f.name) for f in fields(control)}  # type: ignore[arg-type]
    if not pairs:
        return True
    return next(iter(pairs.values())) if len(pairs) == 1 else pairs


def _schema(kind: type[Any]) -> dict[str, Any]:
    parts = {f.name: _field_schema(f) for f in fields(kind)}
    said = {"description": (kind.__doc__ or "").strip()}
    off = {"const": OFF}
    if not parts:
        return {**said, "anyOf": [{"const": True}, off]}
    table = {"type": "object", "additionalProperties": False, "properties": parts}
    return {**said, "anyOf": [next(iter(parts.values())), table, off]}


def _field_schema(f: Field[Any]) -> dict[str, Any]:
    if f.type == "float":
        return {"type": "number", "exclusiveMinimum": 0, "default": f.default}
    if f.type == "int":
        return {"type": "integer", "exclusiveMinimum": 0, "default": f.default}
    words: Any = f.default
    return {"type": "array", "items": {"type": "string"}, "default": list(words)}
