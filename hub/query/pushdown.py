"""Push-down: predicates over fields become predicates over columns and key sets, Asks become
Fetches with what the connector left over."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from connectors.kit.blind import has_digests, without_digests
from connectors.kit.norm import digests_norms, has_norms, marked, without_norms
from connectors.spi import (
    Aggregate,
    Ask,
    Column,
    Connector,
    Document,
    Join,
    Measure,
    OrderBy,
)
from hub.query.limits import Limits
from hub.query.persons import persons_counted
from hub.query.route import Route
from hub.query.semijoin import not_true
from hub.query.steps import Fetch, SemiJoin
from policies.ruling import Ruling
from schema.errors import HubError, SourceError
from schema.model.catalogue import Catalogue
from schema.model.entity import Relation
from schema.model.names import FieldName, SourceName, TypeName
from schema.model.predicate import (
    FALSE,
    Always,
    And,
    Compare,
    In,
    InKeys,
    IsNull,
    Not,
    Or,
    Param,
    Predicate,
    Related,
    both,
    leaves_negated,
    names_in,
    rename,
)


class Bound:
    """A predicate over one source's columns, with the key sets it needs."""

    def __init__(self, predicate: Predicate | None, semijoins: Sequence[SemiJoin] = ()) -> None:
        self.predicate = predicate
        self.semijoins = tuple(semijoins)


