"""`gpt-trader optimize`: search the parameters of a strategy, walk forward with them, and say how much is luck."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from gpt_trader.cli.args import InputsCommand, inputs_of
from gpt_trader.core.errors import UsageError

if TYPE_CHECKING:
    from gpt_trader.workflow.definition import Workflow

WORKFLOW = "walk_forward_optimize"
_EXAMPLE = "for example: --param fast=5:50 --param slow=20:200:5"


def optimize(
    ctx: typer.Context,
    strategy: Annotated[str, typer.Option(metavar="STRATEGY", help="Whose parameters are searched.")] = "sma_cross",
    symbols: Annotated[
        list[str] | None, typer.Option(metavar="SYMBOL", help="What is traded: AAPL MSFT, or AAPL,MSFT.")
    ] = None,
    param: Annotated[
        list[str] | None, typer.Option(metavar="NAME=RANGE", help="low:high, low:high:step, a,b,c, or one value.")
    ] = None,
    objective: Annotated[
        list[str] | None, typer.Option(metavar="FIGURE", help="What to make good, sharpe if none; the first decides.")
    ] = None,
    constraint: Annotated[
        list[str] | None, typer.Option(metavar="CONDITION", help="Such as 'fast < slow' or 'trades >= 20'.")
    ] = None,
    input: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="Another input of the workflow.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check and show the plan; run nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document at the end.")] = False,
) -> int:
    """Search a strategy's parameters; judge the best on other bars.

    $ gpt-trader optimize --strategy sma_cross --symbols GOOG --param fast=5:50 --param slow=20:200
    $ gpt-trader optimize --symbols AAPL --param fast=5:50 slow=20:200 --sampler tpe --trials 200 --folds 0
    $ gpt-trader optimize --param fast=5:50 slow=20:200 --objective sharpe max_drawdown --constraint 'trades >= 20'

    Any other long option is an input of the workflow `walk_forward_optimize`: --sampler grid, tpe or random, --trials,
    --engine kernel or desk, --folds (0 for one search and no walk), --holdout, --window rolling, --seed, --prune,
    --executor processes, --cluster tcp://HOST:8786, --provider, --path, --from, --to, --cash, --fee, --slippage.
    Finished trials are kept: after Ctrl-C or a crash `gpt-trader runs resume` goes on with them.
    """
    from gpt_trader.cli.conduct import application, conduct
    from gpt_trader.cli.optimum import show
    from gpt_trader.cli.run import given_inputs

    app, ear = application()
    definition = app.library.load(WORKFLOW)
    given = given_inputs(definition, inputs_of(ctx, input)) | _chosen(strategy, symbols, objective, constraint)
    given |= _space(param)
    if dry_run:
        from gpt_trader.cli.plan import show as show_plan
        from gpt_trader.workflow.ahead import look_ahead
        from gpt_trader.workflow.inputs import resolve_inputs

        inputs = resolve_inputs(definition, given)
        look_ahead(definition, app.catalog, inputs)
        show_plan(app, definition, inputs=inputs, as_json=as_json)
        return 0
    return conduct(
        app,
        ear,
        definition,
        lambda runner: runner.start(definition, given),
        as_json=as_json,
        view=lambda tree, title, now: _view(app, definition, tree, title, now),
        show=show,
    )


optimize.command_class = InputsCommand  # type: ignore[attr-defined]


def _chosen(
    strategy: str, symbols: list[str] | None, objective: list[str] | None, constraint: list[str] | None
) -> dict[str, Any]:
    given: dict[str, Any] = {"strategy": strategy}
    for name, words in (("symbols", symbols), ("objectives", objective)):
        if words:
            given[name] = [one for word in words for one in word.split(",") if one]
    return given | ({"constraints": list(constraint)} if constraint else {})


def _space(words: list[str] | None) -> dict[str, Any]:
    """What is searched, and what has one value only."""
    from gpt_trader.slices.optimize.space import axes_of

    if not words:
        raise UsageError("no parameter is named", hint=_EXAMPLE)
    space, fixed = {}, {}
    for word in words:
        name, equals, written = word.partition("=")
        if not equals or not written:
            raise UsageError(f"--param takes NAME=RANGE, not '{word}'", hint=_EXAMPLE)
        if ":" in written or "," in written:
            space[name] = written
        else:
            fixed[name] = axes_of({name: written})[0].choices[0]
    if not space:
        raise UsageError("every parameter has one value only, so there is nothing to search", hint=_EXAMPLE)
    axes_of(space)
    return {"space": space, "fixed": fixed}


def _view(app: Any, definition: Workflow, tree: Any, title: str, now: Any) -> Any:
    from gpt_trader.cli.board import view_for

    return view_for(app.artifacts, definition, tree, title, now)
