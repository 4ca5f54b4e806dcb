"""Turns the steps that hold no other steps into the frozen tree: actions, agents, and what waits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gpt_trader.core.errors import GptTraderError, ValidationError
from gpt_trader.workflow import definition as d
from gpt_trader.workflow.building import Reading, truth
from gpt_trader.workflow.times import check_moment

if TYPE_CHECKING:
    from gpt_trader.core.slices import Method
    from gpt_trader.workflow.strictyaml import Node

Common = dict[str, Any] | None
"""What every kind of step has; None where the step is misshapen."""
LOOP_TOPICS = {
    "market_data_update": "market.data.updated",
    "trade_executed": "trade.executed",
}
"""The short names of topics that a loop may be triggered by."""


def by_default(reading: Reading, effect: str) -> dict[str, Any]:
    """What an action or an agent has where it does not say otherwise; an effect is not tried again by default."""
    defaults = reading.defaults
    retry = defaults.retry if effect == "none" else d.Retry()
    return {"timeout": defaults.timeout, "retry": retry, "on_error": defaults.on_error}


def action(reading: Reading, body: Node, path: str, common: Common) -> d.Step | None:
    """One call of one method, with the effect that the method declares."""
    written = body.plain()
    method = _method(reading, body, written.get("slice"), written.get("method"))
    if method is None:
        return None
    reading.methods[path] = method
    if common is None:
        return None
    effect = written.get("effect", method.effect)
    common |= {key: value for key, value in by_default(reading, effect).items() if key not in body.pairs}
    if "retry" in body.pairs:
        common["retry"] = reading.retry(body, by_default(reading, effect)["retry"])
    common["effect"] = effect
    return d.Action(
        **common,
        slice=method.slice,
        method=method.name,
        params=written.get("with", {}),
        cache_ttl=reading.seconds(body, "cache", "ttl"),
        reconcile=written.get("reconcile"),
    )


def _method(reading: Reading, body: Node, slice_name: Any, name: Any) -> Method | None:
    if not (isinstance(slice_name, str) and isinstance(name, str)):
        return None
    try:
        return reading.catalog.method(slice_name, name)
    except GptTraderError as error:
        known = slice_name in reading.catalog
        code = "unknown-method" if known else "unknown-slice"
        reading.error(code, error, body.pairs["method" if known else "slice"][1].place)
        return None


def prepare(reading: Reading, body: Node, path: str, common: Common) -> d.Step | None:
    """The slices that are asked whether all they need is there."""
    del path
    listed = body.pairs["slices"][1]
    for item in listed.items:
        if isinstance(item.value, str) and item.value not in reading.catalog:
            message = f"no slice is called '{item.value:.80}'"
            reading.unknown("unknown-slice", message, item.place, name=item.value, among=reading.catalog)
    return None if common is None else d.Prepare(**common, slices=tuple(listed.plain()))


def loop_topic(reading: Reading, text: str, place: tuple[int, int]) -> str:
    """The topic of a loop, by its short name or written out."""
    from gpt_trader.core.events import topic_filter

    if text in LOOP_TOPICS:
        return LOOP_TOPICS[text]
    if "." not in text and "*" not in text:
        known = [*LOOP_TOPICS, *LOOP_TOPICS.values()]
        reading.unknown("unknown-trigger", f"no trigger is called '{text:.80}'", place, name=text, among=known)
        return text
    try:
        topic_filter(text)
    except ValidationError as error:
        reading.error("wrong-form", error, place)
    return text


def approval(reading: Reading, body: Node, path: str, common: Common) -> d.Step | None:
    """A question to a person."""
    if common is None:
        return None
    del path
    written = body.plain()["approval"]
    return d.Approval(
        **common,
        message=written.get("message", ""),
        wait=reading.seconds(body, "approval", "timeout"),
        on_timeout=written.get("on_timeout", "reject"),
    )


def wait(reading: Reading, body: Node, path: str, common: Common) -> d.Step | None:
    """A length of time, a moment or an event that is waited for."""
    if common is None:
        return None
    del path
    written = body.plain()["wait"]
    until = written.get("until")
    if until is not None and "${{" not in until:
        try:
            check_moment(until)
        except ValidationError as error:
            reading.error("wrong-form", error, body.pairs["wait"][1].pairs["until"][1].place)
    event = written.get("event", {})
    return d.Wait(
        **common,
        seconds=reading.seconds(body, "wait", "for"),
        until=until,
        topic=event.get("topic"),
        event_if=truth(event.get("if")),
        wait=reading.seconds(body, "wait", "event", "timeout"),
    )


def sub_workflow(reading: Reading, body: Node, path: str, common: Common) -> d.Step | None:
    """Another workflow, embedded."""
    if common is None:
        return None
    place = body.pairs["workflow"][1].place
    inner = reading.embed(reading, body.plain()["workflow"], place, f"{path}.workflow.")
    return None if inner is None else d.SubWorkflow(**common, params=body.plain().get("with", {}), workflow=inner)


def agent(reading: Reading, body: Node, path: str, common: Common) -> d.Step | None:
    """An outside program and its task."""
    if common is None:
        return None
    del path
    written = body.plain()
    defaults = by_default(reading, common["effect"])
    common |= {key: value for key, value in defaults.items() if key not in body.pairs}
    return d.Agent(
        **common,
        command=tuple(written["agent"]),
        task_type=written.get("task_type", "analyze"),
        priority=written.get("priority", "normal"),
        data=written.get("data"),
    )
