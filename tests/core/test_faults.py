"""What pydantic finds wrong is said in words for people."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from gpt_trader.core.faults import fault_of


class Inner(BaseModel):
    model_config = ConfigDict(strict=True)

    rate: float = Field(0.5, gt=0)


class Lengths(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    fast: int
    slow: int = 30
    kind: Literal["flat", "short"] = "flat"
    inner: Inner = Inner()

    @field_validator("slow")
    @classmethod
    def _round(cls, value: int) -> int:
        if value % 10:
            raise ValueError("only tens")
        return value

    @model_validator(mode="after")
    def _ordered(self) -> Lengths:
        if self.fast >= self.slow:
            raise ValueError("fast must be shorter than slow")
        return self


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"fast": 30}, "fast must be shorter than slow"),
        ({"fast": 1, "slow": 31}, "slow: only tens"),
        ({"fast": "x"}, "fast must be a valid integer"),
        ({"fast": 1, "kind": "up"}, "kind must be 'flat' or 'short'"),
        ({"fast": 1, "inner": {"rate": 0.0}}, "inner.rate must be greater than 0"),
        ({}, "fast is missing"),
        ({"fast": 1, "fats": 2}, "there is no 'fats'"),
        ([], "it must be a valid dictionary or instance of Lengths"),
    ],
)
def test_a_fault_names_the_value_and_what_it_must_be(given: Any, said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Lengths.model_validate(given)
    assert [fault_of(e) for e in caught.value.errors()] == [said]
