"""Registered sources in the Hub's own database: versions, steps, and what of them is in force."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeVar

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from hub.store.converted import converted
from hub.store.releases import look
from hub.store.tables import (
    catalogue_versions,
    registration_steps,
    registration_texts,
    registration_versions,
)
from schema.errors import HubError

State = Literal[
    "draft", "checked", "submitted", "approved", "published", "superseded", "rolled_back",
    "withdrawn", "rejected",
]  # fmt: skip
Act = Literal[
    "edit", "check", "submit", "approve", "reject", "publish", "roll_back", "withdraw", "recall"
]
_NUMBER = "SELECT MAX(number) FROM catalogue_versions"
_LONGEST = 200


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a source."""

    source: str
    version: int
    state: State
    digest: str
    """SHA-256 of its text, hexadecimal."""
    department: str
    follows: int
    """The version that was published when it was begun; 0 for none."""
    written_by: str
    """JSON of all who wrote its text."""
    submitted_by: str | None = None
    report: str | None = None
    """What the last check of its text found, as JSON."""
    approval: str | None = None
    """An officer's signed approval."""
    reason: str | None = None
    """Of its rejection, of the roll-back that made or ended it, or of its withdrawal."""
    changed_at: float
    changed_by: str


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody did to a source."""

    source: str
    revision: int
    version: int
    act: Act
    state: State
    """Of the version, after it."""
    digest: str
    by: str
    at: float
    reason: str | None = None


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """What is in force. `number` grows with each publication, from 1; 0 = nothing ever was."""

    number: int
    sources: Mapping[str, int]
    """Source -> version."""


class Write(msgspec.Struct, frozen=True, kw_only=True):
    """One step with all that it changes."""

    step: Step
    versions: tuple[Version, ...]
    """New, or in the place of those with their numbers."""
    text: str | None = None
    """Of the step's digest, where it may be new."""
    published: Published | None = None
    """What is in force from now on; its number follows the one that must be in force."""
    catalogue: str = ""
    """The version digest of the whole catalogue then."""


NOTHING = Published(number=0, sources={})
Row = TypeVar("Row", bound=msgspec.Struct)


def number_now(engine: Engine) -> int:
    """The number of the last publication. Cost: one look at an index, and no lock.

    Raises: `HubError` REGISTRY_UNAVAILABLE.
    """
    try:
        return int(look(engine, _NUMBER)[0][0] or 0)
    except HubError as error:
        raise unreadable(error) from error


def in_force(engine: Engine) -> tuple[Published, tuple[tuple[Version, str], ...]]:
    """What is in force, and each version of it with its text, by source.

    Raises: `HubError` REGISTRY_UNAVAILABLE, also for rows that do not fit each other.
    """
    try:
        with engine.connect() as connection:
            published = _published(connection)
            held = []
            for source, version in sorted(published.sources.items()):
                found = _versions(connection, source, version)
                if len(found) != 1:
                    raise unreadable()
                held.append((found[0], _text(connection, found[0].digest)))
    except SQLAlchemyError as error:
        raise unreadable(error) from error
    return published, tuple(held)


def versions(engine: Engine, source: str | None = None) -> tuple[Version, ...]:
    """The versions of a source, or of every one, by source and number.

    Raises: `HubError` REGISTRY_UNAVAILABLE.
    """
    try:
        with engine.connect() as connection:
            return _versions(connection, source)
    except SQLAlchemyError as error:
        raise unreadable(error) from error


def steps(engine: Engine, source: str) -> tuple[Step, ...]:
    """What was done to a source, in order. Raises: `HubError` REGISTRY_UNAVAILABLE."""
    table = registration_steps
    query = sa.select(table).where(table.c.source == source).order_by(table.c.revision)
    try:
        with engine.connect() as connection:
            return _rows(connection, query, Step)
    except SQLAlchemyError as error:
        raise unreadable(error) from error


def text_of(engine: Engine, digest: str) -> str:
    """A text by its digest. Raises: `HubError` REGISTRY_UNAVAILABLE."""
    try:
        with engine.connect() as connection:
            return _text(connection, digest)
    except SQLAlchemyError as error:
        raise unreadable(error) from error


