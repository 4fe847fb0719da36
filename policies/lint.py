"""What is allowed but probably not meant: rules that never matter, masks that do not fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import msgspec

from policies.check import check_together
from policies.compile import Tables, compile_rules
from policies.condition import FALSE, TRUE, All, Condition, reads_row
from policies.distinct import is_coded
from policies.meet import REDACT, fits, meet
from policies.obligation import AggregateOnly
from policies.packs import Packs
from policies.rule import Bundle, Rule
from policies.ruling import Allow, Masked
from schema.model.catalogue import Catalogue
from schema.model.use import EVERY_MODE, SPECIAL_MODES, TYPE_MODES

Sort = Literal[
    "never-matches",
    "shadowed",
    "everybody",
    "unfit-mask",
    "meets-in-redact",
    "no-grant",
    "uncounted",
]
_OF_ROWS = EVERY_MODE - SPECIAL_MODES
"""The modes that say anything of rows."""
_Reach = Mapping[str, frozenset[str]]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to look at; not an error."""

    sort: Sort
    rule: str
    where: str
    message: str
    hint: str


def lint(bundles: Sequence[Bundle], catalogue: Catalogue, packs: Packs) -> tuple[Finding, ...]:
    """Findings on bundles that hold together. Raises: `ManyErrors` if they do not."""
    check_together(bundles, catalogue, packs)
    rules = [rule for bundle in bundles for rule in bundle.rules]
    tables = compile_rules(catalogue, rules, packs)
    reach = _reach(tables)
    found = [
        *_idle(rules, reach),
        *_open_to_all(rules),
        *_unfit(tables),
        *_grantless(rules),
        *_shadowed(rules, reach),
        *_contradicting(tables),
        *_uncounted(rules, reach, catalogue),
    ]
    return tuple(sorted(found, key=lambda finding: (finding.where, finding.sort, finding.message)))


def _finding(rule: Rule, sort: Sort, message: str, hint: str, *keys: str) -> Finding:
    at = rule.place(*keys, "policy")
    where = f"{rule.path}:{at.line}:{at.column}"
    return Finding(sort=sort, rule=rule.id, where=where, message=message, hint=hint)


def _reach(tables: Tables) -> _Reach:
    """Rule id -> the cells, relations and types it is about, for anybody and for the owner."""
    found: dict[str, set[str]] = {}
    for name, table in tables.types.items():
        covers = [(f"{name}#{number}", cell.cover) for number, cell in enumerate(table.cells)]
        covers += [(f"{name}.{relation}", cover) for relation, cover in table.relations.items()]
        covers += [(name, table.cover)]
        for place, cover in covers:
            for variant in cover.permits + cover.forbids + cover.requires:
                found.setdefault(tables.variants[variant].rule.id, set()).update(
                    (place, f"{place} owned")
                )
            for variant in cover.owner_permits:
                found.setdefault(tables.variants[variant].rule.id, set()).add(f"{place} owned")
    return {rule: frozenset(places) for rule, places in found.items()}


def _idle(rules: Sequence[Rule], reach: _Reach) -> Iterator[Finding]:
    for rule in rules:
        if rule.id not in reach:
            hint = "check types, fields, categories, level, share and owner together"
            message = "nothing in the catalogue fits the rule's resources"
            yield _finding(rule, "never-matches", message, hint, "resources")
        if rule.when == FALSE:
            message = "the rule's conditions can never hold"
            yield _finding(rule, "never-matches", message, "delete the rule or mend `when`", "when")


def _open_to_all(rules: Sequence[Rule]) -> Iterator[Finding]:
    for rule in rules:
        if rule.effect == "permit" and rule.when == TRUE:
            message = "the permit is for every application and person"
            yield _finding(rule, "everybody", message, "say whom it is for", "subjects", "when")


def _unfit(tables: Tables) -> Iterator[Finding]:
    told: set[tuple[str, str]] = set()
    for name, table in tables.types.items():
        for field, number in table.cell_of.items():
            cell = table.cells[number]
            for variant in cell.cover.permits + cell.cover.requires:
                rule = tables.variants[variant].rule
                outcome = rule.outcome
                if not isinstance(outcome, Masked) or (rule.id, cell.kind) in told:
                    continue
                said = fits(outcome, cell.kind)
                if said is None and cell.few and is_coded(outcome):
                    said = "codes of few values give them away"
                if said is not None:
                    told.add((rule.id, cell.kind))
                    message = f"the mask `{outcome.mask}` does not fit `{name}.{field}`: {said}"
                    hint = "the field is redacted instead; name fields of one kind in each rule"
                    yield _finding(rule, "unfit-mask", message, hint, "outcome")


