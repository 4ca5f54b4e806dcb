"""`gpt-trader run`: start a workflow and see it through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from gpt_trader.cli.args import InputsCommand, bare_flags, inputs_of
from gpt_trader.core.errors import NotAuthorised, NotFound, UsageError, did_you_mean

if TYPE_CHECKING:
    from gpt_trader.app.library import Library
    from gpt_trader.app.wiring import Application
    from gpt_trader.workflow.definition import Workflow

DEFAULTS = {"backtest": "simple_backtest", "paper": "paper_replay", "live": "live_check"}
"""What is run for a strategy, or in a mode, when no workflow is named."""
MODES = ("backtest", "paper", "live")


def run(
    ctx: typer.Context,
    workflow: Annotated[str | None, typer.Argument(metavar="WORKFLOW", help="A name, or a file.")] = None,
    mode: Annotated[
        str | None, typer.Option(metavar="MODE", help="backtest, paper or live; the workflow's own otherwise.")
    ] = None,
    live: Annotated[bool, typer.Option("--live", help="Live trading is meant; without it nothing runs live.")] = False,
    input: Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help="An input of the workflow.")] = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait at approvals, or leave the run there.")] = True,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check and show the plan; run nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document at the end.")] = False,
) -> int:
    """Run a workflow and wait for its end.

    $ gpt-trader run simple_backtest --symbols AAPL MSFT
    $ gpt-trader run first.yaml --input cash=5000
    $ gpt-trader run --mode backtest --strategy momentum --symbols AAPL MSFT
    $ gpt-trader run --mode paper --strategy momentum --symbols AAPL MSFT --speed 86400

    Any other long option is an input of the workflow, with one value or several: `--symbols AAPL MSFT`,
    `--symbols AAPL,MSFT`. The first Ctrl-C stops the run after its present step, and it can be resumed; the second ends
    at once. The exit code is 0 also for a run that waits, and 5 when the risk desk refused. With `--strategy` and no
    workflow it is `gpt-trader backtest`, and takes its options; on paper it is the workflow `paper_replay`, which plays
    recorded data as fast as it goes, or at `--speed`.
    """
    words = inputs_of(ctx, input)
    checked_word(mode, live=live)
    if workflow is None and "strategy" in words and mode in (None, "backtest"):
        from gpt_trader.cli.backtest import from_run

        return from_run(words, as_json=as_json, dry_run=dry_run)
    from gpt_trader.cli.conduct import application, conduct

    app, ear = application()
    name = _named(workflow, mode, words, app.library)
    definition = app.library.load(name)
    given = given_inputs(definition, words)
    checked_mode(definition, mode, live=live)
    if dry_run:
        return _dry(app, definition, given, as_json=as_json)
    return conduct(
        app,
        ear,
        definition,
        lambda runner: runner.start(definition, given, mode=mode, park=not wait),
        as_json=as_json,
    )


run.command_class = InputsCommand  # type: ignore[attr-defined]


def _dry(app: Application, definition: Workflow, given: dict[str, Any], *, as_json: bool) -> int:
    from gpt_trader.cli.plan import show
    from gpt_trader.workflow.ahead import look_ahead
    from gpt_trader.workflow.inputs import resolve_inputs

    inputs = resolve_inputs(definition, given)
    look_ahead(definition, app.catalog, inputs)
    show(app, definition, inputs=inputs, as_json=as_json)
    return 0


def _named(workflow: str | None, mode: str | None, words: dict[str, list[str]], library: Library) -> str:
    """The workflow's name; where an option swallowed it, the error says so."""
    if workflow is not None:
        return workflow
    names = {e.name for e in library.entries()}
    for option, values in words.items():
        for value in values:
            file = value.endswith((".yaml", ".yml")) and "strategy" not in words  # a strategy's limits are a file, too
            if value in names or file:
                kept = " ".join(v for v in values if v != value)
                word = option.replace("_", "-")
                raise UsageError(
                    f"no workflow is named: --{word} took '{value}' as one of its values",
                    hint=f"name the workflow first: gpt-trader run {value} --{word} {kept}".rstrip(),
                )
    if "strategy" in words or mode is not None:
        return DEFAULTS.get(mode or "backtest", DEFAULTS["backtest"])
    raise UsageError("no workflow is named", hint="for example: gpt-trader run simple_backtest --symbols AAPL MSFT")


def given_inputs(definition: Workflow, words: dict[str, list[str]]) -> dict[str, Any]:
    """The inputs as values; an unknown one may be an option that was mistyped."""
    from gpt_trader.workflow.inputs import coerce_inputs

    options = (
        "--input",
        "--json",
        "--live",
        "--mode",
        "--no-wait",
        "--dry-run",
        "--wait",
        "--quiet",
        "--verbose",
        "--debug",
    )
    sized = bare_flags(words, definition.inputs)
    for name in sized:
        if name not in definition.inputs:
            known = [f"--{n.replace('_', '-')}" for n in definition.inputs] + list(options)
            option = f"--{name.replace('_', '-')}"
            raise NotFound(
                f"the workflow '{definition.name}' has no input '{name}'",
                hint=did_you_mean(option, known)
                or f"it takes: {', '.join(known[: len(definition.inputs)]) or 'no inputs'}",
            )
    return coerce_inputs(definition, sized)


def checked_word(mode: str | None, *, live: bool) -> None:
    """Refuse a mode that does not exist, and live trading that nobody asked for twice."""
    if mode == "live" and not live:
        _refuse_live()
    if mode is not None and mode not in MODES:
        raise UsageError(f"there is no mode '{mode}'", hint=did_you_mean(mode, MODES))
    if live and mode not in (None, "live"):
        raise UsageError(f"--live and --mode {mode} exclude each other", hint="--live goes with --mode live")


def checked_mode(definition: Workflow, mode: str | None, *, live: bool) -> None:
    """Refuse to run live what is not made for it, and what is made for it unless that is meant."""
    if mode is None and definition.mode == "live" and not live:
        _refuse_live()
    if mode == "live" and definition.mode not in ("live", "real-time"):
        raise UsageError(
            f"the workflow '{definition.name}' is made for {definition.mode}, so it would trade nothing live",
            hint="its file must say `mode: live` or `mode: real-time`",
        )
    if live and mode is None and definition.mode != "live":
        raise UsageError("--live goes with --mode live")


def _refuse_live() -> NoReturn:
    raise NotAuthorised("live trading is refused without --live: orders would be real", hint="on paper: --mode paper")
