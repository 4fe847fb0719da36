"""Planning: (Operation, Catalogue, Ruling) -> Plan. Pure, no I/O, no GraphQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from connectors.spi import Ask, Connector, Join, OrderBy
from hub.query.aggregates import count_figure, plan_aggregate
from hub.query.document import document_of
from hub.query.extend import plan_contests, plan_extends
from hub.query.figures import bound_of, check_figures, notices_of, withheld
from hub.query.limits import Limits
from hub.query.operation import (
    AggregateRoot,
    CallerRoot,
    ListRoot,
    LookupRoot,
    NodeRoot,
    Operation,
    OrderTerm,
    Page,
    RelationPick,
    Selection,
    TypenamePick,
)
from hub.query.optimise import find_twins
from hub.query.paging import full_order, keyset, may_sort, page_plan
from hub.query.pushdown import Bound, Pushdown
from hub.query.route import Route
from hub.query.shapes import Draft
from hub.query.shared import shared_of
from hub.query.steps import (
    CallerPlan,
    ConnPart,
    ConstPlan,
    Fetch,
    Link,
    ListPlan,
    LookupPlan,
    Node,
    NodePlan,
    Notice,
    PagePlan,
    Plan,
    RootPlan,
    SemiJoin,
)
from policies.masks.keyed import KeyScope
from policies.ruling import Ruling
from schema.errors import HubError
from schema.model.catalogue import Catalogue
from schema.model.entity import Relation
from schema.model.names import SourceName, TypeName
from schema.model.predicate import Const, Operand, Param, both
from schema.model.scalar import ScalarKind

Nulls = Mapping[str, tuple[bool, ...]]
"""For each cursor in use (``path.after``): which of its sort values are null."""
_DEFAULTS = Limits()


def plan_operation(
    operation: Operation,
    catalogue: Catalogue,
    ruling: Ruling,
    connectors: Mapping[SourceName, Connector],
    nulls: Nulls | None = None,
    limits: Limits = _DEFAULTS,
) -> Plan:
    """The plan of an operation under a ruling.

    Raises: ``HubError`` where no source can carry it out, or where it is too much. Cost: once per
    (operation, catalogue version, policy class).
    """
    check_figures(operation, catalogue, ruling)
    push = Pushdown(catalogue, connectors, ruling, limits)
    planner = _Planner(push, nulls or {}, limits)
    roots = tuple(planner.root(root) for root in operation.roots)
    return Plan(
        operation=operation.digest,
        catalogue=catalogue.version,
        policy_class=ruling.policy_class.hex(),
        roots=roots,
        notices=tuple(planner.notices),
        sizes=tuple(planner.sizes),
        blinds=tuple(planner.blinds),
        scopes=tuple(sorted(planner.scopes)),
        twins=find_twins(roots),
    )


NestedJoin = tuple[Join, Sequence[SemiJoin]]
"""A join and the key sets that its own predicates need."""


class _Planner:
    def __init__(self, push: Pushdown, nulls: Nulls, limits: Limits) -> None:
        self.push = push
        self.nulls = nulls
        self.limits = limits
        self.notices: list[Notice] = []
        self.sizes: list[tuple[str, Operand]] = []
        self.blinds: dict[TypeName, None] = {}
        self.scopes: dict[KeyScope, None] = {}

    def root(self, root: object) -> RootPlan:
        match root:
            case ListRoot():
                return self._list(root)
            case LookupRoot():
                return self._lookup(root.key, root.selection, root.by, (root.key,))
            case NodeRoot():
                return self._node_root(root)
            case AggregateRoot():
                self.notices.extend(notices_of(root, bound_of(self.push.ruling, root.type)))
                return plan_aggregate(root, self.push, self.limits.max_groups)
            case CallerRoot():
                return CallerPlan(root.key, root.picks)
            case TypenamePick():
                return ConstPlan(root.key, root.name)
            case _:
                raise HubError("INTERNAL", "an unknown kind of root")

    def _list(self, root: ListRoot) -> ListPlan:
        route = self.push.route(root.type)
        draft = Draft(route, self.push.ruling, (root.key,))
        parts = draft.connection(root.connection, (root.key,))
        page = self._page(route, root.order, root.page, (root.key,))
        self._need_cursors(draft, parts, page)
        wish = self.push.bind(root.filter, root.type)
        fetch: Fetch | None = None
        node = Node(type=root.type, source=route.entity.anchor, key=())
        if any(part.what in ("nodes", "edges", "pageInfo") for part in parts):
            sought = self._after(page, wish, (root.key,))
            fetch, node = self._rows(draft, page=page, wish=sought)
        made: dict[str, Any] = {"key": root.key, "node": node, "page": page, "parts": parts}
        total = figure = None
        if any(part.what == "total" for part in parts):
            noted = withheld(self.push.ruling, root.type, parts, (root.key,))
            self.notices.extend(noted)
            if noted:
                counted = count_figure(root.key, root.type, root.filter)
                figure = plan_aggregate(counted, self.push, self.limits.max_groups)
            else:
                total = self.push.count_fetch(route, wish)
        return ListPlan(fetch=fetch, total=total, figure=figure, **made)

    def _page(
        self, route: Route, order: Sequence[OrderTerm], page: Page, path: tuple[str, ...]
    ) -> PagePlan:
        whole = full_order(order, route.entity, self.push.ruling)
        if whole.blind:
            self.blinds.setdefault(route.entity.name)
        return page_plan(route, whole, page, path, self.push.param("p"))

    def _first(self, route: Route) -> list[OrderBy]:
        """The order by which one of several rows is taken."""
        entity = route.entity
        if may_sort(self.push.ruling, entity, entity.key):
            return [OrderBy(route.column(part).name) for part in entity.key]
        self.blinds.setdefault(entity.name)
        return [OrderBy(route.blind().name)]

    def _after(self, page: PagePlan, wish: Bound, path: tuple[str, ...]) -> Bound:
        sought = keyset(page, path, self.nulls)
        return Bound(both(wish.predicate, sought), wish.semijoins)

    def _lookup(
        self,
        key: str,
        selection: Selection,
        by: Sequence[tuple[str, Operand]],
        path: tuple[str, ...],
    ) -> LookupPlan:
        route = self.push.route(selection.type)
        draft = Draft(route, self.push.ruling, path)
        draft.add(selection, path)
        held = [route.column(field, route.entity.anchor) for field, _ in by]
        fetch, node = self._rows(draft, key_columns=[column.name for column in held])
        kinds = zip((operand for _, operand in by), (c.kind for c in held), strict=True)
        return LookupPlan(key=key, fetch=fetch, node=node, by=tuple(kinds))

    def _node_root(self, root: NodeRoot) -> NodePlan:
        branches = []
        for selection in root.branches:
            entity = self.push.catalogue.types[selection.type]
            by = [(field, Param(f"n.{root.key}.{i}")) for i, field in enumerate(entity.key)]
            branches.append(self._lookup(root.key, selection, by, (root.key,)))
        return NodePlan(key=root.key, id=root.id, branches=tuple(branches))

    def _need_cursors(self, draft: Draft, parts: Sequence[ConnPart], page: PagePlan) -> None:
        wanted = any(what == "cursor" for part in parts for _, what, _ in part.edge) or any(
            name in ("startCursor", "endCursor") for part in parts for _, name in part.info
        )
        if wanted:
            columns = {term.column for term in page.order if not term.blind}
            draft.cursors = tuple(sorted(term.column for term in page.order))
            by_column = {c: f for f, c in draft.route.anchor_columns().items()}
            draft.need([by_column[column] for column in sorted(columns)])
            draft.blind = any(term.blind for term in page.order)

    def _rows(
        self,
        draft: Draft,
        *,
        key_columns: Sequence[str] = (),
        page: PagePlan | None = None,
        order: Sequence[OrderBy] = (),
        wish: Bound | None = None,
    ) -> tuple[Fetch, Node]:
        """The fetch of a node's rows and the node; joins that the source refuses are fetched
        apart."""
        refused: frozenset[str] = frozenset()
        while True:
            joins, links = self._links(draft, refused, [self.limits.max_joins])
            ask, semijoins = self._ask(draft, joins, key_columns, page, order, wish)
            nested = [s for _, extra in joins for s in extra]
            fetch = self.push.fetch(
                draft.route.entity.anchor, draft.route.entity.name, ask, (*semijoins, *nested)
            )
            later = [ask for ask in (fetch.residual, fetch.left) if ask is not None]
            left = {join.name for ask in later for join in ask.joins}
            if not left:
                break
            refused |= left
        return self._passed(fetch, self._node(draft, links), (*key_columns, *draft.cursors))

    def _passed(self, fetch: Fetch, node: Node, keeps: Sequence[str]) -> tuple[Fetch, Node]:
        """The same rows written by their source, where fragment, policy and connector allow it."""
        whole = fetch.residual is None and fetch.norm is None and not fetch.down
        if not whole or not self.push.passes(node.type):
            return fetch, node
        document = document_of(node, self.push.passes, tuple(dict.fromkeys(keeps)))
        passed = None if document is None else self.push.documented(fetch, document)
        if passed is None:
            return fetch, node
        return passed, msgspec.structs.replace(node, document=document)

    def _ask(
        self,
        draft: Draft,
        joins: Sequence[NestedJoin],
        key_columns: Sequence[str],
        page: PagePlan | None,
        order: Sequence[OrderBy],
        wish: Bound | None,
    ) -> tuple[Ask, tuple[SemiJoin, ...]]:
        limit: int | Param | None = None
        if page is not None:
            order = [OrderBy(t.column, t.descending != page.backward) for t in page.order]
            if isinstance(page.size, Const):
                limit = page.size.value + 1
            else:
                limit = Param(page.size_param)
                self.sizes.append((page.size_param, page.size))
        fields = [field for field in draft.fields if draft.route.here(field)]
        return self.push.rows_ask(
            draft.route,
            fields,
            key_columns=key_columns,
            wish=wish,
            order=order,
            limit=limit,
            joins=[join for join, _ in joins],
            also=(draft.route.blind(),) if draft.blind else (),
        )

    def _node(self, draft: Draft, links: Sequence[Link]) -> Node:
        self.notices.extend(n for n in draft.notices if n not in self.notices)
        self.scopes |= draft.scopes
        entity = draft.route.entity
        key: tuple[tuple[str, ScalarKind], ...] = ()
        if draft.ids:
            key = tuple((draft.route.address(f), entity.fields[f].kind) for f in entity.key)
        return Node(
            type=entity.name,
            source=entity.anchor,
            key=key,
            outputs=draft.checked(),
            shared=shared_of(
                draft.outputs,
                entity,
                self.push.ruling.declassified,
                self.push.catalogue.scheme,
                root=len(draft.path) == 1,
            ),
            extends=plan_extends(draft, self.push),
            contests=plan_contests(draft, self.push),
            links=tuple(links),
            writers=tuple(draft.writers),
            persons=tuple(draft.route.address(field) for field in draft.route.persons),
        )

    def _links(
        self, draft: Draft, refused: frozenset[str], room: list[int]
    ) -> tuple[list[NestedJoin], list[Link]]:
        """`room`: how many more joins the statement takes; further relations are fetched by key."""
        if any(draft.route.source_of(f) != draft.route.entity.anchor for f in draft.fields) or any(
            draft.route.entity.fields[output.field].on_conflict for output in draft.outputs
        ):
            draft.need(draft.route.entity.key)
        joins: list[NestedJoin] = []
        links = []
        for number, (pick, path) in enumerate(draft.relations):
            relation = draft.route.entity.relations[pick.relation]
            name = f"j{number}"
            may_join = name not in refused and self.push.same_source(relation)
            link, join = self._link(draft, relation, pick, path, name if may_join else None, room)
            if join is not None:
                joins.append(join)
            links.append(link)
        return joins, links

    def _link(
        self,
        draft: Draft,
        relation: Relation,
        pick: RelationPick,
        path: tuple[str, ...],
        join_as: str | None,
        room: list[int],
    ) -> tuple[Link, NestedJoin | None]:
        child = self.push.route(relation.to)
        below = Draft(child, self.push.ruling, path)
        pairs = [
            (draft.route.address(ours), child.column(theirs, child.entity.anchor))
            for ours, theirs in relation.match
        ]
        if any(not child.here(theirs) for _, theirs in relation.match):
            raise HubError(
                "INTERNAL", f"relation `{relation.of}.{relation.name}` ends in another source"
            )
        on = tuple((ours, theirs.name) for ours, theirs in pairs)
        page: PagePlan | None = None
        parts: tuple[ConnPart, ...] = ()
        form: Literal["one", "list", "connection"] = "one"
        order: list[OrderBy] = []
        if pick.connection is not None:
            form = "connection"
            parts = below.connection(pick.connection, path)
        elif pick.selection is not None:
            below.add(pick.selection, path)
        if relation.many:
            form = "connection" if pick.connection is not None else "list"
            page = self._page(child, pick.order, pick.page, path)
            self._need_cursors(below, parts, page)
        elif not child.entity.identified_by(theirs for _, theirs in relation.match):
            order = self._first(child)
        plain = self.push.bind(pick.filter, relation.to)
        wish = self._after(page, plain, path) if page is not None else plain
        total = None
        keys = tuple(theirs for _, theirs in on)
        totals = any(part.what == "total" for part in parts)
        noted = withheld(self.push.ruling, relation.to, parts, path)
        self.notices.extend(noted)
        # fails closed: what hangs on one row is a figure about that row, and stays null
        if totals and not noted:
            total = self.push.count_fetch(child, plain, key_columns=keys)
        made: dict[str, Any] = {
            "name": relation.name,
            "on": on,
            "form": form,
            "page": page,
            "parts": parts,
            "total": total,
            "path": path,
        }
        here = all(draft.route.here(ours) for ours, _ in relation.match)
        if join_as is not None and here and room[0] > 0:
            room[0] -= 1
            joins, links = self._links(below, frozenset(), room)
            ask, semijoins = self._ask(below, joins, (), page, order, wish)
            join = Join(name=join_as, on=on, many=relation.many, ask=ask)
            extra = [*semijoins, *(s for _, more in joins for s in more)]
            node = self._node(below, links)
            return Link(node=node, nested=join_as, **made), (join, extra)
        below.need([theirs for _, theirs in relation.match])
        fetch, node = self._rows(below, key_columns=keys, page=page, order=order, wish=wish)
        return Link(node=node, fetch=fetch, **made), None
