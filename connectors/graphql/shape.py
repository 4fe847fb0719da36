"""Tables from a schema: what `hub source draft` writes for a GraphQL server or a subgraph."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import msgspec
from graphql import (
    GraphQLObjectType,
    get_named_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_required_argument,
)

from connectors.graphql.federation import FieldFacts, Key
from connectors.graphql.kinds import kind_of
from connectors.graphql.roots import (
    Roots,
    filters_of,
    get_of,
    is_whole,
    listed,
    many_of,
    paging_of,
)
from connectors.graphql.schema import Served
from connectors.graphql.tables import path_of
from connectors.graphql.ways import has_column
from connectors.spi import ForeignKey, ShapeColumn, ShapeTable, SourceShape
from schema.model.scalar import ScalarKind

MAX_DEPTH = 2
"""Objects in objects whose fields become columns."""
MAX_COLUMNS = 500
_KEYED: frozenset[ScalarKind] = frozenset({
    "ID", "String", "Int", "BigInt", "Decimal", "Boolean", "Date", "DateTime", "LocalDateTime",
    "Time",
})  # fmt: skip


class _Found(msgspec.Struct, frozen=True, kw_only=True):
    """A type with its columns, and what each column's leaf type is."""

    name: str
    type: GraphQLObjectType
    columns: tuple[ShapeColumn, ...]
    leaves: Mapping[str, Any]
    references: tuple[ForeignKey, ...]


def shape_of(served: Served) -> SourceShape:
    """A table for every type that can be read by itself."""
    return SourceShape(tables=tuple(_Shaper(served).tables()))


