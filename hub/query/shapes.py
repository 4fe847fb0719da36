"""What a selection needs: the outputs, writers, relations and notices of one node, drafted."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from hub.query.operation import (
    Connection,
    EdgesPart,
    FieldPick,
    IdPick,
    NodesPart,
    PageInfoPart,
    RelationPick,
    Selection,
    TotalPart,
    TypenamePick,
)
from hub.query.route import Route
from hub.query.steps import CellOutcome, ConnPart, Notice, Output, Slot, Writer
from policies.masks import KEYED
from policies.masks.keyed import KeyNeed, KeyScope
from policies.ruling import Allow, FieldError, Masked, Null, Rowwise, Ruling
from schema.model.names import FieldName, coordinate
from schema.model.predicate import Predicate, names_in, rename
from schema.model.use import FieldUse


class Draft:
    """A node while it is being planned: fields needed, outputs, writers and relations."""

    def __init__(self, route: Route, ruling: Ruling, path: tuple[str, ...]) -> None:
        self.route = route
        self.path = path
        self.fields: dict[FieldName, None] = {}
        self.outputs: list[Output] = []
        self.relations: list[tuple[RelationPick, tuple[str, ...]]] = []
        self.writers: list[Writer] = []
        self.notices: list[Notice] = []
        self.ids = False
        self.blind = False
        """Whether cursors hold the digest that the rows are ordered by."""
        self.cursors: tuple[str, ...] = ()
        """Columns of the anchor that cursors are made of."""
        self.scopes: dict[KeyScope, None] = {}
        """Scopes that its masks have keys for."""
        self._places: dict[str, list[tuple[str, ...]]] = {}
        self._ruling = ruling
        self._index: dict[FieldName, int] = {}
        self.need(route.persons)

    def need(self, fields: Sequence[str]) -> None:
        """Fields to fetch although they are not written."""
        for field in fields:
            self.fields.setdefault(FieldName(field))

    def places_of(self, fields: Sequence[str]) -> tuple[tuple[str, ...], ...]:
        """Where fields stand in the answer; the node itself when none is written."""
        found = [place for field in fields for place in self._places.get(field, ())]
        return tuple(dict.fromkeys(found)) or (self.path,)

    def add(self, selection: Selection, path: tuple[str, ...]) -> int:
        """Add a selection; gives the number of its writer."""
        slots = []
        for pick in selection.picks:
            match pick:
                case TypenamePick():
                    slots.append(Slot(pick.key, "const", value=pick.name))
                case IdPick():
                    self.ids = True
                    self.need(self.route.entity.key)
                    slots.append(Slot(pick.key, "id"))
                case FieldPick():
                    slots.append(Slot(pick.key, "output", self._output(pick, path)))
                case RelationPick():
                    slots.append(Slot(pick.key, "link", self._relation(pick, path)))
        writer = Writer(tuple(slots))
        if writer in self.writers:
            return self.writers.index(writer)
        self.writers.append(writer)
        return len(self.writers) - 1

    def connection(self, connection: Connection, path: tuple[str, ...]) -> tuple[ConnPart, ...]:
        """Add everything selected of a connection; gives its parts."""
        parts = []
        for part in connection.parts:
            match part:
                case NodesPart():
                    writer = self.add(part.selection, (*path, part.key))
                    parts.append(ConnPart(key=part.key, what="nodes", writer=writer))
                case EdgesPart():
                    parts.append(self._edges(part, path))
                case PageInfoPart():
                    parts.append(ConnPart(key=part.key, what="pageInfo", info=part.picks))
                case TotalPart():
                    parts.append(ConnPart(key=part.key, what="total"))
                case TypenamePick():
                    parts.append(ConnPart(key=part.key, what="const", value=part.name))
        return tuple(parts)

    def _edges(self, part: EdgesPart, path: tuple[str, ...]) -> ConnPart:
        edge = []
        for item in part.parts:
            if item.what == "node" and item.selection is not None:
                writer = self.add(item.selection, (*path, part.key, item.key))
                edge.append((item.key, "node", writer))
            elif item.what == "cursor":
                edge.append((item.key, "cursor", 0))
            else:
                edge.append((item.key, "const", 0))
        return ConnPart(key=part.key, what="edges", edge=tuple(edge), value=part.typename)

    def _output(self, pick: FieldPick, path: tuple[str, ...]) -> int:
        use = FieldUse(coordinate(self.route.entity.name, pick.field), "project")
        held = self._ruling.outcomes.get(use)
        # fails closed: no outcome, or one that a cell cannot have, is null
        cell: CellOutcome = (
            held if isinstance(held, Allow | Masked | Null | FieldError | Rowwise) else Null()
        )
        self._note(use, cell, (*path, pick.key))
        self._places.setdefault(pick.field, []).append((*path, pick.key))
        found = self._index.get(pick.field)
        if found is not None:
            return found
        if isinstance(cell, Rowwise):
            self.need([name for case, _ in cell.cases for name in sorted(names_in(case))])
            cell = Rowwise(tuple((self._address(case), to) for case, to in cell.cases))
        if not isinstance(cell, Null | FieldError):
            self.need([pick.field])
        needs, by_cell = _keys_of(cell)
        self.scopes.update((need.scope, None) for need in needs)
        key = self.route.entity.key if by_cell else ()
        self.need(key)
        self.outputs.append(
            Output(
                field=pick.field,
                column=self.route.address(pick.field),
                kind=self.route.entity.fields[pick.field].kind,
                outcome=cell,
                coordinate=use.coordinate if needs else None,
                cell=tuple(self.route.address(part) for part in key),
                check=None if isinstance(cell, Null | FieldError) else self.route.check(pick.field),
            )
        )
        self._index[pick.field] = len(self.outputs) - 1
        return len(self.outputs) - 1

    def checked(self) -> tuple[Output, ...]:
        """The outputs; those that are looked at by a norm know where they stand."""
        return tuple(
            output
            if output.check is None
            else msgspec.structs.replace(
                output,
                check=msgspec.structs.replace(
                    output.check, paths=tuple(dict.fromkeys(self._places[output.field]))
                ),
            )
            for output in self.outputs
        )

    def _address(self, case: Predicate) -> Predicate:
        return rename(case, {name: self.route.address(name) for name in names_in(case)})

    def _relation(self, pick: RelationPick, path: tuple[str, ...]) -> int:
        relation = self.route.entity.relations[pick.relation]
        self.need([ours for ours, _ in relation.match])
        self.relations.append((pick, (*path, pick.key)))
        return len(self.relations) - 1

    def _note(self, use: FieldUse, cell: CellOutcome, path: tuple[str, ...]) -> None:
        rules = self._ruling.reasons.get(use, ())
        match cell:
            case Allow():
                return
            case Masked(mask=mask):
                notice = Notice(path, "masked", mask, None, rules)
            case Null(code=code):
                notice = Notice(path, "null", None, code, rules)
            case FieldError(code=code):
                notice = Notice(path, "error", None, code, rules)
            case Rowwise():
                notice = Notice(path, "by row", None, None, rules)
        if notice not in self.notices:
            self.notices.append(notice)


def _keys_of(cell: CellOutcome) -> tuple[list[KeyNeed], bool]:
    """The keys that a cell's masks need, and whether one of them goes by the cell."""
    if isinstance(cell, Rowwise):
        shown = [to for _, to in cell.cases if isinstance(to, Masked)]
    else:
        shown = [cell] if isinstance(cell, Masked) else []
    found = [(KEYED[to.mask], dict(to.params)) for to in shown if to.mask in KEYED]
    needs = [need for mask, params in found if (need := mask.need(params)) is not None]
    return needs, any(mask.by_cell for mask, _ in found)
