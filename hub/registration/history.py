"""A source's versions and steps as they stand, and who was first where two write at once."""

from __future__ import annotations

import difflib

import msgspec
from sqlalchemy import Engine

from hub.registration.approval import digest_of
from hub.store.registrations import Step, Version, steps, text_of, unreadable, versions
from schema.errors import HubError

OPEN = frozenset({"draft", "checked", "submitted", "approved"})
"""States of a version that is under way."""
_MOST_LINES = 5_000


class ConflictError(HubError):
    """An edit that is based on what is no longer there."""

    def __init__(self, message: str, *, last: Step, difference: str) -> None:
        hint = f"take it over and say that yours is based on revision {last.revision}"
        super().__init__("EDIT_CONFLICT", message, hint=hint)
        self.last = last
        self.difference = difference
        """Unified: from the text that the edit is based on to the one that is there."""


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of one source."""

    name: str
    versions: tuple[Version, ...]
    steps: tuple[Step, ...]

    @property
    def revision(self) -> int:
        """The number of the last step; 0 for a source that nobody has registered."""
        return self.steps[-1].revision if self.steps else 0

    @property
    def department(self) -> str:
        """Whose it is: that of its newest version."""
        return self.versions[-1].department

    @property
    def under_way(self) -> Version | None:
        """The version that is not published yet."""
        return next((one for one in self.versions if one.state in OPEN), None)

    @property
    def published(self) -> Version | None:
        """The version that is in force."""
        return next((one for one in self.versions if one.state == "published"), None)

    @property
    def next_version(self) -> int:
        """The number of the next version."""
        return 1 + (self.versions[-1].version if self.versions else 0)

    def version(self, number: int) -> Version:
        """One version. Raises: `HubError` NOT_FOUND."""
        found = next((one for one in self.versions if one.version == number), None)
        if found is None:
            hint = "`hub source history` lists them"
            raise HubError("NOT_FOUND", f"`{self.name}` has no version {number}", hint=hint)
        return found


def read_source(engine: Engine, name: str) -> Source:
    """One source, with no versions where nobody has registered it."""
    return Source(name=name, versions=versions(engine, name), steps=steps(engine, name))


def read_text(engine: Engine, digest: str) -> str:
    """A text by its digest. Raises: `HubError` REGISTRY_UNAVAILABLE for one that was changed."""
    text = text_of(engine, digest)
    if digest_of(text) != digest:
        raise unreadable()
    return text


def check_based_on(engine: Engine, source: Source, based_on: int) -> None:
    """That nobody has taken a step since. Raises: `ConflictError`."""
    if based_on == source.revision:
        return
    if not source.steps:
        hint = "leave the revision out"
        raise HubError("NOT_FOUND", f"`{source.name}` was never registered", hint=hint)
    last = source.steps[-1]
    before = [one for one in source.steps if one.revision <= based_on]
    old = read_text(engine, before[-1].digest) if before else ""
    new = read_text(engine, last.digest)
    message = f"`{source.name}` is at revision {last.revision}: {_what(last)}"
    raise ConflictError(message, last=last, difference=difference(old, new, based_on, last))


def _what(last: Step) -> str:
    by = "".join(sign if sign.isprintable() else "?" for sign in last.by)
    return f"`{by}` has taken the step `{last.act}` on version {last.version}"


def difference(old: str, new: str, based_on: int, last: Step) -> str:
    """A unified difference of two texts."""
    return unified(old, new, f"revision {based_on}", f"revision {last.revision}")


def unified(old: str, new: str, before: str, after: str) -> str:
    """A unified difference; empty for equal texts, one line for texts too long to compare."""
    sides = old.splitlines(), new.splitlines()
    if old != new and max(map(len, sides)) > _MOST_LINES:
        # comparing takes time that grows with the square of what differs
        return f"--- {before}\n+++ {after}\nmore than {_MOST_LINES} lines: compare the texts\n"
    lines = difflib.unified_diff(*sides, before, after, lineterm="")
    return "".join(f"{line}\n" for line in lines)
