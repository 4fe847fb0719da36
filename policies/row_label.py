"""Labels of some rows: their conditions, and the mandatory checks that they make, as rules.

Where a condition is TRUE or UNKNOWN its fields carry the label on top of their own. A caller whose
clearance and compartments do not reach it is forbidden them there, whatever permits and grants say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import get_args

from policies.condition import (
    UNKNOWN,
    Attribute,
    Cleared,
    Condition,
    Literally,
    OneOf,
    YoungerThan,
    every,
    leaves_of,
    opposite,
    terms_of,
)
from policies.condition_syntax import read_condition
from policies.positions import did_you_mean, parse, shown
from policies.reading import Reader
from policies.residue import residue, row_field
from policies.rule import Rule, Selector
from schema.errors import HubError, ManyErrors
from schema.model.catalogue import Catalogue
from schema.model.entity import EntityType, RowLabel
from schema.model.names import coordinate
from schema.model.predicate import FALSE
from schema.model.use import UseMode

ROW_LABELS = "labels of rows"
"""What stands for a path where a row label's rule is named."""
_ALL: frozenset[UseMode] = frozenset(get_args(UseMode))
_TAKEN = "the row carries a label beyond the caller's reach, or may carry it"


def condition_of(held: RowLabel) -> Condition:
    """Where the label holds; UNKNOWN, so everywhere, for what cannot be read."""
    reader = Reader(held.name)
    trees = parse(held.when, reader.report)
    found = read_condition(reader, trees[0], "`when`") if trees else UNKNOWN
    # fails closed: a condition that cannot be read holds wherever it is not known to be false
    return UNKNOWN if reader.report.problems else found


def row_label_rules(catalogue: Catalogue) -> tuple[Rule, ...]:
    """The mandatory checks of every row label as ``label.<Type>.<number>:what``."""
    return tuple(
        rule
        for name in sorted(catalogue.types)
        for held in catalogue.types[name].row_labels
        for rule in _rules(catalogue.types[name], held)
    )


def check_row_labels(catalogue: Catalogue, places: Mapping[str, str]) -> None:
    """Whether every row label's condition can be asked of its type's rows.

    `places`: a row label's name -> where it is written.
    Raises: `ManyErrors` POLICY_INVALID with every problem.
    """
    problems = [
        HubError("POLICY_INVALID", message, where=places.get(held.name, held.name), hint=hint)
        for entity in catalogue.types.values()
        for held in entity.row_labels
        for message, hint in _problems(entity, held)
    ]
    if problems:
        raise ManyErrors("POLICY_INVALID", problems)


def _problems(entity: EntityType, held: RowLabel) -> Iterator[tuple[str, str]]:
    reader = Reader(held.name)
    trees = parse(held.when, reader.report)
    condition = read_condition(reader, trees[0], "`when` of `by_row`") if trees else UNKNOWN
    if reader.report.problems:
        yield from ((one.message, one.hint or "") for one in reader.report.problems)
        return
    for leaf in leaves_of(condition):
        yield from _leaf_problems(entity, leaf)


def _leaf_problems(entity: EntityType, leaf: Condition) -> Iterator[tuple[str, str]]:
    attributes = [term for term in terms_of(leaf) if isinstance(term, Attribute)]
    if not attributes or any(term.space != "row" for term in attributes):
        hint = "compare `row.` fields with values; who may read it is for the rules to say"
        yield "`when` of `by_row` speaks of something else than the row", hint
        return
    for term in attributes:
        field = row_field(entity, term)
        if field is None:
            message = f"type `{entity.name}` has no field `{shown(term.name)}` for `by_row`"
            yield message, did_you_mean(term.name, entity.fields)
        elif field.source != entity.anchor:
            message = f"`by_row` reads `{entity.name}.{field.name}`, which another source gives"
            yield message, "compare fields of the source that declares the type"
        elif residue(leaf, entity) == FALSE:
            message = f"`{entity.name}.{field.name}` cannot be compared like this in `by_row`"
            kind = "a `Date`" if isinstance(leaf, YoungerThan) else "a value of its scalar kind"
            yield message, f"compare {kind}"


def _rules(entity: EntityType, held: RowLabel) -> Iterator[Rule]:
    where = condition_of(held)
    fields = frozenset(coordinate(entity.name, name) for name in held.fields)
    selector = Selector(fields=fields)
    if held.existence:
        selector = Selector(types=frozenset({entity.name}))

    def rule(what: str, reaches: Condition) -> Rule:
        return Rule(
            name=f"{held.name}:{what}",
            version=1,
            effect="forbid",
            owner=entity.owner,
            about={"en": _TAKEN},
            selector=selector,
            modes=_ALL,
            when=every(where, opposite(reaches)),
            path=held.name,
            places={},
        )

    for ladder, level in held.label.levels:
        yield rule(f"level-{ladder}", Cleared(ladder, level))
    for name in sorted(held.label.compartments):
        within = OneOf(Literally(name), Attribute("subject", "compartments"))
        yield rule(f"compartment-{name}", within)