def _grantless(rules: Sequence[Rule]) -> Iterator[Finding]:
    """Tokens of a grant in rules, which have none: nothing is shown."""
    for rule in rules:
        outcome = rule.outcome
        if isinstance(outcome, Masked) and ("key_scope", "grant") in outcome.params:
            message = "a rule has no grant, so `key_scope: grant` shows nothing"
            hint = "write the mask in the grants, or choose the scope app, department or purpose"
            yield _finding(rule, "no-grant", message, hint, "outcome")


def _uncounted(rules: Sequence[Rule], reach: _Reach, catalogue: Catalogue) -> Iterator[Finding]:
    """Figures over enough persons of a type that does not say whose data a row is."""
    for rule in rules:
        if not any(isinstance(one, AggregateOnly) for one in rule.obligations):
            continue
        for name, entity in sorted(catalogue.types.items()):
            reached = any(place.startswith(f"{name}#") for place in reach.get(rule.id, ()))
            if reached and entity.person(catalogue.scheme) is None:
                message = f"persons of `{name}` cannot be counted: its figures are refused"
                hint = "have its department say whose data a row is (`data_subject`)"
                yield _finding(rule, "uncounted", message, hint, "obligation:aggregate_only")


def _shadowed(rules: Sequence[Rule], reach: _Reach) -> Iterator[Finding]:
    for rule in rules:
        for other in rules:
            if rule is not other and rule.id in reach and _covers_all(other, rule, reach):
                twin = _covers_all(rule, other, reach)
                if twin and rule.id < other.id:
                    continue  # of two that say the same, one is told of
                message = f"`{other.id}` says all that the rule says"
                hint = "delete one of the two, or narrow the other"
                yield _finding(rule, "shadowed", message, hint)
                break


def _covers_all(wide: Rule, narrow: Rule, reach: _Reach) -> bool:
    """Whether a rule makes another of the same effect idle."""
    if wide.effect != narrow.effect or wide.window is not None or wide.rows != narrow.rows:
        return False
    functions = wide.functions is None or (
        narrow.functions is not None and narrow.functions <= wide.functions
    )
    return (
        functions
        and narrow.modes <= wide.modes
        and (narrow.effect != "permit" or wide.modes == narrow.modes or "project" in narrow.modes)
        and reach[narrow.id] <= reach.get(wide.id, frozenset())
        and _parts(wide.when) <= _parts(narrow.when)
        and _at_least(wide, narrow)
        and (not _takes_rows(narrow, reach) or reads_row(wide.when) or wide.modes >= _OF_ROWS)
    )


def _takes_rows(rule: Rule, reach: _Reach) -> bool:
    """Whether a prohibition takes rows away, so that it also says something of other modes."""
    about_types = rule.effect == "forbid" and any(
        "#" not in at and "." not in at for at in reach[rule.id]
    )
    return about_types and rule.modes >= TYPE_MODES and reads_row(rule.when)


def _at_least(wide: Rule, narrow: Rule) -> bool:
    if wide.outcome == narrow.outcome:
        return True
    ours, theirs = wide.outcome, narrow.outcome
    if not isinstance(ours, Allow | Masked) or not isinstance(theirs, Allow | Masked):
        return False
    met = meet(ours, theirs)
    return met == (theirs if wide.effect == "permit" else ours)


def _parts(condition: Condition) -> frozenset[Condition]:
    if condition == TRUE:
        return frozenset()
    return frozenset(condition.parts) if isinstance(condition, All) else frozenset({condition})


def _contradicting(tables: Tables) -> Iterator[Finding]:
    """Requires whose masks show different things: together they show nothing."""
    told: set[tuple[str, str]] = set()
    for name, table in tables.types.items():
        for field, number in table.cell_of.items():
            rules = [
                tables.variants[variant].rule for variant in table.cells[number].cover.requires
            ]
            for rule in rules:
                for other in rules:
                    ours, theirs = rule.outcome, other.outcome
                    if not isinstance(ours, Masked) or not isinstance(theirs, Masked):
                        continue
                    if rule.id >= other.id or (rule.id, other.id) in told:
                        continue
                    if meet(ours, theirs) == REDACT and REDACT not in (ours, theirs):
                        told.add((rule.id, other.id))
                        message = (
                            f"with `{other.id}`, `{name}.{field}` is redacted for whom both fit"
                        )
                        hint = "let both ask for the same kind of mask"
                        yield _finding(rule, "meets-in-redact", message, hint, "outcome")
