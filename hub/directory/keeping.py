"""Changes of the directory. Command line, import and doors make them here, and nowhere else."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Literal, Protocol

import msgspec
from sqlalchemy import Engine

from auth.apart import Apart
from hub.directory.apart import check_apart
from hub.directory.entry import (
    App,
    Department,
    DutyItem,
    Entry,
    Held,
    Person,
    above,
    body_of,
    confirmation,
    digest_of,
    held_of,
    kind_of,
)
from hub.store.directory import Change, Kind, Row, changing, found, listed, overtaken
from schema.errors import HubError, ManyErrors

Source = Literal["hand", "import", "claims", "scim"]
_DEEPEST = 32
"""Departments above one another."""


class Recording(Protocol):
    """What puts acts on record; they are durable when it returns."""

    def record(self, act: str, by: str, **known: object) -> None: ...

    def refusals(self, act: str, by: str, **known: object) -> AbstractContextManager[None]: ...


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """An entry that is to be as it says."""

    entry: Entry
    revision: int | None = None
    """The one it is based on, 0 for an entry that is new; ``None``: whatever is there."""
    where: str | None = None
    """Where it is written, for what is told of it."""


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """What one wish changes."""

    kind: Kind
    id: str
    act: Literal["added", "changed", "confirmed"]
    attributes: tuple[str, ...] = ()
    """Of an entry that is there already."""


class Directory:
    """One hub's; blocking. What a change states stands on record before it is kept."""

    def __init__(
        self,
        engine: Engine,
        apart: Apart,
        acts: Recording,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._engine = engine
        self._apart = apart
        self._acts = acts
        self._clock = clock

    def find(self, kind: Kind, name: str) -> Held:
        """An entry. Raises: `HubError` NOT_FOUND, DIRECTORY_UNAVAILABLE."""
        (row,) = found(self._engine, ((kind, name),))
        if row is None:
            raise _absent(kind)
        return held_of(row)

    def all(
        self, kind: Kind, *, external: str | None = None, offset: int = 0, most: int = 1_000
    ) -> tuple[tuple[Held, ...], int]:
        """Entries of a kind by id, and how many there are. Raises: `HubError`
        DIRECTORY_UNAVAILABLE."""
        rows, count = listed(self._engine, kind, external=external, offset=offset, most=most)
        return tuple(held_of(row) for row in rows), count

    def set(
        self, entry: Entry, *, by: str, revision: int | None = None, source: Source = "hand"
    ) -> Held:
        """Make an entry as it says. Raises: `HubError` DIRECTORY_INVALID, EDIT_CONFLICT,
        DIRECTORY_UNAVAILABLE, AUDIT_UNAVAILABLE, AUDIT_BROKEN."""
        kind, wish = kind_of(entry), Wish(entry=entry, revision=revision)
        told = {"kind": kind, "id": entry.id, "source": source}
        with self._acts.refusals("directory.set", by, details=told):
            self._apply((wish,), by=by, source=source, keep=False)
            digest = digest_of(body_of(entry))
            self._acts.record("directory.set", by, digest=digest, details=told)
            self._apply((wish,), by=by, source=source, keep=True)
        return self.find(kind, entry.id)

    def rehearse(self, wishes: Sequence[Wish], *, source: Source) -> tuple[Difference, ...]:
        """What wishes would change, all of them together; raises as `take` does."""
        return self._apply(wishes, by="", source=source, keep=False)

    def take(self, wishes: Sequence[Wish], *, by: str, source: Source) -> tuple[Difference, ...]:
        """Make all entries as they say, or none.

        Raises: `ManyErrors` DIRECTORY_INVALID with every problem; else as `set`.
        """
        told = {"entries": len(wishes), "source": source}
        with self._acts.refusals("directory.imported", by, details=told):
            self._apply(wishes, by=by, source=source, keep=False)
            bodies = "\n".join(body_of(wish.entry) for wish in wishes)
            self._acts.record("directory.imported", by, digest=digest_of(bodies), details=told)
            return self._apply(wishes, by=by, source=source, keep=True)

    def remove(self, kind: Kind, name: str, *, by: str, revision: int | None = None) -> None:
        """Take an entry out; raises as `set` does, and NOT_FOUND."""

        def gone(change: Change, row: Row) -> Row:
            if kind == "department" and change.refers(name):
                hint = "move or remove what belongs to it first, or suspend it"
                raise HubError("DIRECTORY_INVALID", "the department is not empty", hint=hint)
            # no name, attribute or confirmation stays behind
            return msgspec.structs.replace(
                row, removed=True, body="{}", confirmed="{}", department=None, external=None
            )

        self._step("directory.removed", kind, name, by, revision, gone)

    def suspend(
        self, kind: Kind, name: str, *, by: str, suspended: bool, revision: int | None = None
    ) -> None:
        """Let an entry and all that belongs to it ask nothing more, or let it ask again; raises as
        `set` does, and NOT_FOUND."""

        def changed(_: Change, row: Row) -> Row:
            return msgspec.structs.replace(row, suspended=suspended)

        act = "directory.suspended" if suspended else "directory.resumed"
        self._step(act, kind, name, by, revision, changed)

    def _step(
        self,
        act: str,
        kind: Kind,
        name: str,
        by: str,
        revision: int | None,
        made: Callable[[Change, Row], Row],
    ) -> None:
        def take(*, keep: bool) -> None:
            with changing(self._engine, keep=keep) as change:
                row = change.find(kind, name)
                if row is None or row.removed:
                    raise _absent(kind)
                if revision is not None and revision != row.revision:
                    raise overtaken()
                change.put(self._next(made(change, row), by))

        told = {"kind": kind, "id": name}
        with self._acts.refusals(act, by, details=told):
            take(keep=False)
            self._acts.record(act, by, details=told)
            take(keep=True)

    def _next(self, row: Row, by: str) -> Row:
        return msgspec.structs.replace(
            row, revision=row.revision + 1, changed_at=self._clock(), changed_by=by
        )

    def _apply(
        self, wishes: Sequence[Wish], *, by: str, source: Source, keep: bool
    ) -> tuple[Difference, ...]:
        differences: list[Difference] = []
        problems: list[HubError] = []
        with changing(self._engine, keep=keep) as change:
            for wish in wishes:
                try:
                    self._check_alone(wish)
                    differences.append(self._write(change, wish, by, source))
                except HubError as error:
                    if error.code != "DIRECTORY_INVALID":
                        raise
                    problems.append(error)
            for wish in wishes:
                problems += _dangling(change, wish)
            if len(problems) == 1:
                raise problems[0]
            if problems:
                raise ManyErrors("DIRECTORY_INVALID", problems)
        return tuple(differences)

    def _check_alone(self, wish: Wish) -> None:
        entry = wish.entry
        if isinstance(entry, App | Person):
            check_apart(self._apart, entry.duties, wish.where)
        if isinstance(entry, DutyItem):
            begins, ends = entry.valid_from, entry.valid_until
            if begins is not None and ends is not None and ends < begins:
                hint = "write `valid_until` no earlier than `valid_from`"
                raise _invalid("the period ends before it begins", wish, hint)

    def _write(self, change: Change, wish: Wish, by: str, source: Source) -> Difference:
        entry, kind = wish.entry, kind_of(wish.entry)
        row = change.find(kind, entry.id)
        there = row is not None and not row.removed
        at = 0 if row is None or row.removed else row.revision
        if wish.revision is not None and wish.revision != at:
            raise overtaken()
        now = self._clock()
        change.put(
            Row(
                kind=kind,
                id=entry.id,
                revision=1 if row is None else row.revision + 1,
                department=above(entry),
                external=entry.external if isinstance(entry, Person) else None,
                suspended=row.suspended if there and row is not None else False,
                body=body_of(entry),
                confirmed=confirmation(entry, at=now, by=source),
                changed_at=now,
                changed_by=by,
            )
        )
        if row is None or not there:
            return Difference(kind=kind, id=entry.id, act="added")
        before = msgspec.structs.asdict(held_of(row).entry)
        other = tuple(
            name for name, value in msgspec.structs.asdict(entry).items() if before[name] != value
        )
        act: Literal["changed", "confirmed"] = "changed" if other else "confirmed"
        return Difference(kind=kind, id=entry.id, act=act, attributes=other)


def duty_item(engine: Engine, name: str) -> DutyItem | None:
    """A duty item, ``None`` where there is none or it is suspended; whether it is valid by now
    `DutyItem.valid_on` tells. Raises: `HubError` DIRECTORY_UNAVAILABLE."""
    (row,) = found(engine, (("duty-item", name),))
    if row is None or row.suspended:
        return None
    entry = held_of(row).entry
    return entry if isinstance(entry, DutyItem) else None


def _dangling(change: Change, wish: Wish) -> list[HubError]:
    """What is wrong with the departments that an entry names."""
    name, depth = above(wish.entry), 0
    seen = {wish.entry.id} if isinstance(wish.entry, Department) else set()
    while name is not None:
        if name in seen:
            return [_invalid("the department is above itself", wish, "name another `parent`")]
        row = change.find("department", name)
        if row is None or row.removed:
            hint = "add the department first"
            return [_invalid(f"there is no department `{name}`", wish, hint)]
        seen.add(name)
        depth += 1
        if depth > _DEEPEST:
            hint = f"at most {_DEEPEST} levels"
            return [_invalid("there are too many departments above it", wish, hint)]
        name = row.department
    return []


def _invalid(message: str, wish: Wish, hint: str) -> HubError:
    return HubError("DIRECTORY_INVALID", message, where=wish.where, hint=hint)


def _absent(kind: Kind) -> HubError:
    return HubError("NOT_FOUND", f"the directory has no such {kind.replace('-', ' ')}")
