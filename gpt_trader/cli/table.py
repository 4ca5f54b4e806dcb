"""The commands by name: what each is for, and where it is; nothing of it is imported before it is called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Entry:
    """One command, or a group of them."""

    summary: str
    target: str = ""
    commands: Mapping[str, Entry] = field(default_factory=dict)


COMMANDS: Mapping[str, Entry] = {
    "init": Entry("Make a project: settings, a workflow, a slice of your own and its test.", "init:init"),
    "validate": Entry("Look for faults in workflow files, all of them at once.", "validate:validate"),
    "plan": Entry("Show what a workflow would do: its tree of steps, what feeds what, what has effects.", "plan:plan"),
    "run": Entry("Run a workflow and wait for its end.", "run:run"),
    "backtest": Entry("Run a strategy over recorded bars, and print what came of it.", "backtest:backtest"),
    "optimize": Entry("Search a strategy's parameters; judge the best on other bars.", "optimize:optimize"),
    "status": Entry("Show runs, their steps, waiting approvals and dead letters.", "status:status"),
    "runs": Entry(
        "Look at runs and steer them.",
        commands={
            "list": Entry("List the newest runs.", "runs:list_runs"),
            "show": Entry("Show one run: its steps, outputs and error.", "runs:show"),
            "logs": Entry("Show what happened in a run, in order.", "runs:logs"),
            "watch": Entry("Follow a run, also of another process, until it ends.", "watch:watch"),
            "resume": Entry("Go on with a run that was interrupted, paused, parked or failed.", "again:resume"),
            "retry": Entry("Go on with a run that failed or was cancelled.", "again:retry"),
            "rerun": Entry("Run the same definition with the same inputs again.", "again:rerun"),
            "fork": Entry("Run with another file or other inputs, keeping results of an older run.", "again:fork"),
            "cancel": Entry("Cancel a run, here or wherever it runs.", "steer:cancel"),
            "pause": Entry("Let a run stop after its present step.", "steer:pause"),
            "approve": Entry("Answer the question that a run waits for, and go on with it.", "steer:approve"),
            "prune": Entry("Forget runs, events and artifacts that are old.", "prune:prune"),
        },
    ),
    "report": Entry("Find the report of a run, or make one from its results, and print where it is.", "report:report"),
    "workflows": Entry(
        "Look at the workflows that can be named.",
        commands={
            "list": Entry("List the workflows: yours, and those shipped.", "workflows:list_workflows"),
            "show": Entry("Show the file of a workflow.", "workflows:show"),
            "schema": Entry("Print the JSON Schema of workflow files, for editors.", "workflows:schema"),
        },
    ),
    "slices": Entry(
        "Look at the slices that steps can use.",
        commands={
            "list": Entry("List the slices and their methods.", "slices:list_slices"),
            "show": Entry("Show the methods of a slice, their params and outputs.", "slices:show"),
        },
    ),
    "data": Entry(
        "Download bars into the local store, and look at what is there.",
        commands={
            "fetch": Entry("Download what is missing of the named symbols into the store.", "data:fetch"),
            "list": Entry("List the stored bars.", "data:list_data"),
            "check": Entry("Look whether bars are in order: rows kept out, gaps, unexplained jumps.", "data:check"),
        },
    ),
    "strategies": Entry(
        "Look at the strategies that can be named, and make one of your own.",
        commands={
            "list": Entry("List the strategies.", "strategies:list_strategies"),
            "show": Entry("Show a strategy: its params, its warm-up, whether it can be swept.", "strategies:show"),
            "new": Entry("Write a strategy of your own that works, and its test.", "strategies:new"),
        },
    ),
    "check": Entry(
        "Look for bias in a strategy.",
        commands={
            "lookahead": Entry("Look whether a strategy decides by data that it cannot know yet.", "check:lookahead"),
            "warmup": Entry("Find out after how many bars it no longer matters where the data begins.", "check:warmup"),
        },
    ),
    "events": Entry(
        "Look at the history of events, and deal with dead letters.",
        commands={
            "tail": Entry("Show the newest events, and follow them.", "events:tail"),
            "publish": Entry("Publish an event.", "events:publish"),
            "replay": Entry("Hand events of the past to named subscribers again.", "events:replay"),
            "dead": Entry(
                "Deal with events that a subscriber could not handle.",
                commands={
                    "list": Entry("List the dead letters.", "dead:list_dead"),
                    "retry": Entry("Have dead letters delivered again.", "dead:retry"),
                    "drop": Entry("Give dead letters up.", "dead:drop"),
                },
            ),
        },
    ),
    "config": Entry(
        "Look at the settings in force.",
        commands={
            "show": Entry("Show every setting and where it comes from.", "config:show"),
            "check": Entry("Look for faults in the settings.", "config:check"),
        },
    ),
    "doctor": Entry("Examine this installation and its journal.", "doctor:doctor"),
    "completions": Entry("Print the completion script of a shell.", "completions:completions"),
}  # fmt: skip
