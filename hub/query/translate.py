"""From GraphQL's AST to an `Operation`, for one shape of its variables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphql.language import FieldNode, OperationDefinitionNode

from hub.query.collect import Collected, Collector, Sets
from hub.query.cost import AGGREGATE, CostNode
from hub.query.filters import Filters
from hub.query.limits import Limits
from hub.query.operation import (
    AggregatePart,
    AggregateRoot,
    CallerRoot,
    Connection,
    EdgePart,
    EdgesPart,
    FieldPick,
    IdPick,
    ListRoot,
    LookupRoot,
    MeasurePick,
    NodeRoot,
    NodesPart,
    OrderTerm,
    Page,
    PageInfoPart,
    Part,
    Pick,
    RelationPick,
    Root,
    Selection,
    TotalPart,
    TypenamePick,
    limit_operand,
)
from hub.query.variables import MISSING, Leaf, Params, Several, from_node
from schema.errors import HubError
from schema.graph.build import Face
from schema.graph.spelling import shouted
from schema.graph.types import key_name
from schema.model.entity import EntityType
from schema.model.names import FieldName, coordinate
from schema.model.predicate import Const, Operand
from schema.model.use import FieldUse

_MEASURES = ("countDistinct", "sum", "avg", "min", "max")
Cost = tuple[Operand | None, CostNode]


class Translator:
    """Walks one operation; collects roots, uses, binders and cost."""

    def __init__(
        self, face: Face, collector: Collector, variables: Mapping[str, Any], limits: Limits
    ) -> None:
        self._types = face.catalogue.types
        self._visible = face.visible
        self._collector = collector
        self._variables = variables
        self._limits = limits
        self.params = Params(limits)
        self.uses: dict[FieldUse, None] = {}
        self.implied: dict[FieldUse, None] = {}
        self._filters = Filters(face.catalogue, self.params, self._use, limits)
        self._roots: dict[str, tuple[str, EntityType]] = {}
        for entity in self._types.values():
            self._roots[entity.singular] = ("open", entity)
            self._roots[entity.plural] = ("list", entity)
            self._roots[f"{entity.plural}Aggregate"] = ("count", entity)

    def roots(self, operation: OperationDefinitionNode) -> tuple[tuple[Root, ...], CostNode]:
        """The operation's roots and its cost."""
        sets = Sets(((operation.selection_set, True),))
        made: list[Root] = []
        costs: list[Cost] = []
        for field in self._collector.fields(sets, None):
            root, cost = self._root(field)
            costs.append((None, cost))
            if field.active:
                made.append(root)
        return tuple(made), CostNode(0, tuple(costs))

    def _use(self, use: FieldUse) -> None:
        self.uses.setdefault(use)

    def _imply_order(self, entity: EntityType) -> None:
        for part in entity.key:
            self.implied.setdefault(FieldUse(coordinate(entity.name, part), "sort"))

    def _deep(self, depth: int) -> None:
        if depth > self._limits.max_depth:
            raise HubError(
                "TOO_DEEP", "the operation is nested too deep",
                hint=f"at most {self._limits.max_depth} levels",
            )  # fmt: skip

    def _arguments(self, node: FieldNode) -> dict[str, Any]:
        given = {a.name.value: from_node(a.value, self._variables) for a in node.arguments or ()}
        return {name: value for name, value in given.items() if value is not MISSING}

    def _root(self, field: Collected) -> tuple[Root, CostNode]:
        name = field.node.name.value
        if name == "__typename":
            return TypenamePick(field.key, "Query"), CostNode(1)
        if name == "caller":
            below = self._collector.fields(field.below, None)
            picks = tuple((f.key, f.node.name.value) for f in below if f.active)
            return CallerRoot(field.key, picks), CostNode(1)
        args = self._arguments(field.node)
        if name == "node":
            return self._node(field, args)
        mode, entity = self._roots[name]
        match mode:
            case "list":
                self._use(FieldUse(coordinate(entity.name), "list"))
                connection, page, wish, order, cost = self._connection(entity, field, args, 1)
                return ListRoot(
                    key=field.key, type=entity.name, connection=connection, filter=wish,
                    order=order, page=page,
                ), cost  # fmt: skip
            case "open":
                return self._lookup(field, entity, args)
            case _:
                return self._aggregate(field, entity, args)

    def _lookup(
        self, field: Collected, entity: EntityType, args: Mapping[str, Any]
    ) -> tuple[Root, CostNode]:
        self._use(FieldUse(coordinate(entity.name), "open"))
        selection, cost = self._selection(entity, field.below, 2)
        asked = _key(entity, args)
        for part, _ in asked:
            # to look a key up is to test it for equality
            self._use(FieldUse(coordinate(entity.name, part), "filter_eq"))
        by = tuple(
            (part, self.params.operand(value, entity.fields[part].kind, f"`{part}`"))
            for part, value in asked
        )
        root = LookupRoot(key=field.key, type=entity.name, by=by, selection=selection)
        return root, CostNode(1, ((None, cost),))

    def _node(self, field: Collected, args: Mapping[str, Any]) -> tuple[Root, CostNode]:
        operand = self.params.operand(args.get("id"), "ID", "`id`")
        named = self._collector.conditions(field.below)
        plain = self._collector.fields(field.below, frozenset({"Node"}))
        branches = []
        costs: list[Cost] = []
        for entity in self._types.values():
            if not self._visible.may(entity.name, "open"):
                continue
            if entity.name in named or plain:
                self._use(FieldUse(coordinate(entity.name), "open"))
                selection, cost = self._selection(entity, field.below, 2)
                branches.append(selection)
                costs.append((None, cost))
        root = NodeRoot(key=field.key, id=operand, branches=tuple(branches))
        return root, CostNode(1, tuple(costs))

    def _aggregate(
        self, field: Collected, entity: EntityType, args: Mapping[str, Any]
    ) -> tuple[Root, CostNode]:
        self._use(FieldUse(coordinate(entity.name), "count"))
        wish = self._filters.read(entity, args.get("filter", MISSING))
        words = shouted(entity)
        group_by = []
        for word in _words(args.get("groupBy"), self._limits):
            name = FieldName(words[word])
            self._use(FieldUse(coordinate(entity.name, name), "group"))
            if name not in group_by:
                group_by.append(name)
        parts = []
        width = 0
        for part in self._collector.fields(field.below, None):
            made = self._aggregate_part(entity, part)
            width += 1 + len(made.picks)
            if part.active:
                parts.append(made)
        root = AggregateRoot(
            key=field.key, type=entity.name, filter=wish, group_by=tuple(group_by),
            parts=tuple(parts),
        )  # fmt: skip
        groups = Const(self._limits.max_groups) if group_by else None
        return root, CostNode(AGGREGATE, ((groups, CostNode(width)),))

    def _aggregate_part(self, entity: EntityType, part: Collected) -> AggregatePart:
        name = part.node.name.value
        if name == "__typename":
            return AggregatePart(part.key, "typename", (), f"{entity.name}Aggregate")
        if name == "count":
            return AggregatePart(part.key, "count")
        word = name[0].upper() + name[1:]
        typename = f"{entity.name}{'Key' if name == 'group' else word}Aggregate"
        picks: list[MeasurePick | TypenamePick] = []
        for field in self._collector.fields(part.below, None):
            held = field.node.name.value
            if held == "__typename":
                picks.append(TypenamePick(field.key, typename))
                continue
            at = coordinate(entity.name, held)
            if name == "group":
                self._use(FieldUse(at, "group"))
            else:
                self._use(FieldUse(at, "aggregate", name))  # type: ignore[arg-type]
            if field.active:
                picks.append(MeasurePick(field.key, FieldName(held)))
        return AggregatePart(part.key, name, tuple(picks), typename)  # type: ignore[arg-type]

    def _selection(self, entity: EntityType, sets: Sets, depth: int) -> tuple[Selection, CostNode]:
        self._deep(depth)
        types = frozenset({entity.name, "Node"})
        picks: list[Pick] = []
        own = 0
        below: list[Cost] = []
        for field in self._collector.fields(sets, types):
            own += 1
            pick, cost = self._pick(entity, field, depth)
            if cost is not None:
                below.append((None, cost))
            if field.active:
                picks.append(pick)
        return Selection(entity.name, tuple(picks)), CostNode(own, tuple(below))

    def _pick(
        self, entity: EntityType, field: Collected, depth: int
    ) -> tuple[Pick, CostNode | None]:
        name = field.node.name.value
        if name == "__typename":
            return TypenamePick(field.key, entity.name), None
        if name == "id":
            self._use(FieldUse(coordinate(entity.name), "open"))
            return IdPick(field.key), None
        relation = entity.relations.get(FieldName(name))
        if relation is None:
            self._use(FieldUse(coordinate(entity.name, name), "project"))
            return FieldPick(field.key, FieldName(name)), None
        self._use(FieldUse(coordinate(entity.name, name), "traverse"))
        child = self._types[relation.to]
        if not relation.many:
            if not child.identified_by(theirs for _, theirs in relation.match):
                self._imply_order(child)
            selection, cost = self._selection(child, field.below, depth + 1)
            return RelationPick(key=field.key, relation=relation.name, selection=selection), cost
        args = self._arguments(field.node)
        if relation.as_list:
            selection, cost = self._selection(child, field.below, depth + 1)
            page, wish, order = self._list_arguments(child, args)
            size = limit_operand(page)
            return RelationPick(
                key=field.key, relation=relation.name, selection=selection, filter=wish,
                order=order, page=page,
            ), CostNode(1, ((size, cost),))  # fmt: skip
        connection, page, wish, order, cost = self._connection(child, field, args, depth)
        return RelationPick(
            key=field.key, relation=relation.name, connection=connection, filter=wish,
            order=order, page=page,
        ), cost  # fmt: skip

    def _connection(
        self, entity: EntityType, field: Collected, args: Mapping[str, Any], depth: int
    ) -> tuple[Connection, Page, Any, tuple[OrderTerm, ...], CostNode]:
        page, wish, order = self._list_arguments(entity, args)
        parts: list[Part] = []
        below: list[Cost] = []
        size = limit_operand(page)
        own = 1
        for part in self._collector.fields(field.below, None):
            made, cost = self._part(entity, part, depth + 1)
            own += AGGREGATE if isinstance(made, TotalPart) else 1
            if cost is not None:
                below.append((size, cost))
            if part.active:
                parts.append(made)
        connection = Connection(entity.name, tuple(parts))
        return connection, page, wish, order, CostNode(own, tuple(below))

    def _part(
        self, entity: EntityType, field: Collected, depth: int
    ) -> tuple[Part, CostNode | None]:
        match field.node.name.value:
            case "nodes":
                selection, cost = self._selection(entity, field.below, depth + 1)
                return NodesPart(field.key, selection), cost
            case "edges":
                return self._edges(entity, field, depth + 1)
            case "pageInfo":
                info = self._collector.fields(field.below, None)
                picks = tuple((f.key, f.node.name.value) for f in info if f.active)
                return PageInfoPart(field.key, picks), None
            case "totalCount":
                self._use(FieldUse(coordinate(entity.name), "count"))
                return TotalPart(field.key), None
            case _:
                return TypenamePick(field.key, f"{entity.name}Connection"), None

    def _edges(self, entity: EntityType, field: Collected, depth: int) -> tuple[Part, CostNode]:
        parts = []
        below: list[Cost] = []
        for item in self._collector.fields(field.below, None):
            match item.node.name.value:
                case "node":
                    selection, cost = self._selection(entity, item.below, depth + 1)
                    below.append((None, cost))
                    made = EdgePart(item.key, "node", selection)
                case "cursor":
                    made = EdgePart(item.key, "cursor")
                case _:
                    made = EdgePart(item.key, "typename")
            if item.active:
                parts.append(made)
        return EdgesPart(field.key, tuple(parts), f"{entity.name}Edge"), CostNode(1, tuple(below))

    def _list_arguments(
        self, entity: EntityType, args: Mapping[str, Any]
    ) -> tuple[Page, Any, tuple[OrderTerm, ...]]:
        self._imply_order(entity)
        wish = self._filters.read(entity, args.get("filter", MISSING))
        words = shouted(entity)
        order = []
        for word in _words(args.get("orderBy"), self._limits):
            name, _, direction = word.rpartition("_")
            field = FieldName(words[name])
            self._use(FieldUse(coordinate(entity.name, field), "sort"))
            order.append(OrderTerm(field, direction == "DESC"))
        return self._page(args), wish, tuple(order)

    def _page(self, args: Mapping[str, Any]) -> Page:
        held: dict[str, Operand] = {}
        for name in ("first", "last"):
            if args.get(name) is not None:
                held[name] = self.params.operand(args[name], "Int", f"`{name}`", "page")
        for name in ("after", "before"):
            if args.get(name) is not None:
                held[name] = self.params.operand(args[name], "String", f"`{name}`", "cursor")
        if "first" in held and "last" in held:
            raise HubError("BAD_USER_INPUT", "`first` and `last` cannot be given together")
        if "first" not in held and "last" not in held:
            held["first"] = Const(self._limits.default_page)
        return Page(**held)


def _key(entity: EntityType, args: Mapping[str, Any]) -> list[tuple[FieldName, Any]]:
    if len(entity.keys) == 1:
        return [(part, args.get(part)) for part in entity.key]
    by = args.get("by")
    if not isinstance(by, Mapping):
        raise HubError("BAD_USER_INPUT", "`by` is null")
    given = {name: value for name, value in by.items() if value is not None}
    for key in entity.keys:
        if len(key) == 1 and set(given) == {key[0]}:
            return [(key[0], given[key[0]])]
        name = key_name(key)
        if len(key) > 1 and set(given) == {name} and isinstance(given[name], Mapping):
            return [(part, given[name].get(part)) for part in key]
    raise HubError("BAD_USER_INPUT", "`by` wants exactly one key")


def _words(given: Any, limits: Limits) -> list[str]:
    if given is None:
        return []
    items = given.items if isinstance(given, Several) else (given,)
    if len(items) > limits.max_terms:
        raise HubError("BAD_USER_INPUT", "`orderBy` and `groupBy` take fewer values",
                       hint=f"at most {limits.max_terms}")  # fmt: skip
    return [item.value for item in items if isinstance(item, Leaf)]
