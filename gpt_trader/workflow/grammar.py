"""The shape of a workflow file as JSON Schema definitions: the one truth for the loader's checks and for editors."""

from __future__ import annotations

from typing import Any

from gpt_trader.workflow import definition as d
from gpt_trader.workflow.times import DURATION

Schema = dict[str, Any]
NAME = r"^[A-Za-z_][A-Za-z0-9_-]*$"
VARIABLE = r"^[A-Za-z_][A-Za-z0-9_]*$"
KIND_KEYS = (
    "slice",
    "slices",
    "parallel",
    "foreach",
    "switch",
    "trigger",
    "approval",
    "wait",
    "workflow",
    "agent",
    "steps",
)
BODY_KINDS = ("foreach", "trigger")
"""The kinds that have `steps` beside their own key."""


def ref(name: str) -> Schema:
    """A reference to a definition."""
    return {"$ref": f"#/definitions/{name}"}


def closed(properties: Schema, *, required: tuple[str, ...] = (), about: str = "", **more: Any) -> Schema:
    """A map that takes these keys alone."""
    made: Schema = {"type": "object", "properties": properties, "additionalProperties": False, **more}
    if about:
        made["description"] = about
    if required:
        made["required"] = list(required)
    return made


def one_of(*words: str, about: str = "") -> Schema:
    """One of a few words."""
    return {"enum": list(words), "description": about} if about else {"enum": list(words)}


def _text(about: str) -> Schema:
    return {"type": "string", "description": about}


def _count(about: str, *, least: int = 1, most: int = 1_000_000_000) -> Schema:
    return {"type": "integer", "minimum": least, "maximum": most, "description": about}


def _truth(about: str) -> Schema:
    return {"type": "boolean", "description": about}


def _topic(title: str = "a topic such as trade.executed or trade.*") -> Schema:
    word = r"(\*\*|\*|[a-z0-9_]+)"
    return {"type": "string", "title": title, "pattern": rf"^{word}(\.{word})*$"}


_LONGEST = 366 * 86_400
_VALUES: Schema = {
    "name": {
        "type": "string",
        "title": "a name of letters, digits, _ and - that begins with no digit",
        "pattern": NAME,
    },
    "variable": {
        "type": "string",
        "title": "a name of letters, digits and _ that begins with no digit",
        "pattern": VARIABLE,
    },
    "duration": {
        "type": ["number", "string"],
        "title": "a length of time such as 500ms, 10s, 5m, 2h or 1d",
        "exclusiveMinimum": 0,
        "maximum": _LONGEST,
        "pattern": DURATION,
    },
    "delay": {
        "type": ["number", "string"],
        "title": "a length of time such as 0s, 500ms, 10s, 5m, 2h or 1d",
        "minimum": 0,
        "maximum": _LONGEST,
        "pattern": DURATION,
    },
    "condition": {
        "type": ["string", "boolean"],
        "title": "an expression that is true or false, such as ${{ steps.check.score > 0.7 }}",
        "minLength": 1,
    },
    "retry": closed(
        {
            "max_attempts": _count("How often it is tried in all.", most=1000),
            "backoff": one_of("fixed", "linear", "exponential", about="How the delay grows."),
            "delay": ref("delay"),
            "max_delay": ref("delay"),
            "jitter": _truth("Whether each delay is varied at random."),
        },
        about=d.Retry.__doc__ or "",
    ),
    "cache": closed({"ttl": ref("duration")}, required=("ttl",), about="Keeps the outputs for the same params."),
    "executor": one_of("threads", "processes", about="Where the steps run."),
}

_COMMON: Schema = {
    "if": ref("condition"),
    "timeout": ref("duration"),
    "retry": ref("retry"),
    "effect": one_of("none", "once", about="`once`: it changes the world and is never repeated blindly."),
    "on_error": one_of("fail", "continue", "pause", about="What an error of this step does to the run."),
}
_WITH: Schema = {"with": {"type": "object", "description": "Params by name; text may hold ${{ }}."}}
_SIDE_BY_SIDE: Schema = {
    "max": _count("How many run at once.", most=10_000),
    "fail_fast": _truth("Whether one failure stops the others."),
    "executor": ref("executor"),
}


