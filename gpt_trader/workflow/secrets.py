"""The secrets of a run: those that its workflow lists, read where it begins or goes on, and never written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gpt_trader.core.errors import ConfigError, NotFound, ValidationError, did_you_mean
from gpt_trader.core.secrets import SHORTEST, Secrets
from gpt_trader.workflow.definition import Workflow


def secrets_of(workflow: Workflow, look: Callable[[str], str], known: Secrets) -> Mapping[str, str]:
    """The values of all secrets that a workflow lists, or one inside it; they are blotted out from now on."""
    found = {name: look(name) for name in workflow.all_secrets}
    missing = [name for name, value in found.items() if not value]
    if missing:
        hint = f"set {'it' if len(missing) == 1 else 'them'} in the environment: export {missing[0]}=..."
        raise ConfigError(f"the workflow '{workflow.name}' needs the secret {', '.join(missing)}", hint=hint)
    for name, value in found.items():
        if len(value) < SHORTEST:
            raise ConfigError(
                f"the secret {name} is too short to be told from other words", hint=f"use {SHORTEST} letters"
            )
        known.know(value)
    return found


def taken(name: str, secrets: Mapping[str, str]) -> str:
    """The value of a secret that a step asks for."""
    if name not in secrets:
        hint = did_you_mean(name, secrets) or f"write secrets: [{name}]"
        raise NotFound(f"the workflow lists no secret '{name}'", hint=hint)
    return secrets[name]


def refuse_written(known: Secrets, definition: str, inputs: Mapping[str, Any]) -> None:
    """Refuse a run that would have to be kept with a secret in it, or without what it needs to go on."""
    where = "its file" if known.clean_json(definition) != definition else ""
    where = where or next((f"the input '{n}'" for n, v in inputs.items() if known.clean_values(v) != v), "")
    if where:
        raise ValidationError(
            f"{where} holds a secret of the environment, and what a run begins with is kept",
            hint="list the secret's name under `secrets:`, and let the step ask for it",
        )
