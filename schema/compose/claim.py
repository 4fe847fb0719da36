"""What one source declares of a type or field, among others that declare it too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from schema.compose.part import FieldPart, Fragment, LabelPart, TypePart
from schema.compose.positions import Place
from schema.model.names import FieldName


class Claim(NamedTuple):
    """One source's declaration of one type."""

    fragment: Fragment
    part: TypePart

    def where(self, at: Place | None = None) -> str:
        """Where the declaration (or a part of it) stands."""
        return self.fragment.where(at or self.part.at)

    @property
    def who(self) -> str:
        """Source and department, for messages."""
        return f"`{self.fragment.source.name}` of `{self.fragment.source.department}`"


class FieldClaim(NamedTuple):
    """One source's declaration of one field."""

    claim: Claim
    field: FieldPart

    @property
    def label(self) -> LabelPart | None:
        """The label as written for the field, or else for its type."""
        return self.field.label or self.claim.part.label


def conflict_problems(
    anchor: TypePart, name: FieldName, chosen: FieldClaim, given: Sequence[FieldClaim]
) -> Iterator[tuple[str, str, FieldClaim]]:
    """What is wrong with how a field's sources are compared: (message, mend, whose)."""
    for other in given:
        if other is not chosen and other.field.on_conflict is not None:
            hint = "only the authoritative source says it; delete it here"
            yield "is compared by a source that stands in", hint, other
    said = chosen.field.on_conflict
    if said is None:
        return
    if chosen.field.kind == "JSON" or name in anchor.keys[0]:
        what = "is a key, which is the same everywhere" if name in anchor.keys[0] else "is JSON"
        yield f"cannot be compared: it {what}", "delete `on_conflict`", chosen
        return
    others = [one for one in given if one is not chosen and one.field.authoritative is False]
    if not others:
        hint = "let another source give it with `authoritative: false`, or delete `on_conflict`"
        yield "is compared with no other source", hint, chosen
    if said != "latest":
        return
    settled = {*(part for key in anchor.keys for part in key), *anchor.data_subject}
    if name in settled or name == anchor.region:
        hint = "write `on_conflict: authoritative`"
        yield "tells rows, persons or regions apart and cannot be the latest value", hint, chosen
    for one in (chosen, *others):
        if one.claim.part.changed is None:
            hint = "add `changed: COLUMN` to the type: when a row was changed last, a DateTime"
            yield "is the latest value, but the source does not say when rows change", hint, one
