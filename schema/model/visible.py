"""Visibility: which elements of the catalogue exist for a subject, in which use modes."""

from __future__ import annotations

import hashlib

import msgspec

from schema.model.names import Coordinate
from schema.model.use import FieldUse, UseMode


class Visible(msgspec.Struct, frozen=True, kw_only=True):
    """What exists for a subject.

    `selectable`: fields and relations in its schema (also those that answer null, whose
    metadata is public). `uses`: what may be used beyond selecting: filter, sort, group,
    aggregate by function on fields; traverse on relations; list, open, count on types.
    A relation exists only if its target type has something selectable.
    """

    selectable: frozenset[Coordinate] = frozenset()
    uses: frozenset[FieldUse] = frozenset()

    def may(self, coordinate: str, mode: UseMode) -> bool:
        """Whether this use exists in the subject's schema."""
        return FieldUse(Coordinate(coordinate), mode) in self.uses

    @property
    def digest(self) -> str:
        """Equal for subjects that share a schema. Cost: sorts; compute once and keep."""
        hashed = hashlib.sha256()
        for name in sorted(self.selectable):
            hashed.update(name.encode() + b"\n")
        for use in sorted(f"{u.coordinate} {u.mode} {u.function}" for u in self.uses):
            hashed.update(use.encode() + b"\n")
        return hashed.hexdigest()
