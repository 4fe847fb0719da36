"""A department's floor as it signs it: the labels, sharing and minimum rules of its own fields.

Rules and fragments may ask for more than a signed floor; whatever asks for less is told here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence

import msgspec

from hub.query.grown import at_most
from hub.rollout.floor_values import (
    ColumnFloor,
    FieldFloor,
    GroundFloor,
    LabelFloor,
    OwnerFloor,
    ReadFloor,
    RowFloor,
)
from hub.rollout.weighed import reweighed, weights_of, words_of
from policies.condition import leaves_of, terms_of
from policies.floor import floor_outcome
from policies.meet import NOTHING, meet_all
from policies.packs import Packs
from policies.residue import row_field
from policies.row_label import condition_of
from policies.ruling import Masked
from schema.errors import HubError
from schema.model.catalogue import Catalogue
from schema.model.entity import EntityType, Field, MetadataVisibility, RowLabel, Share
from schema.model.label import Label, LabelScheme
from schema.model.names import (
    Coordinate,
    DepartmentName,
    FieldName,
    SourceName,
    TypeName,
    coordinate,
)

Places = Mapping[tuple[str, str], str]
"""(source, coordinate) of a field -> where it is written."""
_GROUND = {
    "region": "its department's region", "kind": "its type", "format": "its format",
    "codes": "its code list", "keys": "the key of its type", "persons": "whom a row is about",
    "places": "where a row is placed",
}  # fmt: skip
_SHARES: tuple[Share, ...] = ("unconditional", "conditional", "withheld")
_SEEN: tuple[MetadataVisibility, ...] = ("public", "members", "hidden")


class Lowered(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is less than what was signed."""

    department: str
    at: str
    """A coordinate."""
    what: str


def floor_of(
    catalogue: Catalogue,
    department: str,
    *,
    serial: int = 0,
    made_at: int = 0,
    packs: Packs | None = None,
) -> OwnerFloor:
    """The floor of a department's fields as the catalogue has them; one to be signed holds what of
    the packs it is weighed by."""
    fields = {
        str(coordinate(name, field.name)): _field_floor(catalogue, entity, field)
        for name, entity in sorted(catalogue.types.items())
        for field in entity.fields.values()
        if field.owner == department
    }
    columns = {
        at: tuple(sorted(held))
        for at, held in _columns(catalogue, department).items()
        if not fields.keys().isdisjoint(held)
    }
    return OwnerFloor(
        department=department, serial=serial, made_at=made_at, fields=fields,
        weighed_by=msgspec.UNSET if packs is None else weights_of(fields.values(), packs),
        columns=tuple(
            ColumnFloor(
                source=source, place=_place(catalogue, source), table=table, column=column,
                fields=held,
            )
            for (source, table, column), held in sorted(columns.items())
        ),
    )  # fmt: skip


def lowered(floor: OwnerFloor, catalogue: Catalogue, packs: Packs) -> Iterator[Lowered]:
    """Everything in a catalogue that is less than a signed floor; what is not served is not less.

    Raises: `HubError` POLICY_INVALID for a floor with an outcome that is none.
    """
    others = set(reweighed(floor, packs))
    for at, held in floor.fields.items():
        for what in _below(held, at, floor.department, catalogue, packs):
            yield Lowered(department=floor.department, at=at, what=what)
        if catalogue.field(Coordinate(at)) is not None:
            # fails closed: the same words may stand for less by now
            for word in sorted(others & words_of(held)):
                told = f"the {word} of the rule packs is not the one it was signed by"
                yield Lowered(department=floor.department, at=at, what=told)
    # fails closed: also where the source is said to be another department's by now
    shown = _columns(catalogue, None)
    placed: dict[tuple[str, str, str], list[str]] = {}
    for (source, table, name), held_by in shown.items():
        placed.setdefault((_place(catalogue, source), table, name), []).extend(held_by)
    for column in floor.columns:
        now = [
            *shown.get((column.source, column.table, column.column), []),
            *placed.get((column.place, column.table, column.column), []),
        ]
        for at in sorted(set(now) - set(column.fields)):
            for name in column.fields:
                owned = floor.fields.get(name)
                if owned is None:
                    continue
                for what in _below(owned, at, floor.department, catalogue, packs, twin=True):
                    told = f"it shows what `{name}` shows, and {what}"
                    yield Lowered(department=floor.department, at=at, what=told)


