"""A compiled Ask: text, params in order, and how fetched rows become a Batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import accumulate, compress
from operator import itemgetter
from typing import Any

import msgspec
import structlog

from connectors.spi import Batch, Call, Nested
from connectors.sql.access import Finish
from connectors.sql.slots import Fill, Slot
from schema.errors import SourceError

_log = structlog.get_logger("connectors.sql")


class Output(msgspec.Struct, frozen=True):
    """A fetched column of a level."""

    name: str
    index: int
    finish: Finish | None = None


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """Where one level's columns lie in the flat rows.

    A level below which a relation to many is joined has its rows repeated: `ordinal` numbers
    them. `present`, of a joined level, tells rows from the empty side of the outer join.
    """

    outputs: tuple[Output, ...]
    ordinal: int | None = None
    present: int | None = None
    nested: tuple[tuple[str, bool, Layout], ...] = ()
    """(join name, to many, the child's layout)"""


class Statement(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """The handle of an Offer."""

    text: str
    slots: tuple[Slot, ...] = ()
    layout: Layout
    keys_after: tuple[str, ...] = ()
    """Key columns that cannot be sought exactly in the source: rows are picked after."""

    def __repr__(self) -> str:
        return self.text

    @cached_property
    def fills(self) -> tuple[Fill, ...]:
        """One function per param."""
        return tuple(slot.fill() for slot in self.slots)

    def arguments(self, call: Call) -> list[Any]:
        """The params' values in order."""
        return [fill(call) for fill in self.fills]

    def batch(self, rows: Sequence[Sequence[Any]], call: Call) -> Batch:
        """The rows as columns of canonical values; raises `SourceError`."""
        layout = self.layout
        count = len(rows)
        if not count:
            return _empty(layout)
        columns = list(zip(*rows, strict=True))
        if layout.nested:
            return _Unfolding(columns, count).level(layout)
        made: dict[str, Sequence[Any]] = {}
        for output in layout.outputs:
            column = columns[output.index]
            made[output.name] = column if output.finish is None else _finish(output, column)
        if self.keys_after:
            return _with_keys(made, self.keys_after, call)
        return Batch(columns=made, rows=count)


def _finish(output: Output, column: Sequence[Any]) -> Sequence[Any]:
    assert output.finish is not None  # noqa: S101 - invariant: the caller looked
    try:
        return output.finish(column)
    except (ValueError, TypeError, ArithmeticError):
        _log.warning("fetch.bad_data", column=output.name.lstrip("\0"))
        raise SourceError(
            "SOURCE_BAD_DATA", "the source holds a value that is not of the declared kind"
        ) from None


def _empty(layout: Layout) -> Batch:
    return Batch(
        columns={output.name: () for output in layout.outputs},
        rows=0,
        nested={name: Nested(_empty(child), (0,)) for name, _, child in layout.nested},
    )


def _with_keys(made: Mapping[str, Sequence[Any]], names: Sequence[str], call: Call) -> Batch:
    wanted = set(call.keys)
    kept = [key in wanted for key in zip(*(made[name] for name in names), strict=True)]
    columns = {name: list(compress(column, kept)) for name, column in made.items()}
    return Batch(columns=columns, rows=sum(kept))


class _Unfolding:
    """Flat rows of joined tables back to nested batches, by column."""

    def __init__(self, columns: Sequence[Sequence[Any]], rows: int) -> None:
        self.columns = columns
        self.rows = rows

    def level(self, layout: Layout) -> Batch:
        """The top level."""
        if layout.ordinal is None:
            return self._batch(layout, None, ())
        ordinals = self.columns[layout.ordinal]
        firsts = list(accumulate(Counter(ordinals).values(), initial=0))[:-1]
        return self._batch(layout, firsts, (ordinals,))

    def _pick(self, index: int, firsts: list[int] | None) -> Sequence[Any]:
        column = self.columns[index]
        if firsts is None:
            return column
        if len(firsts) < 2:
            return [column[first] for first in firsts]
        return itemgetter(*firsts)(column)  # type: ignore[no-any-return]

    def _batch(
        self, layout: Layout, firsts: list[int] | None, path: tuple[Sequence[Any], ...]
    ) -> Batch:
        made: dict[str, Sequence[Any]] = {}
        for output in layout.outputs:
            column = self._pick(output.index, firsts)
            made[output.name] = column if output.finish is None else _finish(output, column)
        rows = self.rows if firsts is None else len(firsts)
        nested = {
            name: self._many(child, firsts, path) if many else self._one(child, firsts, path)
            for name, many, child in layout.nested
        }
        return Batch(columns=made, rows=rows, nested=nested)

    def _one(
        self, layout: Layout, firsts: list[int] | None, path: tuple[Sequence[Any], ...]
    ) -> Nested:
        assert layout.present is not None  # noqa: S101 - invariant: of a joined level
        present = self._pick(layout.present, firsts)
        offsets = list(accumulate(present, initial=0))
        if offsets[-1] == len(present):
            below = firsts
        else:
            below = list(compress(range(self.rows) if firsts is None else firsts, present))
        return Nested(self._batch(layout, below, path), offsets)

    def _many(
        self, layout: Layout, firsts: list[int] | None, path: tuple[Sequence[Any], ...]
    ) -> Nested:
        assert layout.present is not None  # noqa: S101 - invariant: of a joined level
        present: Sequence[Any] = self.columns[layout.present]
        if layout.ordinal is not None:
            path = (*path, self.columns[layout.ordinal])
            starts = list(accumulate(Counter(zip(*path, strict=True)).values(), initial=0))[:-1]
            flags = [0] * self.rows
            for start in starts:
                flags[start] = present[start]
            present = flags
        seen = list(accumulate(present, initial=0))
        parents = range(self.rows) if firsts is None else firsts
        offsets = [seen[first] for first in parents]
        offsets.append(seen[-1])
        whole = seen[-1] == self.rows
        below = None if whole else list(compress(range(self.rows), present))
        return Nested(self._batch(layout, below, path), offsets)
