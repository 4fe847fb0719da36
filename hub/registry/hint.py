"""Suggestions of a draft about whole fields and types, as comments that a person may take up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hub.registry.entities import Entity
from hub.registry.suggest.existing import Link
from hub.registry.suggest.norm import Normed
from hub.registry.yamltext import flow, text


def norm_lines(field: str, said: Mapping[str, Any], normed: Normed, source: str) -> Iterator[str]:
    """The field again as the norm would have it; of a list of its own, how one is declared.

    `said`: the field's words in the draft. No sampled value is written.
    """
    told = f"{normed.title}? {normed.confidence:.2f}, {'; '.join(normed.reasons)}"
    if normed.said:
        yield f"      # {told}: instead of the line above"
        yield f"      # {text(field)}: {flow({**said, **normed.said})}"
        return
    name = f"{source}-{field.lower()}"
    yield f"      # {told}: declare the list beside `types:`, and name it here"
    yield f"      # codes: {{{name}: {{codes: {{CODE: {{en: ..., zh: ...}}}}}}}}"
    yield f"      # {text(field)}: {flow({**said, 'codes': name})}"


def extending(entity: Entity, link: Link) -> Iterator[str]:
    """How the type of a table would add to one that exists; nothing of another table's."""
    if entity.table.name != link.table:
        return
    ours = entity.columns[link.column].field
    yield (
        f"  # Rows may be of `{link.to}`, which exists already: {link.confidence:.2f}, the key"
        f" {ours} is like its key {link.field}: {'; '.join(link.reasons)}."
    )
    yield (
        f"  # If so, call the next type `{link.to}`, its key `[{link.field}]` and its field"
        f" `{ours}` `{link.field}`"
    )
    yield (
        f"  # with `column: {text(link.column)}, authoritative: false`, and write"
        " `extend: true` for `plural`."
    )
