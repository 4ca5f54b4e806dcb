"""The limits of a session and of its strategies: none, standard, or one's own, each checked before anything starts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields, replace
from typing import Any, Literal, TypeAlias

from gpt_trader.core.errors import ConfigError, did_you_mean
from gpt_trader.trading.guards.base import Control
from gpt_trader.trading.guards.market import MARKET
from gpt_trader.trading.guards.pace import PACE
from gpt_trader.trading.guards.running import RUNNING, STRATEGY_RUNNING, RunningControl
from gpt_trader.trading.guards.size import SIZE
from gpt_trader.trading.names import belongs, names_of

PRE_TRADE: dict[str, type[Control]] = {kind.code: kind for kind in (*MARKET, *PACE, *SIZE)}
WATCHES: dict[str, type[RunningControl]] = {kind.code: kind for kind in RUNNING}
OF_STRATEGIES: dict[str, type[Any]] = {**PRE_TRADE, **{kind.code: kind for kind in STRATEGY_RUNNING}}
STRATEGIES = "strategies"
ALLOCATION = "allocation"
OFF = "off"
Choice: TypeAlias = Literal["none", "standard"] | Mapping[str, Any]
"""Limits by name, or one's own as a table."""
ReadLimits: TypeAlias = Callable[[str], Choice]
"""Reads a name, or the file of that name."""


@dataclass(frozen=True)
class StrategyLimits:
    """The controls of one strategy, and the part of the account's equity that is its own: by it losses are measured."""

    controls: tuple[Control, ...] = ()
    running: tuple[RunningControl, ...] = ()
    allocation: float | None = None
    alone: bool = False
    """Whether no other strategy trades on the account."""

    @property
    def values(self) -> dict[str, Any]:
        """Every limit by its code."""
        return {ALLOCATION: self.allocation, **_all_values(*self.controls, *self.running)}


@dataclass(frozen=True)
class Limits:
    """The controls of a session and of its strategies, and what they are called in a summary."""

    name: str
    controls: tuple[Control, ...] = ()
    running: tuple[RunningControl, ...] = ()
    per_strategy: Mapping[str, StrategyLimits] = field(default_factory=dict)

    @property
    def values(self) -> dict[str, Any]:
        """Every limit by its code."""
        own = {name: limits.values for name, limits in self.per_strategy.items()}
        return {**_all_values(*self.controls, *self.running), **({STRATEGIES: own} if own else {})}

    def for_recording(self) -> Limits:
        """The limits without those that only a wall clock can judge: a recording has no silence and no latency."""
        own = {who: replace(limits, running=_judged(limits.running)) for who, limits in self.per_strategy.items()}
        return replace(self, running=_judged(self.running), per_strategy=own)

    def among(self, strategies: Sequence[str]) -> Limits:
        """The limits for a session of these strategies: each name is one of theirs, and has its part of the account.

        Where none is given that is an even one: of five strategies each has a fifth.
        """
        own = dict[str, StrategyLimits]()
        for who, limits in self.per_strategy.items():
            count = sum(belongs(strategy, who) for strategy in strategies)
            if not count:
                known = names_of(strategies)
                raise ConfigError(f"the limits name '{who}', which is no strategy here", hint=did_you_mean(who, known))
            allocation = count / len(strategies) if limits.allocation is None else limits.allocation
            own[who] = replace(limits, allocation=allocation, alone=count == len(strategies))
        return replace(self, per_strategy=own)


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
    properties: dict[str, Any] = {code: _schema(kind) for code, kind in known.items()}
    properties[STRATEGIES] = {
        "description": "The limits of single strategies by their names, beside those of the session.",
        "type": "object",
        "additionalProperties": _strategy_schema(),
    }
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
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


def _own(who: object, limits: object) -> StrategyLimits:
    if not isinstance(who, str) or not who:
        raise ConfigError(f"{STRATEGIES} have names, not {who!r}")
    if not isinstance(limits, Mapping) or set(limits) <= {ALLOCATION}:
        raise ConfigError(f"the limits of {who} are a table of at least one limit, not {limits!r}")
    made: dict[str, Any] = {}
    for code, value in limits.items():
        if code == ALLOCATION:
            continue
        if code not in OF_STRATEGIES:
            known = {*OF_STRATEGIES, ALLOCATION}
            raise ConfigError(f"a strategy has no limit called '{code}'", hint=did_you_mean(str(code), known))
        made[code] = make(OF_STRATEGIES[code], value)
    before = tuple(control for code, control in made.items() if code in PRE_TRADE)
    running = tuple(control for code, control in made.items() if code in WATCHES)
    return StrategyLimits(before, running, _part(who, limits[ALLOCATION]) if ALLOCATION in limits else None)


def _part(who: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= 1:
        raise ConfigError(
            f"the {ALLOCATION} of {who} is a part of the account's equity, above 0 up to 1, not {value!r}"
        )
    return float(value)


def _judged(running: Sequence[RunningControl]) -> tuple[RunningControl, ...]:
    return tuple(control for control in running if not control.by_clock)


def _all_values(*controls: Control | RunningControl) -> dict[str, Any]:
    return {control.code: _values(control) for control in controls}


def _listed(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _values(control: object) -> Any:
    pairs = {f.name: getattr(control, f.name) for f in fields(control)}  # type: ignore[arg-type]
    if not pairs:
        return True
    return next(iter(pairs.values())) if len(pairs) == 1 else pairs


def _strategy_schema() -> dict[str, Any]:
    part = {
        "description": "Its part of the account's equity, by which its losses are measured; without one, an even part.",
        "type": "number",
        "exclusiveMinimum": 0,
        "maximum": 1,
    }
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {ALLOCATION: part, **{code: _schema(kind, off=False) for code, kind in OF_STRATEGIES.items()}},
        "minProperties": 1,
        "not": {"required": [ALLOCATION], "maxProperties": 1},
    }


def _schema(kind: type[Any], *, off: bool = True) -> dict[str, Any]:
    parts = {f.name: _field_schema(f) for f in fields(kind)}
    said = {"description": " ".join((kind.__doc__ or "").split())}
    without = [{"const": OFF}] if off else []
    if not parts:
        return {**said, "anyOf": [{"const": True}, *without]}
    table = {"type": "object", "additionalProperties": False, "properties": parts}
    return {**said, "anyOf": [next(iter(parts.values())), table, *without]}


def _field_schema(f: Field[Any]) -> dict[str, Any]:
    if f.type == "float":
        return {"type": "number", "exclusiveMinimum": 0, "default": f.default}
    if f.type == "int":
        return {"type": "integer", "exclusiveMinimum": 0, "default": f.default}
    words: Any = f.default
    return {"type": "array", "items": {"type": "string"}, "default": list(words)}
