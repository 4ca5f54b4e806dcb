"""The tables of the journal; times are microseconds since 1970, UTC, and documents are JSON texts."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, Text, text
from sqlmodel import Field, SQLModel

# An index that most rows are not in, and a table that is its own index, keep a commit to few pages.
_LIVE = text("status = 'RUNNING' OR status = 'WAITING'")
_CACHED = text("cache_key IS NOT NULL")
_OF_A_RUN = text("run_id <> ''")
_SEQ = BigInteger().with_variant(Integer, "sqlite")


class Migration(SQLModel, table=True):
    """One row for each migration that was applied."""

    version: int = Field(primary_key=True)
    name: str
    applied_at: int = Field(sa_type=BigInteger)


class Meta(SQLModel, table=True):
    """Facts about this installation, such as its epoch."""

    key: str = Field(primary_key=True)
    value: str


class Definition(SQLModel, table=True):
    """A workflow's normalised definition, kept once for all runs of it."""

    hash: str = Field(primary_key=True)
    name: str
    body: str = Field(sa_type=Text)


class Run(SQLModel, table=True):
    """One execution of a workflow, and who owns it now."""

    __table_args__ = (
        Index("run_live", "status", "id", sqlite_where=_LIVE, postgresql_where=_LIVE),
        {"sqlite_with_rowid": False},
    )
    id: str = Field(primary_key=True)
    workflow: str
    mode: str
    status: str
    reason: str = ""
    definition: str
    inputs: str = Field(sa_type=Text)
    versions: str
    error: str | None = Field(default=None, sa_type=Text)
    created_at: int = Field(sa_type=BigInteger)
    ended_at: int | None = Field(default=None, sa_type=BigInteger)
    forked_from: str | None = None
    group_key: str | None = None
    group_limit: int = 0
    owner: str
    fence: int = 1
    lease_until: int = Field(sa_type=BigInteger)
    request: str | None = None


class Step(SQLModel, table=True):
    """One attempt of one step of one run."""

    __table_args__ = (
        Index("step_by_cache_key", "cache_key", "ended_at", sqlite_where=_CACHED, postgresql_where=_CACHED),
        {"sqlite_with_rowid": False},
    )
    run_id: str = Field(primary_key=True)
    path: str = Field(primary_key=True)
    attempt: int = Field(primary_key=True)
    name: str
    slice: str
    method: str
    status: str
    params_hash: str
    cache_key: str | None = None
    outputs: str | None = Field(default=None, sa_type=Text)
    error: str | None = Field(default=None, sa_type=Text)
    started_at: int = Field(sa_type=BigInteger)
    ended_at: int | None = Field(default=None, sa_type=BigInteger)
    owner: str
    fence: int


class Approval(SQLModel, table=True):
    """A question to a person, and the answer."""

    run_id: str = Field(primary_key=True)
    path: str = Field(primary_key=True)
    message: str
    asked_at: int = Field(sa_type=BigInteger)
    expires_at: int | None = Field(default=None, sa_type=BigInteger)
    decision: str | None = None
    by: str = ""
    reason: str = ""
    decided_at: int | None = Field(default=None, sa_type=BigInteger)


class Checkpoint(SQLModel, table=True):
    """How far a loop has come."""

    run_id: str = Field(primary_key=True)
    path: str = Field(primary_key=True)
    count: int
    cursor: int = Field(sa_type=BigInteger)
    at: int = Field(sa_type=BigInteger)


class EventRow(SQLModel, table=True):
    """One fact of the history."""

    __tablename__ = "event"
    __table_args__ = (Index("event_by_run", "run_id", "seq", sqlite_where=_OF_A_RUN, postgresql_where=_OF_A_RUN),)
    seq: int | None = Field(default=None, sa_column=Column(_SEQ, primary_key=True, autoincrement=True))
    topic: str
    key: str = ""
    at: int = Field(sa_type=BigInteger)
    run_id: str = ""
    payload: str = Field(sa_type=Text)


class Subscription(SQLModel, table=True):
    """A durable subscriber, how far it has come, and its fence; priority topics have a place of their own."""

    name: str = Field(primary_key=True)
    pattern: str
    cursor: int = Field(sa_type=BigInteger)
    express: int = Field(sa_type=BigInteger)
    fence: int = 0
    updated_at: int = Field(sa_type=BigInteger)


class Delivery(SQLModel, table=True):
    """A key whose events wait for one that a subscriber failed to handle and will be given again."""

    subscriber: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    seq: int = Field(sa_type=BigInteger)
    attempts: int
    next_at: int = Field(sa_type=BigInteger)
    error: str = Field(default="", sa_type=Text)


class DeadLetter(SQLModel, table=True):
    """An event that a subscriber could not handle, kept for a person."""

    __tablename__ = "dead_letter"
    subscriber: str = Field(primary_key=True)
    seq: int = Field(primary_key=True, sa_type=BigInteger)
    attempts: int
    error: str = Field(sa_type=Text)
    at: int = Field(sa_type=BigInteger)