class _Shaper:
    def __init__(self, served: Served) -> None:
        self._served = served
        self._roots = Roots(served)
        types = served.schema.type_map.values()
        self._objects = {
            one.name: one
            for one in types
            if isinstance(one, GraphQLObjectType)
            and one is not served.query
            and not one.name.startswith("_")
            and not served.facts.of(one.name).inaccessible
        }
        self._keys = {name: list(self._own_keys(name)) for name in self._objects}
        self._stubs: set[str] = set()

    def tables(self) -> Iterator[ShapeTable]:
        """The tables, those of ``@requires``, those of other sources that references lead to."""
        found = {name: self._found(name) for name in self._objects if self._is_table(name)}
        details = {name: self._detail(one) for name, one in found.items()}
        found = {name: one for name, one in found.items() if details[name]}
        for name, one in found.items():
            yield self._table(one, details[name])
        for name, keys in self._keys.items():
            key = next((key.columns for key in keys if key.resolvable), None)
            if key is not None:
                yield from self._derived(name, key)
        led = {key.to_table for one in found.values() for key in one.references}
        led = {name for name in led if self._keys[name]}  # others nobody can have declared
        for name in sorted((led | self._stubs) - found.keys()):
            yield self._stub(name)

    # which types are tables

    def _own_keys(self, name: str) -> Iterator[Key]:
        """The keys of an entity, of the fields that a draft may name."""
        for key in self._served.facts.of(name).keys:
            leaves = [self._leaf(name, column) for column in key.columns]
            if all(leaf is not None and kind_of(leaf) in _KEYED for leaf in leaves):
                yield key

    def _leaf(self, name: str, column: str) -> Any:
        """The type of a column that may be seen; ``None`` if there is none."""
        start: Any = self._objects[name]
        if not has_column(start, column):
            return None
        held: Any = start
        for part in path_of(column):
            inner = get_named_type(held)
            if self._served.facts.of(inner.name).field(part).inaccessible:
                return None
            held = inner.fields[part].type
        return held if is_leaf_type(get_named_type(held)) else None

    def _is_table(self, name: str) -> bool:
        roots = any(map(is_whole, self._roots.lists.get(name, ()))) or name in self._roots.gets
        roots = roots or name in self._roots.lists
        if not self._keys[name]:
            return roots and bool(self._own(name))
        if not any(key.resolvable for key in self._keys[name]) and not roots:
            return False
        keyed = {path_of(column)[0] for key in self._keys[name] for column in key.columns}
        return roots or bool(set(self._own(name)) - keyed)

    def _own(self, name: str) -> list[str]:
        """The fields of a type that this source answers for and that are, or hold, columns."""
        return [
            field
            for field, held in self._objects[name].fields.items()
            if self._plain(name, field, held) and not self._said(name, field).requires
            and not (is_list_type(_bare(held.type)) and not is_leaf_type(get_named_type(held.type)))
            and not self._keys.get(get_named_type(held.type).name)
        ]  # fmt: skip

    def _said(self, name: str, field: str) -> FieldFacts:
        return self._served.facts.of(name).field(field)

    def _plain(self, name: str, field: str, held: Any) -> bool:
        said = self._said(name, field)
        hidden = said.external or said.inaccessible or said.contextual
        return not hidden and not any(map(is_required_argument, held.args.values()))

    # columns

    def _found(self, name: str) -> _Found:
        leaves: dict[str, Any] = {}
        references: list[ForeignKey] = []
        type_ = self._objects[name]
        columns = tuple(islice(self._columns(name, (), leaves, references), MAX_COLUMNS))
        keyed = [
            self._column(column, leaf, nullable=False)
            for key in self._keys[name]
            for column in key.columns
            if column not in leaves and (leaf := self._leaf(name, column)) is not None
        ]
        leaves |= {
            column: self._leaf(name, column) for key in self._keys[name] for column in key.columns
        }
        once = {column.name: column for column in (*keyed, *columns)}
        return _Found(
            name=name,
            type=type_,
            columns=tuple(once.values()),
            leaves=leaves,
            references=tuple(references),
        )

    def _columns(
        self, name: str, before: tuple[str, ...], leaves: dict[str, Any],
        references: list[ForeignKey],
    ) -> Iterator[ShapeColumn]:  # fmt: skip
        for field, held in self._objects[name].fields.items():
            if not self._plain(name, field, held) or self._said(name, field).requires:
                continue
            inner, path = get_named_type(held.type), (*before, field)
            if is_leaf_type(inner):
                at = _pointer(path)
                leaves[at] = held.type
                yield self._column(
                    at, held.type, nullable=bool(before) or not is_non_null_type(held.type),
                    comment=held.description, over=self._said(name, field).takes_over or None,
                )  # fmt: skip
            elif is_list_type(_bare(held.type)) or inner.name not in self._objects:
                continue
            elif inner.name in self._keys and self._reference_key(inner.name):
                yield from self._reference(inner.name, path, leaves, references)
            elif len(path) <= MAX_DEPTH:
                yield from self._columns(inner.name, path, leaves, references)

    def _reference_key(self, name: str) -> tuple[str, ...]:
        """The columns by which rows of a type are referred to."""
        keys = self._keys_of(name)
        return keys[0] if keys else ()

    def _keys_of(self, name: str) -> list[tuple[str, ...]]:
        """Of an entity its keys; else what a look-up takes, or its ``id``."""
        if self._served.facts.of(name).keys:
            return [key.columns for key in self._keys[name]]
        if name not in self._roots.types:
            return []
        fields = {
            field: held.type
            for field, held in self._objects[name].fields.items()
            if is_leaf_type(get_named_type(held.type)) and self._plain(name, field, held)
        }
        usable = {field: leaf for field, leaf in fields.items() if kind_of(leaf) in _KEYED}
        taken = [tuple(args.values()) for _, args in get_of(self._roots.gets.get(name, ()), usable)]
        many = many_of(self._roots.lists.get(name, ()), usable)
        taken += [(many["key"],)] if many is not None else []
        if not taken and "id" in usable and is_non_null_type(usable["id"]):
            taken = [("id",)]
        return list(dict.fromkeys(taken))

    def _reference(
        self, name: str, path: tuple[str, ...], leaves: dict[str, Any],
        references: list[ForeignKey],
    ) -> Iterator[ShapeColumn]:  # fmt: skip
        key = self._reference_key(name)
        columns = []
        for theirs in key:
            at = _pointer((*path, *path_of(theirs)))
            leaves[at] = self._leaf(name, theirs)
            columns.append(at)
            yield self._column(at, leaves[at], nullable=True)
        references.append(
            ForeignKey(columns=tuple(columns), to_table=name, to_columns=key, name="_".join(path))
        )

    @staticmethod
    def _column(
        name: str, leaf: Any, *, nullable: bool, comment: str | None = None,
        over: bool | None = None, elsewhere: bool = False,
    ) -> ShapeColumn:  # fmt: skip
        return ShapeColumn(
            name=name,
            kind=kind_of(leaf),
            nullable=nullable,
            native=str(leaf),
            comment=comment,
            authoritative=over,
            elsewhere=elsewhere,
        )

    # tables

    def _table(self, one: _Found, detail: Mapping[str, Any]) -> ShapeTable:
        facts = self._served.facts.of(one.name)
        required = [self._requires(one.name, field) for field in one.type.fields]
        missing = {column for held in required for column in held} - set(one.leaves)
        elsewhere = [
            self._column(column, leaf, nullable=True, elsewhere=True)
            for column in sorted(missing)
            if (leaf := self._leaf(one.name, column)) is not None
        ]
        return ShapeTable(
            name=one.name,
            columns=(*one.columns, *elsewhere),
            keys=tuple(key for key in self._keys_of(one.name) if set(key) <= set(one.leaves)),
            foreign_keys=one.references,
            comment=one.type.description,
            detail=detail,
            extends=bool(facts.keys) and self._extends(one.name),
        )

    def _requires(self, name: str, field: str) -> tuple[str, ...]:
        held = self._objects[name].fields[field]
        return self._said(name, field).requires if self._plain(name, field, held) else ()

    def _extends(self, name: str) -> bool:
        """Whether the type is most likely another subgraph's: nothing here gives rows of it."""
        facts = self._served.facts.of(name)
        if facts.extends or any(one.external for one in facts.fields.values()):
            return True
        if name in self._roots.types:
            return False
        return not any(
            is_list_type(_bare(held.type)) and get_named_type(held.type).name == name
            for one in self._objects.values()
            for held in one.fields.values()
        )

    def _detail(self, one: _Found) -> dict[str, Any]:
        made: dict[str, Any] = {}
        plain = {at: leaf for at, leaf in one.leaves.items() if kind_of(leaf) in _KEYED}
        lists = sorted(
            self._roots.lists.get(one.name, ()),
            key=lambda found: (
                not found.name.lower().removeprefix("all").startswith(one.name.lower()[:-1]),
                -len(filters_of(found, plain)),
                found.name,
            ),
        )
        whole = next(filter(is_whole, lists), None)
        if whole is not None:
            held: dict[str, Any] = {"field": whole.name}
            held |= {key: value for key, value in
                     (("items", whole.items), ("row", whole.row)) if value}  # fmt: skip
            paging, filters = paging_of(whole), filters_of(whole, plain)
            held |= {"paging": paging} if paging else {}
            held |= {"filters": filters} if filters else {}
            made["list"] = held
        keys = [list(key.columns) for key in self._keys[one.name] if key.resolvable]
        if keys:
            made["entity"] = {"type": one.name, "keys": keys}
        got = next(get_of(self._roots.gets.get(one.name, ()), plain), None)
        if got is not None and not keys:
            made["get"] = {"field": got[0], "args": got[1]}
        many = many_of(lists, plain)
        if many is not None and not keys:
            made["get_many"] = many
        through = list(self._through(one))
        if through:
            made["through"] = through
        return made

    def _through(self, one: _Found) -> Iterator[dict[str, Any]]:
        """Lists of these rows in entities that the rows refer to."""
        for reference in one.references:
            parent = self._objects[reference.to_table]
            ours = [key for key in self._keys[parent.name] if key.resolvable]
            if not any(key.columns == reference.to_columns for key in ours):
                continue
            fields = [
                name
                for name, held in parent.fields.items()
                if (found := listed(name, held)) is not None
                and found.of == one.name
                and not found.envelope
                and not held.args
                and self._plain(parent.name, name, held)
            ]
            if len(fields) == 1:
                pairs = zip(reference.to_columns, reference.columns, strict=True)
                yield {"type": parent.name, "key": dict(pairs), "field": fields[0]}

    def _derived(self, of: str, key: tuple[str, ...]) -> Iterator[ShapeTable]:
        """A table for each set of values that fields require from other sources."""
        fields = self._objects[of].fields
        groups: dict[tuple[str, ...], list[str]] = {}
        for name, held in fields.items():
            required = self._requires(of, name)
            if required and is_leaf_type(get_named_type(held.type)):
                groups.setdefault(required, []).append(name)
        for required, names in groups.items():
            extra = tuple(column for column in required if column not in key)
            whole = (*key, *extra)
            leaves = {column: self._leaf(of, column) for column in whole}
            if any(leaf is None for leaf in leaves.values()):
                continue
            self._stubs.add(of)
            given = [self._column(at, leaf, nullable=False) for at, leaf in leaves.items()]
            made = [
                self._column(name, fields[name].type, nullable=True,
                             comment=fields[name].description)
                for name in names
            ]  # fmt: skip
            yield ShapeTable(
                name=f"{of}{names[0][:1].upper()}{names[0][1:]}",
                columns=(*given, *made),
                keys=(whole,),
                foreign_keys=(ForeignKey(columns=whole, to_table=of, to_columns=whole),),
                detail={"entity": {"type": of, "keys": [list(key)], "requires": list(extra)}},
            )

    def _stub(self, name: str) -> ShapeTable:
        """A type of another source: its key, by which rows here refer to it, and what is needed."""
        key = self._reference_key(name)
        required = {c for field in self._objects[name].fields for c in self._requires(name, field)}
        columns = (*key, *sorted(required - set(key)))
        leaves = {at: self._leaf(name, at) for at in columns}
        return ShapeTable(
            name=name,
            columns=tuple(
                self._column(at, leaf, nullable=False)
                for at, leaf in leaves.items()
                if leaf is not None
            ),
            keys=(key,),
            elsewhere=True,
        )


def _bare(type_: Any) -> Any:
    return type_.of_type if is_non_null_type(type_) else type_


def _pointer(path: tuple[str, ...]) -> str:
    return path[0] if len(path) == 1 else f"/{'/'.join(path)}"