def put(engine: Engine, write: Write) -> None:
    """Take one step, if nobody has taken another since.

    Raises: `HubError` EDIT_CONFLICT if somebody has, or has published another source meanwhile;
    REGISTRY_UNAVAILABLE.
    """
    step = write.step
    table = registration_steps
    last = sa.select(sa.func.max(table.c.revision)).where(table.c.source == step.source)
    try:
        with engine.begin() as connection:
            if (connection.scalar(last) or 0) != step.revision - 1:
                raise overtaken()
            if write.text is not None:
                _keep_text(connection, step.digest, write.text)
            for version in write.versions:
                _replace(connection, version)
            connection.execute(sa.insert(table).values(_values(step)))
            if write.published is not None:
                _publish(connection, write.published, write)
    except IntegrityError as error:
        raise overtaken() from error  # another took the number at this moment
    except SQLAlchemyError as error:
        raise unreadable(error) from error


def overtaken() -> HubError:
    """Somebody else was first."""
    hint = "look at it anew with `hub source show`"
    return HubError("EDIT_CONFLICT", "somebody else has changed it meanwhile", hint=hint)


def unreadable(cause: BaseException | None = None) -> HubError:
    """The database does not say what is registered."""
    hint = "check `state` in the configuration and the database"
    message = "the registered sources cannot be read"
    return HubError("REGISTRY_UNAVAILABLE", message, hint=hint, cause=cause)


def _publish(connection: Connection, published: Published, write: Write) -> None:
    if _published(connection).number != published.number - 1:
        raise overtaken()
    connection.execute(
        sa.insert(catalogue_versions).values(
            number=published.number,
            digest=write.catalogue,
            fragments=msgspec.json.encode(published.sources, order="sorted").decode(),
            published_at=write.step.at,
            published_by=write.step.by[:_LONGEST],
        )
    )


def _published(connection: Connection) -> Published:
    table = catalogue_versions
    query = sa.select(table.c.number, table.c.fragments).order_by(table.c.number.desc()).limit(1)
    row = connection.execute(query).first()
    if row is None:
        return NOTHING
    try:
        sources = msgspec.json.decode(row[1], type=dict[str, int])
    except msgspec.DecodeError as error:
        # fails closed: whoever wrote such a row, it was not the hub
        raise unreadable(error) from error
    return Published(number=int(row[0]), sources=sources)


def _versions(
    connection: Connection, source: str | None, version: int | None = None
) -> tuple[Version, ...]:
    table = registration_versions
    query = sa.select(table).order_by(table.c.source, table.c.version)
    if source is not None:
        query = query.where(table.c.source == source)
    if version is not None:
        query = query.where(table.c.version == version)
    return _rows(connection, query, Version)


def _text(connection: Connection, digest: str) -> str:
    table = registration_texts
    text = connection.scalar(sa.select(table.c.text).where(table.c.digest == digest))
    if text is None:
        raise unreadable()
    return str(text)


def _keep_text(connection: Connection, digest: str, text: str) -> None:
    table = registration_texts
    known = sa.select(table.c.digest).where(table.c.digest == digest)
    if connection.scalar(known) is None:
        connection.execute(sa.insert(table).values(digest=digest, text=text))


def _replace(connection: Connection, version: Version) -> None:
    table = registration_versions
    same = sa.and_(table.c.source == version.source, table.c.version == version.version)
    connection.execute(sa.delete(table).where(same))
    connection.execute(sa.insert(table).values(_values(version)))


def _values(row: msgspec.Struct) -> dict[str, Any]:
    told = msgspec.structs.asdict(row)
    people = {"by", "changed_by", "submitted_by"} & told.keys()
    return {**told, **{name: told[name] and told[name][:_LONGEST] for name in people}}


def _rows(connection: Connection, query: sa.Select[Any], kind: type[Row]) -> tuple[Row, ...]:
    found = connection.execute(query)
    try:
        return converted(found, kind)
    except msgspec.ValidationError as error:
        # fails closed: whoever wrote such a row, it was not the hub
        raise unreadable(error) from error
