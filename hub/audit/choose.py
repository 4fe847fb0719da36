"""Which entries somebody wants to see: by who, why, when, what was asked and what became of it."""

from __future__ import annotations

import msgspec

from hub.audit.entry import Act, Entry


class Chosen(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All that is given must hold. Units: `since` and `until` Unix seconds, `until` excluded."""

    subject: str | None = None
    app: str | None = None
    department: str | None = None
    """Of the caller, or for which it acts."""
    purpose: str | None = None
    coordinate: str | None = None
    outcome: str | None = None
    code: str | None = None
    case_id: str | None = None
    since: float | None = None
    until: float | None = None
    person: str | None = None
    """The keyed hash of a person whose data left."""

    @property
    def terms(self) -> tuple[str, ...]:
        """What is given but for the time, as `terms_of` tells of an entry."""
        named = [f"{n}\0{v}" for n in _NAMED if (v := getattr(self, n)) is not None]
        return tuple(named)

    def takes(self, entry: Entry | Act) -> bool:
        """Whether an entry is one of them."""
        if self.since is not None and entry.ts < self.since:
            return False
        if self.until is not None and entry.ts >= self.until:
            return False
        wanted = self.terms
        return not wanted or terms_of(entry).issuperset(wanted)

    def told(self) -> dict[str, str | int | bool]:
        """For the record: what was looked for. A person's hash is no secret: it is keyed."""
        given: dict[str, str | float] = msgspec.to_builtins(self)
        return {name: v if isinstance(v, str) else int(v) for name, v in given.items()}


_NAMED = (
    "subject", "app", "department", "purpose", "coordinate", "outcome", "code", "case_id", "person",
)  # fmt: skip


def terms_of(entry: Entry | Act) -> set[str]:
    """What an entry is found by: names and values."""
    if isinstance(entry, Act):
        told = {"subject": entry.by, "outcome": entry.outcome, "code": entry.code}
        return {f"{name}\0{value}" for name, value in told.items() if value is not None}
    plain = {
        "subject": entry.subject, "app": entry.app, "purpose": entry.purpose,
        "outcome": entry.outcome, "code": entry.code, "case_id": entry.case_id,
    }  # fmt: skip
    found = {f"{name}\0{value}" for name, value in plain.items() if value is not None}
    for department in (entry.department, entry.acting_for):
        if department is not None:
            found.add(f"department\0{department}")
    for use in msgspec.json.decode(entry.fields):
        found.add(f"coordinate\0{use[0]}")
    found.update(f"person\0{one}" for one in entry.persons)
    return found
