"""Nodes and relations, compiled: mask, join and write the rows of one entity type."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from msgspec import Raw

from connectors.kit.together import together
from connectors.spi import DOCUMENT, Batch, rows_column
from hub.query.combine import (
    Columns,
    distinct_keys,
    first_by_key,
    key_column,
    mask_column,
    rows_by_key,
    take,
)
from hub.query.contest import settled
from hub.query.emit import Page, compile_writer, page_flags, varying, write_connection
from hub.query.run import Run, World, partial
from hub.query.shared import is_shared
from hub.query.steps import Extend, Link, Node, PagePlan
from schema.errors import HubError
from schema.model.names import TypeName


class Writes(Protocol):
    """A node compiled."""

    async def objects(self, batch: Batch, run: Run) -> list[list[Any]]:
        """Every writer's objects, one per row of the batch."""
        ...


def node_runner(node: Node, world: World) -> Writes:
    """A node compiled: written here, or passed through."""
    return NodeRunner(node, world) if node.document is None else PassedRunner(node)


class PassedRunner:
    """A node whose rows come as JSON text, spliced in undecoded."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.counted = [(kind, rows_column(path)) for kind, path in _below(node, ())]

    async def objects(self, batch: Batch, run: Run) -> list[list[Any]]:
        """The texts; rows are counted by type as if they had come apart."""
        counted = run.rows
        counted[self.node.type] = counted.get(self.node.type, 0) + batch.rows
        for kind, name in self.counted:
            counted[kind] = counted.get(kind, 0) + sum(batch.columns[name])
        return [list(map(Raw, batch.columns[DOCUMENT]))]


def _below(node: Node, path: tuple[str, ...]) -> list[tuple[TypeName, tuple[str, ...]]]:
    found = []
    for link in node.links:
        assert link.nested is not None  # noqa: S101 - invariant: of a document
        here = (*path, link.nested)
        found += [(link.node.type, here), *_below(link.node, here)]
    return found


class NodeRunner:
    """A node compiled: masks, writers and relations ready to run."""

    def __init__(self, node: Node, world: World) -> None:
        self.node = node
        self.masks = [mask_column(output, world.masks, world.keys) for output in node.outputs]
        self.shared = node.shared
        self.writers = [(compile_writer(w), varying(w)) for w in node.writers]
        self.links = [LinkRunner(link, world) for link in node.links]
        self.needs_ids = bool(node.key)
        self.checked = [output for output in node.outputs if output.check is not None]

    async def objects(self, batch: Batch, run: Run) -> list[list[Any]]:
        """Every writer's objects, one per row of the batch."""
        node, rows = self.node, batch.rows
        counted = run.rows
        counted[node.type] = counted.get(node.type, 0) + rows
        columns: Columns = batch.columns
        if node.extends:
            columns = await self._extended(batch, run)
        if node.contests:
            columns = await settled(node.contests, columns, run)
        for output in self.checked:
            run.look(output, columns)
        if run.tally is not None and node.persons:
            run.tally.add(node.type, [columns[name] for name in node.persons])
        linked: Sequence[Sequence[Any]] = ()
        if self.links:
            linked = await together([link.values(batch, columns, run) for link in self.links])
        shown = [mask(columns, rows, run.params) for mask in self.masks]
        if self.shared and not all(is_shared(one, shown, rows) for one in self.shared):
            run.singled = True
        ids: Sequence[str] = self._ids(columns, run) if self.needs_ids else ()
        written = []
        for write, slots in self.writers:
            held = [
                shown[s.index]
                if s.what == "output"
                else linked[s.index]
                if s.what == "link"
                else ids
                for s in slots
            ]
            written.append(write(rows, held))
        return written

    def _ids(self, columns: Columns, run: Run) -> list[str]:
        seal, subject, type_name = run.world.seal, run.subject.id, self.node.type
        keys = zip(*(columns[name] for name, _ in self.node.key), strict=True)
        return [seal.node_id(subject, type_name, key) for key in keys]

    async def _extended(self, batch: Batch, run: Run) -> Columns:
        columns = dict(batch.columns)
        for extra in await together([_extend(extend, batch, run) for extend in self.node.extends]):
            columns.update(extra)
        return columns


async def _extend(extend: Extend, batch: Batch, run: Run) -> dict[str, Sequence[Any]]:
    single = len(extend.on) == 1
    ours = key_column(batch.columns, [here for here, _ in extend.on])
    try:
        found = await run.by_key(extend.fetch, distinct_keys(ours, single))
    except HubError as error:
        partial(error)
        for path in extend.paths:
            run.failed(error, path, extend.fetch.department)
        return {address: [None] * batch.rows for _, address in extend.columns}
    theirs = key_column(found.columns, [there for _, there in extend.on])
    added: dict[str, Sequence[Any]] = {}
    for column, address in extend.columns:
        by_key = first_by_key(theirs, found.columns[column])
        added[address] = list(map(by_key.get, ours))
    return added


