"""Jobs on an executor: so many in flight, each result once, and a job whose worker died is sent again."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, Future, wait
from dataclasses import dataclass, field

from gpt_trader.core.errors import GptTraderError
from gpt_trader.slices.optimize.job import Outcome

LOOK_SECONDS = 0.2
TRIES = 3
Rows = list[int]
KEPT = "finished trials are kept: resume the run, or try these sets alone"


@dataclass(slots=True)
class Away:
    """Work that is done elsewhere: what is left of it is cut into portions when there is room for one."""

    executor: Executor
    width: int
    send: Callable[[Executor, Rows], Future[Outcome]]
    portion: Callable[[deque[int]], Rows]
    look: Callable[[], None]
    _flying: dict[Future[Outcome], tuple[Rows, int]] = field(default_factory=dict)
    _again: deque[tuple[Rows, int]] = field(default_factory=deque)

    def results(self, left: deque[int]) -> Iterator[tuple[Rows, Outcome]]:
        """What came back, in whatever order."""
        try:
            while left or self._flying or self._again:
                self.look()
                self._fill(left)
                done, _ = wait(self._flying, timeout=LOOK_SECONDS, return_when=FIRST_COMPLETED)
                for future in done:
                    rows, tries = self._flying.pop(future)
                    found = self._result(future, rows, tries)
                    if found is not None:
                        yield rows, found
        finally:
            for future in self._flying:
                future.cancel()

    def _fill(self, left: deque[int]) -> None:
        while (left or self._again) and len(self._flying) < 2 * self.width:
            rows, tries = self._again.popleft() if self._again else (self.portion(left), 1)
            try:
                self._flying[self.send(self.executor, rows)] = (rows, tries)
            except BrokenExecutor as broken:
                self._retry(rows, tries, broken)

    def _result(self, future: Future[Outcome], rows: Rows, tries: int) -> Outcome | None:
        try:
            return future.result()
        except BrokenExecutor as broken:
            self._retry(rows, tries, broken)
            return None
        except GptTraderError:
            raise
        except (Exception, CancelledError) as wrong:
            words = f"{type(wrong).__name__}: {wrong}"
            raise GptTraderError(f"the workers did not finish a job: {words}", hint=KEPT) from wrong

    def _retry(self, rows: Rows, tries: int, broken: BrokenExecutor) -> None:
        if tries >= TRIES:
            raise GptTraderError(f"a worker died {tries} times at a job of {len(rows)} sets", hint=KEPT) from broken
        self._again.append((rows, tries + 1))
