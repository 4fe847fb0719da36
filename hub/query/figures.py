"""Figures alone: what an operation may ask of a type that is under `AggregateOnly`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hub.query.operation import AggregateRoot, ListRoot, MeasurePick, Operation, TotalPart
from hub.query.steps import ConnPart, Notice
from policies.obligation import AggregateOnly, meet_obligations
from policies.ruling import Ruling
from schema.errors import HubError
from schema.model.catalogue import Catalogue
from schema.model.names import TypeName, split_coordinate
from schema.model.predicate import Predicate


def bound_of(ruling: Ruling, type_name: TypeName) -> AggregateOnly | None:
    """What holds of every figure over a type: the strictest of all its uses in the operation."""
    found = [
        one
        for use, duties in ruling.obligations.items()
        if split_coordinate(use.coordinate)[0] == type_name
        for one in duties
        if isinstance(one, AggregateOnly)
    ]
    met = meet_obligations(found)
    return next((one for one in met if isinstance(one, AggregateOnly)), None)


def check_figures(operation: Operation, catalogue: Catalogue, ruling: Ruling) -> None:
    """Refuse what would tell of few persons whatever the data is.

    Raises: ``AGGREGATE_ONLY`` for more fields in `groupBy` than may be, for a type whose persons
    cannot be told apart, and for two filters of one type: their figures subtracted are a figure
    over the rows that only one of them holds for.
    """
    if not ruling.obligations:
        return
    filters: dict[TypeName, Predicate | None] = {}
    for key, type_name, wish, groups in _counted(operation):
        bound = bound_of(ruling, type_name)
        if bound is None:
            continue
        if groups > bound.dimensions:
            raise HubError(
                "AGGREGATE_ONLY",
                "figures may not be grouped by so many fields",
                where=key,
                hint=f"group by at most {bound.dimensions}",
            )
        if catalogue.types[type_name].person(catalogue.scheme) is None:
            # fails closed: ten rows may be about one person
            raise HubError(
                "AGGREGATE_ONLY",
                f"the persons of `{type_name}` cannot be counted",
                where=key,
                hint="its department has to say whose data a row is (`data_subject`)",
            )
        if filters.setdefault(type_name, wish) != wish:
            raise HubError(
                "AGGREGATE_ONLY",
                f"figures over `{type_name}` may have one filter in an operation",
                where=key,
                hint="give all of them the same filter, or ask again",
            )


def _counted(
    operation: Operation,
) -> Iterator[tuple[str, TypeName, Predicate | None, int]]:
    """Everything that is counted by a filter: (response key, type, filter, fields grouped by)."""
    for root in operation.roots:
        match root:
            case AggregateRoot():
                yield root.key, root.type, root.filter, len(root.group_by)
            case ListRoot() if any(isinstance(p, TotalPart) for p in root.connection.parts):
                yield root.key, root.type, root.filter, 0
            case _:
                continue


def notices_of(root: AggregateRoot, bound: AggregateOnly | None) -> Iterator[Notice]:
    """What is said of every figure, whether or not one of them is withheld."""
    if bound is None:
        return
    for part in root.parts:
        if part.what == "count":
            yield _notice((root.key, part.key), bound)
        elif part.what not in ("group", "typename"):
            for pick in part.picks:
                if isinstance(pick, MeasurePick):
                    yield _notice((root.key, part.key, pick.key), bound)


def withheld(
    ruling: Ruling, type_name: TypeName, parts: Sequence[ConnPart], path: tuple[str, ...]
) -> list[Notice]:
    """What is said of the totals of a connection that policy gives over enough persons alone."""
    totals = [part.key for part in parts if part.what == "total"]
    bound = bound_of(ruling, type_name) if totals else None
    return [] if bound is None else [_notice((*path, key), bound) for key in totals]


def _notice(path: tuple[str, ...], bound: AggregateOnly) -> Notice:
    return Notice(path, "aggregate_only", None, "AGGREGATE_ONLY", (), bound.k)
