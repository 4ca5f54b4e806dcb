"""Looking at values once and at rules each time takes the same sets as making the model of each set."""

from __future__ import annotations

from enum import Enum
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from gpt_trader.app.plugins import strategy_catalog
from gpt_trader.slices.optimize import fits
from gpt_trader.slices.optimize.fits import fitting_rows


def even(number: int) -> int:
    if number % 2:
        raise ValueError("odd")
    return number


class Plain(BaseModel):
    a: int = Field(3, ge=1, le=8)
    b: Annotated[int, AfterValidator(even)] = 2
    c: Literal["x", "y"] = "x"


class Ruled(Plain):
    model_config = ConfigDict(strict=True, extra="forbid")

    @model_validator(mode="after")
    def _first(self) -> Self:
        if self.a > self.b:
            raise ValueError("a above b")
        return self

    @model_validator(mode="after")
    def _second(self) -> Self:
        assert self.c == "x" or self.b < 6
        self.a = 1
        return self


class Before(Plain):
    @model_validator(mode="before")
    @classmethod
    def _turned(cls, given: dict[str, Any]) -> dict[str, Any]:
        return {**given, "a": 1} if given.get("c") == "y" else given


class Together(Plain):
    @field_validator("b", mode="after")
    @classmethod
    def _above(cls, value: int, info: Any) -> int:
        if value < info.data.get("a", 0):
            raise ValueError("below a")
        return value


class Made(Plain):
    def model_post_init(self, context: Any, /) -> None:
        if self.a == self.b:
            raise ValueError("the same")


class Kept(Plain):
    @cached_property
    def total(self) -> int:
        return self.a + self.b

    @model_validator(mode="after")
    def _small(self) -> Self:
        if self.total > 8:
            raise ValueError("too much")
        return self


class Letter(Enum):
    X = "x"
    Y = "y"


class Part(BaseModel):
    size: int = 1


class Shared(Plain):
    """Two fields of one kind: the schema tells it once, around the model."""

    first: Letter = Letter.X
    second: Letter = Letter.Y
    left: Part = Part()
    right: Part = Part()


class SharedRuled(Shared):
    @model_validator(mode="after")
    def _order(self) -> Self:
        if self.a > self.b:
            raise ValueError("a above b")
        return self


MODELS = (Plain, Ruled, Before, Together, Made, Kept, Shared, SharedRuled)
VALUES = st.one_of(st.integers(-1, 10), st.sampled_from(["x", "y", "z", 2.0, 1.5, True, "4"]))


def taken(model, given):
    try:
        model.model_validate(given)
    except ValidationError:
        return False
    return True


@given(rows=st.lists(st.tuples(VALUES, VALUES, st.sampled_from("xyz")), min_size=1, max_size=12))
@pytest.mark.parametrize("model", MODELS)
def test_the_same_sets_are_taken(model, rows):
    sets = dict(zip("abc", map(list, zip(*rows, strict=True)), strict=True))
    want = [i for i, (a, b, c) in enumerate(rows) if taken(model, {"a": a, "b": b, "c": c})]
    assert fitting_rows(model, sets, {}) == want
    short = {name: sets[name] for name in "ab"}
    want = [i for i, (a, b, _) in enumerate(rows) if taken(model, {"a": a, "b": b, "c": "y"})]
    assert fitting_rows(model, short, {"c": "y"}) == want


def test_only_what_asks_for_the_whole_model_each_time_has_it_made_each_time():
    quick = [model for model in MODELS if fits._rules(model) is not None]
    assert quick == [Plain, Ruled, Kept, Shared, SharedRuled]
    assert [model for model in quick if fits._fields(model, len(fits._rules(model) or ())) is None] == [
        Shared, SharedRuled
    ]  # fmt: skip


@pytest.mark.parametrize("name", [*strategy_catalog(Path("nowhere"), ())])
def test_every_strategy_takes_the_sets_that_its_model_takes(name):
    model = strategy_catalog(Path("nowhere"), ())[name].Params
    if model is None:
        pytest.skip("it has no params")
    numbers = [n for n, f in model.model_fields.items() if f.annotation in (int, float)]
    for one in numbers:
        for other in numbers:
            kinds: dict[str, Any] = {n: model.model_fields[n].annotation for n in (one, other)}
            grid = [(x, y) for x in (-1, 0, 1, 2, 5, 20, 60, 300) for y in (-1, 0, 1, 3, 10, 30, 200)]
            sets: dict[str, list[Any]] = {one: [kinds[one](x) for x, _ in grid]}
            sets[other] = [kinds[other](y) for _, y in grid]
            want = [i for i in range(len(grid)) if taken(model, {n: column[i] for n, column in sets.items()})]
            assert fitting_rows(model, sets, {}) == want
