"""One run of a handle: requests, and their rows as one batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, assert_never

from connectors.graphql.document import UNSENDABLE, Argument, Field, argument, request, sent
from connectors.graphql.exchange import Exchange
from connectors.graphql.filters import Part, chunks, parts_of, spread_over
from connectors.graphql.schema import Served
from connectors.graphql.tables import Entity, GetField, ListField, ManyField, Through, path_of
from connectors.graphql.walk import Row, read_list, rows_of, value_at
from connectors.graphql.ways import Request, representation
from connectors.http.rows import bad, joined, of_keys, values_of
from connectors.kit.local import compile_predicate, key_turn, pick
from connectors.kit.together import together
from connectors.spi import Batch, Call, Column
from schema.model.predicate import both

Key = tuple[Any, ...]
Found = list[tuple[Key, Row]]
"""Rows with the key that they were asked for by."""
_ENTITIES = "_entities"


class Fetching:
    """Reads the rows of one call."""

    def __init__(self, exchange: Exchange, served: Served, handle: Request, call: Call) -> None:
        self._exchange = exchange
        self._served = served
        self._handle = handle
        self._call = call

    async def run(self) -> Batch:
        """All rows; raises `SourceError`."""
        handle = self._handle
        if not handle.keys:
            return await self._scan()
        turn = key_turn([key.kind for key in handle.keys])
        present = [key for key in self._call.keys if None not in key]
        wanted = list({turn(key): key for key in present}.values())
        by = handle.way.by
        if not wanted:
            return self._batch([])
        match by:
            case ListField():
                return await self._filtered(by, wanted)
            case ManyField():
                jobs = [self._many(by, some) for some in self._sendable_values(by, wanted)]
            case GetField():
                jobs = [self._got(by, some) for some in chunks(wanted, by.max)]
            case Entity():
                names = {key.name: key.name for key in handle.keys}
                jobs = [self._entities(by, names, some) for some in chunks(wanted, by.max)]
            case Through():
                jobs = [self._through(by, some) for some in chunks(wanted, by.max)]
            case _:
                assert_never(by)
        return joined(handle.columns, await together(jobs) or [self._batch([])])

    def _batch(self, rows: Sequence[Row], keys: Sequence[Key] = ()) -> Batch:
        """Canonical columns; what is given comes from the keys."""
        handle = self._handle
        places = {key.name: place for place, key in enumerate(handle.keys)}
        held = {}
        for column in handle.columns:
            if column.name in handle.given:
                held[column.name] = [key[places[column.name]] for key in keys]
            else:
                path = path_of(column.name)
                held[column.name] = values_of([value_at(row, path) for row in rows], column)
        return Batch(held, len(rows))

    def _verified(self, found: Found) -> Batch:
        """The rows that hold the key they were asked for by; another row is none of it."""
        handle = self._handle
        batch = self._batch([row for _, row in found], [key for key, _ in found])
        held = [(place, key) for place, key in enumerate(handle.keys)
                if key.name not in handle.given]  # fmt: skip
        turn = key_turn([key.kind for _, key in held])
        columns = [batch.columns[key.name] for _, key in held]
        kept = []
        for row, (asked, _) in enumerate(found):
            has = tuple(column[row] for column in columns)
            wanted = tuple(asked[place] for place, _ in held)
            if not held or (None not in has and turn(has) == turn(wanted)):
                kept.append(row)
        return batch if len(kept) == batch.rows else pick(batch, kept, batch.columns)

    def _of(self, batch: Batch, columns: Sequence[Column], keys: Sequence[Key]) -> Batch:
        turn = key_turn([column.kind for column in columns])
        return of_keys(batch, columns, frozenset(map(turn, keys)))

    # lists

    async def _scan(self) -> Batch:
        handle, call = self._handle, self._call
        listed = handle.way.by
        assert isinstance(listed, ListField)  # noqa: S101 - invariant: offered
        columns = {column.name: column for column in handle.columns}
        check = both(*(one.predicate for one in handle.sent))
        keep = None if check is None else compile_predicate(check)

        async def one(part: Part) -> Batch:
            batch = self._batch(await self._listed(listed, part.arguments))
            if part.column is not None:
                keys = [(value,) for value in part.values]
                batch = self._of(batch, (columns[part.column],), keys)
            if keep is None:
                return batch
            kept = keep(batch.columns, batch.rows, call.params)
            return pick(batch, [row for row, yes in enumerate(kept) if yes], batch.columns)

        parts = parts_of(handle.sent, listed, self._served, call)
        batches = await together([one(part) for part in parts])
        return joined(handle.columns, batches or [self._batch([])])

    async def _listed(self, listed: ListField, arguments: Sequence[Argument]) -> list[Row]:
        return await read_list(
            self._exchange, self._served, listed, self._handle.selection, arguments,
            self._call.deadline, self._handle.distinct,
        )  # fmt: skip

    async def _filtered(self, listed: ListField, wanted: Sequence[Key]) -> Batch:
        handle = self._handle
        if handle.way.kind == "list":
            batch = self._batch(await self._listed(listed, ()))
            return self._of(batch, handle.keys, wanted)
        (key,) = handle.keys
        known, values = listed.filters[key.name], [value for (value,) in wanted]
        parts = spread_over(self._served, listed, known, key.name, key.kind, values)

        async def one(part: Part) -> Batch:
            batch = self._batch(await self._listed(listed, part.arguments))
            return self._of(batch, handle.keys, [(value,) for value in part.values])

        if known.in_ is None and listed.paging.kind == "none":
            jobs = [self._aliased(listed, some) for some in chunks(parts, 50)]
        else:
            jobs = [one(part) for part in parts]
        return joined(handle.columns, await together(jobs) or [self._batch([])])

    async def _aliased(self, listed: ListField, parts: Sequence[Part]) -> Batch:
        """Lists that come whole, one for each key, in one request."""
        path = tuple(listed.field.split("."))
        fixed = [argument(self._served, path, n, value) for n, value in listed.args.items()]
        fields = [
            Field(path=path, arguments=(*fixed, *part.arguments), selection=self._handle.selection)
            for part in parts
        ]
        found: Found = []
        for number, held in enumerate(await self._ask(fields)):
            keys = parts[number].values
            found += [((keys[0],), row) for row in rows_of(held, listed.items, listed.row)]
        return self._verified(found)

    # keys

    async def _ask(self, fields: Sequence[Field]) -> list[Any]:
        """What each field gives, in order."""
        text, variables = request(fields)
        data = await self._exchange.ask(text, variables, self._call.deadline)
        return [
            value_at(data, (f"r{number}", *field.path[1:])) for number, field in enumerate(fields)
        ]

    def _sendable_values(self, many: ManyField, wanted: Sequence[Key]) -> Iterator[Sequence[Any]]:
        type_ = argument(self._served, tuple(many.field.split(".")), many.arg, None)
        of = self._served.argument(tuple(many.field.split(".")), many.arg)
        kind = self._handle.keys[0].kind
        pairs = [(key, sent(key[0], kind, of)) for key in wanted]
        held = [(key, Argument(type_.name, type_.type, told)) for key, told in pairs
                if told is not UNSENDABLE]  # fmt: skip
        yield from chunks(held, many.max)

    async def _many(self, many: ManyField, some: Sequence[tuple[Key, Argument]]) -> Batch:
        first = some[0][1]
        values = [told.value for _, told in some]
        field = Field(
            path=tuple(many.field.split(".")),
            arguments=(Argument(first.name, first.type, values),),
            selection=self._handle.selection,
        )
        (held,) = await self._ask([field])
        batch = self._batch(rows_of(held, many.items, many.row))
        return self._of(batch, self._handle.keys, [key for key, _ in some])

    async def _got(self, get: GetField, some: Sequence[Key]) -> Batch:
        path = tuple(get.field.split("."))
        places = {key.name: (place, key) for place, key in enumerate(self._handle.keys)}
        asked: list[Key] = []
        fields: list[Field] = []
        for key in some:
            arguments = []
            for name, column in get.args.items():
                place, of = places[column]
                type_ = self._served.argument(path, name)
                told = sent(key[place], of.kind, type_)
                arguments.append(Argument(name, str(type_), told))
            if all(one.value is not UNSENDABLE for one in arguments):
                asked.append(key)
                fields.append(
                    Field(path=path, arguments=tuple(arguments), selection=self._handle.selection)
                )
        if not fields:
            return self._batch([])
        rows = [None if row is None else _object(row) for row in await self._ask(fields)]
        return self._verified([(k, row) for k, row in zip(asked, rows, strict=True)
                               if row is not None])  # fmt: skip

    async def _represented(
        self, name: str, fields: dict[str, str], some: Sequence[Key]
    ) -> list[tuple[Key, Any]]:
        """(key, entity or null); `fields`: field of the entity -> key column."""
        places = {key.name: (place, key) for place, key in enumerate(self._handle.keys)}
        asked, told = [], []
        for key in some:
            held = {
                field: (key[places[column][0]], places[column][1])
                for field, column in fields.items()
            }
            made = representation(self._served, name, held)
            if made is not None:
                asked.append(key)
                told.append(made)
        if not told:
            return []
        field = Field(
            path=(_ENTITIES,),
            arguments=(Argument("representations", "[_Any!]!", told),),
            selection=self._handle.selection,
        )
        (entities,) = await self._ask([field])
        if not isinstance(entities, list) or len(entities) != len(told):
            raise bad("the source sent another number of entities than was asked for")
        return list(zip(asked, entities, strict=True))

    async def _entities(self, entity: Entity, fields: dict[str, str], some: Sequence[Key]) -> Batch:
        held = await self._represented(entity.type, fields, some)
        return self._verified([(key, _object(row)) for key, row in held if row])

    async def _through(self, through: Through, some: Sequence[Key]) -> Batch:
        found: Found = []
        for key, entity in await self._represented(through.type, dict(through.key), some):
            if entity:
                held = value_at(entity, (through.field,))
                found += [(key, row) for row in rows_of(held, through.items, through.row)]
        return self._verified(found)


def _object(row: Any) -> Row:
    if not isinstance(row, dict):
        raise bad("the source sent no object", "compare the fragment with its schema")
    return row