def _place(catalogue: Catalogue, source: str) -> str:
    held = catalogue.sources[SourceName(source)]
    said = msgspec.json.encode([held.kind, held.connect], order="sorted")
    return hashlib.sha256(said).hexdigest()


def _columns(catalogue: Catalogue, department: str | None) -> dict[tuple[str, str, str], list[str]]:
    """Every column of a department's sources, or of all, -> the fields that show it."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for type_name, by_source in catalogue.bindings.items():
        for source, binding in by_source.items():
            if department not in (None, catalogue.sources[source].department):
                continue
            for name, bound in binding.columns.items():
                at = (str(source), binding.table, bound.column)
                found.setdefault(at, []).append(str(coordinate(type_name, name)))
    return found


def _field_floor(catalogue: Catalogue, entity: EntityType, field: Field) -> FieldFloor:
    levels = {pair for floor in field.floors for pair in floor.min_level}
    return FieldFloor(
        ground=_ground(catalogue, entity, field),
        label=_label_floor(field.label),
        share=field.share,
        conditions=tuple(sorted(field.conditions)),
        metadata=field.metadata,
        outcomes=tuple(sorted(o for one in field.floors if (o := one.outcome) is not None)),
        purposes=tuple(sorted(tuple(sorted(f.purposes)) for f in field.floors if f.purposes)),
        min_level=tuple(sorted(levels)),
        rows=_rows(catalogue, entity, field.name),
    )


def _ground(catalogue: Catalogue, entity: EntityType, field: Field) -> GroundFloor:
    placed = () if entity.region is None else (entity.region,)
    return GroundFloor(
        region=catalogue.sources[field.source].region,
        kind=field.kind,
        format=field.format,
        codes=field.codes,
        keys=tuple(tuple(key) for key in entity.keys),
        persons=_read_from(catalogue, entity, frozenset(entity.data_subject)),
        places=_read_from(catalogue, entity, frozenset(placed)),
    )


def _rows(catalogue: Catalogue, entity: EntityType, name: FieldName) -> tuple[RowFloor, ...]:
    return tuple(
        RowFloor(
            when=one.when,
            reads=_reads(catalogue, entity, one),
            label=_label_floor(one.label),
            existence=one.existence,
        )
        for one in entity.row_labels
        if name in one.fields
    )


def _reads(catalogue: Catalogue, entity: EntityType, label: RowLabel) -> tuple[ReadFloor, ...]:
    terms = [term for leaf in leaves_of(condition_of(label)) for term in terms_of(leaf)]
    fields = {field.name for term in terms if (field := row_field(entity, term)) is not None}
    return _read_from(catalogue, entity, fields)


def _read_from(
    catalogue: Catalogue, entity: EntityType, fields: Collection[FieldName]
) -> tuple[ReadFloor, ...]:
    binding = catalogue.bindings[entity.name][entity.anchor]
    return tuple(
        ReadFloor(
            field=name, source=entity.anchor, table=binding.table, column=bound.column,
            kind=bound.kind, values=tuple(sorted(bound.values.items())),
        )
        for name, bound in sorted(binding.columns.items())
        if name in fields
    )  # fmt: skip


def _label_floor(label: Label) -> LabelFloor:
    return LabelFloor(
        levels=label.levels,
        categories=tuple(sorted(label.categories)),
        compartments=tuple(sorted(label.compartments)),
    )


def _below(
    signed: FieldFloor,
    at: str,
    department: str,
    catalogue: Catalogue,
    packs: Packs,
    *,
    twin: bool = False,
) -> Iterator[str]:
    """In what way a field is less than what was signed; `twin`: of another that shows the same."""
    type_name, _, name = at.partition(".")
    entity = catalogue.types.get(TypeName(type_name))
    field = None if entity is None else entity.fields.get(FieldName(name))
    if entity is None or field is None:
        return
    if field.owner != DepartmentName(department):
        # whom a floor binds hangs on who the owner is
        yield f"its owner is `{field.owner}`"
    present, scheme = _field_floor(catalogue, entity, field), catalogue.scheme
    held, now = (msgspec.structs.asdict(one) for one in (signed.ground, present.ground))
    words = [told for name, told in _GROUND.items() if held[name] != now[name]]
    if words and not twin:
        yield f"{', '.join(words)} is another"
    elif held["region"] != now["region"]:
        yield f"{_GROUND['region']} is another"
    for what in _label_below(signed.label, present.label, scheme):
        yield f"its label {what}"
    if _SHARES.index(present.share) < _SHARES.index(signed.share):
        yield f"it is shared as `{present.share}`, not `{signed.share}`"
    elif present.share == signed.share and not set(signed.conditions) <= set(present.conditions):
        yield "a condition of its sharing is gone"
    if _SEEN.index(present.metadata) < _SEEN.index(signed.metadata):
        yield f"its metadata are `{present.metadata}`, not `{signed.metadata}`"
    for row in signed.rows:
        if not _row_kept(row, present, scheme):
            yield "some of its rows no longer carry the label on top that they did"
    yield from _rules_below(signed, present, at, packs)


def _label_below(signed: LabelFloor, present: LabelFloor, scheme: LabelScheme) -> Iterator[str]:
    now = dict(present.levels)
    for ladder_id, level in signed.levels:
        held = now.get(ladder_id)
        if not _reaches(held, level, ladder_id, scheme):
            yield f"is `{held or 'none'}` on `{ladder_id}`, not `{level}`"
    for noun, was, now_held in (
        ("category", signed.categories, present.categories),
        ("compartment", signed.compartments, present.compartments),
    ):
        for word in sorted(set(was) - set(now_held)):
            yield f"has lost the {noun} `{word}`"


def _reaches(held: str | None, level: str, ladder_id: str, scheme: LabelScheme) -> bool:
    ladder = scheme.ladder(ladder_id)
    if ladder is None or held not in ladder.levels or level not in ladder.levels:
        return False  # fails closed: what cannot be compared is less
    return ladder.rank(held) >= ladder.rank(level)


def _row_kept(signed: RowFloor, present: FieldFloor, scheme: LabelScheme) -> bool:
    if not signed.existence and not any(_label_below(signed.label, present.label, scheme)):
        return True  # all rows carry as much
    return any(
        one.when == signed.when
        and one.reads == signed.reads
        and one.existence >= signed.existence
        and not any(_label_below(signed.label, one.label, scheme))
        for one in present.rows
    )


def _rules_below(signed: FieldFloor, present: FieldFloor, at: str, packs: Packs) -> Iterator[str]:
    if signed.outcomes:
        most = meet_all([_outcome(one, at) for one in present.outcomes])
        if not all(at_most(most, _outcome(one, at)) for one in signed.outcomes):
            yield "its owner's least `outcome` is gone or shows more"
    for wanted in signed.purposes:
        if not any(_narrower(held, wanted, packs) for held in present.purposes):
            yield "its owner's least `purposes` are gone or wider"
    for ladder_id, level in signed.min_level:
        held = [one for ladder, one in present.min_level if ladder == ladder_id]
        if not any(_reaches(one, level, ladder_id, packs.scheme) for one in held):
            yield f"its owner's `min_level` on `{ladder_id}` is gone or below `{level}`"


def _outcome(text: str, at: str) -> Masked:
    outcome = floor_outcome(at, text)
    return outcome if isinstance(outcome, Masked) else NOTHING


def _narrower(held: Sequence[str], wanted: Sequence[str], packs: Packs) -> bool:
    return all(any(packs.within(one, above) for above in wanted) for one in held)


def check_kept(
    floors: Sequence[OwnerFloor], catalogue: Catalogue, packs: Packs, places: Places
) -> None:
    """Refuse a catalogue with less than what owners have signed.

    Raises: `HubError` FLOOR_LOWERED with the first such field.
    """
    found = [one for floor in floors for one in lowered(floor, catalogue, packs)]
    if not found:
        return
    first = found[0]
    field = catalogue.field(Coordinate(first.at))
    more = f", and {len(found) - 1} more" if len(found) > 1 else ""
    raise HubError(
        "FLOOR_LOWERED",
        f"`{first.at}` is below what `{first.department}` has signed: {first.what}{more}",
        where=None if field is None else places.get((field.source, first.at)),
        hint="put it back in the fragment, or let the department sign the lower floor: "
        "`hub policy floor sign --lower`",
    )
