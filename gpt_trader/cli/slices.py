"""`gpt-trader slices`: what steps can use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from gpt_trader.cli import render
from gpt_trader.cli.session import application
from gpt_trader.core.errors import GptTraderError, NotFound

if TYPE_CHECKING:
    from gpt_trader.core.slices import Method, Slice

_JSON = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def list_slices(as_json: _JSON = False) -> int:
    """List the slices and their methods.

    $ gpt-trader slices list
    """
    from gpt_trader.app.plugins import not_allowed, offers
    from gpt_trader.core.slices import Slice

    with application() as app:
        rows, wrong = [], []
        allowed = app.settings.allowed_plugins
        found = [*offers("slices", app.settings.plugins, allowed, Slice), *not_allowed("slices", allowed)]
        for offer in found:
            fields: dict[str, Any] = {"name": offer.name, "origin": offer.origin, "allowed": offer.allowed}
            try:
                fields |= _about(app.catalog[offer.name]) if offer.allowed else {"methods": []}
            except GptTraderError as error:
                fields |= {"methods": [], "error": error.message}
                wrong.append(error)
            rows.append(fields)
    if as_json:
        render.document({"slices": rows})
    else:
        _print(rows)
    return 3 if wrong else 0


def _print(rows: list[dict[str, Any]]) -> None:
    if not rows:
        render.note("there are no slices; make one: gpt-trader init")
        return
    shown = [[r["name"], r["origin"], _state(r)] for r in rows]
    render.table(("SLICE", "FROM", "METHODS"), shown, styles={1: "dim"})


def _state(row: dict[str, Any]) -> str:
    if not row["allowed"]:
        return "not allowed; add its distribution to allowed_plugins"
    return f"cannot be used: {row['error']}" if "error" in row else ", ".join(m["name"] for m in row["methods"])


def show(
    name: Annotated[str, typer.Argument(metavar="SLICE", help="The name of a slice.")],
    as_json: _JSON = False,
) -> int:
    """Show the methods of a slice, their params and outputs.

    $ gpt-trader slices show data
    """
    with application() as app:
        if name not in app.catalog:
            raise NotFound.among("slice", name, app.catalog)
        about = _about(app.catalog[name])
    if as_json:
        render.document({"name": name, **about})
        return 0
    render.data(f"{render.paint(name, 'bold')}  {about['description']}")
    for method in about["methods"]:
        effect = render.paint("  effect: once", "bold yellow") if method["effect"] == "once" else ""
        render.data(f"\n{render.paint(method['name'], 'cyan')}  {method['description']}{effect}")
        for param, told in method["params"].items():
            need = "required" if told["required"] else f"{told['default']!r} by default"
            render.data(
                f"  {param}: {told['type']}, {need}" + (f"  {told['description']}" if told["description"] else "")
            )
        render.data(f"  gives {', '.join(method['outputs']) or 'nothing'}")
    return 0


def _about(found: type[Slice]) -> dict[str, Any]:
    about = (found.__doc__ or "").strip().partition("\n")[0]
    return {"description": about, "methods": [_method(m) for _, m in sorted(found.methods.items())]}


def _method(method: Method) -> dict[str, Any]:
    from gpt_trader.cli.documents import plain

    params = {
        name: {
            "type": getattr(field.annotation, "__name__", str(field.annotation))
            if not hasattr(field.annotation, "__args__")
            else str(field.annotation),
            "required": field.is_required(),
            "default": None if field.is_required() else plain(field.get_default(call_default_factory=True)),
            "description": field.description or "",
        }
        for name, field in method.params.model_fields.items()
    }
    outputs = list(method.outputs.model_fields)
    return {
        "name": method.name,
        "description": method.summary,
        "effect": method.effect,
        "params": params,
        "outputs": outputs,
    }
