"""The checks of the machine: each is tried, and what fails says so in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gpt_trader.core.context import StepContext
    from gpt_trader.slices.monitor.params import HealthParams

WAIT = 5.0
MEGA = 1_000_000


def checks_of(params: HealthParams, ctx: StepContext) -> list[dict[str, Any]]:
    """Each check by name, whether it passed, and what was seen."""
    checks: dict[str, Callable[[], tuple[bool, str]]] = {
        "results": lambda: _results(ctx, params.least_disk_mb),
        "memory": lambda: _memory(params.least_memory_mb),
        "clock": lambda: _clock(ctx),
        "workers": lambda: _workers(ctx),
    }
    return [{"check": name, **_tried(check)} for name, check in checks.items()]


def _tried(check: Callable[[], tuple[bool, str]]) -> dict[str, Any]:
    try:
        ok, text = check()
    except Exception as error:  # noqa: BLE001 - whatever goes wrong in a check is what it found
        ok, text = False, f"{type(error).__name__}: {error}"
    return {"ok": ok, "text": text}


def _results(ctx: StepContext, least: float) -> tuple[bool, str]:
    import shutil

    place = ctx.artifacts.path(ctx.artifacts.put(b"health", kind="txt"))
    free = shutil.disk_usage(place.parent).free / MEGA
    return free >= least, f"results can be written, {free:,.0f} MB are free{_wanted(free, least)}"


def _memory(least: float) -> tuple[bool, str]:
    import psutil

    free, own = psutil.virtual_memory().available / MEGA, psutil.Process().memory_info().rss / MEGA
    told = f"{free:,.0f} MB are available{_wanted(free, least)}, this process takes {own:,.0f} MB"
    return free >= least, told


def _wanted(free: float, least: float) -> str:
    return "" if free >= least else f" of the {least:,.0f} MB that are wanted"


def _clock(ctx: StepContext) -> tuple[bool, str]:
    first, now, second = ctx.clock.monotonic(), ctx.clock.now(), ctx.clock.monotonic()
    return second >= first and now.year >= 2024, f"it is {now:%Y-%m-%d %H:%M:%S} UTC"


def _workers(ctx: StepContext) -> tuple[bool, str]:
    answer = ctx.executor.submit(abs, -1).result(timeout=WAIT)
    return answer == 1, "the workers answer"