def _kind(step: type[d.Step], key: str, value: Schema, *, body: bool = False, **more: Any) -> Schema:
    properties = {key: value, **({"steps": ref("steps")} if body else {}), **_COMMON, **more}
    return closed(properties, required=(key, "steps") if body else (key,), about=step.__doc__ or "")


_KINDS: Schema = {
    "slice": _kind(
        d.Action,
        "slice",
        ref("slice-name"),
        method=_text("Which method of the slice."),
        **_WITH,
        cache=ref("cache"),
        reconcile=_text(
            "The method that finds out what an interrupted effect did: it gives `found`, and the outputs of the step."
        ),
    )
    | {"required": ["slice", "method"]},
    "slices": _kind(
        d.Prepare,
        "slices",
        {"type": "array", "minItems": 1, "uniqueItems": True, "items": ref("slice-name")},
    ),
    "steps": _kind(d.Group, "steps", ref("steps")),
    "parallel": _kind(
        d.Parallel,
        "parallel",
        closed(
            {
                **_SIDE_BY_SIDE,
                "branches": {
                    "type": "object",
                    "minProperties": 1,
                    "propertyNames": ref("name"),
                    "additionalProperties": ref("steps"),
                },
            },
            required=("branches",),
        ),
    ),
    "foreach": _kind(
        d.Foreach,
        "foreach",
        closed(
            {
                "in": {"type": ["array", "string"], "title": "a list, or an expression that gives one", "minLength": 1},
                "as": ref("variable"),
                **_SIDE_BY_SIDE,
            },
            required=("in",),
        ),
        body=True,
    ),
    "switch": _kind(d.Switch, "switch", {"type": "array", "minItems": 1, "items": ref("case")}),
    "trigger": _kind(d.Loop, "trigger", ref("loop"), body=True),
    "approval": _kind(
        d.Approval,
        "approval",
        closed(
            {
                "message": _text("What the person is asked."),
                "timeout": ref("duration"),
                "on_timeout": one_of("reject", "approve", "fail", about="What happens when nobody answers."),
            }
        ),
    ),
    "wait": _kind(
        d.Wait,
        "wait",
        closed(
            {
                "for": ref("duration"),
                "until": {"type": "string", "title": 'a moment such as "15:30 America/New_York"', "minLength": 1},
                "event": closed(
                    {"topic": _topic(), "if": ref("condition"), "timeout": ref("duration")}, required=("topic",)
                ),
            },
            minProperties=1,
            maxProperties=1,
        ),
    ),
    "workflow": _kind(d.SubWorkflow, "workflow", ref("name"), **_WITH),
    "agent": _kind(
        d.Agent,
        "agent",
        {"type": "array", "minItems": 1, "items": {"type": "string", "minLength": 1}},
        task_type=one_of("analyze", "execute", "report"),
        priority=one_of("low", "normal", "high", "critical"),
        data={"description": "What the program is given; text may hold ${{ }}."},
    ),
}

_INSIDE: Schema = {
    "case": closed({"if": ref("condition"), "steps": ref("steps"), "else": ref("steps")}),
    "loop": closed(
        {
            "topic": _topic(),
            "if": ref("condition"),
            "until": ref("condition"),
            "max": _count("After how many events it ends."),
            "idle": ref("duration"),
            "checkpoint_every": _count("After how many events the run is saved."),
        },
        required=("topic",),
        type=["object", "string"],
        title="a topic such as market.data.updated, or a map with `topic`",
    ),
}

