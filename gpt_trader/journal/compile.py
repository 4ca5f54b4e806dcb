"""Compiles the statements and the tables to SQL texts ahead of time: run `make schemas` after changing either."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

DIALECTS = ("sqlite", "postgresql")
HERE = Path(__file__).parent


def dialect(name: str) -> Any:
    """SQLAlchemy's dialect, with named parameters."""
    from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
    from sqlalchemy.dialects.sqlite.base import SQLiteDialect

    return SQLiteDialect(paramstyle="named") if name == "sqlite" else PGDialect_psycopg()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped


def statements(name: str) -> str:
    """The JSON text of every statement in one dialect."""
    from gpt_trader.journal.statements import STATEMENTS

    using = dialect(name)
    texts = {k: " ".join(_text(s, using).split()) for k, s in STATEMENTS.items()}
    return json.dumps(texts, indent=1, sort_keys=True) + "\n"


def _text(statement: Any, using: Any) -> str:
    compiled = statement.compile(dialect=using)
    text = str(compiled).replace(" OFFSET :param_1", "")  # SQLAlchemy adds OFFSET 0 to every LIMIT of SQLite
    given = {k for k, v in compiled.params.items() if v is not None and f":{k}" in text.replace("(", ":")}
    assert not given, f"constants must be written into the statement: {given}"
    return text


def ddl(name: str) -> list[str]:
    """The statements that create all tables as they are now."""
    from sqlalchemy.schema import CreateIndex, CreateTable
    from sqlmodel import SQLModel

    from gpt_trader.journal import tables

    using = dialect(name)
    made = []
    for table in SQLModel.metadata.sorted_tables:
        if any(table.name == getattr(m, "__tablename__", None) for m in vars(tables).values()):
            made.append(CreateTable(table).compile(dialect=using))
            made += [CreateIndex(i).compile(dialect=using) for i in sorted(table.indexes, key=lambda i: str(i.name))]
    return [" ".join(str(text).split()) for text in made]


def files() -> dict[Path, str]:
    """Each generated file and what it must hold."""
    return {HERE / "sql" / f"{name}.json": statements(name) for name in DIALECTS}
