"""Fields of one entity from several sources: fetched by key and added to the anchor's rows."""

from __future__ import annotations

from connectors.kit.norm import UNREAD
from connectors.spi import Ask
from hub.query.pushdown import Pushdown
from hub.query.shapes import Draft
from hub.query.steps import Extend
from schema.model.names import SourceName
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
