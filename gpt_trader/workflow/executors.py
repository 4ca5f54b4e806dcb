"""Where work runs: threads that never keep a program from ending, and single processes that can be killed."""

from __future__ import annotations

import os
import pickle  # noqa: TID251 - between a process and its own child, never stored
import queue
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, TypeVar

from gpt_trader.core.context import Artifacts, StepContext
from gpt_trader.core.ports import Clock
from gpt_trader.core.slices import Outputs, Params
from gpt_trader.workflow.modules import load_module
from gpt_trader.workflow.secrets import taken

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor

T = TypeVar("T")
_Job = Callable[[], None]


class DaemonThreads(Executor):
    """An executor without a bound whose threads are reused, and abandoned when the program ends.

    The standard one waits for its threads at exit, so one step that hangs would keep the program alive for ever.
    """

    def __init__(self) -> None:
        self._idle: list[queue.SimpleQueue[_Job | None]] = []
        self._closed = False

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Run a function in a thread that is idle, or in a new one."""
        future: Future[T] = Future()

        def job() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(fn(*args, **kwargs))
            except BaseException as error:  # noqa: BLE001 - the future carries it to whoever waits
                future.set_exception(error)

        self.run(job)
        return future

    def run(self, job: _Job) -> None:
        """Run a job that raises nothing and that nobody waits for."""
        try:
            inbox = self._idle.pop()
        except IndexError:
            inbox = queue.SimpleQueue()
            threading.Thread(target=self._serve, args=(inbox,), daemon=True, name="gpt-trader-step").start()
        inbox.put(job)

    def _serve(self, inbox: queue.SimpleQueue[_Job | None]) -> None:
        while (job := inbox.get()) is not None:
            job()
            del job
            if self._closed:
                return
            self._idle.append(inbox)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 - as inherited
        """Let idle threads end; busy ones end with the program."""
        del wait, cancel_futures
        self._closed = True
        while self._idle:
            self._idle.pop().put(None)


def process_pool(workers: int) -> ProcessPoolExecutor:
    """A pool of processes that share nothing with this one, so that no connection is forked."""
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    method = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context(method), initializer=_die_with_parent)


def _die_with_parent() -> None:
    """Leave Ctrl-C to the parent, and end when it is gone, however it went."""
    import multiprocessing
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: Any) -> None:
    parent.join()
    os._exit(1)


class LazyProcesses(Executor):
    """A process pool for slices with heavy computing; it costs nothing until it is used."""

    def __init__(self, workers: int | None = None) -> None:
        self._workers = workers or os.cpu_count() or 1
        self._pool: ProcessPoolExecutor | None = None
        self._lock = threading.Lock()

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Run a function in a process of the pool; where one of its processes died, there is a new pool."""
        with self._lock:
            if self._pool is None or self._pool._broken:  # noqa: SLF001 - else every later submit fails
                self._pool = process_pool(self._workers)
        return self._pool.submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 - as inherited
        """End the pool if there is one."""
        if self._pool is not None:
            self._pool.shutdown(wait, cancel_futures=cancel_futures)
            self._pool = None


class OwnProcess:
    """One process for one strand of a run; killed when its step hangs, and then replaced."""

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None

    def submit(self, call: RemoteCall) -> Future[tuple[Outputs, list[tuple[str, Mapping[str, Any]]]]]:
        """Run a step's method in the process's process."""
        if self._pool is None:
            self._pool = process_pool(1)
        return self._pool.submit(call)

    def kill(self) -> None:
        """End the process at once."""
        if self._pool is not None:
            for process in list((self._pool._processes or {}).values()):  # noqa: SLF001 - kill_workers comes with 3.14
                process.kill()
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteCall:
    """All that another process needs to call one method: it imports the slice by itself."""

    module: str
    cls: str
    file: str | None
    method: str
    params: Params
    run_id: str
    path: str
    attempt: int
    mode: str
    artifacts: Artifacts
    clock: Clock
    secrets: Mapping[str, str]

    def __call__(self) -> tuple[Outputs, list[tuple[str, Mapping[str, Any]]]]:
        facts: list[tuple[str, Mapping[str, Any]]] = []
        ctx = StepContext(
            run_id=self.run_id,
            path=self.path,
            attempt=self.attempt,
            mode=self.mode,
            clock=self.clock,
            artifacts=self.artifacts,
            executor=DaemonThreads(),
            record=lambda topic, payload: facts.append((topic, payload)),
            secret=lambda name: taken(name, self.secrets),
        )
        instance = getattr(self._module(), self.cls)()
        return getattr(instance, self.method)(self.params, ctx), facts

    def __reduce__(self) -> tuple[Any, ...]:
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return _remote_call, (self.module, self.file, pickle.dumps(values))

    def _module(self) -> Any:
        return load_module(self.module, self.file)


def _remote_call(module: str, file: str | None, values: bytes) -> RemoteCall:
    """The call as it was sent by our own parent; its slice must be there before its params can be read."""
    load_module(module, file)
    return RemoteCall(**pickle.loads(values))  # noqa: S301 - from the parent process over its own pipe, never stored
