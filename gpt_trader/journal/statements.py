"""Every statement of the journal, by name, written once over the tables for both databases.

They are compiled ahead of time into `sql/*.json` (see compile.py), because importing SQLModel takes longer than most
commands do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import (
    BigInteger,
    String,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    literal_column,
    not_,
    null,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from gpt_trader.journal import tables

if TYPE_CHECKING:
    from sqlalchemy import Select, Table
    from sqlalchemy.sql.elements import BindParameter, ColumnElement
    from sqlmodel import SQLModel


def _is(column: Any, *words: str) -> ColumnElement[bool]:
    return or_(*(column == _word(w) for w in words))


def _word(text: str) -> Any:
    """A constant of ours, written into the statement itself."""
    return literal_column(f"'{text}'", String)


def _optional(column: Any, name: str) -> ColumnElement[bool]:
    return or_(_p(name).is_(None), column == _p(name))


def _live(table: Any) -> ColumnElement[bool]:
    return _is(table.c.status, "RUNNING", "WAITING")


def _table(model: type[SQLModel]) -> Table:
    return cast("Table", model.__table__)  # type: ignore[attr-defined]


migration = _table(tables.Migration)
meta = _table(tables.Meta)
definition = _table(tables.Definition)
run = _table(tables.Run)
step = _table(tables.Step)
approval = _table(tables.Approval)
checkpoint = _table(tables.Checkpoint)
event = _table(tables.EventRow)
subscription = _table(tables.Subscription)
delivery = _table(tables.Delivery)
dead = _table(tables.DeadLetter)


def _p(name: str, kind: Any = String) -> BindParameter[Any]:
    return bindparam(name, type_=kind)


def _n(name: str) -> BindParameter[Any]:
    return bindparam(name, type_=BigInteger)


def _row(table: Table, *names: str) -> dict[str, BindParameter[Any]]:
    columns = [c for c in table.columns if c.name in names] if names else list(table.columns)
    return {c.name: bindparam(c.name, type_=c.type) for c in columns}


def _owned() -> ColumnElement[bool]:
    """The run is still ours; the row stays locked until this transaction ends."""
    mine: Select[Any] = (
        select(literal_column("1"))
        .select_from(run)
        .where(run.c.id == _p("run_id"), run.c.owner == _p("owner"), run.c.fence == _n("fence"))
    )
    return exists(mine.with_for_update(read=True))


def _guarded_insert(table: Table, *names: str) -> Any:
    row = _row(table, *names)
    return insert(table).from_select(list(row), select(*row.values()).where(_owned()))


def _later(column: Any) -> ColumnElement[int]:
    """The new value, if it is further on: who writes late must not move a place back."""
    return case((column > _n(column.name), column), else_=_n(column.name))


def _forget(table: Table) -> Any:
    """What belonged to a run that is deleted; one that somebody took up again meanwhile keeps it all."""
    there: Select[Any] = select(literal_column("1")).select_from(run).where(run.c.id == _p("run_id"))
    return delete(table).where(table.c.run_id == _p("run_id"), not_(exists(there)))


def _below(table: Table) -> ColumnElement[bool]:
    """What a run has at paths that begin like this."""
    begins = func.substr(table.c.path, literal_column("1"), func.length(_p("prefix"))) == _p("prefix")
    return and_(table.c.run_id == _p("run_id"), begins)


_NEW_STEP = (
    "run_id",
    "path",
    "attempt",
    "name",
    "slice",
    "method",
    "status",
    "params_hash",
    "cache_key",
    "started_at",
    "owner",
    "fence",
)
_this_step = and_(step.c.run_id == _p("run_id"), step.c.path == _p("path"), step.c.attempt == _n("attempt"))
_this_run = and_(run.c.id == _p("run_id"), run.c.owner == _p("owner"), run.c.fence == _n("fence"))
_cancelling = func.coalesce(run.c.request, _word("")) == _word("cancel")
"""What was asked for and outranks the rest, until it is done."""
_other = run.alias("other")
_taken = (
    select(func.count())
    .select_from(_other)
    .where(
        _other.c.group_key == run.c.group_key,
        _other.c.id != run.c.id,
        _live(_other),
        _other.c.lease_until > _n("now"),
        or_(_other.c.reason != _word("queued"), _other.c.created_at < run.c.created_at),
    )
    .scalar_subquery()
)
_over: Select[Any] = (
    select(literal_column("1"))
    .select_from(step)
    .where(step.c.run_id == checkpoint.c.run_id, step.c.path == checkpoint.c.path, _is(step.c.status, "SUCCEEDED"))
)
_needed = union_all(
    select(subscription.c.cursor.label("seq")),
    select(subscription.c.express),
    select(delivery.c.seq - literal_column("1")),
    select(dead.c.seq - literal_column("1")),
    select(checkpoint.c.cursor)
    .join_from(checkpoint, run, run.c.id == checkpoint.c.run_id)
    .where(_live(run), not_(exists(_over))),
).subquery()
_RUN_BRIEF = [c for c in run.columns if c.name not in {"inputs", "versions"}]


STATEMENTS: dict[str, Any] = {
    # definitions and runs
    "definition.put": upsert(definition).values(_row(definition)).on_conflict_do_nothing(index_elements=["hash"]),
    "definition.get": select(definition.c.body).where(definition.c.hash == _p("hash")),
    "run.create": insert(run).values(
        _row(
            run,
            "id",
            "workflow",
            "mode",
            "status",
            "reason",
            "definition",
            "inputs",
            "versions",
            "created_at",
            "forked_from",
            "group_key",
            "group_limit",
            "owner",
            "fence",
            "lease_until",
        )
    ),
    "run.get": select(*run.columns).where(run.c.id == _p("id")),
    "run.like": select(run.c.id)
    .where(run.c.id.like(_p("pattern")))
    .order_by(run.c.id.desc())
    .limit(literal_column("20")),
    "run.list": select(*_RUN_BRIEF)
    .where(_optional(run.c.status, "status"), _optional(run.c.workflow, "workflow"), run.c.id < _p("before"))
    .order_by(run.c.id.desc())
    .limit(_n("count")),
    "run.counts": select(run.c.status, func.count().label("count")).group_by(run.c.status),
    "step.counts": select(step.c.status, func.count().label("count")).group_by(step.c.status),
    "run.live": select(*_RUN_BRIEF).where(_live(run)).order_by(run.c.id),
    "run.end": update(run)
    .where(_this_run)
    .values(**_row(run, "status", "reason", "ended_at", "error"), lease_until=literal_column("0"), request=null()),
    "run.wait": update(run).where(_this_run).values(status=_word("WAITING"), reason=_p("reason")),
    "run.release": update(run)
    .where(_this_run, not_(_cancelling))
    .values(status=_word("WAITING"), reason=_p("reason"), lease_until=literal_column("0"), request=null()),
    "run.go": update(run).where(_this_run).values(status=_word("RUNNING"), reason=_word("")),
    "run.enter": update(run)
    .where(_this_run, _taken < run.c.group_limit)
    .values(status=_word("RUNNING"), reason=_word(""), lease_until=_n("until")),
    "run.take": update(run)
    .where(run.c.id == _p("run_id"), run.c.fence == _n("fence"), run.c.status == _p("was"))
    .values(
        owner=_p("owner"),
        fence=run.c.fence + literal_column("1"),
        lease_until=_n("until"),
        status=_p("status"),
        reason=_p("reason"),
        request=case((_cancelling, run.c.request), else_=null()),
        ended_at=null(),
        error=null(),
    ),
    "run.ask": update(run)
    .where(run.c.id == _p("run_id"), _live(run))
    .values(request=case((_cancelling, run.c.request), else_=_p("request"))),
    "run.asked": select(run.c.id, run.c.request).where(run.c.owner == _p("owner"), run.c.request.is_not(None)),
    "run.renew": update(run)
    .where(run.c.id == _p("run_id"), run.c.owner == _p("owner"), _live(run))
    .values(lease_until=_n("until")),
    "run.rivals": select(run.c.id, run.c.owner, run.c.created_at)
    .where(run.c.group_key == _p("group_key"), run.c.id != _p("run_id"), _live(run), run.c.lease_until > _n("now"))
    .order_by(run.c.id),
    "run.old": select(run.c.id)
    .where(not_(_live(run)), run.c.created_at < _n("before"))
    .order_by(run.c.id)
    .limit(_n("count")),
    "run.inputs": select(run.c.inputs),
    "run.delete": delete(run).where(run.c.id == _p("run_id"), not_(_live(run))),
    "definition.sweep": delete(definition).where(definition.c.hash.not_in(select(run.c.definition))),
    # steps
    "step.begin": _guarded_insert(step, *_NEW_STEP),
    "step.end": update(step)
    .where(_this_step, _is(step.c.status, "RUNNING"), _owned())
    .values(**_row(step, "outputs", "error", "ended_at", "status")),
    "step.again": update(step)
    .where(_this_step, _owned())
    .values(status=_word("RUNNING"), error=null(), outputs=null(), ended_at=null()),
    "step.restore": update(step).where(_this_step, _owned()).values(status=_word("SUCCEEDED")),
    "step.reopen": update(step).where(_below(step), _owned()).values(status=_word("CANCELLED")),
    "step.stop": update(step)
    .where(step.c.run_id == _p("run_id"), _is(step.c.status, "RUNNING"), _owned())
    .values(status=_word("CANCELLED"), ended_at=_n("at")),
    "step.skip": _guarded_insert(step, *_NEW_STEP, "ended_at", "error", "outputs"),
    "step.list": select(*step.columns)
    .where(step.c.run_id == _p("run_id"))
    .order_by(step.c.started_at, step.c.path, step.c.attempt),
    "step.cached": select(step.c.outputs)
    .where(step.c.cache_key == _p("cache_key"), _is(step.c.status, "SUCCEEDED"), step.c.ended_at >= _n("since"))
    .order_by(step.c.ended_at.desc())
    .limit(literal_column("1")),
    "step.copy": insert(step).from_select(
        [c.name for c in step.columns],
        select(
            *[
                _p("new_run_id") if c.name == "run_id" else _n("new_fence") if c.name == "fence" else c
                for c in step.columns
            ]
        ).where(step.c.run_id == _p("run_id"), step.c.path == _p("path"), step.c.attempt == _n("attempt")),
    ),
    "step.delete": _forget(step),
    "step.outputs": select(step.c.outputs).where(step.c.outputs.is_not(None)),
    # approvals and checkpoints
    "approval.ask": upsert(approval)
    .values(_row(approval, "run_id", "path", "message", "asked_at", "expires_at"))
    .on_conflict_do_nothing(index_elements=["run_id", "path"]),
    "approval.get": select(*approval.columns).where(approval.c.run_id == _p("run_id"), approval.c.path == _p("path")),
    "approval.open": select(*approval.columns, run.c.workflow)
    .join_from(approval, run, run.c.id == approval.c.run_id)
    .where(approval.c.decision.is_(None), _live(run))
    .order_by(approval.c.asked_at),
    "approval.decide": update(approval)
    .where(
        approval.c.run_id == _p("run_id"),
        approval.c.path == _p("path"),
        approval.c.decision.is_(None),
        or_(approval.c.expires_at.is_(None), approval.c.expires_at > _n("at")),
    )
    .values(decision=_p("decision"), by=_p("by"), reason=_p("reason"), decided_at=_n("at")),
    "approval.forget": delete(approval).where(_below(approval)),
    "approval.delete": _forget(approval),
    "checkpoint.get": select(*checkpoint.columns).where(
        checkpoint.c.run_id == _p("run_id"), checkpoint.c.path == _p("path")
    ),
    "checkpoint.put": upsert(checkpoint)
    .from_select(list(_row(checkpoint)), select(*_row(checkpoint).values()).where(_owned()))
    .on_conflict_do_update(
        index_elements=["run_id", "path"], set_={"count": _n("count"), "cursor": _n("cursor"), "at": _n("at")}
    ),
    "checkpoint.forget": delete(checkpoint).where(_below(checkpoint)),
    "checkpoint.delete": _forget(checkpoint),
    # history
    "event.add": insert(event).values(_row(event, "topic", "key", "at", "run_id", "payload")),
    "event.after": select(*event.columns).where(event.c.seq > _n("seq")).order_by(event.c.seq).limit(_n("count")),
    "event.range": select(*event.columns)
    .where(event.c.seq >= _n("first"), event.c.seq <= _n("last"))
    .order_by(event.c.seq)
    .limit(_n("count")),
    "event.of_run": select(*event.columns).where(event.c.run_id == _p("run_id")).order_by(event.c.seq),
    "event.last": select(func.coalesce(func.max(event.c.seq), literal_column("0")).label("seq")),
    "event.forget": delete(event).where(event.c.at < _n("before"), event.c.seq <= _n("seq")),
    "event.old": select(func.count().label("count")).where(event.c.at < _n("before"), event.c.seq <= _n("seq")),
    "event.before": select(*event.columns)
    .where(event.c.seq < _n("seq"))
    .order_by(event.c.seq.desc())
    .limit(_n("count")),
    # the bus
    "subscription.add": upsert(subscription).values(_row(subscription)).on_conflict_do_nothing(index_elements=["name"]),
    "subscription.get": select(*subscription.columns).where(subscription.c.name == _p("name")),
    "subscription.list": select(*subscription.columns).order_by(subscription.c.name),
    "subscription.claim": update(subscription)
    .where(subscription.c.name == _p("name"))
    .values(fence=subscription.c.fence + literal_column("1"), pattern=_p("pattern")),
    "subscription.move": update(subscription)
    .where(subscription.c.name == _p("name"), subscription.c.fence == _n("fence"))
    .values(cursor=_later(subscription.c.cursor), express=_later(subscription.c.express), updated_at=_n("at")),
    "subscription.delete": delete(subscription).where(subscription.c.name == _p("name")),
    "delivery.of": select(*delivery.columns)
    .where(delivery.c.subscriber == _p("subscriber"))
    .order_by(func.substr(delivery.c.key, literal_column("1"), literal_column("1")) == _word("#"), delivery.c.seq)
    .limit(_n("count")),
    "delivery.put": upsert(delivery)
    .values(_row(delivery))
    .on_conflict_do_update(
        index_elements=["subscriber", "key"],
        set_={"seq": _n("seq"), "attempts": _n("attempts"), "next_at": _n("next_at"), "error": _p("error")},
    ),
    "delivery.drop": delete(delivery).where(delivery.c.subscriber == _p("subscriber"), delivery.c.key == _p("key")),
    "delivery.delete": delete(delivery).where(delivery.c.subscriber == _p("name")),
    "dead.put": upsert(dead)
    .values(_row(dead))
    .on_conflict_do_update(
        index_elements=["subscriber", "seq"],
        set_={"attempts": _n("attempts"), "error": _p("error"), "at": _n("at")},
    ),
    "dead.list": select(
        *dead.columns, event.c.topic, event.c.key, event.c.at.label("event_at"), event.c.run_id, event.c.payload
    )
    .join_from(dead, event, event.c.seq == dead.c.seq, isouter=True)
    .where(_optional(dead.c.subscriber, "subscriber"))
    .order_by(dead.c.seq, dead.c.subscriber)
    .limit(_n("count")),
    "dead.count": select(func.count().label("count")).select_from(dead),
    "dead.drop": delete(dead).where(dead.c.subscriber == _p("subscriber"), dead.c.seq == _n("seq")),
    "event.needed": select(func.min(_needed.c.seq).label("seq")),
    # meta
    "meta.get": select(meta.c.value).where(meta.c.key == _p("key")),
    "meta.put": upsert(meta).values(_row(meta)).on_conflict_do_nothing(index_elements=["key"]),
    "migration.list": select(*migration.columns).order_by(migration.c.version),
    "migration.add": insert(migration).values(_row(migration)),
}
"""Name to statement. `expect` (see store.py) says how many rows a guarded one must change."""
