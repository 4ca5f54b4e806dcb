"""Checks each step where it stands: names in expressions, params and what feeds them, and what means nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError as PydanticError

from gpt_trader.core.errors import GptTraderError, did_you_mean
from gpt_trader.workflow import definition as d
from gpt_trader.workflow.building import at, place_of
from gpt_trader.workflow.expressions import ExpressionError, Mention, condition, template
from gpt_trader.workflow.mentions import Judge
from gpt_trader.workflow.safety import unapproved

if TYPE_CHECKING:
    from gpt_trader.core.slices import Method
    from gpt_trader.workflow.building import Reading
    from gpt_trader.workflow.faults import Place
    from gpt_trader.workflow.plan import View, Wire
    from gpt_trader.workflow.strictyaml import Node

_OF_EVENTS: tuple[tuple[str, ...], ...] = (("trigger", "if"), ("wait", "event", "if"))
_TEMPLATES: tuple[tuple[str, ...], ...] = (
    ("with",),
    ("foreach", "in"),
    ("wait", "until"),
    ("approval", "message"),
    ("agent",),
    ("data",),
)


class Checker:
    """Watches the planning of one file and notes what is wrong with its steps."""

    def __init__(self, reading: Reading, workflow: d.Workflow) -> None:
        self.reading = reading
        self.judge = Judge(workflow)

    def __call__(self, step: d.Step, view: View, wires: Mapping[str, Wire], after: bool) -> None:  # noqa: FBT001
        """Check one step with what it can see."""
        body = self.reading.bodies.get(step.path)
        if body is None:
            return
        if after:
            self._condition(step, at(body, ("trigger", "until")), view)
            return
        self._expressions(step, body, view)
        if step.path in self.reading.methods:
            self._params(self.reading.methods[step.path], body)
        if isinstance(step, d.Action) and body.kind == "map":
            method = self.reading.methods[step.path]
            self._meaningless(step, method, body)
            self._maximum(step, method, body)
        elif isinstance(step, d.SubWorkflow):
            self._inputs(step, body)
        if body.kind == "map" and "retry" in body.pairs and step.retry.max_attempts > 1:
            self._again(step, body)
        for name, found in wires.items():
            if found.origin == "missing":
                self._missing(step, name, view)

    # expressions

    def _expressions(self, step: d.Step, body: Node, view: View) -> None:
        self._condition(step, body.get("if"), view)
        for keys in _OF_EVENTS:
            self._condition(step, at(body, keys), view.inside(event="event"))
        switch = body.get("switch")
        for case in switch.items if switch is not None else ():
            self._condition(step, case.get("if"), view)
        for keys in _TEMPLATES:
            for node in _texts(at(body, keys)):
                self._template(step, node, view)

    def _condition(self, step: d.Step, node: Node | None, view: View) -> None:
        if node is not None and isinstance(node.value, str):
            try:
                self._mentions(step, node, condition(node.value).mentions, view)
            except ExpressionError as error:
                self._broken(node, error)

    def _template(self, step: d.Step, node: Node, view: View) -> None:
        try:
            self._mentions(step, node, template(node.value).mentions, view)
        except ExpressionError as error:
            self._broken(node, error)

    def _broken(self, node: Node, error: ExpressionError) -> None:
        place = within(self.reading, node, error.offset)
        self.reading.fault("bad-expression", error.message, place, hint=error.hint)

    def _mentions(self, step: d.Step, node: Node, found: tuple[Mention, ...], view: View) -> None:
        for mention in found:
            wrong = self.judge.wrong(mention, step, view)
            if wrong is not None:
                place = within(self.reading, node, mention.offset)
                self.reading.fault(wrong.code, wrong.message, place, hint=wrong.hint)

    # params

    def _params(self, method: Method, body: Node) -> None:
        written = body.get("with")
        if written is None or written.kind != "map":
            return
        for name, (key, _) in written.pairs.items():
            if name not in method.params.model_fields:
                self._unknown_param(f"{method.slice}.{method.name}", name, key.place, method.params.model_fields)
        self._constants(method, written)

    def _unknown_param(self, what: str, name: str, place: Place, known: Mapping[str, Any]) -> None:
        self.reading.unknown("unknown-param", f"{what} takes no '{name}'", place, name=name, among=known)

    def _constants(self, method: Method, written: Node) -> None:
        values = {k: v for k, v in written.plain().items() if k in method.params.model_fields and _constant(v)}
        try:
            method.params.model_validate(values)
        except PydanticError as error:
            for wrong in error.errors(include_url=False, include_context=False):
                self._wrong_param(wrong, written, complete=method.required <= values.keys())
        except Exception as error:  # noqa: BLE001 - a validator of somebody's slice; with all values given it is a fault
            if method.required <= values.keys():
                self.reading.fault("wrong-param", f"{type(error).__name__}: {error}", written.place)

    def _wrong_param(self, wrong: Any, written: Node, *, complete: bool) -> None:
        where = tuple(wrong["loc"])
        if (wrong["type"] == "missing" and len(where) == 1) or (not where and not complete):
            return
        told = str(wrong["msg"]).removeprefix("Value error, ")
        message = told[:1].lower() + told[1:]
        place = place_of(written, where, wrong["type"] == "extra_forbidden")
        self.reading.fault("wrong-param", f"'{'.'.join(map(str, where)) or 'with'}': {message}", place)

    def _missing(self, step: d.Step, name: str, view: View) -> None:
        what = f"{step.slice}.{step.method}" if isinstance(step, d.Action) else f"the workflow '{_inner_name(step)}'"
        near = did_you_mean(name, {*view.inputs, *view.scope.output_names(), *view.extras})
        hint = near if near and near.startswith("did") else None
        hint = hint or f"give it in `with`, as an input '{name}', or as the output of an earlier step"
        message = f"{what} needs '{name}', and nothing gives it"
        self.reading.fault("missing-param", message, self.reading.heads[step.path], hint=hint)

    def _inputs(self, step: d.SubWorkflow, body: Node) -> None:
        from gpt_trader.workflow.jsonchecks import problems

        written = body.get("with")
        if written is None:
            return
        for name, (key, node) in written.pairs.items():
            schema = step.workflow.inputs.get(name)
            if schema is None:
                self._unknown_param(f"the workflow '{step.workflow.name}'", name, key.place, step.workflow.inputs)
            elif _constant(node.plain()):
                for problem in problems(schema, node.plain()):
                    message = f"'{name}': {problem.message}"
                    self.reading.fault("wrong-param", message, place_of(node, problem.path), hint=problem.hint)

    # what means nothing, and what is not safe

    def _meaningless(self, step: d.Action, method: Method, body: Node) -> None:
        if step.reconcile is not None:
            self._reconcile(step, method, body)
        if step.effect != "once":
            return
        if step.cache_ttl is not None:
            self._at_key("cache-of-effect", "an effect that happens once cannot come from a cache", body, "cache")
        if (
            step.retry.max_attempts > 1
            and "retry" in body.pairs
            and step.reconcile is None
            and not self.reading.maximum
        ):
            message = "this effect happens once: without `reconcile` it is never tried again"
            self._at_key("retry-of-effect", message, body, "retry")

    def _again(self, step: d.Step, body: Node) -> None:
        """Whatever stands inside a step is a new one when that is tried again, and is looked up by a new name."""
        for inner in d.walk((step,)):
            if inner is not step and inner.effect == "once":
                message = f"'{inner.name}' inside happens once, and is done again when '{step.name}' is tried again"
                self._at_key("retry-of-effect", message, body, "retry")
                return

    def _reconcile(self, step: d.Action, method: Method, body: Node) -> None:
        name = str(step.reconcile)
        if step.effect != "once":
            self._at_key("unused-key", "`reconcile` is for `effect: once` alone", body, "reconcile")
        place = body.pairs["reconcile"][1].place
        try:
            look = self.reading.catalog.meant(step.slice, name)
        except GptTraderError as error:
            self.reading.error("unknown-method", error, place)
            return
        for message, hint in _unfit(look, method):
            self.reading.fault("wrong-reconcile", f"{look.slice}.{look.name} {message}", place, hint=hint)

    def _maximum(self, step: d.Action, method: Method, body: Node) -> None:
        if not self.reading.maximum or method.effect != "once":
            return
        if step.effect != "once":
            message = f"{method.slice}.{method.name} changes the world: with safety maximum it must be `effect: once`"
            self._at_key("safety-effect", message, body, "effect")
        if step.retry.max_attempts > 1:
            message = "with safety maximum an effect is never tried again"
            self._at_key("safety-retry", message, body, "retry")

    def _at_key(self, code: str, message: str, body: Node, key: str) -> None:
        self.reading.fault(code, message, body.key_place(key), hint=f"remove `{key}`")


def check_approvals(reading: Reading, workflow: d.Workflow) -> None:
    """Note each live effect that nobody has approved, under safety maximum."""
    if reading.prefix or not (reading.maximum and workflow.mode == "live"):
        return
    for step in unapproved(workflow):
        place = reading.heads[step.path.partition(".workflow.")[0]]
        message = f"'{step.name}' acts live with neither an approval nor an armed flag before it"
        hint = "put an approval step before it, or `if: ${{ inputs.armed }}` on it"
        reading.fault("safety-approval", message, place, hint=hint)


def _unfit(look: Method, sent: Method) -> Iterator[tuple[str, str]]:
    """Why a method cannot tell what another one did: it has to answer in the place of that one, after a crash."""
    told = look.outputs.model_fields
    if "found" not in told or told["found"].annotation is not bool:
        yield "does not tell whether it was done", "give its outputs `found: bool`"
    for name in sorted(look.required - {*sent.takes}):
        yield f"needs '{name}', and {sent.name} takes none", f"it is called with the params of {sent.name}"
    for name, field in sent.outputs.model_fields.items():
        if field.is_required() and name not in told:
            yield f"does not give '{name}', as {sent.name} does", "what it finds becomes the outputs of the step"


def within(reading: Reading, node: Node, offset: int) -> Place:
    """Where a character of a text stands in the file: its own place on one plain line, else where the text begins."""
    line, col = node.place
    moved = col + offset + (1 if node.quoted else 0)
    row = reading.source.line(line)
    text = node.value[offset : offset + 8]
    return (line, moved) if text and row[moved - 1 : moved - 1 + len(text)] == text else node.place


def _texts(node: Node | None) -> Iterator[Node]:
    if node is None:
        return
    if node.kind == "scalar":
        if isinstance(node.value, str) and "${{" in node.value:
            yield node
        return
    for inner in node.items if node.kind == "list" else [value for _, value in node.pairs.values()]:
        yield from _texts(inner)


def _constant(value: Any) -> bool:
    try:
        return template(value).constant
    except ExpressionError:
        return False


def _inner_name(step: d.Step) -> str:
    return step.workflow.name if isinstance(step, d.SubWorkflow) else step.name
