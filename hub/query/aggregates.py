"""Planning of aggregates: which measures the source computes and how boxes are filled."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from connectors.spi import Aggregate, Ask, Column, Measure
from hub.query.figures import bound_of
from hub.query.operation import AggregatePart, AggregateRoot, MeasurePick
from hub.query.pushdown import Pushdown
from hub.query.route import Route
from hub.query.semijoin import not_true
from hub.query.steps import AggregateBox, AggregatePlan, Fetch, Guard, MeasureColumn
from schema.errors import HubError
from schema.model.catalogue import Catalogue
from schema.model.names import FieldName, TypeName
from schema.model.predicate import Predicate, both


def plan_aggregate(root: AggregateRoot, push: Pushdown, max_groups: int) -> AggregatePlan:
    """One grouped fetch; `avg` is the source's `sum` and `count` divided here.

    One group more than there may be is asked for: that it came tells that there are too many.
    """
    measured = _Measured(push.route(root.type))
    groups = {str(field): measured.column(field) for field in root.group_by}
    boxes = tuple(_box(part, measured.name, groups) for part in root.parts)
    if not measured.made:
        measured.name("count", None)
    bound = bound_of(push.ruling, root.type)
    over = () if bound is None else measured.over()
    persons = () if bound is None else _persons(measured, push.catalogue)
    rows = "" if bound is None else measured.name("count", None)

    def fetch(wanted: Predicate | None) -> Fetch:
        must, wish = push.must(root.type), push.bind(wanted, root.type)
        columns = dict(measured.used)
        for column in push.known(measured.route, (), must.predicate, wish.predicate):
            columns.setdefault(column.name, column)
        asked = Ask(
            table=measured.route.anchor.table,
            columns=(),
            known=tuple(columns.values()),
            must=both(must.predicate),
            wish=both(wish.predicate),
            limit=max_groups + 1 if groups else None,
            aggregate=Aggregate(
                tuple(dict.fromkeys(groups.values())), tuple(measured.made.values())
            ),
        )
        anchor = measured.route.entity.anchor
        return push.fetch(anchor, root.type, asked, (*must.semijoins, *wish.semijoins))

    found = fetch(root.filter)
    guard = None
    if bound is not None:
        entity = measured.route.entity
        guard = Guard(
            k=bound.k,
            round_to=bound.round_to,
            rows=rows,
            persons=persons,
            adds=not persons or entity.identified_by(entity.person(push.catalogue.scheme) or ()),
            groups=tuple((groups[f], entity.fields[FieldName(f)].kind) for f in sorted(groups)),
            over=over,
            rounded=measured.counts(),
            outside=None if root.filter is None else fetch(not_true(root.filter)),
        )
    return AggregatePlan(
        key=root.key,
        type=root.type,
        fetch=found,
        boxes=boxes,
        guard=guard,
        persons=measured.shown(groups=bool(groups) and guard is None)
        if root.type in push.persons
        else 0,
    )


def count_figure(key: str, type_name: TypeName, wish: Predicate | None) -> AggregateRoot:
    """How many rows there are, as an aggregate of its own."""
    parts = (AggregatePart(key, "count"),)
    return AggregateRoot(key=key, type=type_name, filter=wish, parts=parts)


def _persons(measured: _Measured, catalogue: Catalogue) -> tuple[str, ...]:
    person = measured.route.entity.person(catalogue.scheme)
    if person is None or not all(measured.route.here(field) for field in person):
        # fails closed: nobody can be counted; no field is named, the caller may not know it
        raise HubError("AGGREGATE_ONLY", "persons cannot be counted in these rows")
    return tuple(measured.name("countDistinct", field) for field in person)


class _Measured:
    """The measures and columns of one aggregate while it is planned."""

    def __init__(self, route: Route) -> None:
        self.route = route
        self.made: dict[tuple[str, str | None], Measure] = {}
        self.used: dict[str, Column] = {}

    def name(self, function: str, field: str | None) -> str:
        """The result column of a measure, asked for from now on."""
        column = None if field is None else self.column(field)
        made = self.made.get((function, column))
        if made is None:
            name = f"m{len(self.made)}"
            made = self.made[function, column] = Measure(name, function, column)  # type: ignore[arg-type]
        return made.name

    def column(self, field: str) -> str:
        """The source column of a field."""
        return _column(self.route, field, self.used)

    def over(self) -> tuple[tuple[str, str | None], ...]:
        """Each measure made, with what counts the rows that have a value of its column."""
        found: list[tuple[str, str | None]] = []
        for (_, column), made in tuple(self.made.items()):
            counted = None
            if column is not None:
                names = f"m{len(self.made)}"
                held = self.made.setdefault(("count", column), Measure(names, "count", column))
                counted = held.name
            found.append((made.name, counted))
        return tuple(found)

    def shown(self, *, groups: bool) -> int:
        """How many persons a group may show: itself, and each least and greatest value."""
        # fails closed: it may be one person's
        return groups + sum(function in ("min", "max") for function, _ in self.made)

    def counts(self) -> frozenset[str]:
        """Measures that are rounded; `count` of a column is only what `avg` divides by."""
        return frozenset(
            made.name
            for (function, column), made in self.made.items()
            if function == "countDistinct" or (function == "count" and column is None)
        )


def _box(
    part: AggregatePart,
    measure: Callable[[str, str | None], str],
    groups: Mapping[str, str],
) -> AggregateBox:
    if part.what == "typename":
        single = MeasureColumn(key=part.key, what="const", value=part.typename)
        return AggregateBox(key=part.key, single=single)
    if part.what == "count":
        single = MeasureColumn(key=part.key, what="column", column=measure("count", None))
        return AggregateBox(key=part.key, single=single)
    columns = []
    for pick in part.picks:
        if not isinstance(pick, MeasurePick):
            columns.append(MeasureColumn(key=pick.key, what="const", value=pick.name))
        elif part.what == "group":
            # a field that was not grouped by has no value for the group
            held = groups.get(str(pick.field))
            if held is None:
                columns.append(MeasureColumn(key=pick.key, what="const"))
            else:
                columns.append(MeasureColumn(key=pick.key, what="column", column=held))
        elif part.what == "avg":
            columns.append(
                MeasureColumn(
                    key=pick.key,
                    what="avg",
                    column=measure("sum", pick.field),
                    count_column=measure("count", pick.field),
                )
            )
        else:
            columns.append(
                MeasureColumn(key=pick.key, what="column", column=measure(part.what, pick.field))
            )
    return AggregateBox(key=part.key, columns=tuple(columns))


def _column(route: Route, field: str, used: dict[str, Column]) -> str:
    route.settled([field])
    if not route.here(field):
        raise HubError(
            "BAD_USER_INPUT",
            f"`{route.entity.name}` cannot be aggregated over `{field}`",
            hint="the field comes from another source than the rows",
        )
    column = route.column(field)
    used.setdefault(column.name, column)
    return column.name
