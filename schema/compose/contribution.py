"""One entity type out of the declarations of several sources: fields, owners, bindings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from schema.compose.claim import Claim, FieldClaim, conflict_problems
from schema.compose.english import lower_first
from schema.compose.english import plural as plural_of
from schema.compose.floor import floor_name
from schema.compose.labelling import Labeller
from schema.compose.norming import Norms
from schema.compose.positions import Place, shown
from schema.compose.report import Report, did_you_mean
from schema.compose.row_label import row_label_name
from schema.errors import HubError
from schema.model.binding import ColumnBinding, TypeBinding
from schema.model.entity import EntityType, Field, Floor, OnConflict, RowLabel
from schema.model.names import DepartmentName, FieldName, SourceName
from schema.model.norm import is_single


class Merged(NamedTuple):
    """A type without its relations, and how each source serves it."""

    entity: EntityType
    bindings: dict[SourceName, TypeBinding]


class Contribution:
    """Merges the declarations of one type; `claims[0]` is the declaring one."""

    def __init__(
        self,
        claims: Sequence[Claim],
        labeller: Labeller,
        report: Report,
        notes: list[HubError],
        norms: Norms,
    ) -> None:
        self.claims = claims
        self.norms = norms
        self.anchor = claims[0]
        self.name = self.anchor.part.name
        self.primary = self.anchor.part.keys[0]
        self.labeller = labeller
        self.report = report
        self.notes = notes
        self.columns: dict[SourceName, dict[FieldName, ColumnBinding]] = {
            claim.fragment.source.name: {} for claim in claims
        }

    def merge(self) -> Merged:
        """The type as far as it can be made; problems are in the report."""
        for claim in self.claims[1:]:
            self._check_key(claim)
        fields: dict[FieldName, Field] = {}
        for name, given in self._by_field().items():
            field = self._field(name, given)
            if field is not None:
                fields[name] = field
        part = self.anchor.part
        if part.region is not None and part.region in part.fields and part.region not in fields:
            self._wrong(
                self.anchor,
                part.fields[part.region].at,
                f"region field `{self.name}.{part.region}` has no label",
                "add `label: ...`; rows are placed in the region tree by it",
            )
        singular = part.singular or FieldName(lower_first(self.name))
        entity = EntityType(
            name=self.name,
            plural=part.plural or _default_plural(singular),
            singular=singular,
            keys=part.keys,
            fields=fields,
            relations={},
            owner=self.anchor.fragment.source.department,
            anchor=self.anchor.fragment.source.name,
            region=part.region,
            data_subject=self._data_subject(part.data_subject, fields),
            row_labels=self._row_labels(fields),
            about=part.about,
            title=part.title,
        )
        return Merged(entity, self._bindings())

    def _data_subject(
        self, names: Sequence[FieldName], fields: Mapping[FieldName, Field]
    ) -> tuple[FieldName, ...]:
        """The fields that persons are counted by, all of them served where the rows are."""
        anchor = self.anchor.fragment.source.name
        for name in names:
            field = fields.get(name)
            if name in self.primary or name not in self.anchor.part.fields:
                continue
            if field is None or field.source != anchor:
                self._wrong(
                    self.anchor,
                    self.anchor.part.fields[name].at,
                    f"data subject field `{self.name}.{name}` is not answered for by "
                    f"{self.anchor.who}",
                    "name fields with a label, for which the declaring source is authoritative",
                )
        return tuple(names)

    def _row_labels(self, fields: Mapping[FieldName, Field]) -> tuple[RowLabel, ...]:
        """The labels of some rows, those of other departments' fields of the rows included."""
        found = []
        for number, part in enumerate(self.anchor.part.by_row, 1):
            for name in part.fields:
                if name not in fields:
                    hint = did_you_mean(name, fields)
                    message = f"type `{self.name}` serves no field `{shown(name)}`"
                    self._wrong(self.anchor, part.at, message, hint)
            label = self.labeller.label(self.anchor.fragment, part.label)
            if label is not None:
                found.append(
                    RowLabel(
                        name=row_label_name(self.name, number),
                        when=part.when,
                        label=label,
                        fields=frozenset(part.fields or fields),
                        existence=part.existence,
                    )
                )
        return tuple(found)

    def _bindings(self) -> dict[SourceName, TypeBinding]:
        return {
            (source := claim.fragment.source).name: TypeBinding(
                type=self.name,
                source=source.name,
                table=claim.part.table,
                columns=self.columns[source.name],
                pass_through=source.pass_through,
                changed=claim.part.changed,
            )
            for claim in self.claims
        }

    def _by_field(self) -> dict[FieldName, list[FieldClaim]]:
        given: dict[FieldName, list[FieldClaim]] = {}
        for claim in self.claims:
            for name, field in claim.part.fields.items():
                given.setdefault(name, []).append(FieldClaim(claim, field))
        return given

    def _check_key(self, claim: Claim) -> None:
        part = claim.part
        if len(part.keys) == 1 and frozenset(part.keys[0]) == frozenset(self.primary):
            return
        self._wrong(
            claim,
            part.keys_at,
            f"{claim.who} extends `{self.name}` by another key than {self.anchor.who} declares",
            f"write `key: [{', '.join(self.primary)}]` and give its columns; "
            f"declared at {self.anchor.where(self.anchor.part.keys_at)}",
        )

    def _field(self, name: FieldName, given: list[FieldClaim]) -> Field | None:
        chosen = given[0] if name in self.primary else self._authoritative(name, given)
        if chosen is None:
            return None
        if chosen.field.kind is None:
            first = chosen.claim
            hint = "add `type: String`, or another type"
            message = f"field `{self.name}.{name}` has no type"
            self._wrong(first, chosen.field.at, message, hint)
            return None
        if chosen.label is None:
            self._unlabelled(name, chosen)
            return None
        label = self.labeller.label(chosen.claim.fragment, chosen.label)
        if label is None or chosen.field.share is None:
            return None
        self.norms.field(chosen.claim.fragment, chosen.field)
        for other in given:
            if other is not chosen:
                self._no_floor(name, chosen, other)
            if other is not chosen and self._serves(name, chosen, other):
                self._bind(name, chosen, other)
        self._bind(name, chosen, chosen)
        source = chosen.claim.fragment.source
        part = chosen.field
        return Field(
            name=name,
            kind=chosen.field.kind,
            label=label,
            share=chosen.field.share,
            owner=self._owner(name, chosen),
            source=source.name,
            about=part.about,
            title=part.title,
            conditions=part.conditions,
            legal_basis=part.legal_basis,
            format=part.format,
            codes=part.codes,
            unit=part.unit,
            on_conflict=self._on_conflict(name, chosen, given),
            deprecated=part.deprecated,
            metadata=part.metadata,
            floors=self._floors(name, chosen),
        )

    def _owner(self, name: FieldName, chosen: FieldClaim) -> DepartmentName:
        """A department answers for what its own system gives; behind a hub there are several."""
        source, said = chosen.claim.fragment.source, chosen.field.owner
        if said is not None and source.kind != "hub":
            self._wrong(
                chosen.claim,
                chosen.field.at,
                f"field `{self.name}.{name}` names an owner, but no other hub gives it",
                "delete `owner`: the department of the source answers for its fields",
            )
        return said or source.department

    def _on_conflict(
        self, name: FieldName, chosen: FieldClaim, given: list[FieldClaim]
    ) -> OnConflict | None:
        """How the owner settles what its source and those that stand in differ in."""
        said = chosen.field.on_conflict
        for problem, hint, claim in conflict_problems(self.anchor.part, name, chosen, given):
            self._wrong(claim.claim, claim.field.at, f"field `{self.name}.{name}` {problem}", hint)
        return said

    def _floors(self, name: FieldName, chosen: FieldClaim) -> tuple[Floor, ...]:
        fragment = chosen.claim.fragment
        found = []
        for field, part in ((None, chosen.claim.part.floor), (name, chosen.field.floor)):
            if part is not None:
                named = floor_name(fragment.source.name, self.name, field)
                found.append(self.labeller.floor(fragment, part, named))
        return tuple(floor for floor in found if floor is not None)

    def _no_floor(self, name: FieldName, chosen: FieldClaim, other: FieldClaim) -> None:
        """A department signs for its own fields only."""
        if other.field.floor is not None:
            self._wrong(
                other.claim,
                other.field.floor.at,
                f"field `{self.name}.{name}` comes from {chosen.claim.who}; {other.claim.who} "
                "cannot write a floor for it",
                "delete the floor, or ask the other department for it",
            )

    def _authoritative(self, name: FieldName, given: list[FieldClaim]) -> FieldClaim | None:
        if len(given) == 1:
            only = given[0]
            if only.field.authoritative is False:
                self._wrong(
                    only.claim,
                    only.field.at,
                    f"field `{self.name}.{name}` stands in for another source, but none gives it",
                    "delete `authoritative: false`",
                )
                return None
            return only
        winners = [claim for claim in given if claim.field.authoritative]
        if len(winners) == 1:
            return winners[0]
        first, *rest = winners or given
        for other in rest:
            self._wrong(
                other.claim,
                other.field.at,
                f"field `{self.name}.{name}` is given by {first.claim.who} and by "
                f"{other.claim.who}",
                f"the other stands at {first.claim.where(first.field.at)}; agree which one is "
                "`authoritative: true`, and write `authoritative: false` or delete the other",
            )
        return None

    def _serves(self, name: FieldName, chosen: FieldClaim, other: FieldClaim) -> bool:
        """Whether the other source's column may serve the field too."""
        if name not in self.primary and other.field.authoritative is not False:
            self.notes.append(
                HubError(
                    "FIELD_NOT_SERVED",
                    f"field `{self.name}.{name}` comes from {chosen.claim.who}; the column of "
                    f"{other.claim.who} is not used",
                    where=other.claim.where(other.field.at),
                    hint="write `authoritative: false` to let it stand in, or delete it",
                )
            )
            return False
        return self._agree(name, chosen, other)

    def _agree(self, name: FieldName, chosen: FieldClaim, other: FieldClaim) -> bool:
        differs = None
        if other.field.kind not in (None, chosen.field.kind):
            differs = "type"
        elif other.field.share not in (None, chosen.field.share):
            differs = "share attribute"
        elif other.field.label is not None and chosen.label is not None:
            ours = self.labeller.label(chosen.claim.fragment, chosen.label)
            theirs = self.labeller.label(other.claim.fragment, other.field.label)
            if None not in (ours, theirs) and ours != theirs:
                differs = "label"
        for noun in ("format", "codes", "unit"):
            ours_said, theirs_said = getattr(chosen.field, noun), getattr(other.field, noun)
            if differs is None and theirs_said is not None and theirs_said != ours_said:
                differs = noun
        if differs is None:
            return True
        self._wrong(
            other.claim,
            other.field.at,
            f"{other.claim.who} and {chosen.claim.who} differ in the {differs} of "
            f"`{self.name}.{name}`",
            f"write the same as at {chosen.claim.where(chosen.field.at)}, or leave it out here",
        )
        return False

    def _bind(self, name: FieldName, chosen: FieldClaim, serving: FieldClaim) -> None:
        kind, fragment = chosen.field.kind, serving.claim.fragment
        if kind is not None:
            way = self.norms.way(fragment, serving.field, chosen.field, kind)
            for other in self.columns[fragment.source.name].values():
                alike = other.convert == way.convert
                if other.column == serving.field.column and not alike:
                    hint = "give them different columns, or convert both alike"
                    message = f"column `{other.column}` is converted in two ways"
                    self._wrong(serving.claim, serving.field.at, message, hint)
            if way.convert is not None and name in self.primary and not is_single(way.convert):
                hint = "a key is converted only where nothing is rounded"
                self._wrong(serving.claim, serving.field.at, f"key `{name}` is rounded", hint)
            self.columns[fragment.source.name][name] = ColumnBinding(
                column=serving.field.column, kind=kind, values=way.values,
                convert=way.convert, divided=way.divided,
            )  # fmt: skip

    def _unlabelled(self, name: FieldName, chosen: FieldClaim) -> None:
        claim, field = chosen
        hint = "add `label: ...` to the field or its type"
        if any(name in key for key in self.anchor.part.keys):
            message = f"key field `{self.name}.{name}` has no label"
            self._wrong(claim, field.at, message, hint)
            return
        self.notes.append(
            HubError(
                "FIELD_NOT_SERVED",
                f"field `{self.name}.{name}` has no label and is not served",
                where=claim.where(field.at),
                hint=hint,
            )
        )

    def _wrong(self, claim: Claim, at: Place, message: str, hint: str) -> None:
        self.report.add(claim.fragment.path, at, message, hint)


def _default_plural(singular: FieldName) -> FieldName:
    found = plural_of(singular)
    return FieldName(found if found != singular else f"{singular}List")
