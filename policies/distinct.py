"""How many values a field can have at most, where the catalogue and the packs tell.

Codes in place of values hide nothing where there are few: how often each occurs, and what is
known of some rows, gives all of them back.
"""

from __future__ import annotations

from policies.packs import Packs
from policies.ruling import Masked
from schema.model.catalogue import Catalogue
from schema.model.entity import EntityType, Field

DATES = {
    "date": 40_177, "date-of-birth": 40_177, "birth-date": 40_177, "year-month": 1_320,
    "year": 110,
}  # fmt: skip
"""Formats of texts that mean the same everywhere: 110 years of 365.2425 days."""
CODED = frozenset({"hash", "tokenise"})
"""Masks that give equal values equal codes."""


def few_values(
    entity: EntityType, field: Field, catalogue: Catalogue, packs: Packs
) -> tuple[str, int] | None:
    """What bounds a field's values, and their number, where it is below the packs' least.

    A code list that no pack counts has 0: fails closed, since a list is there to be looked up.
    """
    bounds: list[tuple[int, str]] = []
    if field.codes is not None:
        bounds.append((packs.distinct.get(field.codes, 0), f"the code list `{field.codes}`"))
    form = field.format or ""
    known = [held[form] for held in (DATES, packs.distinct) if form in held]
    bounds += [(number, f"the format `{form}`") for number in known]
    binding = catalogue.bindings.get(entity.name, {}).get(field.source)
    column = None if binding is None else binding.columns.get(field.name)
    norm = None if field.codes is None else catalogue.lists.get(field.codes)
    # of a list with a history only the codes that have changed since are converted
    whole = norm is None or not norm.changes
    if column is not None and column.values and whole:
        bounds.append((len(set(column.values.values())), "the conversion of its codes"))
    least = min(bounds, default=None)
    if least is None or least[0] >= packs.least_distinct:
        return None
    return least[1], least[0]


def is_coded(outcome: object) -> bool:
    """Whether a mask gives equal values equal codes."""
    return isinstance(outcome, Masked) and outcome.mask in CODED
