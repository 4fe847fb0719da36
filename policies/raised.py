"""Rules over fields whose labels depend on the row: where a permit still reaches, and where a
rule that selects by category or level comes in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Literal

import msgspec

from policies.condition import Condition, Owned, either, every, opposite
from policies.row_label import condition_of
from schema.model.entity import EntityType
from schema.model.label import Label, LabelScheme
from schema.model.names import FieldName

Match = Literal["yes", "owner", "no"]
_CLOSENESS = {"no": 0, "owner": 1, "yes": 2}


class Raise(msgspec.Struct, frozen=True, kw_only=True):
    """A label that a field carries on top of its own in some rows."""

    where: Condition
    label: Label


def raises_of(entity: EntityType) -> dict[FieldName, tuple[Raise, ...]]:
    """The labels that come on top, by field."""
    found: dict[FieldName, list[Raise]] = {}
    for held in entity.row_labels:
        one = Raise(where=condition_of(held), label=held.label)
        for name in sorted(held.fields):
            found.setdefault(name, []).append(one)
    return {name: tuple(held) for name, held in found.items()}


def reach_of(
    raises: Sequence[Raise],
    own: Label,
    scheme: LabelScheme,
    matches: Callable[[Label], Match],
    owned: Owned,
) -> Condition | None:
    """The rows where a permit that reaches the own label reaches the raised one too; ``None``:
    in all rows. Bounds bound each part of a label by itself, so each raise is looked at alone."""
    plain = matches(own)
    limits = []
    for one in raises:
        held = matches(scheme.join([own, one.label]))
        if _CLOSENESS[held] < _CLOSENESS[plain]:
            spared = opposite(one.where)
            limits.append(spared if held == "no" else either(spared, owned))
    return every(*limits) if limits else None


def applies_of(
    raises: Sequence[Raise], own: Label, scheme: LabelScheme, matches: Callable[[Label], Match]
) -> Condition | None:
    """The rows where a prohibition or requirement that is not about the own label is about the
    raised one; ``None``: in no row. Several raises may be needed together."""
    found: list[frozenset[int]] = []
    for size in range(1, len(raises) + 1):
        for chosen in map(frozenset, combinations(range(len(raises)), size)):
            if any(held <= chosen for held in found):
                continue
            labels = [own, *(raises[number].label for number in sorted(chosen))]
            if matches(scheme.join(labels)) != "no":
                found.append(chosen)
    if not found:
        return None
    return either(*(every(*(raises[n].where for n in sorted(chosen))) for chosen in found))
