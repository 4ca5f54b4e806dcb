"""`gpt-trader plan`: what a workflow would do, before it does it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gpt_trader.app.settings import secret
from gpt_trader.cli import render
from gpt_trader.cli.session import application

if TYPE_CHECKING:
    from gpt_trader.app.wiring import Application
    from gpt_trader.workflow.definition import Workflow
    from gpt_trader.workflow.plan import PlannedStep


def plan(
    workflow: Annotated[str, typer.Argument(metavar="WORKFLOW", help="A name, or a file.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> int:
    """Show what a workflow would do: its tree of steps, what feeds what, what has effects.

    $ gpt-trader plan simple_backtest
    """
    with application() as app:
        show(app, app.library.load(workflow), inputs=None, as_json=as_json)
    return 0


def show(app: Application, definition: Workflow, *, inputs: Mapping[str, Any] | None, as_json: bool) -> None:
    """Print the plan of a definition, with the inputs of one run where there are any."""
    from gpt_trader.cli.summary import short
    from gpt_trader.workflow.plan import plan as planned

    made = planned(definition, app.catalog)
    secrets = {name: bool(secret(name)) for name in definition.all_secrets}
    if as_json:
        found = made.to_dict()
        found.pop("version", None)
        found["secrets"] = secrets
        render.document(found if inputs is None else found | {"inputs": inputs})
        return
    render.data(f"{render.paint(made.workflow, 'bold')}  {render.paint(made.mode, 'dim')}")
    declared = {name: _input(schema) for name, schema in definition.inputs.items()}
    _given(declared if inputs is None else {name: short(value) for name, value in inputs.items()}, secrets)
    for label, steps in (("", made.steps), ("on failure", made.on_failure), ("finally", made.finally_)):
        if steps and label:
            render.data(render.paint(label, "bold"))
        _branches(steps, "")
    for path in made.unapproved:
        render.warn(f"no approval stands before the effect of {path}")


def _given(inputs: Mapping[str, str], secrets: Mapping[str, bool]) -> None:
    for name, told in inputs.items():
        render.data(f"  input {render.paint(name, 'cyan')}: {told}")
    for name, there in secrets.items():
        state = "in the environment" if there else render.paint("not in the environment", "bold yellow")
        render.data(f"  secret {render.paint(name, 'cyan')}: {state}")


def _input(schema: Mapping[str, Any]) -> str:
    from gpt_trader.cli.summary import short

    kind = str(schema.get("type", "any"))
    return f"{kind}, {short(schema['default'])} by default" if "default" in schema else f"{kind}, required"


def _branches(steps: tuple[PlannedStep, ...], margin: str) -> None:
    for index, step in enumerate(steps):
        last = index == len(steps) - 1
        render.data(f"{margin}{'└─' if last else '├─'} {_title(step)}")
        _inside(step, margin + ("   " if last else "│  "))


def _inside(step: PlannedStep, margin: str) -> None:
    for name, wire in step.wires.items():
        if wire.origin != "default":
            render.data(f"{margin}{render.paint(f'{name} <- {wire}', 'dim')}")
    for label, steps in step.inner:
        if label:
            render.data(f"{margin}{render.paint(render.clean(label, 300), 'cyan')}:")
        _branches(steps, margin)


def _title(step: PlannedStep) -> str:
    words = [render.paint(step.name, "bold")]
    words += [render.clean(step.does, 300)] if step.does else [f"({step.kind})"]
    words += [render.paint("effect: once", "bold yellow")] if step.effect == "once" else []
    words += [f"if {render.clean(step.condition, 300)}"] if step.condition else []
    words += [f"at most {render.seconds(step.timeout)}"] if step.timeout else []
    words += [f"{step.retry} attempts"] if step.retry > 1 else []
    return "  ".join(words)
