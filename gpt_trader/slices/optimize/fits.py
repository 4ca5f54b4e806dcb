"""Which sets a strategy's own model takes: each value is looked at once, and rules about several of them each time.

To have the model make an object of every set takes as long as a fifth of a sweep; where that is needed, it is done.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel
from pydantic_core import SchemaValidator
from pydantic_core import ValidationError as Invalid

from gpt_trader.slices.optimize.space import count_of

if TYPE_CHECKING:
    from gpt_trader.slices.optimize.space import Sets

Rule = Callable[[Any], object]


def fitting_rows(model: type[BaseModel], sets: Sets, fixed: Mapping[str, Any]) -> list[int]:
    """The places of the sets that the model takes, together with what is fixed."""
    known = _by_value(model, sets, fixed) if count_of(sets) > 1 else None
    if known is not None:
        return known
    takes = model.__pydantic_validator__.isinstance_python  # says no without making an error of it
    return [i for i, row in enumerate(_rows(sets)) if takes({**fixed, **dict(zip(sets, row, strict=True))})]


def _by_value(model: type[BaseModel], sets: Sets, fixed: Mapping[str, Any]) -> list[int] | None:
    rules = _rules(model)
    if rules is None:
        return None
    fields = _fields(model, len(rules))
    if fields is None:
        return None
    base = {**fixed, **{name: column[0] for name, column in sets.items()}}
    try:
        one = fields.validate_python(base)
        columns = {name: _values(fields, name, column, base) for name, column in sets.items()}
    except Invalid:
        return None  # which of the values is wrong can only be said of whole sets
    good = [i for i, row in enumerate(zip(*columns.values(), strict=True)) if None not in row]
    return good if not rules else _by_rules(one, rules, columns, good)


def _values(fields: SchemaValidator, name: str, column: Sequence[Any], base: Mapping[str, Any]) -> list[Any]:
    """Each value as the model has it, in a tuple; none where it takes no such value."""
    known: dict[tuple[type, Any], Any] = {}
    for value in column:
        if (type(value), value) not in known:
            given = {**base, name: value}
            takes = fields.isinstance_python(given)
            known[type(value), value] = (getattr(fields.validate_python(given), name),) if takes else None
    return [known[type(value), value] for value in column]


def _by_rules(one: Any, rules: Sequence[Rule], columns: Mapping[str, list[Any]], rows: Sequence[int]) -> list[int]:
    names, plain, kept = list(columns), dict(one.__dict__), []
    values = zip(*([column[row][0] for row in rows] for column in columns.values()), strict=True)
    clear, set_all = one.__dict__.clear, one.__dict__.update
    for row, those in zip(rows, values, strict=True):
        clear()  # a property that a rule has kept is one of the set before
        set_all(plain)
        set_all(zip(names, those, strict=True))
        try:
            for rule in rules:
                rule(one)
        except (ValueError, AssertionError):
            continue
        kept.append(row)
    return kept


def _rules(model: type[BaseModel]) -> list[Rule] | None:
    """What the model asks of several values; none where it asks in a way that needs the whole of it each time."""
    told = model.__pydantic_decorators__
    own = list(told.model_validators.values())
    if (
        told.field_validators
        or told.validators
        or told.root_validators
        or model.model_post_init is not BaseModel.model_post_init
    ):
        return None
    if any(v.info.mode != "after" or len(inspect.signature(v.func).parameters) != 1 for v in own):
        return None
    return [v.func for v in own]


def _fields(model: type[BaseModel], rules: int) -> SchemaValidator | None:
    """The model without its rules; none where kinds that several fields share are told around them."""
    schema: Any = model.__pydantic_core_schema__
    for _ in range(rules):
        schema = schema["schema"]
    return SchemaValidator(schema) if schema["type"] == "model" else None


def _rows(sets: Sets) -> Any:
    return zip(*sets.values(), strict=True)
