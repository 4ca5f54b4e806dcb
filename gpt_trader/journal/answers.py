"""What a transactional handler answers: operations, looked at before they come near those that others write."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

from gpt_trader.core.errors import ValidationError
from gpt_trader.journal.writer import Op


def operations(answer: Any, known: Container[str]) -> list[Op]:
    """The operations that an answer holds; an answer of anything else is the handler's fault."""
    if answer is None:
        return []
    if not isinstance(answer, list | tuple):
        raise ValidationError(
            f"a transactional handler returns a list of operations, not {type(answer).__name__}",
            hint="one that has nothing to commit returns None",
        )
    for op in answer:
        if not _whole(op):
            raise ValidationError(f"{op!r:.80} is no operation", hint="write (statement, params, guarded)")
        if op[0] not in known:
            raise ValidationError(f"the journal knows no statement '{op[0]:.80}'")
    return list(answer)


def _whole(op: Any) -> bool:
    return (
        isinstance(op, tuple)
        and len(op) == 3
        and isinstance(op[0], str)
        and (isinstance(op[1], Mapping) or _rows(op[1]))
        and isinstance(op[2], bool)
    )


def _rows(params: Any) -> bool:
    return isinstance(params, list | tuple) and bool(params) and all(isinstance(row, Mapping) for row in params)
