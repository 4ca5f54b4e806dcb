"""What a person writes of costs, limits and params, as the values that the trading room takes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from decimal import Decimal
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin

from gpt_trader.core.errors import ConfigError, NotFound, UsageError, did_you_mean

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

    from gpt_trader.core.ports import TradingStrategyPlugin
    from gpt_trader.trading.costs import Fee, Slippage

FEES = "0.001 or 0.1%, or parts: percent=0.1%,per_share=0.005,minimum=1,maximum=20,maker=-0.01%"
PARTS = ("percent", "maker")
SLIPPAGES = "0.0005 or 0.05% of the price, fixed:0.01, volume:0.1, or none"


def number(text: str, option: str) -> Decimal:
    """An exact and finite number, which may be written in per cent."""
    plain = text.strip().replace("_", "")
    try:
        found = Decimal(plain[:-1]) / 100 if plain.endswith("%") else Decimal(plain)
    except ArithmeticError:
        found = Decimal("NaN")
    if not found.is_finite():
        raise UsageError(f"{option} must be a number, not '{text}'")
    return found


def part(text: str, option: str) -> Decimal:
    """A part of something, so less than the whole of it: 10 was meant as 10 %, or as ten basis points."""
    found = number(text, option)
    if found >= 1:
        raise UsageError(f"{option} must be a part below 1, not {text}", hint="0.001 is the same as 0.1%")
    return found


def fee_of(text: str) -> Fee:
    """A fee: one number is a part of the value, several parts have names."""
    from gpt_trader.trading.costs import Fee

    if "=" not in text:
        return Fee(percent=part(text, "--fee"))
    known = [f.name for f in fields(Fee)]
    parts: dict[str, Decimal] = {}
    for one in text.split(","):
        name, _, value = (word.strip() for word in one.partition("="))
        if name not in known:
            raise UsageError(f"--fee has no part '{name}'", hint=did_you_mean(name, known))
        parts[name] = (part if name in PARTS else number)(value, f"--fee {name}")
    return Fee(**parts)


def slippage_of(text: str) -> Slippage:
    """Slippage: one number is a part of the price, other kinds have names."""
    from gpt_trader.trading.costs import Slippage

    kind, colon, amount = text.partition(":")
    if text == "none":
        return Slippage()
    if not colon:
        return Slippage("percent", part(text, "--slippage"))
    kinds = ("fixed", "percent", "volume")
    if kind not in kinds:
        raise UsageError(f"there is no slippage '{kind}'", hint=did_you_mean(kind, kinds) or f"write {SLIPPAGES}")
    read = number if kind == "fixed" else part
    return Slippage(kind, read(amount, "--slippage"))  # type: ignore[arg-type]


def choice(text: str, option: str, *known: str) -> Any:
    """One of a few words."""
    if text not in known:
        hint = did_you_mean(text, known) or f"there are: {', '.join(known)}"
        raise UsageError(f"{option} cannot be '{text}'", hint=hint)
    return text


def limits_of_words(text: str) -> Literal["none", "standard"] | Mapping[str, Any]:
    """Limits by their name, or those that a YAML or JSON file holds."""
    if text in ("none", "standard"):
        return text  # type: ignore[return-value]
    path = Path(text).expanduser()
    if not path.exists():
        hint = did_you_mean(text, ("none", "standard")) if "." not in text else None
        raise NotFound(f"there are no limits '{text}', and no such file", hint=hint or "none, standard, or a YAML file")
    from gpt_trader.workflow import strictyaml
    from gpt_trader.workflow.faults import FaultsFound, Source
    from gpt_trader.workflow.loader import read_text

    root, faults = strictyaml.read(Source(text, read_text(path)))
    if root is None or faults:
        raise FaultsFound(faults)
    table: Any = root.plain()
    if not isinstance(table, Mapping):
        raise ConfigError(f"{text} holds no table of limits", hint="one in each line, such as trades_per_session: 20")
    return table


def value_of(text: str) -> Any:
    """A word as a number, a switch, nothing or a list where it looks like one; as a text otherwise."""
    word = text.strip()
    if word.lower() in ("true", "false", "null", "none"):
        return {"true": True, "false": False}.get(word.lower())
    try:
        return json.loads(word)
    except ValueError:
        return text


def pairs_of(words: Iterable[str], option: str) -> dict[str, str]:
    """`NAME=VALUE` words as a mapping; each name once."""
    found: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise UsageError(f"{option} takes NAME=VALUE, not '{word}'", hint=f"for example: {option} fast=5")
        key = name.replace("-", "_")
        if key in found:
            raise UsageError(f"{option} {name} is given twice")
        found[key] = value
    return found


def options_of(words: Iterable[str], option: str) -> dict[str, Any]:
    """What a provider is told, by name; `columns.open=First` is an entry of the option `columns`."""
    found: dict[str, Any] = {}
    for name, text in pairs_of(words, option).items():
        group, dot, inner = name.partition(".")
        if dot:
            found.setdefault(group, {})[inner] = text
        else:
            found[name] = value_of(text)
    return found


def params_of(words: Iterable[str], strategy: type[TradingStrategyPlugin]) -> dict[str, Any]:
    """A strategy's params, each read as what the strategy wants it to be; their values are not checked yet."""
    given = pairs_of(words, "--param")
    if strategy.Params is None:
        return {name: value_of(text) for name, text in given.items()}
    known = strategy.Params.model_fields
    for name in given:
        if name not in known and strategy.Params.model_config.get("extra") == "forbid":
            hint = did_you_mean(name, known) or f"it takes {', '.join(known) or 'none'}"
            raise UsageError(f"{strategy.__name__} has no param '{name}'", hint=hint)
    return {name: _typed(text, known.get(name)) for name, text in given.items()}


def _typed(text: str, field: FieldInfo | None) -> Any:
    """A text stays a text where the strategy wants one, even if it looks like a number."""
    kinds = () if field is None else tuple(_kinds(field.annotation))
    value = value_of(text)
    if text in kinds:
        return text
    return text if str in kinds and not isinstance(value, str) and value is not None else value


def _kinds(annotation: Any) -> Iterator[Any]:
    """The types and the literal values that an annotation allows."""
    if get_origin(annotation) in (Union, UnionType, Literal):
        for inner in get_args(annotation):
            yield from _kinds(inner)
    else:
        yield annotation
