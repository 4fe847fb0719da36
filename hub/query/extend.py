"""Fields of one entity from several sources: fetched by key and added to the anchor's rows."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.kit.norm import UNREAD
from connectors.spi import Ask, Column
from hub.query.pushdown import Pushdown
from hub.query.shapes import Draft
from hub.query.steps import Contest, Contested, Extend, Fetch, Output
from policies.ruling import Allow, FieldError, Null
from schema.model.names import SourceName, coordinate
from schema.model.norm import DateText


def plan_extends(draft: Draft, push: Pushdown) -> tuple[Extend, ...]:
    """The fetches, by key, of fields that other sources than the anchor bind."""
    route = draft.route
    elsewhere: dict[SourceName, list[str]] = {}
    for field in draft.fields:
        source = route.source_of(field)
        if source != route.entity.anchor:
            elsewhere.setdefault(source, []).append(field)
    extends = []
    for source, fields in sorted(elsewhere.items()):
        binding = route.bindings[source]
        keys = [route.column(part, source) for part in route.entity.key]
        columns = route.columns(fields, source)
        asked = Ask(
            table=binding.table,
            columns=tuple({**{c.name: c for c in keys}, **columns}.values()),
            key_columns=tuple(column.name for column in keys),
        )
        on = [
            (route.address(part), column.name)
            for part, column in zip(route.entity.key, keys, strict=True)
        ]
        extends.append(
            Extend(
                fetch=push.fetch(source, route.entity.name, asked),
                on=tuple(on),
                columns=(
                    *((name, f"{source}/{name}") for name in columns),
                    *(
                        (UNREAD + name, f"{UNREAD}{source}/{name}")
                        for name, column in columns.items()
                        if isinstance(column.convert, DateText)
                    ),
                ),
                paths=draft.places_of(fields),
            )
        )
    return tuple(extends)


def plan_contests(draft: Draft, push: Pushdown) -> tuple[Contest, ...]:
    """The look-ups, by key, of what other sources have in fields that owners let be compared."""
    route = draft.route
    pairs: dict[tuple[SourceName, SourceName, bool], list[Output]] = {}
    for output in draft.outputs:
        policy = route.entity.fields[output.field].on_conflict
        if policy is None or isinstance(output.outcome, Null | FieldError):
            continue
        source = route.source_of(output.field)
        for other, binding in sorted(route.bindings.items()):
            if other != source and output.field in binding.columns:
                pairs.setdefault((source, other, policy == "latest"), []).append(output)
    return tuple(
        _contest(draft, push, source, other, outputs, latest=latest)
        for (source, other, latest), outputs in pairs.items()
    )


def _contest(
    draft: Draft,
    push: Pushdown,
    source: SourceName,
    other: SourceName,
    outputs: Sequence[Output],
    *,
    latest: bool,
) -> Contest:
    route = draft.route
    changed = route.bindings[other].changed if latest else None
    since = route.bindings[source].changed if latest else None
    fields = tuple(
        Contested(
            field=output.field,
            coordinate=coordinate(route.entity.name, output.field),
            kind=output.kind,
            ours=output.column,
            theirs=route.column(output.field, other).name,
            latest=latest,
            shown=isinstance(output.outcome, Allow),
            paths=draft.places_of([output.field]),
        )
        for output in outputs
    )
    keys = [route.column(part, other) for part in route.entity.key]
    addresses = [route.address(part) for part in route.entity.key]
    own = None if since is None else _moments(draft, push, source, since)
    return Contest(
        fetch=_keyed(draft, push, other, [output.field for output in outputs], changed),
        on=tuple((at, column.name) for at, column in zip(addresses, keys, strict=True)),
        fields=fields,
        source=source,
        department=push.catalogue.sources[source].department,
        changed=changed,
        since=own,
        since_on=() if own is None else own.ask.key_columns,
        since_column=since,
    )


def _moments(draft: Draft, push: Pushdown, source: SourceName, column: str) -> Fetch:
    return _keyed(draft, push, source, [], column)


def _keyed(
    draft: Draft, push: Pushdown, source: SourceName, fields: Sequence[str], changed: str | None
) -> Fetch:
    route = draft.route
    keys = [route.column(part, source) for part in route.entity.key]
    columns = {column.name: column for column in keys} | route.columns(fields, source)
    if changed is not None:
        columns.setdefault(changed, Column(changed, "DateTime"))
    asked = Ask(
        table=route.bindings[source].table,
        columns=tuple(columns.values()),
        key_columns=tuple(column.name for column in keys),
    )
    return push.fetch(source, route.entity.name, asked)