_JSON_TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")
_INPUT: Schema = closed(
    {
        "type": {"enum": [*_JSON_TYPES], "description": "The type of the value."},
        "description": _text("What the input is for."),
        "title": _text("A short name for people."),
        "default": {"description": "The value where none is given; without it the input is required."},
        "examples": {"type": "array"},
        "enum": {"type": "array", "minItems": 1},
        "const": {},
        "minimum": {"type": "number"},
        "maximum": {"type": "number"},
        "exclusiveMinimum": {"type": "number"},
        "exclusiveMaximum": {"type": "number"},
        "multipleOf": {"type": "number", "exclusiveMinimum": 0},
        "minLength": _count("", least=0),
        "maxLength": _count("", least=0),
        "pattern": {"type": "string"},
        "format": {"type": "string"},
        "items": ref("input"),
        "minItems": _count("", least=0),
        "maxItems": _count("", least=0),
        "uniqueItems": {"type": "boolean"},
        "properties": {"type": "object", "additionalProperties": ref("input")},
        "required": {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
        "additionalProperties": {"type": "boolean"},
    },
    about="The JSON Schema of one input.",
)

_STARTS: Schema = {
    "schedule": closed(
        {
            "cron": {"type": "string", "description": "minute hour day month weekday", "minLength": 1},
            "timezone": _text("Such as America/New_York; UTC where none is given."),
            "calendar": _text("The exchange whose trading days count, such as XNYS."),
            "overlap": one_of("skip", "queue", "replace", about="What happens while the last run still goes on."),
            "catch_up": one_of("latest", "all", "none", about="Which missed slots are made up for."),
            "with": {"type": "object", "description": "Inputs of the run."},
        },
        required=("cron",),
        about="Starts by the clock.",
    ),
    "event": closed(
        {"topic": _topic(), "if": ref("condition"), "with": {"type": "object", "description": "Inputs of the run."}},
        required=("topic",),
        about="Starts at an event.",
    ),
    "files": closed(
        {
            "path": {"type": "string", "minLength": 1, "description": "The folder that is watched."},
            "glob": {"type": "string", "minLength": 1, "description": "Which files count, such as *.png."},
            "settle": ref("duration"),
            "with": {"type": "object", "description": "Inputs of the run."},
        },
        required=("path",),
        about="Starts at a new file.",
    ),
    "interval": closed(
        {"every": ref("duration"), "with": {"type": "object", "description": "Inputs of the run."}},
        required=("every",),
        about="Starts again and again.",
    ),
}

_WORKFLOW: Schema = closed(
    {
        "name": ref("name"),
        "description": _text("One line on what the workflow does."),
        "mode": one_of("backtest", "paper", "live", "real-time", about="`real-time`: paper or live, as the run says."),
        "safety": one_of("standard", "maximum", about="`maximum`: orders need an approval or an armed account."),
        "inputs": {"type": "object", "propertyNames": ref("variable"), "additionalProperties": ref("input")},
        "secrets": {"type": "array", "uniqueItems": True, "items": ref("variable")},
        "triggers": {"type": "array", "items": ref("start")},
        "concurrency": closed(
            {
                "group": {"type": "string", "minLength": 1, "description": "Runs of the same group share the limit."},
                "limit": _count("How many run at once.", most=10_000),
                "on_conflict": one_of("queue", "skip", "replace", about="What happens to one too many."),
            },
            required=("group",),
        ),
        "defaults": closed(
            {"timeout": ref("duration"), "retry": ref("retry"), "on_error": _COMMON["on_error"]},
            about="What every action and agent has unless it says otherwise.",
        ),
        "steps": ref("steps"),
        "on_failure": ref("steps"),
        "finally": ref("steps"),
    },
    required=("name", "steps"),
    about=d.Workflow.__doc__ or "",
)


def definitions() -> Schema:
    """All definitions, with recursion cut: `steps` is any list, and a slice may have any name."""
    return {
        **_VALUES,
        **{f"step-{key}": schema for key, schema in _KINDS.items()},
        **_INSIDE,
        "input": _INPUT,
        "start": closed(_STARTS, minProperties=1, maxProperties=1, about="What starts the workflow by itself."),
        "workflow": _WORKFLOW,
        "slice-name": {"type": "string", "minLength": 1},
        "steps": {"type": "array", "minItems": 1, "title": "a list of steps"},
    }
