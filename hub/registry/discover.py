"""A suggested fragment from what introspection found in a source."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec

from connectors.spi import ForeignKey, ShapeColumn, ShapeTable, SourceShape
from hub.registry import naming
from hub.registry.suggest.detect import Suggestion, Suggestions, told_of
from hub.registry.yamltext import flow, text
from schema.compose import reference
from schema.compose.english import lower_first
from schema.compose.positions import parse
from schema.errors import HubError
from schema.model.names import SOURCE_NAME
from schema.model.scalar import TEXTUAL, ScalarKind

_WHOLE: frozenset[str] = frozenset({"Int", "BigInt"})
_NO_KEYS: frozenset[str] = frozenset({"Float", "JSON"})
_HEAD = """\
# Drafted from the source itself. Before it can be published:
#  1. say for each type (or field) how sensitive it is: `label: ...`;
#     a field without a label is not served, and a key needs one;
#  2. check `share:`: unconditional, conditional (with `conditions: [...]`),
#     or withheld (with `legal_basis: [...]`);
#  3. delete what is not to be shared at all.
# Comments tell what a field may hold, how sure that is (0 to 1) and why. They decide nothing.
"""
_LABELLED = """\
# Drafted from the source itself, with one label for everything: check each before publishing,
# and delete what is not to be shared at all.
"""


class _Column(msgspec.Struct, frozen=True, kw_only=True):
    found: ShapeColumn
    field: str
    kind: ScalarKind


class _Entity(msgspec.Struct, frozen=True, kw_only=True):
    """A table with its names settled; without keys it is only drafted as a comment."""

    table: ShapeTable
    name: str
    singular: str
    plural: str
    columns: Mapping[str, _Column]
    keys: tuple[tuple[str, ...], ...]
    """Keys as column names."""


class _Told(NamedTuple):
    suggested: Suggestions
    categories: Collection[str]


class _Relation(msgspec.Struct, frozen=True, kw_only=True):
    of: str
    name: str
    to: str
    many: bool
    match: tuple[tuple[str, str], ...]


def draft_fragment(
    shape: SourceShape,
    *,
    name: str,
    department: str,
    kind: str,
    connect: Mapping[str, Any],
    title: str | None = None,
    tier: str | None = None,
    region: str | None = None,
    level: str | None = None,
    suggested: Suggestions = MappingProxyType({}),
    categories: Collection[str] = (),
) -> str:
    """YAML text of a fragment that needs nothing but labels (nothing at all with `level`).

    `suggested`: what columns may hold, told beside them; `categories`: those of the packs in use.
    Raises: ``CONFIG_INVALID`` for a name that no source can have, or a secret in `connect`.
    """
    for noun, given in (("source", name), ("department", department), ("kind", kind)):
        if not SOURCE_NAME.match(given):
            raise HubError(
                "CONFIG_INVALID",
                f"a {noun} cannot be called so",
                hint="use small letters, digits and `-`, beginning with a letter, at most 63",
            )
    _refuse_secrets(connect)
    entities = _entities(shape)
    lines = [
        *(_HEAD if level is None else _LABELLED).splitlines(),
        "hub: 1",
        "source:",
        f"  name: {text(name)}",
        f"  department: {text(department)}",
        *(
            f"  {key}: {text(value)}"
            for key, value in (("title", title), ("tier", tier), ("region", region))
            if value is not None and value.strip()
        ),
        f"  kind: {text(kind)}",
        f"  connect: {flow(connect)}",
        *_details(entities),
        "types:",
    ]
    for entity in entities.values():
        lines += _type_lines(entity, level, _Told(suggested, categories))
    relations = list(_relations(entities))
    if relations:
        lines += ["relations:", *relations]
    return "\n".join(lines) + "\n"


def _refuse_secrets(connect: Mapping[str, Any]) -> None:
    tree = parse(flow(connect))
    found = next(reference.problems(tree), None) if tree is not None else None
    if found is not None:
        _, message, hint = found
        raise HubError("CONFIG_INVALID", f"{message} in `connect`", hint=hint)


def _entities(shape: SourceShape) -> dict[str, _Entity]:
    """Table name -> entity, in order of table names."""
    usable = (table for table in shape.tables if _writable(table.name))
    tables = sorted(usable, key=lambda table: table.name)
    kinds = _kinds(tables)
    entities: dict[str, _Entity] = {}
    types: set[str] = set()
    roots: set[str] = set()
    for number, table in enumerate(tables, 1):
        type_name = naming.type_name(table.name, number, types)
        types.add(type_name)
        one, several = naming.root_names(type_name, roots)
        roots |= {one, several, f"{several}Aggregate"}
        columns: dict[str, _Column] = {}
        fields: set[str] = set()
        for place, column in enumerate(table.columns, 1):
            if not _writable(column.name):
                continue
            field = naming.field_name(column.name, place, type_name, fields)
            fields.add(field)
            columns[column.name] = _Column(
                found=column, field=field, kind=kinds[table.name, column.name]
            )
        entities[table.name] = _Entity(
            table=table,
            name=type_name,
            singular=one,
            plural=several,
            columns=columns,
            keys=_keys(table, columns),
        )
    return entities


def _writable(name: str) -> bool:
    """Whether a fragment can hold the name: not blank, no lone half of a surrogate pair."""
    return bool(name.strip()) and not any("\ud800" <= char <= "\udfff" for char in name)


def _keys(table: ShapeTable, columns: Mapping[str, _Column]) -> tuple[tuple[str, ...], ...]:
    kept: list[tuple[str, ...]] = []
    for key in table.keys:
        good = key and all(
            column in columns and columns[column].kind not in _NO_KEYS for column in key
        )
        if good and frozenset(key) not in {frozenset(other) for other in kept}:
            kept.append(key)
    return tuple(kept)


def _kinds(tables: list[ShapeTable]) -> dict[tuple[str, str], ScalarKind]:
    """Each column's kind; whole numbers that refer to each other get the wider kind, because
    only values of one kind compare across tables."""
    kinds = {(table.name, column.name): column.kind for table in tables for column in table.columns}
    pairs = [
        ((table.name, ours), (key.to_table, theirs))
        for table in tables
        for key in table.foreign_keys
        for ours, theirs in zip(key.columns, key.to_columns, strict=False)
    ]
    widened = True
    while widened:
        widened = False
        for one, other in pairs:
            both = {kinds.get(one), kinds.get(other)}
            if both == _WHOLE:
                kinds[one] = kinds[other] = "BigInt"
                widened = True
    return kinds


def _details(entities: Mapping[str, _Entity]) -> Iterator[str]:
    told = {
        name: entity.table.detail
        for name, entity in entities.items()
        if entity.table.detail and not entity.table.elsewhere
    }
    if told:
        yield "  tables:"
        for name, detail in told.items():
            yield f"    {text(name)}: {flow(detail)}"


def _type_lines(entity: _Entity, level: str | None, told: _Told) -> Iterator[str]:
    if entity.table.elsewhere:
        return
    lines = list(_body(entity, level, told))
    if entity.keys:
        yield from lines
        return
    yield "  # The next type has no key in the source, so it is left out. If some of its fields"
    yield "  # identify a row, name them in `key` and delete the `#` signs."
    for line in lines:
        yield f"#{line}"


def _body(entity: _Entity, level: str | None, told: _Told) -> Iterator[str]:
    table = entity.table
    yield f"  {text(entity.name)}:"
    original = table.name.rpartition(".")[2]
    if naming.loses(original):
        yield f"    title: {text(original)}"
    if table.comment and table.comment.strip():
        yield f"    about: {text(_one_line(table.comment))}"
    if table.extends:
        yield "    extend: true  # another fragment declares the type; agree with it on the key"
    else:
        if entity.singular != lower_first(entity.name):
            yield f"    singular: {text(entity.singular)}"
        yield f"    plural: {text(entity.plural)}"
    keys = [[entity.columns[column].field for column in key] for key in entity.keys]
    if len(keys) > 1 and not table.extends:
        yield f"    keys: {flow(keys)}"
    else:
        yield f"    key: {flow(keys[0] if keys else [])}"
    rows = "" if table.rows is None else f"  # about {table.rows} rows"
    yield f"    from: {{table: {text(table.name)}}}{rows}"
    if level is None:
        yield "    # label: set the level of the fields below; one field may say its own"
    else:
        yield f"    label: {text(level)}"
    yield "    share: unconditional"
    yield "    fields:"
    for column in table.columns:
        held = entity.columns.get(column.name)
        if column.elsewhere:
            continue
        if held is None:
            yield "      # a column is left out: its name cannot be written"
        else:
            one = told.suggested.get((table.name, column.name))
            beside = "" if one is None else f"  # {told_of(one, told.categories)}"
            yield f"      {text(held.field)}: {flow(_field(held, one))}{beside}"


def _field(column: _Column, suggested: Suggestion | None) -> dict[str, Any]:
    said: dict[str, Any] = {}
    if column.found.name != column.field:
        said["column"] = column.found.name
    said["type"] = column.kind
    if naming.loses(column.found.name):
        said["title"] = column.found.name
    if column.found.comment and column.found.comment.strip():
        said["about"] = _one_line(column.found.comment)
    if suggested is not None and suggested.shown and suggested.fact.format is not None:
        said["format"] = suggested.fact.format
    if column.found.authoritative is not None:
        said["authoritative"] = column.found.authoritative
    return said


def _one_line(words: str) -> str:
    line = " ".join(words.split())
    return line if len(line) <= 500 else f"{line[:497]}..."


def _relations(entities: Mapping[str, _Entity]) -> Iterator[str]:
    taken = {
        entity.name: {column.field for column in entity.columns.values()}
        for entity in entities.values()
    }
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
            to = f'"[{relation.to}]"' if relation.many else text(relation.to)
            match = flow(dict(relation.match))
            yield f"  {relation.of}.{relation.name}: {{to: {to}, match: {match}}}"


def _why_not(entity: _Entity, key: ForeignKey, target: _Entity) -> str | None:
    if len(key.columns) != len(key.to_columns) or any(
        len(set(side)) < len(side) for side in (key.columns, key.to_columns)
    ):
        return "the foreign key is incomplete"
    for ours, theirs in zip(key.columns, key.to_columns, strict=True):
        if ours not in entity.columns or theirs not in target.columns:
            return "a column is missing"
        kinds = {entity.columns[ours].kind, target.columns[theirs].kind}
        if kinds & _NO_KEYS or (len(kinds) > 1 and not kinds <= TEXTUAL):
            return "the columns have types that do not compare"
    if not any(set(key.to_columns) >= set(one) for one in target.keys):
        return "it refers to columns that are no key"
    return None


def _pair(
    entity: _Entity,
    key: ForeignKey,
    target: _Entity,
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
