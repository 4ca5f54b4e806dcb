"""What starts a workflow by itself: read and checked here, acted on by whoever keeps the schedule."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gpt_trader.core.errors import ValidationError
from gpt_trader.workflow.building import truth
from gpt_trader.workflow.checks import within
from gpt_trader.workflow.definition import Trigger
from gpt_trader.workflow.expressions import ExpressionError, condition, template
from gpt_trader.workflow.mentions import Wrong, wrong_input
from gpt_trader.workflow.times import check_cron, check_zone

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gpt_trader.workflow.building import Reading
    from gpt_trader.workflow.expressions import Mention
    from gpt_trader.workflow.strictyaml import Node

_DEFAULTS: dict[str, dict[str, Any]] = {
    "schedule": {"timezone": "UTC", "overlap": "skip", "catch_up": "latest"},
    "event": {},
    "files": {"glob": "*", "settle": 2.0},
    "interval": {},
}


def trigger(reading: Reading, node: Node, inputs: Mapping[str, Any]) -> Trigger | None:
    """One trigger with its defaults filled in and its times in seconds; what is wrong with it is noted."""
    kind, (_, options) = next(iter(node.pairs.items()))
    written = {**_DEFAULTS[kind], **options.plain()}
    count = len(reading.faults)
    for key in ("settle", "every"):
        if key in written:
            written[key] = reading.seconds(options, key) or written[key]
    if kind == "schedule":
        _value(reading, options, "cron", check_cron)
        _value(reading, options, "timezone", check_zone)
    event = kind in {"event", "files"}
    if "if" in written:
        written["if"] = truth(written["if"])
        check_condition(reading, options.pairs["if"][1], inputs, event=event)
    if "with" in written:
        _check_inputs(reading, options.pairs["with"][1], inputs, event=event)
    if len(reading.faults) > count:
        return None
    return Trigger(kind=kind, options=written)  # type: ignore[arg-type]  # the grammar knows four kinds


def _value(reading: Reading, options: Node, key: str, read: Callable[[str], Any]) -> Any:
    node = options.get(key)
    if node is None:
        return None
    try:
        return read(node.plain())
    except ValidationError as error:
        reading.error("wrong-form", error, node.place)
        return None


def check_condition(reading: Reading, node: Node, inputs: Mapping[str, Any], *, event: bool) -> None:
    """Check a condition that sees the inputs, and perhaps an event."""
    if isinstance(node.value, str):
        _check(reading, node, lambda: condition(node.value).mentions, inputs, event=event)


def check_template(reading: Reading, node: Node, inputs: Mapping[str, Any], *, event: bool = False) -> None:
    """Check a text that sees the inputs and the run, and perhaps an event."""
    _check(reading, node, lambda: template(node.plain()).mentions, inputs, event=event)


def _check(
    reading: Reading, node: Node, read: Callable[[], tuple[Mention, ...]], inputs: Mapping[str, Any], *, event: bool
) -> None:
    try:
        found = read()
    except ExpressionError as error:
        reading.fault("bad-expression", error.message, within(reading, node, error.offset), hint=error.hint)
        return
    for mention in found:
        wrong = _wrong(mention, inputs, event=event)
        if wrong is not None:
            place = within(reading, node, mention.offset) if node.kind == "scalar" else node.place
            reading.fault(wrong.code, wrong.message, place, hint=wrong.hint)


def _wrong(mention: Mention, inputs: Mapping[str, Any], *, event: bool) -> Wrong | None:
    root, *rest = (str(part) for part in mention.path)
    if root == "inputs":
        return wrong_input(rest, {name: name for name in inputs})
    known = ("run", "event") if event else ("run",)
    return None if root in known else Wrong("unknown-name", f"there is no '{root}' here", "use inputs, or run")


def _check_inputs(reading: Reading, node: Node, inputs: Mapping[str, Any], *, event: bool) -> None:
    for name, (key, value) in node.pairs.items():
        if name not in inputs:
            message = f"no input is called '{name:.80}'"
            reading.unknown("unknown-input", message, key.place, name=name, among=inputs)
        check_template(reading, value, inputs, event=event)