class LinkRunner:
    """A relation compiled."""

    def __init__(self, link: Link, world: World) -> None:
        self.link = link
        self.child = node_runner(link.node, world)
        self.ours = [here for here, _ in link.on]
        self.theirs = [there for _, there in link.on]
        self.writes_rows = link.form != "connection" or any(
            part.what in ("nodes", "edges", "pageInfo") for part in link.parts
        )

    async def values(self, batch: Batch, columns: Columns, run: Run) -> Sequence[Any]:
        """One value per parent row; null everywhere when the source fails."""
        link = self.link
        try:
            if link.form == "one":
                return await self._one(batch, columns, run)
            return await self._many(batch, columns, run)
        except HubError as error:
            partial(error)
            department = link.fetch.department if link.fetch is not None else None
            run.failed(error, link.path, department)
            return [None] * batch.rows

    async def _one(self, batch: Batch, columns: Columns, run: Run) -> Sequence[Any]:
        link = self.link
        if link.nested is not None:
            held = batch.nested[link.nested]
            objects = (await self.child.objects(held.batch, run))[0]
            starts, ends = held.offsets[:-1], held.offsets[1:]
            return [
                objects[start] if end > start else None
                for start, end in zip(starts, ends, strict=True)
            ]
        assert link.fetch is not None  # noqa: S101 - invariant: nested or fetched
        ours = key_column(columns, self.ours)
        found = await run.by_key(link.fetch, distinct_keys(ours, len(self.ours) == 1))
        objects = (await self.child.objects(found, run))[0]
        by_key = first_by_key(key_column(found.columns, self.theirs), objects)
        return list(map(by_key.get, ours))

    async def _many(self, batch: Batch, columns: Columns, run: Run) -> Sequence[Any]:
        link = self.link
        ours = key_column(columns, self.ours)
        counts: Mapping[Any, int] | None = None
        rows = self._rows(batch, ours, run) if self.writes_rows else _no_rows(len(ours))
        if link.total is None:
            child, groups = await rows
        else:
            counts, (child, groups) = await together([self._totals(ours, run), rows])
        size = run.size(link.page.size) if link.page is not None else None
        spans: list[tuple[Sequence[int], bool]] = []
        cut = False
        for group in groups:
            more = size is not None and len(group) > size
            shown = group[:size] if more else group
            if link.page is not None and link.page.backward:
                shown = shown[::-1]
            cut = cut or more
            spans.append((shown, more))
        if cut:
            # rows beyond the page are neither masked nor followed further
            kept = [row for shown, _ in spans for row in shown]
            place = {row: number for number, row in enumerate(kept)}
            child = take(child, kept)
            spans = [([place[row] for row in shown], more) for shown, more in spans]
        objects = await self.child.objects(child, run)
        if link.form == "list":
            first = objects[0]
            return [[first[row] for row in shown] for shown, _ in spans]
        return [
            self._connection(objects, child, shown, more, counts, key, run)
            for (shown, more), key in zip(spans, ours, strict=True)
        ]

    def _connection(
        self,
        objects: Sequence[Sequence[Any]],
        child: Batch,
        shown: Sequence[int],
        more: bool,
        counts: Mapping[Any, int] | None,
        key: Any,
        run: Run,
    ) -> dict[str, Any]:
        page = self.link.page
        assert page is not None  # noqa: S101 - invariant: relations to many are paged
        following, preceding = page_flags(page, more)
        total = None if counts is None else counts.get(key, 0)
        page_of = Page(
            shown,
            has_next=following,
            has_previous=preceding,
            total=total,
            cursor=cursor_writer(page, child.columns, run),
        )
        return write_connection(self.link.parts, objects, page_of)

    async def _rows(
        self, batch: Batch, ours: Sequence[Any], run: Run
    ) -> tuple[Batch, Sequence[Sequence[int]]]:
        link = self.link
        if link.nested is not None:
            held = batch.nested[link.nested]
            starts, ends = held.offsets[:-1], held.offsets[1:]
            return held.batch, [range(a, b) for a, b in zip(starts, ends, strict=True)]
        assert link.fetch is not None  # noqa: S101 - invariant: nested or fetched
        child = await run.fetch(link.fetch, distinct_keys(ours, len(self.ours) == 1))
        by_key = rows_by_key(key_column(child.columns, self.theirs))
        return child, [by_key.get(key, ()) for key in ours]

    async def _totals(self, ours: Sequence[Any], run: Run) -> Mapping[Any, int]:
        fetch = self.link.total
        assert fetch is not None  # noqa: S101 - invariant: called where it is
        found = await run.fetch(fetch, distinct_keys(ours, len(self.ours) == 1))
        keys = key_column(found.columns, self.theirs)
        return dict(zip(keys, found.columns["count"], strict=True))


async def _no_rows(parents: int) -> tuple[Batch, Sequence[Sequence[int]]]:
    return Batch({}, 0), [()] * parents


def cursor_writer(page: PagePlan, columns: Columns, run: Run) -> Callable[[int], str]:
    seal, subject = run.world.seal, run.subject.id
    names = [term.column for term in page.order]

    def cursor(row: int) -> str:
        return seal.cursor(subject, page.signature, [columns[name][row] for name in names])

    return cursor
