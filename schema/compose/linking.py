"""Relations between entity types: every end must exist and compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from schema.compose.claim import Claim
from schema.compose.part import Fragment, RelationPart
from schema.compose.report import Report, did_you_mean
from schema.errors import HubError
from schema.model.entity import EntityType, Field, Relation
from schema.model.names import FieldName, TypeName
from schema.model.scalar import TEXTUAL, ScalarKind

_NOT_COMPARABLE = frozenset({"Float", "JSON"})


class Linker:
    """Adds the declared relations to merged types."""

    def __init__(
        self,
        fragments: Sequence[Fragment],
        entities: Mapping[TypeName, EntityType],
        claims: Mapping[TypeName, Sequence[Claim]],
        report: Report,
        notes: list[HubError],
    ) -> None:
        self.fragments = fragments
        self.entities = entities
        self.claims = claims
        self.report = report
        self.notes = notes

    def link(self) -> dict[TypeName, EntityType]:
        """The types with their relations; problems are in the report."""
        relations: dict[TypeName, dict[FieldName, Relation]] = {name: {} for name in self.entities}
        first: dict[tuple[TypeName, FieldName], tuple[Fragment, RelationPart]] = {}
        for fragment in self.fragments:
            for part in fragment.relations:
                held, held_part = first.setdefault((part.of, part.name), (fragment, part))
                if held_part is part:
                    found = self._relation(fragment, part)
                    if found is not None:
                        relations[part.of][part.name] = found
                    continue
                self._wrong(
                    fragment,
                    part,
                    f"the relation `{part.of}.{part.name}` is declared by "
                    f"`{held.source.department}` and by `{fragment.source.department}`",
                    f"delete or rename one; the other stands at {held.where(held_part.at)}",
                )
        return {
            name: msgspec.structs.replace(entity, relations=relations[name])
            for name, entity in self.entities.items()
        }

    def _relation(self, fragment: Fragment, part: RelationPart) -> Relation | None:
        what = f"relation `{part.of}.{part.name}`"
        for name, says in ((part.of, "starts at"), (part.to, "leads to")):
            if name not in self.claims:
                message = f"{what} {says} the type `{name}`, which nobody declares"
                self._wrong(fragment, part, message, did_you_mean(name, self.claims))
        if part.of not in self.entities or part.to not in self.entities:
            return None
        if self._declares(part.of, part.name):
            self._wrong(fragment, part, f"{what} has the name of a field", "rename the relation")
            return None
        matches = [self._matches(fragment, part, what, pair) for pair in part.match]
        if not all(matches) or not self._arrives(fragment, part, what):
            return None
        return Relation(
            name=part.name,
            of=part.of,
            to=part.to,
            many=part.many,
            match=part.match,
            as_list=part.as_list,
            owner=fragment.source.department,
            about=part.about,
            title=part.title,
        )

    def _matches(
        self,
        fragment: Fragment,
        part: RelationPart,
        what: str,
        pair: tuple[FieldName, FieldName],
    ) -> bool:
        ours = self._end(fragment, part, what, part.of, pair[0])
        theirs = self._end(fragment, part, what, part.to, pair[1])
        if ours is None or theirs is None:
            return False
        if _comparable(ours.kind, theirs.kind):
            return True
        self._wrong(
            fragment,
            part,
            f"{what} matches `{part.of}.{ours.name}` of type `{ours.kind}` with "
            f"`{part.to}.{theirs.name}` of type `{theirs.kind}`",
            "give both fields the same `type`, neither `Float` nor `JSON`",
        )
        return False

    def _end(
        self,
        fragment: Fragment,
        part: RelationPart,
        what: str,
        type_name: TypeName,
        name: FieldName,
    ) -> Field | None:
        field = self.entities[type_name].fields.get(name)
        if field is None and not self._declares(type_name, name):
            hint = did_you_mean(name, self.entities[type_name].fields)
            message = f"{what} matches `{type_name}.{name}`, which is not a field"
            self._wrong(fragment, part, message, hint)
        elif field is None:
            self.notes.append(
                HubError(
                    "FIELD_NOT_SERVED",
                    f"{what} is left out, because `{type_name}.{name}` is not served",
                    where=fragment.where(part.at),
                    hint="add `label: ...` to that field",
                )
            )
        return field

    def _arrives(self, fragment: Fragment, part: RelationPart, what: str) -> bool:
        """Whether a relation to one matches a whole key of its target."""
        keys = self.entities[part.to].keys
        matched = {theirs for _, theirs in part.match}
        if part.many or any(matched.issuperset(key) for key in keys):
            return True
        written = " or ".join(f"`[{', '.join(key)}]`" for key in keys)
        self._wrong(
            fragment,
            part,
            f"{what} is to one, but several `{part.to}` may match",
            f'write `to: "[{part.to}]"`, or match a whole key of `{part.to}`: {written}',
        )
        return False

    def _declares(self, type_name: TypeName, field: str) -> bool:
        """Whether a fragment names the field, served or not."""
        return any(field in claim.part.fields for claim in self.claims[type_name])

    def _wrong(self, fragment: Fragment, part: RelationPart, message: str, hint: str) -> None:
        self.report.add(fragment.path, part.at, message, hint)


def _comparable(one: ScalarKind, other: ScalarKind) -> bool:
    """Whether equal values have equal canonical forms."""
    if one in _NOT_COMPARABLE or other in _NOT_COMPARABLE:
        return False
    return one == other or {one, other} <= TEXTUAL
