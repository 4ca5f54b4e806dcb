"""A step's method in another process, which is killed when it hangs or when the run is cancelled."""

from __future__ import annotations

from concurrent.futures import Future, TimeoutError as FutureTimeout
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING, Any

from gpt_trader.core.errors import StepFailed, ValidationError
from gpt_trader.core.slices import Method, Outputs, Params
from gpt_trader.workflow.executors import RemoteCall
from gpt_trader.workflow.strand import Strand

if TYPE_CHECKING:
    from gpt_trader.journal.store import Op

_LOOK_SECONDS = 0.05


def call_in_lane(strand: Strand, path: str, number: int, method: Method, params: Params, facts: list[Op]) -> Outputs:
    """Call a method in the strand's own process and wait for it, no longer than its deadline."""
    run, lane = strand.run, strand.lane
    assert lane is not None
    cls = run.parts.catalog[method.slice]
    if cls.needs():
        raise ValidationError(f"slice '{method.slice}' needs {', '.join(cls.needs())} and cannot run in processes")
    call = RemoteCall(
        module=cls.__module__,
        cls=cls.__qualname__,
        file=getattr(__import__("sys").modules[cls.__module__], "__file__", None),
        method=method.name,
        params=params,
        run_id=run.id,
        path=path,
        attempt=number,
        mode=run.mode,
        artifacts=run.parts.artifacts,
        clock=run.parts.clock,
    )
    try:
        outputs, told = _wait(strand, lane.submit(call))
    except BrokenProcessPool:
        lane.kill()
        raise StepFailed("the process of this step ended before it answered", hint="it exited or was killed") from None
    except BaseException:
        lane.kill()
        raise
    facts += [run.parts.runs.event(topic, payload, run_id=run.id) for topic, payload in told]
    return outputs


def _wait(strand: Strand, future: Future[Any]) -> Any:
    while True:
        try:
            return future.result(timeout=_LOOK_SECONDS)
        except FutureTimeout:
            if future.done():
                raise
            if strand.run.request == "cancel" or strand.dead:
                strand.check()
            strand.raise_overdue()
