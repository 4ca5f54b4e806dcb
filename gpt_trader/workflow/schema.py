"""The JSON Schemas that editors complete with: of workflow files, with every slice's params inside, and of agents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic.json_schema import GenerateJsonSchema

from gpt_trader.workflow.grammar import KIND_KEYS, NAME, Schema, closed, definitions, one_of, ref

if TYPE_CHECKING:
    from gpt_trader.core.slices import Method, Slice, SliceCatalog

DRAFT = "http://json-schema.org/draft-07/schema#"
_EXPRESSION: Schema = {"type": "string", "pattern": r"\$\{\{", "description": "An expression."}


def workflow_schema(catalog: SliceCatalog) -> Schema:
    """The draft-07 schema of workflow files, as editors use it; the same for the same slices."""
    slices = [catalog[name] for name in catalog]
    methods = [method for cls in slices for _, method in sorted(cls.methods.items())]
    made = {**definitions(), **_open_ends(slices, methods)}
    for method in methods:
        made |= _params(method)
    made["step-slice"] = _completed(made["step-slice"], slices, methods)
    return {
        "$schema": DRAFT,
        "title": "A workflow of gpt-trader",
        "allOf": [ref("workflow")],
        "definitions": {name: made[name] for name in sorted(made)},
    }


def _open_ends(slices: list[type[Slice]], methods: list[Method]) -> Schema:
    """What the loader follows step by step, written out: lists of steps, kinds, and names of slices and methods."""
    names = [_named(cls.name, _first_line(cls)) for cls in slices]
    bare = [_named(m.name, f"{m.slice}.{m.name}: {m.summary}") for m in methods if _alone(m, methods)]
    return {
        "steps": {"type": "array", "minItems": 1, "items": ref("step")},
        "step": {
            "type": ["string", "object"],
            "if": {"type": "string"},
            "then": ref("bare-step"),
            "else": ref("named-step"),
        },
        "bare-step": {"anyOf": [*bare, {"type": "string", "pattern": NAME}]},
        "named-step": {
            "type": "object",
            "minProperties": 1,
            "maxProperties": 1,
            "propertyNames": ref("name"),
            "additionalProperties": {"if": {"type": "array"}, "then": ref("steps"), "else": ref("step-body")},
        },
        "step-body": _body(),
        "slice-name": {"anyOf": [*names, {"type": "string", "pattern": NAME}]},
    }


def _named(name: str, about: str) -> Schema:
    return {"const": name, "description": about}


def _first_line(cls: type[Slice]) -> str:
    return (cls.__doc__ or "").strip().partition("\n")[0]


def _alone(method: Method, methods: list[Method]) -> bool:
    return sum(other.name == method.name for other in methods) == 1


def _body() -> Schema:
    kinds = [key for key in KIND_KEYS if key != "steps"]
    known = definitions()
    properties = {key: {"description": known[f"step-{key}"].get("description", "")} for key in KIND_KEYS}
    chosen: list[Schema] = [{"if": {"required": [key]}, "then": ref(f"step-{key}")} for key in kinds]
    no_other = {"not": {"anyOf": [{"required": [key]} for key in kinds]}}
    chosen.append({"if": no_other, "then": ref("step-steps")})
    return {"type": "object", "properties": properties, "allOf": chosen}


def _completed(schema: Schema, slices: list[type[Slice]], methods: list[Method]) -> Schema:
    choices: list[Schema] = []
    for cls in slices:
        names = [_named(m.name, m.summary) for m in methods if m.slice == cls.name]
        choices.append({"if": _is("slice", cls.name), "then": {"properties": {"method": {"anyOf": names}}}})
    for m in methods:
        both = {"allOf": [_is("slice", m.slice), _is("method", m.name)]}
        choices.append({"if": both, "then": {"properties": {"with": ref(f"params.{m.slice}.{m.name}")}}})
    return {**schema, "allOf": choices} if choices else schema


def _is(key: str, value: str) -> Schema:
    return {"properties": {key: {"const": value}}, "required": [key]}


# --- params: pydantic's schema, in draft-07, with expressions allowed anywhere ---------------------------------------


class _Draft7(GenerateJsonSchema):
    """Any value stands for a type that JSON does not have, such as a table."""

    def handle_invalid_for_json_schema(self, schema: Any, error_info: str) -> Schema:
        """Take anything."""
        del schema, error_info
        return {}

    def emit_warning(self, kind: Any, detail: str) -> None:
        """Say nothing about defaults that JSON does not have."""


def _params(method: Method) -> Schema:
    name = f"params.{method.slice}.{method.name}"
    made = method.params.model_json_schema(
        schema_generator=_Draft7, ref_template=f"#/definitions/{name}.{{model}}", mode="validation"
    )
    inner = {f"{name}.{key}": _draft7(schema) for key, schema in made.pop("$defs", {}).items()}
    params = _draft7(made)
    properties = {key: {"anyOf": [schema, _EXPRESSION]} for key, schema in params.get("properties", {}).items()}
    for key, schema in properties.items():
        schema.update(_told(params["properties"][key]))
    return {name: closed(properties, about=method.summary), **inner}


def _told(schema: Schema) -> Schema:
    return {key: schema[key] for key in ("description", "default") if key in schema}


def _draft7(schema: Any) -> Any:
    """The same schema without what draft-07 does not know."""
    if isinstance(schema, list):
        return [_draft7(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: _draft7(value) for key, value in schema.items() if key != "discriminator"}
    if "prefixItems" in made:
        rest = made.pop("items", True)
        made["items"] = made.pop("prefixItems")
        made["additionalItems"] = rest
    return made


# --- agents -----------------------------------------------------------------------------------------------------------

_WORDS: Schema = {"type": "array", "maxItems": 1000, "items": {"type": "string"}}


def agent_task_schema() -> Schema:
    """The schema of the one message that an agent's program is given."""
    properties: Schema = {
        "task_id": {"type": "string", "minLength": 1, "description": "Names the task; the response repeats it."},
        "agent_target": {"type": "string", "minLength": 1, "description": "Whom the task is for."},
        "task_type": one_of("analyze", "execute", "report", about="What is asked."),
        "priority": one_of("low", "normal", "high", "critical", about="How urgent it is."),
        "data": {"description": "What the workflow hands over."},
        "dependencies": {**_WORDS, "description": "The steps that came before."},
        "timeout": {"type": ["number", "null"], "description": "After how many seconds the program is stopped."},
        "retry_count": {"type": "integer", "minimum": 0, "description": "How often it was tried before."},
    }
    about = "The task that an outside program reads from its standard input: one JSON message."
    return _message("An agent's task", closed(properties, required=tuple(properties), about=about))


def agent_response_schema() -> Schema:
    """The schema of the one message that an agent's program gives back; its text is not trusted."""
    properties: Schema = {
        "task_id": {"type": "string", "minLength": 1, "description": "The task that this answers."},
        "agent_name": {"type": "string", "minLength": 1, "maxLength": 200, "description": "Who answers."},
        "status": one_of("success", "failure", "partial", about="How it went."),
        "result": {"description": "What was found or done."},
        "errors": {**_WORDS, "description": "What went wrong."},
        "execution_time": {"type": "number", "minimum": 0, "description": "Seconds of work."},
        "next_actions": {
            **_WORDS,
            "items": {"type": ["string", "object"]},
            "description": "What the agent would do next; nobody does it by itself.",
        },
    }
    about = "The response that an outside program writes to its standard output: one JSON message."
    return _message(
        "An agent's response", closed(properties, required=("task_id", "agent_name", "status"), about=about)
    )


def _message(title: str, schema: Schema) -> Schema:
    return {"$schema": DRAFT, "title": title, **schema}
