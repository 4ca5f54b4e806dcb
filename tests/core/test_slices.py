"""A slice's interface is checked when it is registered, and its needs are injected."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from gpt_trader.core.context import StepContext
from gpt_trader.core.errors import NotFound, ValidationError
from gpt_trader.core.slices import Outputs, Params, Slice, SliceCatalog, method


class P(Params):
    n: int
    text: str = "x"


class O(Outputs):  # noqa: E742 - as short as the test
    n: int


class Good(Slice):
    """Good."""

    name = "good"

    def __init__(self, adder: int) -> None:
        self.adder = adder

    @method(effect="once")
    def add(self, params: P, ctx: StepContext) -> O:
        """Add.

        More words."""
        return O(n=params.n + self.adder)


def test_methods_declare_params_outputs_effect_and_summary() -> None:
    found = Good.methods["add"]
    assert (found.slice, found.name, found.params, found.outputs, found.effect, found.summary) == (
        "good", "add", P, O, "once", "Add.",
    )  # fmt: skip
    assert found.required == {"n"}


def test_needs_are_injected_by_name() -> None:
    catalog = SliceCatalog({"adder": 5})
    catalog.offer("good", lambda: Good)
    assert catalog.instance("good").add(P(n=1), None).n == 6  # type: ignore[attr-defined]
    assert catalog.instance("good") is catalog.instance("good")


def test_a_need_that_nothing_provides_is_told_at_registration() -> None:
    catalog = SliceCatalog({"addr": 5})
    catalog.offer("good", lambda: Good)
    with pytest.raises(ValidationError, match="needs 'adder', which nothing provides") as caught:
        catalog["good"]
    assert caught.value.hint == "did you mean 'addr'?"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "n is missing"),
        ({"n": "1"}, "n must be a valid integer"),
        ({"n": 1, "texd": "y"}, "there is no 'texd'"),
        ({"n": True}, "n must be a valid integer"),
        ({"n": 1.0}, "n must be a valid integer"),
    ],
)
def test_params_are_strict_and_closed(given: dict[str, object], told: str) -> None:
    with pytest.raises(ValidationError, match=r"good\.add: ") as caught:
        Good.methods["add"].check(given)
    assert told in caught.value.message


def test_an_unknown_param_is_answered_with_the_nearest() -> None:
    with pytest.raises(ValidationError) as caught:
        Good.methods["add"].check({"n": 1, "texd": "y"})
    assert caught.value.hint == "did you mean 'text'?"


def _offered(found: object, name: str = "good") -> None:
    catalog = SliceCatalog({"adder": 1})
    catalog.offer(name, lambda: found)
    catalog[name]


class Empty(Slice):
    """No methods."""

    name = "good"


@pytest.mark.parametrize(
    ("found", "message"),
    [(int, "no subclass of gpt_trader.Slice"), (5, "no subclass"), (Empty, "has no methods")],
)
def test_what_is_no_slice_is_refused(found: object, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        _offered(found)


def test_the_name_of_a_slice_must_be_the_one_it_is_offered_under() -> None:
    with pytest.raises(ValidationError, match=r"Good\.name is 'good'") as caught:
        _offered(Good, "better")
    assert caught.value.hint == 'write name = "better"'


def test_a_method_without_annotations_is_refused_where_it_is_defined() -> None:
    with pytest.raises(ValidationError, match=r"must be a subclass of gpt_trader\.Params"):

        class Bad(Slice):
            name = "bad"

            @method()
            def run(self, params, ctx):
                """Untyped."""

    with pytest.raises(ValidationError, match="annotated to return"):

        class Worse(Slice):
            name = "worse"

            @method()
            def run(self, params: P, ctx: StepContext) -> dict:
                """A dict."""
                return {}

    with pytest.raises(ValidationError, match=r"exactly \(self, params, ctx\)"):

        class Worst(Slice):
            name = "worst"

            @method()
            def run(self, params: P) -> O:
                """No context."""
                return O(n=1)


def test_a_bare_name_belongs_to_one_slice_only() -> None:
    class Other(Slice):
        name = "other"

        @method()
        def add(self, params: P, ctx: StepContext) -> O:
            """Add, too."""
            return O(n=0)

        @method()
        def own(self, params: P, ctx: StepContext) -> O:
            """Its own."""
            return O(n=0)

    catalog = SliceCatalog({"adder": 1})
    catalog.offer("good", lambda: Good)
    catalog.offer("other", lambda: Other)
    assert catalog.bare("own").slice == "other"
    with pytest.raises(ValidationError, match="'add' is offered by good and other"):
        catalog.bare("add")
    with pytest.raises(NotFound) as caught:
        catalog.bare("owm")
    assert caught.value.hint == "did you mean 'own'?"
    with pytest.raises(NotFound, match="slice 'good' has no method 'sub'"):
        catalog.method("good", "sub")


def test_a_service_that_two_branches_need_first_at_once_is_made_once_and_given_to_both():
    made, catalog = [], SliceCatalog()

    def make() -> object:
        time.sleep(0.05)
        made.append(object())
        return made[-1]

    def needing(own: str) -> type[Slice]:
        class Needs(Slice):
            name = own

            def __init__(self, service: object) -> None:
                self.service = service

            @method()
            def go(self, params: Params, ctx: StepContext) -> Outputs:
                """Go."""
                return Outputs()

        return Needs

    catalog.provide_when_needed("service", make)
    for own in ("one", "two"):
        catalog.offer(own, partial(needing, own))
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda name: vars(catalog.instance(name))["service"], ("one", "two")))
    assert found == [made[0]] * 2
    assert len(made) == 1
