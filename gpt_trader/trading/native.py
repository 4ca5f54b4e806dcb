"""The loops of sweeps, finished for this processor out of `loops.ll` when they are first asked for."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple, ParamSpec, TypeVar, cast

from gpt_trader.core.errors import GptTraderError
from gpt_trader.trading.loops.kinds import Array, Group, Kind, fields_of, parameters

P = ParamSpec("P")
G = TypeVar("G", bound="tuple[Any, ...]")
Flattener = Callable[[Any], Iterable[Any]]
_ENGINES: list[Any] = []
WRITTEN = ("out", "fills")
"""The parameters by which loops hand back what they find."""
LOOPS = Path(__file__).parent / "loops" / "loops.ll"


class Flat(NamedTuple):
    """A named tuple as plain numbers, with the tuple itself, whose arrays must live as long."""

    numbers: tuple[Any, ...]
    of: tuple[Any, ...]


def flat(group: G) -> G:
    """A named tuple made ready to be given to a compiled loop many times."""
    flatten = _flattener(tuple(fields_of(type(group)).values()))
    return cast("G", Flat(tuple(flatten(group)), group))


@cache
def compiled(loop: Callable[P, None]) -> Callable[P, None]:
    """The same loop, compiled; while it runs, other threads of Python do."""
    name, taken = loop.__name__, parameters(loop)
    kinds = tuple(taken.values())
    native = ctypes.CFUNCTYPE(ctypes.c_int32, *_types(kinds))(_engine(name).get_function_address(name))
    flatten = _flattener(kinds)

    written = [(place, which) for place, which in enumerate(taken) if which in WRITTEN]

    def call(*args: P.args, **_: P.kwargs) -> None:
        for place, which in written:
            if not cast("Any", args[place]).flags.writeable:
                raise TypeError(f"{which} cannot be written")
        status = native(*flatten(args))
        assert status == 0, f"{name} failed"

    return call


@cache
def _engine(name: str) -> Any:
    """LLVM's engine for one loop, which must live as long as that is called."""
    llvm = _llvm()
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    module = llvm.parse_assembly(LOOPS.read_text(encoding="ascii"))
    for function in module.functions:
        if not function.is_declaration and function.name != name:
            function.linkage = "internal"
    machine = llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=3, jit=True
    )
    module.triple, module.data_layout = machine.triple, str(machine.target_data)
    options = llvm.create_pipeline_tuning_options(speed_level=3)
    options.loop_vectorization = True
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)
    engine = llvm.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    _ENGINES.append(engine)  # the cache forgets one of two that threads made at once, and its code would be gone
    return engine


def _llvm() -> Any:
    try:
        from llvmlite import binding
    except ModuleNotFoundError as missing:
        if missing.name != "llvmlite":
            raise
        hint = "install it with: pip install 'gpt-trader[sweep]'"
        raise GptTraderError("a sweep needs the compiler llvmlite, which is not installed", hint=hint) from None
    return binding


def _types(kinds: tuple[Kind, ...]) -> Iterator[Any]:
    for kind in kinds:
        if isinstance(kind, Group):
            yield from _types(tuple(kind.fields.values()))
        elif isinstance(kind, Array):
            yield from (ctypes.c_void_p, *(ctypes.c_int64,) * kind.dimensions)
        else:
            yield ctypes.c_double if kind is float else ctypes.c_int64


def _flattener(kinds: tuple[Kind, ...]) -> Flattener:
    """Make what turns arguments into plain numbers, an array into its address and its lengths."""
    if not any(isinstance(kind, (Array, Group)) for kind in kinds):
        return lambda values: values
    parts = tuple(_part(kind) for kind in kinds)
    return lambda values: chain.from_iterable(part(value) for part, value in zip(parts, values, strict=True))


def _part(kind: Kind) -> Flattener:
    if isinstance(kind, Array):
        return lambda array: (_address(kind, array), *array.shape)
    if isinstance(kind, Group):
        flatten = _flattener(tuple(kind.fields.values()))
        return lambda group: group.numbers if isinstance(group, Flat) else flatten(group)
    return lambda number: (number,)


def _address(kind: Array, array: Any) -> int:
    """Where the values lie; another kind of array would be read as something that it is not."""
    if array.dtype != kind.dtype or array.ndim != kind.dimensions or not array.flags.c_contiguous:
        raise TypeError(f"{kind} was expected, not {array.dtype} in the shape {array.shape}")
    return int(array.ctypes.data)
