"""What a slice is: a small class with methods, each with checked params and named outputs."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar, get_type_hints

from pydantic import BaseModel, ConfigDict
from pydantic import ValidationError as PydanticError

from gpt_trader.core.catalog import Catalog
from gpt_trader.core.context import StepContext
from gpt_trader.core.errors import NotFound, ValidationError, did_you_mean
from gpt_trader.core.faults import fault_of

if TYPE_CHECKING:
    from gpt_trader.core.feeds import StrategyCatalog

Frame = Any
"""A pandas DataFrame: handed on as it is, kept as a Parquet artifact."""

Effect = Literal["none", "once"]
F = TypeVar("F", bound=Callable[..., Any])
_NAME = re.compile(r"[a-z][a-z0-9_]*")


class Params(BaseModel):
    """The params of one method: strict, closed and frozen."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, arbitrary_types_allowed=True, defer_build=True)


class Outputs(BaseModel):
    """The named outputs of one method."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True, defer_build=True)


@dataclass(frozen=True, slots=True)
class Method:
    """One verb of a slice: what it takes, what it gives, and whether it changes the world."""

    slice: str
    name: str
    params: type[Params]
    outputs: type[Outputs]
    effect: Effect
    summary: str
    takes: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "takes", tuple(self.params.model_fields))

    @property
    def required(self) -> frozenset[str]:
        """The params that have no default."""
        return frozenset(n for n, f in self.params.model_fields.items() if f.is_required())

    def check(self, given: Mapping[str, Any]) -> Params:
        """The checked params, or an error that names each wrong one."""
        try:
            return self.params.model_validate(given)
        except PydanticError as error:
            wrong = "; ".join(fault_of(e) for e in error.errors(include_url=False))
            names = [str(e["loc"][0]) for e in error.errors() if e["type"] == "extra_forbidden"]
            hint = did_you_mean(names[0], self.params.model_fields) if names else None
            raise ValidationError(f"{self.slice}.{self.name}: {wrong}", hint=hint) from None


def method(*, effect: Effect = "none") -> Callable[[F], F]:
    """Mark a function of a slice as a method that workflows may use."""

    def mark(function: F) -> F:
        function.__slice_method__ = effect  # type: ignore[attr-defined]
        return function

    return mark


class Slice:
    """Base of every slice; its constructor's parameters are its needs and are injected by name."""

    name: ClassVar[str]
    methods: ClassVar[Mapping[str, Method]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.methods = {n: m for n, m in ((n, _interface(cls, n)) for n in dir(cls)) if m is not None}

    def prepare(self, ctx: StepContext) -> None:
        """Look at what the slice needs before a long-running workflow starts; raise if it is not there."""

    def foresee(self, method: str, known: Mapping[str, Any]) -> None:
        """Look at the params that are known before a run begins; raise if no step could work with them."""

    def outside(self, method: str, params: Params) -> str:  # noqa: ARG002
        """What an answer depends on besides its params, such as the age of a file; a cached one is for the same."""
        return ""

    @classmethod
    def needs(cls) -> tuple[str, ...]:
        """The names of what must be injected."""
        if cls.__init__ is object.__init__:
            return ()
        return tuple(p for p in inspect.signature(cls.__init__).parameters if p not in {"self", "args", "kwargs"})


def _interface(cls: type[Slice], name: str) -> Method | None:
    function = inspect.getattr_static(cls, name)
    effect = getattr(function, "__slice_method__", None)
    if effect is None:
        return None
    where = f"{cls.__module__}.{cls.__qualname__}.{name}"
    takes = [p for p in inspect.signature(function).parameters if p != "self"]
    if len(takes) != 2:
        raise ValidationError(f"{where} must take exactly (self, params, ctx)", hint=f"it takes {', '.join(takes)}")
    hints = get_type_hints(function)
    params, outputs = hints.get(takes[0]), hints.get("return")
    if not (isinstance(params, type) and issubclass(params, Params)):
        raise ValidationError(f"{where}: the type of '{takes[0]}' must be a subclass of gpt_trader.Params")
    if not (isinstance(outputs, type) and issubclass(outputs, Outputs)):
        raise ValidationError(f"{where} must be annotated to return a subclass of gpt_trader.Outputs")
    summary = (inspect.getdoc(function) or "").partition("\n")[0]
    return Method(getattr(cls, "name", ""), name, params, outputs, effect, summary)


class StrategySlice(Slice):
    """A slice that trades strategies by their names; one that does not exist is told before a run begins."""

    _strategies: StrategyCatalog

    def foresee(self, method: str, known: Mapping[str, Any]) -> None:  # noqa: ARG002
        from gpt_trader.core.feeds import named_strategies

        named_strategies(self._strategies, known)


def checked(found: object, *, as_name: str, services: frozenset[str]) -> type[Slice]:
    """The slice class if its interface is whole; an error that says what is missing otherwise."""
    where = getattr(found, "__qualname__", repr(found))
    if not (isinstance(found, type) and issubclass(found, Slice)):
        raise ValidationError(f"slice '{as_name}': {where} is no subclass of gpt_trader.Slice")
    name = getattr(found, "name", None)
    if name != as_name or not _NAME.fullmatch(as_name):
        raise ValidationError(f"slice '{as_name}': {where}.name is {name!r}", hint=f'write name = "{as_name}"')
    if not found.methods:
        raise ValidationError(f"slice '{as_name}' has no methods", hint="mark them with @gpt_trader.method()")
    unknown = [need for need in found.needs() if need not in services]
    if unknown:
        raise ValidationError(
            f"slice '{as_name}' needs '{unknown[0]}', which nothing provides", hint=did_you_mean(unknown[0], services)
        )
    return found


class SliceCatalog(Catalog[type[Slice]]):
    """The slices that exist, their methods under bare names, and instances with their needs injected."""

    def __init__(self, services: Mapping[str, Any] | None = None) -> None:
        super().__init__("slice")
        self._services = dict(services or {})
        self._makers: dict[str, Callable[[], Any]] = {}
        self._instances: dict[str, Slice] = {}

    def provide(self, name: str, service: Any) -> None:
        """Offer a service that slices may need by this name."""
        self._services[name] = service

    def provide_when_needed(self, name: str, make: Callable[[], Any]) -> None:
        """Offer a service that is made when the first slice that needs it is used."""
        self._makers[name] = make
        self._services[name] = None

    def offer(self, name: str, load: Callable[[], object]) -> None:
        """Offer a slice; it is loaded, and its interface checked, when it is first used."""
        self.add(name, lambda: checked(load(), as_name=name, services=frozenset(self._services)))

    def instance(self, name: str) -> Slice:
        """The one instance of a slice, made with its needs injected."""
        if name not in self._instances:
            with self._making:  # branches that run side by side may be the first to use a slice, or a service, together
                if name not in self._instances:
                    cls = self[name]
                    self._instances[name] = cls(**{need: self._service(need) for need in cls.needs()})
        return self._instances[name]

    def _service(self, name: str) -> Any:
        if name in self._makers:
            self._services[name] = self._makers.pop(name)()
        return self._services[name]

    def method(self, slice_name: str, method_name: str) -> Method:
        """A method of a named slice."""
        methods = self[slice_name].methods
        if method_name not in methods:
            raise NotFound(
                f"slice '{slice_name}' has no method '{method_name}'", hint=did_you_mean(method_name, methods)
            )
        return methods[method_name]

    def meant(self, slice_name: str, name: str) -> Method:
        """The method that a step of this slice means by a bare name: one of its own slice comes first."""
        own = self[slice_name].methods
        return own[name] if name in own else self.bare(name)

    def bare(self, name: str) -> Method:
        """The method that is offered under a bare name, by one slice only."""
        found = [self[s].methods[name] for s in self if name in self[s].methods]
        if not found:
            raise NotFound.among("method", name, (m for s in self for m in self[s].methods))
        if len(found) > 1:
            offers = " and ".join(m.slice for m in found)
            raise ValidationError(
                f"'{name}' is offered by {offers}", hint=f"write {{slice: {found[0].slice}, method: {name}}}"
            )
        return found[0]