class Pushdown:
    """The planner's view of the sources while one plan is made."""

    def __init__(
        self,
        catalogue: Catalogue,
        connectors: Mapping[SourceName, Connector],
        ruling: Ruling,
        limits: Limits,
    ) -> None:
        self.catalogue = catalogue
        self.connectors = connectors
        self.ruling = ruling
        self.persons = persons_counted(ruling, catalogue, every=limits.lists_persons)
        self._numbers = itertools.count(1)
        self._fetches_left = limits.max_fetches
        self._routes: dict[TypeName, Route] = {}
        self._musts: dict[TypeName, Bound] = {}

    def route(self, type_name: TypeName) -> Route:
        """The type's routing, made once per plan."""
        found = self._routes.get(type_name)
        if found is None:
            found = self._routes[type_name] = Route(
                self.catalogue, type_name, self.persons.get(type_name, ())
            )
        return found

    def param(self, letter: str) -> str:
        """A fresh param name."""
        return f"{letter}.{next(self._numbers)}"

    def must(self, type_name: TypeName) -> Bound:
        """Policy's row filter for a type, over the anchor's columns."""
        found = self._musts.get(type_name)
        if found is None:
            # fails closed: a type that the ruling does not name has no row
            rows = self.ruling.row_filters.get(type_name, FALSE)
            found = self._musts[type_name] = self.bind(rows, type_name, definer=True)
        return found

    def bind(
        self, predicate: Predicate | None, type_name: TypeName, *, definer: bool = False
    ) -> Bound:
        """Fields to columns of the anchor; other sources' fields and relations to key sets.

        `definer`: related rows are not filtered by policy (row filters look at everything).
        """
        if predicate is None or predicate == Always(True):
            return Bound(None)
        route = self.route(type_name)
        if definer and not route.is_settled(names_in(predicate)):
            # fails closed: and no field that only policy reads is named
            raise HubError("INTERNAL", "a row filter goes by what is known only row by row")
        route.settled(names_in(predicate))
        local = route.anchor_columns()
        semijoins: list[SemiJoin] = []

        def walk(part: Predicate) -> Predicate:
            match part:
                case Always():
                    return part
                case And(parts=parts):
                    return And(tuple(walk(p) for p in parts))
                case Or(parts=parts):
                    return Or(tuple(walk(p) for p in parts))
                case Related():
                    return self._related(part, route, semijoins, definer)
                case Not(part=inner) if names_in(inner) <= local.keys() and not _related(inner):
                    return Not(rename(inner, local))
                case Not(part=IsNull() as inner):
                    return self._elsewhere(Not(inner), route, semijoins)
                case Not(part=Compare() | In()):
                    return self._elsewhere(part, route, semijoins)
                case Not(part=inner):
                    return Not(walk(inner))
                case IsNull(name=name) if name not in local:
                    return Not(self._elsewhere(Not(part), route, semijoins))
                case Compare(name=name) | In(name=name) if name not in local:
                    return self._elsewhere(part, route, semijoins)
                case _:
                    return rename(part, local)

        plain = names_in(predicate) <= local.keys() and not _related(predicate)
        bound = rename(predicate, local) if plain else walk(leaves_negated(predicate))
        return Bound(bound, semijoins)

    def _elsewhere(self, leaf: Predicate, route: Route, into: list[SemiJoin]) -> Predicate:
        (field,) = names_in(leaf)
        source = route.source_of(field)
        binding = route.bindings[source]
        columns = route.columns([*route.entity.key, field], source)
        names = {str(name): held.column for name, held in binding.columns.items()}
        keys = tuple(names[str(part)] for part in route.entity.key)
        asked = Ask(
            table=binding.table,
            columns=tuple(columns[name] for name in dict.fromkeys(keys)),
            known=tuple(column for name, column in columns.items() if name not in keys),
            wish=rename(leaf, names),
        )
        param = self.param("k")
        fetch = self.fetch(source, route.entity.name, asked)
        into.append(SemiJoin(param=param, columns=keys, fetch=fetch))
        here = tuple(route.column(part, route.entity.anchor) for part in route.entity.key)
        return InKeys(tuple(c.name for c in here), Param(param), tuple(c.kind for c in here))

    def _related(
        self, wanted: Related, route: Route, into: list[SemiJoin], definer: bool
    ) -> Predicate:
        relation = route.entity.relations[FieldName(wanted.relation)]
        part = not_true(wanted.part) if wanted.quantifier == "every" else wanted.part
        child = self.route(relation.to)
        inner = self.bind(part, relation.to, definer=definer)
        must = Bound(None) if definer else self.must(relation.to)
        pairs = [(child.column(theirs), route.column(ours)) for ours, theirs in relation.match]
        keys = tuple(theirs.name for theirs, _ in pairs)
        asked = Ask(
            table=child.anchor.table,
            columns=tuple(theirs for theirs, _ in pairs),
            known=self.known(child, keys, inner.predicate, must.predicate),
            must=must.predicate,
            wish=inner.predicate,
        )
        param = self.param("k")
        fetch = self.fetch(
            child.entity.anchor, relation.to, asked, (*inner.semijoins, *must.semijoins)
        )
        into.append(SemiJoin(param=param, columns=keys, fetch=fetch))
        fields = [ours for ours, _ in relation.match]
        if any(not route.here(field) for field in fields):
            raise HubError(
                "INTERNAL", f"relation `{route.entity.name}.{relation.name}` starts in two sources"
            )
        found = InKeys(
            tuple(ours.name for _, ours in pairs),
            Param(param),
            tuple(ours.kind for _, ours in pairs),
        )
        return found if wanted.quantifier == "some" else Not(found)

    def known(
        self, route: Route, returned: Sequence[str], *predicates: Predicate | None
    ) -> tuple[Column, ...]:
        """Columns of the anchor that predicates name beside those returned."""
        names = frozenset().union(*(names_in(p) for p in predicates)) - set(returned)
        return tuple(self._by_column(route, name) for name in sorted(names))

    def fetch(
        self,
        source: SourceName,
        type_name: TypeName,
        ask: Ask,
        semijoins: Sequence[SemiJoin] = (),
    ) -> Fetch:
        """Ask the connector once; what it leaves over stays in `residual`.

        Raises: ``TOO_COSTLY`` when the plan has as many fetches as it may have.
        """
        self._fetches_left -= 1
        if self._fetches_left < 0:
            raise HubError(
                "TOO_COSTLY",
                "the operation needs too many fetches",
                hint="ask for fewer relations at once",
            )
        made: dict[str, Any] = {
            "id": next(self._numbers),
            "source": source,
            "department": self.catalogue.sources[source].department,
            "type": type_name,
            "ask": ask,
            "semijoins": tuple(semijoins),
            "empty": ask.must == FALSE,
        }
        connector = self.connectors.get(source)
        if connector is None:
            return Fetch(handle=None, down=True, **made)
        kept = None
        if has_digests(ask) and (not connector.capabilities.digests or digests_norms(ask)):
            kept = without_digests(ask)
        asked = ask if kept is None else kept.ask
        norm = without_norms(asked) if has_norms(asked) else None
        try:
            offer = connector.offer(asked if norm is None else norm.ask)
        except SourceError:
            return Fetch(handle=None, down=True, **made)
        residual, left = offer.residual, None if norm is None else norm.left
        if kept is not None and norm is not None:
            left = marked(kept.residual(left))
        elif kept is not None:
            residual = kept.residual(residual)
        return Fetch(
            handle=offer.handle,
            residual=residual,
            norm=norm,
            left=left,
            max_keys=max(1, connector.capabilities.max_keys),
            **made,
        )

    def passes(self, type_name: TypeName) -> bool:
        """Whether a type's anchor may and can write its rows itself."""
        anchor = self.route(type_name).anchor
        connector = self.connectors.get(anchor.source)
        return anchor.pass_through and connector is not None and connector.capabilities.documents

    def documented(self, fetch: Fetch, document: Document) -> Fetch | None:
        """The fetch of documents instead of rows; ``None`` when the connector leaves anything."""
        asked = msgspec.structs.replace(fetch.ask, document=document)
        try:
            offer = self.connectors[fetch.source].offer(asked)
        except SourceError:
            return None
        if offer.residual is not None:
            return None
        return msgspec.structs.replace(fetch, ask=asked, handle=offer.handle)

    def rows_ask(
        self,
        route: Route,
        fields: Sequence[str],
        *,
        key_columns: Sequence[str] = (),
        wish: Bound | None = None,
        order: Sequence[OrderBy] = (),
        limit: int | Param | None = None,
        joins: Sequence[Join] = (),
        also: Sequence[Column] = (),
    ) -> tuple[Ask, tuple[SemiJoin, ...]]:
        """An Ask for rows of a type from its anchor, policy's row filter included."""
        must, wished = self.must(route.entity.name), wish or Bound(None)
        columns = route.columns(fields, route.entity.anchor)
        columns.update({column.name: column for column in also})
        for name in key_columns:
            columns.setdefault(name, self._by_column(route, name))
        others = [term.column for term in order]
        others += [ours for join in joins for ours, _ in join.on]
        known = {
            column.name: column
            for column in self.known(route, list(columns), must.predicate, wished.predicate)
        }
        for name in others:
            if name not in columns:
                known.setdefault(name, self._by_column(route, name))
        asked = Ask(
            table=route.anchor.table,
            columns=tuple(columns.values()),
            known=tuple(known.values()),
            key_columns=tuple(key_columns),
            must=both(must.predicate),
            wish=both(wished.predicate),
            order=tuple(order),
            limit=limit,
            joins=tuple(joins),
        )
        return asked, (*must.semijoins, *wished.semijoins)

    def count_fetch(self, route: Route, wish: Bound, *, key_columns: Sequence[str] = ()) -> Fetch:
        """Rows counted in the source, per key when keyed; result column ``count``."""
        must = self.must(route.entity.name)
        known = self.known(route, (), must.predicate, wish.predicate)
        extra = {c.name: c for c in known}
        for name in key_columns:
            extra.setdefault(name, self._by_column(route, name))
        asked = Ask(
            table=route.anchor.table,
            columns=(),
            known=tuple(extra.values()),
            key_columns=tuple(key_columns),
            must=both(must.predicate),
            wish=both(wish.predicate),
            aggregate=Aggregate(tuple(key_columns), (Measure("count", "count"),)),
        )
        return self.fetch(
            route.entity.anchor, route.entity.name, asked, (*must.semijoins, *wish.semijoins)
        )

    def _by_column(self, route: Route, name: str) -> Column:
        for field, held in route.anchor.columns.items():
            if held.column == name:
                return route.column(field, route.entity.anchor)
        if name == (blind := route.blind()).name:
            return blind
        raise HubError("INTERNAL", f"no field is bound to a column of `{route.entity.name}`")

    def same_source(self, relation: Relation) -> bool:
        """Whether both ends of a relation live in one source whose connector can join."""
        ours, theirs = self.route(relation.of), self.route(relation.to)
        connector = self.connectors.get(ours.entity.anchor)
        return (
            ours.entity.anchor == theirs.entity.anchor
            and connector is not None
            and connector.capabilities.joins
        )


def _related(predicate: Predicate) -> bool:
    match predicate:
        case Related():
            return True
        case And(parts=parts) | Or(parts=parts):
            return any(_related(part) for part in parts)
        case Not(part=part):
            return _related(part)
        case _:
            return False
