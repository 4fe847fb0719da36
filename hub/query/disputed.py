"""Which of the shown values somebody doubts, told in `extensions.disputed` where it is asked for.

It follows from the answer and from the doubts about what the answer shows, and from nothing else:
a row is known by its key as the answer shows it, and a field counts only where the caller sees
field and key as they are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Protocol

import msgspec
import orjson
import structlog

from hub.query.operation import (
    Connection,
    EdgesPart,
    FieldPick,
    ListRoot,
    LookupRoot,
    NodeRoot,
    NodesPart,
    Operation,
    RelationPick,
    Root,
    Selection,
)
from policies.ruling import Allow, Ruling
from schema.errors import HubError
from schema.model.catalogue import Catalogue
from schema.model.names import FieldName, coordinate
from schema.model.use import FieldUse

log = structlog.get_logger("hub.query")

Path = tuple[str | int, ...]


class Disputes(Protocol):
    """The doubts that stewards have taken up and not settled yet."""

    def mark(self, coordinate: str, key: Mapping[FieldName, Any]) -> str:
        """What stands for one field of one row. `key`: canonical values by field name."""
        ...

    async def marks(self, coordinates: Collection[str]) -> frozenset[str]:
        """Those of all rows that are doubted in these fields.

        Raises: `HubError` CORRECTIONS_UNAVAILABLE.
        """
        ...


async def disputed(
    data: Any, operation: Operation, ruling: Ruling, catalogue: Catalogue, disputes: Disputes | None
) -> Mapping[str, Any]:
    """The paths of doubted values. `complete`: whether doubts could be looked up.

    Cost: the answer is read again as the caller will read it; nothing unless it is asked for.
    """
    if disputes is None:
        return {"complete": True, "paths": []}
    shown = _Shown(ruling, catalogue)
    written = orjson.loads(msgspec.json.encode(data))
    places = [
        (path, at, selection)
        for root in operation.roots
        for path, at, selection in _entities(root, written)
        if shown.fields(selection)
    ]
    names = {name for _, _, selection in places for name, _ in shown.fields(selection)}
    if not names:
        return {"complete": True, "paths": []}
    try:
        found = await disputes.marks(names)
    except HubError as error:
        # what is not known is not said: the values themselves are in order
        log.error("disputes.unavailable", code=error.code)
        return {"complete": False, "paths": []}
    told: list[Path] = []
    for path, at, selection in places if found else ():
        key = {name: at.get(said) for name, said in shown.key(selection).items()}
        if None in key.values():
            continue
        for name, said in shown.fields(selection):
            if disputes.mark(name, key) in found:
                told.append((*path, said))
    return {"complete": True, "paths": told}


class _Shown:
    """What of a selection the caller sees as it is; nothing where that does not tell the row."""

    def __init__(self, ruling: Ruling, catalogue: Catalogue) -> None:
        self._ruling = ruling
        self._catalogue = catalogue
        self._held: dict[int, tuple[tuple[str, str], ...]] = {}

    def key(self, selection: Selection) -> Mapping[FieldName, str]:
        """The fields of the key, each with its response key; empty unless all are there."""
        wanted = self._catalogue.types[selection.type].key
        found = {
            pick.field: pick.key
            for pick in selection.picks
            if isinstance(pick, FieldPick) and pick.field in wanted and self._clear(selection, pick)
        }
        return found if len(found) == len(wanted) else {}

    def fields(self, selection: Selection) -> tuple[tuple[str, str], ...]:
        """(coordinate, response key) of each field, the key's own included."""
        held = self._held.get(id(selection))
        if held is None:
            held = ()
            if self.key(selection):
                held = tuple(
                    (coordinate(selection.type, pick.field), pick.key)
                    for pick in selection.picks
                    if isinstance(pick, FieldPick) and self._clear(selection, pick)
                )
            self._held[id(selection)] = held
        return held

    def _clear(self, selection: Selection, pick: FieldPick) -> bool:
        use = FieldUse(coordinate(selection.type, pick.field), "project")
        # fails closed: of what is masked, by row or whole, nothing more is told
        return isinstance(self._ruling.outcomes.get(use), Allow)


Entity = tuple[Path, Mapping[str, Any], Selection]


def _entities(root: Root, data: Any) -> Iterator[Entity]:
    match root:
        case ListRoot():
            yield from _connected(root.connection, data.get(root.key), (root.key,))
        case LookupRoot():
            yield from _selected(root.selection, data.get(root.key), (root.key,))
        case NodeRoot(branches=(one,)):
            yield from _selected(one, data.get(root.key), (root.key,))
        case _:
            return  # figures, and what may be of several types, tell no row


def _selected(selection: Selection, value: Any, path: Path) -> Iterator[Entity]:
    if isinstance(value, list):
        for number, one in enumerate(value):
            yield from _selected(selection, one, (*path, number))
    elif isinstance(value, dict):
        yield path, value, selection
        for pick in selection.picks:
            if not isinstance(pick, RelationPick):
                continue
            below = (*path, pick.key)
            if pick.selection is not None:
                yield from _selected(pick.selection, value.get(pick.key), below)
            elif pick.connection is not None:
                yield from _connected(pick.connection, value.get(pick.key), below)


def _connected(connection: Connection, value: Any, path: Path) -> Iterator[Entity]:
    if not isinstance(value, dict):
        return
    for part in connection.parts:
        if isinstance(part, NodesPart):
            yield from _selected(part.selection, value.get(part.key), (*path, part.key))
        elif isinstance(part, EdgesPart):
            for number, edge in enumerate(value.get(part.key) or ()):
                for inner in part.parts:
                    if inner.selection is not None and isinstance(edge, dict):
                        below = (*path, part.key, number, inner.key)
                        yield from _selected(inner.selection, edge.get(inner.key), below)
