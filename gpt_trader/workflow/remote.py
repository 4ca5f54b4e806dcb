"""A step's method in another process, which is killed when it hangs or when the run is cancelled."""

from __future__ import annotations

import sys
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING, Any, cast

from gpt_trader.core.errors import StepFailed, ValidationError
from gpt_trader.core.slices import Method, Outputs, Params
from gpt_trader.workflow.executors import RemoteCall

if TYPE_CHECKING:
    from gpt_trader.journal.writer import Op
    from gpt_trader.workflow.pen import Attempt
    from gpt_trader.workflow.strand import Strand

_LOOK_SECONDS = 0.05


def call_in_process(strand: Strand, attempt: Attempt, method: Method, params: Params, facts: list[Op]) -> Outputs:
    """Call a method in the strand's own process and wait for it, no longer than its deadline."""
    run, process = strand.run, strand.process
    assert process is not None
    cls = run.parts.catalog[method.slice]
    if cls.needs():
        raise ValidationError(f"slice '{method.slice}' needs {', '.join(cls.needs())} and cannot run in processes")
    call = RemoteCall(
        module=cls.__module__,
        cls=cls.__qualname__,
        file=getattr(sys.modules[cls.__module__], "__file__", None),
        method=method.name,
        params=params,
        run_id=run.id,
        path=attempt.path,
        attempt=attempt.number,
        mode=run.mode,
        artifacts=run.parts.artifacts,
        clock=run.parts.clock,
        secrets=run.secrets,
    )
    try:
        outputs, told = _wait(strand, process.submit(call))
    except BrokenProcessPool:
        process.kill()
        raise StepFailed("the process of this step ended before it answered", hint="it exited or was killed") from None
    except BaseException:
        process.kill()
        raise
    facts += [run.parts.runs.event(topic, payload, run_id=run.id) for topic, payload in told]
    return cast("Outputs", outputs)


def _wait(strand: Strand, future: Future[Any]) -> Any:
    while True:
        try:
            return future.result(timeout=_LOOK_SECONDS)
        except FutureTimeout:
            if future.done():  # just now
                return future.result()
            if strand.run.request == "cancel" or strand.dead:
                strand.check()
            strand.raise_overdue()
