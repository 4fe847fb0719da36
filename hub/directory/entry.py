"""What the directory holds: departments, applications, persons, duty items."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from typing import Annotated

import msgspec

from hub.store.directory import Kind, Row, unreadable

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"^\S(.*\S)?$")]
Word = Annotated[str, msgspec.Meta(min_length=1, max_length=128, pattern=r"^\S+$")]
Line = Annotated[str, msgspec.Meta(max_length=500)]
Words = Annotated[frozenset[Word], msgspec.Meta(max_length=200)]
Contacts = Annotated[tuple[Line, ...], msgspec.Meta(max_length=20)]


class Title(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What people call it."""

    en: Line = ""
    zh: Line = ""


class Department(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An organisation."""

    id: Name
    title: Title = Title()
    kind: Word | None = None
    """`government`, `authorised_public_body`, `contractor`: rules read it as `org_kind`."""
    tier: Word | None = None
    region: Word | None = None
    parent: Name | None = None
    contacts: Contacts = ()


class App(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An application."""

    id: Name
    department: Name
    title: Title = Title()
    contacts: Contacts = ()
    purposes: Words = frozenset()
    """The most that any credentials of it may be for."""
    duties: Words = frozenset()
    """Of the application where it asks by itself; persons have their own."""
    acting_for: Annotated[frozenset[Name], msgspec.Meta(max_length=200)] = frozenset()
    """The departments whose rights it may ask for; it has them by a delegation only."""


class Person(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody, by the name that issuers of tokens have for them."""

    id: Name
    department: Name | None = None
    title: Title = Title()
    duties: Words = frozenset()
    clearance: Annotated[Mapping[Word, Word], msgspec.Meta(max_length=50)] | None = None
    """ladder -> level; ``None`` leaves it to the credentials."""
    external: Name | None = None
    """What a provisioning client calls them."""


class DutyItem(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A statutory duty of a department, for which it may need others' data."""

    id: Name
    department: Name
    title: Title = Title()
    legal_basis: Annotated[tuple[Line, ...], msgspec.Meta(min_length=1, max_length=50)]
    purposes: Words = frozenset()
    region: Word | None = None
    valid_from: dt.date | None = None
    valid_until: dt.date | None = None
    """The last day."""

    def valid_on(self, day: dt.date) -> bool:
        """Whether it is a duty on a day."""
        begun = self.valid_from is None or self.valid_from <= day
        return begun and (self.valid_until is None or day <= self.valid_until)


Entry = Department | App | Person | DutyItem
KINDS: Mapping[Kind, type[Entry]] = {
    "department": Department,
    "app": App,
    "person": Person,
    "duty-item": DutyItem,
}
_NAMES: Mapping[type[Entry], Kind] = {sort: kind for kind, sort in KINDS.items()}
FRESH: Mapping[Kind, tuple[str, ...]] = {
    "department": ("kind", "tier", "region"),
    "app": ("department", "purposes", "duties", "acting_for"),
    "person": ("department", "duties", "clearance"),
    "duty-item": (),
}
"""The attributes that count only as long as they are fresh."""


class Confirmed(msgspec.Struct, frozen=True, kw_only=True):
    """When an attribute was last known to be so."""

    at: float
    """Unix seconds."""
    by: str
    """`hand`, `import`, `claims` or `scim`."""


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """An entry as the directory has it."""

    entry: Entry
    revision: int
    suspended: bool
    confirmed: Mapping[str, Confirmed]
    changed_at: float
    changed_by: str

    def fresh(self, attribute: str, now: float, days: int) -> bool:
        """Whether an attribute still counts; what was confirmed in the future does not."""
        known = self.confirmed.get(attribute)
        return known is not None and known.at <= now < known.at + days * 86_400.0


_confirmed = msgspec.json.Decoder(dict[str, Confirmed])


def kind_of(entry: Entry) -> Kind:
    """The kind of an entry."""
    return _NAMES[type(entry)]


def held_of(row: Row) -> Held:
    """A row, read. Raises: `HubError` DIRECTORY_UNAVAILABLE for one that the hub did not write."""
    try:
        entry = msgspec.json.decode(row.body, type=KINDS[row.kind])
        confirmed = _confirmed.decode(row.confirmed)
    except msgspec.DecodeError as error:
        # fails closed: whoever wrote such a row, it was not the hub
        raise unreadable(error) from error
    return Held(
        entry=entry,
        revision=row.revision,
        suspended=row.suspended,
        confirmed=confirmed,
        changed_at=row.changed_at,
        changed_by=row.changed_by,
    )


def body_of(entry: Entry) -> str:
    """An entry as it is kept."""
    return msgspec.json.encode(entry, order="sorted").decode()


def digest_of(body: str) -> str:
    """What stands on record for it."""
    return hashlib.sha256(body.encode()).hexdigest()


def above(entry: Entry) -> str | None:
    """The department that it belongs to, or is below."""
    return entry.parent if isinstance(entry, Department) else entry.department


def confirmation(entry: Entry, *, at: float, by: str) -> str:
    """Everything that an entry says, confirmed at once."""
    known = {name: Confirmed(at=at, by=by) for name in FRESH[kind_of(entry)]}
    return msgspec.json.encode(known, order="sorted").decode()
