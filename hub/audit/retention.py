"""How long entries keep their text, and what holds it: hashes stay, so that proofs stay valid."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from hub.audit.choose import Chosen
from hub.audit.entry import Act, Entry
from hub.audit.export import picked
from hub.audit.link import Linked
from hub.audit.reader import record_act
from hub.store.audit_index import forget_pruned
from hub.store.heads import newest_head
from hub.store.ledger import PRUNED, Ledger
from hub.store.tables import audit_entries, audit_holds
from schema.errors import HubError

_CHUNK = 200
"""Rows of one transaction: a longer one would hold up the log itself."""
_SKEW_S = 86_400.0
"""Entries stand in order of time but for this."""


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """What keeps its text until it is lifted: by app, department and time. Units: Unix seconds."""

    id: str
    terms: Chosen
    set_at: float
    set_by: str


class Pruned(msgspec.Struct, frozen=True, kw_only=True):
    """What a pruning did."""

    first: int
    last: int
    count: int
    """How many entries lost their text."""
    held: int
    """How many kept it for a hold."""


def set_hold(engine: Engine, ledger: Ledger, link: Linked, hold: Hold, act: Act) -> None:
    """Hold entries from now on, on record. Raises: `HubError` EDIT_CONFLICT, AUDIT_UNAVAILABLE."""
    if any(held.id == hold.id for held in holds(engine)):
        raise HubError("EDIT_CONFLICT", "there is a hold of this name", where=hold.id)
    record_act(ledger, link, act)
    try:
        with engine.begin() as connection:
            connection.execute(
                sa.insert(audit_holds).values(
                    id=hold.id,
                    terms=msgspec.json.encode(hold.terms).decode(),
                    set_at=hold.set_at,
                    set_by=hold.set_by,
                )
            )
    except SQLAlchemyError as error:
        raise _unavailable(error) from error


def lift_hold(engine: Engine, ledger: Ledger, link: Linked, ident: str, act: Act) -> None:
    """Hold them no longer, on record. Raises: `HubError` NOT_FOUND, AUDIT_UNAVAILABLE."""
    if not any(hold.id == ident for hold in holds(engine)):
        raise HubError("NOT_FOUND", "there is no such hold", where=ident)
    record_act(ledger, link, act)
    try:
        with engine.begin() as connection:
            connection.execute(sa.delete(audit_holds).where(audit_holds.c.id == ident))
    except SQLAlchemyError as error:
        raise _unavailable(error) from error


def holds(engine: Engine) -> Sequence[Hold]:
    """The holds in force. Raises: `HubError` AUDIT_UNAVAILABLE."""
    try:
        with engine.connect() as connection:
            return [_hold(row) for row in _rows(connection)]
    except SQLAlchemyError as error:
        raise _unavailable(error) from error


def prune(
    engine: Engine, ledger: Ledger, link: Linked, *, before: float, act: Act
) -> Pruned | None:
    """Take the text of operations' entries from before, but for held ones; ``None`` = of none.

    Acts keep theirs, and so does what no signed head covers yet. It is on record before it
    happens: what comes after a failure in between is done by the next pruning.
    Raises: `HubError` AUDIT_UNAVAILABLE, AUDIT_BROKEN, EDIT_CONFLICT where holds change meanwhile.
    """
    in_force = holds(engine)
    head = newest_head(engine, link.algorithm)
    gone, held = array("q"), 0
    for one in picked(ledger, link, last=0 if head is None else head.size):
        if one.entry is None or one.entry.ts >= before:
            if one.entry is not None and one.entry.ts >= before + _SKEW_S:
                break
            continue
        if isinstance(one.entry, Entry):
            if any(hold.terms.takes(one.entry) for hold in in_force):
                held += 1
            else:
                gone.append(one.line.seq)
    if not gone:
        return None
    done = Pruned(first=gone[0], last=gone[-1], count=len(gone), held=held)
    details = {**act.details, **msgspec.to_builtins(done)}
    record_act(ledger, link, msgspec.structs.replace(act, act="audit.pruned", details=details))
    known = {hold.id: hold.terms for hold in in_force}
    try:
        for start in range(0, len(gone), _CHUNK):
            _take(engine, gone[start : start + _CHUNK].tolist(), known)
        forget_pruned(engine, gone[-1])
    except SQLAlchemyError as error:
        raise _unavailable(error) from error
    return done


def _take(engine: Engine, seqs: Sequence[int], known: Mapping[str, Chosen]) -> None:
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":  # what is taken is overwritten in the file too
            connection.exec_driver_sql("PRAGMA secure_delete=ON")
        if engine.dialect.name == "postgresql":
            connection.execute(sa.text("LOCK TABLE audit_holds IN SHARE MODE"))
        if {hold.id: hold.terms for hold in map(_hold, _rows(connection))} != known:
            # fails closed: it may be what was about to be taken
            message = "a hold was set or lifted meanwhile; nothing more is taken"
            raise HubError("EDIT_CONFLICT", message, hint="run it again")
        taken = sa.update(audit_entries).where(audit_entries.c.seq.in_(seqs))
        connection.execute(taken.values(body=PRUNED))


def _rows(connection: Connection) -> Sequence[sa.Row[tuple[object, ...]]]:
    return connection.execute(sa.select(audit_holds).order_by(audit_holds.c.id)).all()


def _hold(row: sa.Row[tuple[object, ...]]) -> Hold:
    told = dict(row._mapping)
    told["terms"] = msgspec.json.decode(str(told["terms"]), type=Chosen)
    return Hold(**told)


def _unavailable(error: SQLAlchemyError) -> HubError:
    return HubError("AUDIT_UNAVAILABLE", "the audit log's database does not answer", cause=error)
