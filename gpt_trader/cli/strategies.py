"""`gpt-trader strategies`: which there are, what they take, and a new one of your own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gpt_trader.cli import render
from gpt_trader.cli.session import application
from gpt_trader.core.errors import GptTraderError

if TYPE_CHECKING:
    from gpt_trader.app.wiring import Application
    from gpt_trader.core.ports import TradingStrategyPlugin

_JSON = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
_LIMITS = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most", "exclusiveMaximum": "below"}


def list_strategies(as_json: _JSON = False) -> int:
    """List the strategies.

    $ gpt-trader strategies list

    They are built in, or come from distributions that are allowed, or from the project's plugin folder.
    """
    with application() as app:
        rows = _rows(app)
    if as_json:
        render.document({"strategies": rows})
    else:
        shown = [[row["name"], row["origin"], _state(row)] for row in rows]
        render.table(("STRATEGY", "FROM", "WHAT IT DOES"), shown, styles={1: "dim"})
    return 3 if any("error" in row for row in rows) else 0


def _rows(app: Application) -> list[dict[str, Any]]:
    from gpt_trader.app.plugins import OWN, not_allowed, offers
    from gpt_trader.core.ports import TradingStrategyPlugin

    allowed = app.settings.allowed_plugins
    found = [*offers("strategies", app.settings.plugins, allowed, TradingStrategyPlugin)]
    rows: list[dict[str, Any]] = []
    for offer in [*found, *not_allowed("strategies", allowed)]:
        origin = "built-in" if offer.origin == OWN else offer.origin
        row: dict[str, Any] = {"name": offer.name, "origin": origin, "allowed": offer.allowed}
        try:
            row |= {"description": _about(app.strategies[offer.name]) if offer.allowed else ""}
        except GptTraderError as error:
            row |= {"description": "", "error": error.message}
        rows.append(row)
    return rows


def _state(row: dict[str, Any]) -> str:
    if not row["allowed"]:
        return "not allowed; add its distribution to allowed_plugins"
    return f"cannot be used: {row['error']}" if "error" in row else str(row["description"])


def show(
    name: Annotated[str, typer.Argument(metavar="STRATEGY", help="A name, or a Python file.")],
    as_json: _JSON = False,
) -> int:
    """Show a strategy: its params, its warm-up, whether it can be swept.

    $ gpt-trader strategies show sma_cross

    The warm-up is measured: with the default params on 1,200 bars of a random walk, after how many bars it no longer
    matters where the data begins.
    """
    with application() as app:
        told = _told(app, name)
    if as_json:
        render.document(told)
        return 0
    render.data(f"{render.paint(told['name'], 'bold')}  {told['description']}")
    for param, field in told["params"].items():
        need = "required" if field["required"] else f"{_word(field['default'])} by default"
        words = [field["type"], *field["limits"], need]
        more = f"  {field['description']}" if field["description"] else ""
        render.data(f"  {render.paint(param, 'cyan')}: {', '.join(words)}{more}")
    needed = told["warm_up"]
    render.data(f"warm-up: {f'{needed:,} bars' if needed is not None else 'no end found'} (measured with the defaults)")
    render.data(f"sweeps: {'in the compiled kernel' if told['vectorised'] else 'on the desk only'}")
    render.data(f"symbols: {'each on its own' if told['per_symbol'] else 'all together'}")
    render.hint(
        f"try it: gpt-trader backtest --strategy {name} --symbols {'GOOG' if told['per_symbol'] else 'GOOG IBM'}"
    )
    return 0


def _word(default: Any) -> str:
    if isinstance(default, bool) or default is None:
        return str(default).lower()
    return "empty" if default == "" else str(default)


def _told(app: Application, name: str) -> dict[str, Any]:
    from gpt_trader.app.backtesting import spec_of

    spec = spec_of(name, (), app.strategies)
    made: Any = spec.make
    return {
        "name": spec.name,
        "description": _about(made),
        "params": {} if made.Params is None else _params(made.Params),
        "warm_up": _warm_up(app, spec),
        "vectorised": hasattr(made, "targets"),
        "per_symbol": made.per_symbol,
    }


def _warm_up(app: Application, spec: Any) -> int | None:
    from gpt_trader.trading.warmup import warmup

    source = app.feeds["synthetic"]({"seed": 1, "bars": 1_200})
    names = ("ONE",) if spec.make.per_symbol else ("ONE", "TWO")
    return warmup(lambda _: spec, [source.load(symbol).bars for symbol in names]).needed


def _about(made: type[TradingStrategyPlugin]) -> str:
    return (made.__doc__ or "").strip().partition("\n")[0]


def _params(model: Any) -> dict[str, Any]:
    schemas = model.model_json_schema()["properties"]
    found = {}
    for name, field in model.model_fields.items():
        schema = schemas[name]
        kinds = [schema, *schema.get("anyOf", ())]
        found[name] = {
            "type": " or ".join(dict.fromkeys(word for kind in kinds for word in _kind(kind))),
            "limits": [f"{_LIMITS[k]} {kind[k]}" for kind in kinds for k in _LIMITS if k in kind],
            "required": field.is_required(),
            "default": None if field.is_required() else field.get_default(call_default_factory=True),
            "description": field.description or "",
        }
    return found


def _kind(schema: dict[str, Any]) -> list[str]:
    if "enum" in schema:
        return [str(word) for word in schema["enum"]]
    words = {"integer": "whole number", "boolean": "true or false", "string": "text", "null": "none"}
    return [words.get(schema["type"], schema["type"])] if "type" in schema else []


def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it shall be called: small letters, digits, _.")],
    folder: Annotated[
        Path | None, typer.Option("--dir", metavar="DIR", help="Where; the project's plugins/strategies otherwise.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Name the files; write nothing.")] = False,
    as_json: _JSON = False,
) -> int:
    """Write a strategy of your own that works, and its test.

    $ gpt-trader strategies new trend

    Nothing that exists is overwritten.
    """
    from gpt_trader.app.newborn import strategy_files, write_files

    with application() as app:
        files = strategy_files(name, app.settings, taken=app.strategies, folder=folder)
    if not dry_run:
        write_files(files)
    if as_json:
        render.document({"name": name, "files": [str(f) for f in files], "written": not dry_run})
        return 0
    for file in files:
        render.data(str(file))
    if not dry_run:
        known = name if folder is None else next(iter(files))
        render.hint(f"try it: gpt-trader backtest --strategy {known} --symbols GOOG")
    return 0
