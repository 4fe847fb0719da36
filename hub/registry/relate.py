"""Relations of a draft: from foreign keys, and, as comments, from what sampled values show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from connectors.spi import ForeignKey
from hub.registry import naming
from hub.registry.entities import NO_KEYS, Entity
from hub.registry.suggest.existing import Link
from hub.registry.suggest.overlap import Overlap
from hub.registry.yamltext import flow, text
from schema.compose.english import lower_first
from schema.model.scalar import TEXTUAL


class _Relation(msgspec.Struct, frozen=True, kw_only=True):
    of: str
    name: str
    to: str
    many: bool
    match: tuple[tuple[str, str], ...]


def relation_lines(
    entities: Mapping[str, Entity], overlapping: Sequence[Overlap], links: Sequence[Link] = ()
) -> Iterator[str]:
    """Both directions of every relation, a line each; to types that exist already, one."""
    taken = {
        entity.name: {column.field for column in entity.columns.values()}
        for entity in entities.values()
    }
    yield from _declared(entities, taken)
    yield from _overlapping(entities, overlapping, taken)
    yield from _linking(entities, links, taken)


def _declared(entities: Mapping[str, Entity], taken: Mapping[str, set[str]]) -> Iterator[str]:
    usable = [
        (entity, key)
        for entity in entities.values()
        for key in sorted(entity.table.foreign_keys, key=lambda key: (key.columns, key.to_table))
    ]
    done: set[tuple[str, ForeignKey]] = set()
    for entity, key in usable:
        target = entities.get(key.to_table)
        if target is None or not entity.keys or not target.keys or (entity.name, key) in done:
            continue
        done.add((entity.name, key))
        why_not = _why_not(entity, key, target)
        if why_not is not None:
            yield f"  # no relation from {entity.name} to {target.name}: {why_not}"
            continue
        siblings = [other for other in entity.table.foreign_keys if other.to_table == key.to_table]
        for relation in _pair(entity, key, target, taken, alone=len(siblings) == 1):
            taken[relation.of].add(relation.name)
            yield f"  {_written(relation)}"


def _overlapping(
    entities: Mapping[str, Entity], found: Sequence[Overlap], taken: Mapping[str, set[str]]
) -> Iterator[str]:
    """Each with the reason; the `#` signs are for a person to delete."""
    for one in found:
        entity, target = entities.get(one.table), entities.get(one.key.to_table)
        if entity is None or target is None or not entity.keys or not target.keys:
            continue
        if _why_not(entity, one.key, target) is not None:
            continue
        named = f"{entity.name}.{entity.columns[one.key.columns[0]].field}"
        yield f"  # not declared, but all {one.found} sampled values of {named} are keys there:"
        for relation in _pair(entity, one.key, target, taken, alone=True):
            taken[relation.of].add(relation.name)
            yield f"  # {_written(relation)}"


def _linking(
    entities: Mapping[str, Entity], links: Sequence[Link], taken: Mapping[str, set[str]]
) -> Iterator[str]:
    """From a table to a type of the catalogue in force; `#` signs as above."""
    for one in links:
        entity = entities[one.table]
        field = entity.columns[one.column].field
        base = naming.relation_base((one.column,), one.to)
        name = naming.forward_name(base, one.to, taken[entity.name])
        taken[entity.name].add(name)
        relation = _Relation(
            of=entity.name, name=name, to=one.to, many=False, match=((field, one.field),)
        )
        yield (
            f"  # {entity.name}.{field} may refer to {one.to}.{one.field}, which exists already:"
            f" {one.confidence:.2f}, {'; '.join(one.reasons)}"
        )
        yield f"  # {_written(relation)}"


def _written(relation: _Relation) -> str:
    to = f'"[{relation.to}]"' if relation.many else text(relation.to)
    return f"{relation.of}.{relation.name}: {{to: {to}, match: {flow(dict(relation.match))}}}"


def _why_not(entity: Entity, key: ForeignKey, target: Entity) -> str | None:
    if len(key.columns) != len(key.to_columns) or any(
        len(set(side)) < len(side) for side in (key.columns, key.to_columns)
    ):
        return "the foreign key is incomplete"
    for ours, theirs in zip(key.columns, key.to_columns, strict=True):
        if ours not in entity.columns or theirs not in target.columns:
            return "a column is missing"
        kinds = {entity.columns[ours].kind, target.columns[theirs].kind}
        if kinds & NO_KEYS or (len(kinds) > 1 and not kinds <= TEXTUAL):
            return "the columns have types that do not compare"
    if not any(set(key.to_columns) >= set(one) for one in target.keys):
        return "it refers to columns that are no key"
    return None


def _pair(
    entity: Entity,
    key: ForeignKey,
    target: Entity,
    taken: Mapping[str, set[str]],
    *,
    alone: bool,
) -> Iterator[_Relation]:
    pairs = tuple(
        (entity.columns[ours].field, target.columns[theirs].field)
        for ours, theirs in zip(key.columns, key.to_columns, strict=True)
    )
    base = naming.camel(naming.words_of(key.name)) if key.name is not None else ""
    base = base or naming.relation_base(key.columns, target.name)
    forward = naming.forward_name(base, target.name, taken[entity.name])
    yield _Relation(of=entity.name, name=forward, to=target.name, many=False, match=pairs)
    many = not any(set(key.columns) >= set(one) for one in entity.keys)
    back = naming.reverse_name(
        child=entity.name,
        base=base,
        many=many,
        own=entity.name == target.name,
        usual=alone or base == lower_first(target.name),
        taken=taken[target.name],
    )
    yield _Relation(
        of=target.name,
        name=back,
        to=entity.name,
        many=many,
        match=tuple((theirs, ours) for ours, theirs in pairs),
    )
