"""Bundles to decision tables: per type, which rules are about which fields, found once.

Fields of a type that no rule and no label tells apart share a `Cell`; conditions that speak of
the resource are specialised, so nothing is matched when an operation is ruled.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Literal

import msgspec

from policies.condition import (
    Attribute,
    Condition,
    Facts,
    Owned,
    every,
    leaves_of,
    reads_row,
    specialise,
    terms_of,
)
from policies.distinct import few_values
from policies.grant import Grant, grants_on
from policies.granted import Granted
from policies.obligation import Obligation
from policies.packs import Packs
from policies.raised import Match, Raise, applies_of, raises_of, reach_of
from policies.rule import LevelRef, Rule, Selector
from schema.model.catalogue import Catalogue
from schema.model.entity import EntityType, Field, MetadataVisibility
from schema.model.label import Label, Ladder
from schema.model.names import FieldName, TypeName
from schema.model.scalar import ScalarKind
from schema.model.use import TYPE_MODES

_STRICTNESS = {"unconditional": 0, "conditional": 1, "withheld": 2}
Naming = Literal["wild", "type", "exact"]


class Variant(msgspec.Struct, frozen=True, kw_only=True):
    """A rule as it is for resources with certain facts."""

    rule: Rule
    when: Condition
    """With the rows that the rule is about, where labels depend on the row."""
    rows: Condition | None
    """A require's row filter. A permit's reach: the rows whose labels it reaches; else ``None``."""


class Cover(msgspec.Struct, frozen=True, kw_only=True):
    """The rules about one thing, as numbers of variants."""

    permits: tuple[int, ...] = ()
    owner_permits: tuple[int, ...] = ()
    """Permits that reach it only for its owner: they do not name it closely enough."""
    forbids: tuple[int, ...] = ()
    requires: tuple[int, ...] = ()
    named: tuple[int, ...] = ()
    """Of the permits, those that name the relation itself."""

    def variants(self) -> tuple[int, ...]:
        """All of them."""
        return (*self.permits, *self.owner_permits, *self.forbids, *self.requires)


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """Fields of one type that are decided alike."""

    label: int
    facts: Facts
    metadata: MetadataVisibility
    kind: ScalarKind
    key_alone: bool
    few: bool
    """Whether there are too few values to be hidden by codes."""
    cover: Cover


class TypeTable(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about one entity type."""

    entity: EntityType
    cells: tuple[Cell, ...]
    cell_of: Mapping[FieldName, int]
    relations: Mapping[FieldName, Cover]
    cover: Cover
    """Forbids and requires about the type itself."""
    takers: tuple[int, ...]
    """Of these, the forbids that take rows away: rows that they are about exist in no mode."""
    about: tuple[int, ...]
    """All variants that say something of the type, its fields or its relations."""


class Tables(msgspec.Struct, frozen=True, kw_only=True):
    """The compiled bundles."""

    variants: tuple[Variant, ...]
    labels: tuple[Label, ...]
    owners: tuple[tuple[str, str | None], ...]
    """(owner, region) pairs that fields have."""
    types: Mapping[TypeName, TypeTable]
    duties: Mapping[str, tuple[Obligation, ...]]
    """Rule id -> its obligations, where it has any."""


def compile_rules(
    catalogue: Catalogue, rules: Sequence[Rule], packs: Packs, grants: Sequence[Grant] = ()
) -> Tables:
    """Match every rule with the catalogue. Cost: about 20 µs per field."""
    return _Compiler(catalogue, rules, packs, grants).tables()


def level_of(ref: LevelRef, packs: Packs) -> tuple[str, int] | None:
    """(ladder, rank) of a level as written; ``None`` if the packs do not know it."""
    scheme = packs.scheme
    ladder = scheme.ladder(ref.ladder) if ref.ladder else scheme.ladder_of(ref.level)
    if ladder is None or ref.level not in ladder.levels:
        return None
    return ladder.id, ladder.rank(ref.level)


def covers(rule: Rule, label: Label, share: str, owner: str, naming: Naming, packs: Packs) -> Match:
    """Whether a rule is about a field with this label, share type and owner."""
    selector = rule.selector
    if selector.owners and owner not in selector.owners:
        return "no"
    if rule.effect == "permit":
        if not _within_bounds(selector, label, share, packs):
            return "no"
        return "yes" if _names(selector, label, share, naming, packs) else "owner"
    return "yes" if _over_floors(selector, label, share, packs) else "no"


def _within_bounds(selector: Selector, label: Label, share: str, packs: Packs) -> bool:
    if selector.share is not None and _STRICTNESS[share] > _STRICTNESS[selector.share]:
        return False
    if selector.level is not None:
        bound = level_of(selector.level, packs)
        if bound is None:
            return False  # fails closed: an unknown bound bounds everything
        ladder = packs.scheme.ladder(bound[0])
        held = label.level(bound[0])
        if held is not None and (
            ladder is None or held not in ladder.levels or ladder.rank(held) > bound[1]
        ):
            return False
    if not selector.categories:
        return True
    return all(_listed(category, selector, packs) for category in label.categories)


def _listed(category: str, selector: Selector, packs: Packs) -> bool:
    """Whether a permit lists a category; a sensitive one must be listed as such."""
    return any(
        packs.category_within(category, other)
        and (category not in packs.sensitive or other in packs.sensitive)
        for other in selector.categories
    )


def _names(selector: Selector, label: Label, share: str, naming: Naming, packs: Packs) -> bool:
    """Whether a permit names a field as closely as its share type and categories ask."""
    stated = selector.share is not None and _STRICTNESS[selector.share] >= _STRICTNESS[share]
    if share != "unconditional" and naming == "wild" and not stated:
        return False
    if naming == "exact":
        return True
    return all(_listed(held, selector, packs) for held in label.categories & packs.sensitive)


def _below(held: str, floor: tuple[str, int] | None, ladder: Ladder | None) -> bool:
    if ladder is None or floor is None or held not in ladder.levels:
        return False
    return ladder.rank(held) < floor[1]


def _over_floors(selector: Selector, label: Label, share: str, packs: Packs) -> bool:
    if selector.share is not None and _STRICTNESS[share] < _STRICTNESS[selector.share]:
        return False
    if selector.level is not None:
        floor = level_of(selector.level, packs)
        held = None if floor is None else label.level(floor[0])
        ladder = None if floor is None else packs.scheme.ladder(floor[0])
        # fails closed: an unknown floor, and a label without levels, are above it
        known = floor is not None and ladder is not None and bool(label.levels)
        if known and (held is None or _below(held, floor, ladder)):
            return False
    if not selector.categories:
        return True
    return any(
        packs.category_within(category, other)
        for category in label.categories
        for other in selector.categories
    )


class _Compiler:
    def __init__(
        self, catalogue: Catalogue, rules: Sequence[Rule], packs: Packs, grants: Sequence[Grant]
    ) -> None:
        self.catalogue = catalogue
        self.rules = rules
        self.packs = packs
        self.variants: list[Variant] = []
        self.numbers: dict[tuple[int, Condition, Condition | None], int] = {}
        self.special: dict[tuple[int, Facts | None, Condition | None], int] = {}
        self.labels: dict[Label, int] = {}
        self.owners: dict[tuple[str, str | None], None] = {}
        self.reads_resource = [_reads_resource(rule) for rule in rules]
        # fields stay decided alike where no rule asks for grants
        asked = any(_reads_grants(rule) for rule in rules)
        self.granted = grants_on(grants) if asked else {}
        self.wild: list[int] = []
        self.by_type: dict[str, list[int]] = {}
        self.by_element: dict[str, list[int]] = {}
        for number, rule in enumerate(rules):
            self._index(number, rule.selector)
        self.matches: dict[tuple[int, Label, str, str, Naming], Match] = {}

    def _index(self, number: int, selector: Selector) -> None:
        if not selector.placed or "*" in selector.types:
            self.wild.append(number)
        for name in selector.types - {"*"}:
            self.by_type.setdefault(name, []).append(number)
        for element in selector.fields:
            type_name, _, field = element.partition(".")
            if field == "*":
                self.by_type.setdefault(type_name, []).append(number)
            else:
                self.by_element.setdefault(element, []).append(number)

    def tables(self) -> Tables:
        types = {name: self._type(entity) for name, entity in self.catalogue.types.items()}
        return Tables(
            variants=tuple(self.variants),
            labels=tuple(self.labels),
            owners=tuple(self.owners),
            types=types,
            duties={rule.id: rule.obligations for rule in self.rules if rule.obligations},
        )

    def _type(self, entity: EntityType) -> TypeTable:
        cells: dict[Cell, int] = {}
        cell_of: dict[FieldName, int] = {}
        raises = raises_of(entity)
        alone = {key[0] for key in entity.keys if len(key) == 1}
        for name, field in entity.fields.items():
            facts = self._facts(entity, field)
            cell = Cell(
                label=self.labels.setdefault(field.label, len(self.labels)),
                facts=facts,
                metadata=field.metadata,
                kind=field.kind,
                key_alone=name in alone,
                few=few_values(entity, field, self.catalogue, self.packs) is not None,
                cover=self._field_cover(entity, field, facts, raises.get(name, ())),
            )
            cell_of[name] = cells.setdefault(cell, len(cells))
        anchor = self.catalogue.sources.get(entity.anchor)
        region = anchor.region if anchor is not None else None
        own = Facts(entity.owner, "unconditional", entity.anchor, region)
        relations = {
            name: self._element_cover(
                entity, name, Facts(relation.owner, "unconditional", entity.anchor, region)
            )
            for name, relation in entity.relations.items()
        }
        cover = self._element_cover(entity, None, own)
        covers = [*(cell.cover for cell in cells), *relations.values(), cover]
        return TypeTable(
            entity=entity,
            cells=tuple(cells),
            cell_of=cell_of,
            relations=relations,
            cover=cover,
            takers=tuple(filter(self._takes_rows, cover.forbids)),
            about=tuple(sorted({number for held in covers for number in held.variants()})),
        )

    def _takes_rows(self, number: int) -> bool:
        variant = self.variants[number]
        return variant.rule.modes >= TYPE_MODES and reads_row(variant.when)

    def _facts(self, entity: EntityType, field: Field) -> Facts:
        source = self.catalogue.sources.get(field.source)
        region = source.region if source is not None else None
        self.owners.setdefault((field.owner, region))
        held = self.granted.get(f"{entity.name}.{field.name}", ())
        granted = tuple((grant.covers, grant.condition) for grant in held)
        return Facts(field.owner, field.share, field.source, region, granted)

    def _near(self, entity: EntityType, name: str | None) -> Iterable[tuple[int, Naming]]:
        """The rules that may be about an element, each once, with how they name it."""
        exact = self.by_element.get(f"{entity.name}.{name}", ()) if name is not None else ()
        seen: dict[int, Naming] = dict.fromkeys(self.wild, "wild")
        seen |= dict.fromkeys(self.by_type.get(entity.name, ()), "type")
        seen |= dict.fromkeys(exact, "exact")
        return seen.items()

    def _field_cover(
        self, entity: EntityType, field: Field, facts: Facts, raises: Sequence[Raise]
    ) -> Cover:
        found: dict[str, list[int]] = {"permit": [], "owner": [], "forbid": [], "require": []}
        for number, naming in self._near(entity, field.name):
            matches = partial(self._match, number, field, naming)
            match, effect = matches(field.label), self.rules[number].effect
            scheme, only = self.packs.scheme, None
            if raises and effect == "permit" and match != "no":
                owned = Owned(facts.owner, facts.region)
                only = reach_of(raises, field.label, scheme, matches, owned)
            elif raises and effect != "permit" and match == "no":
                only = applies_of(raises, field.label, scheme, matches)
            if match != "no" or only is not None:
                kind = "owner" if match == "owner" else effect
                found[kind].append(self._variant(number, facts, only))
        return _cover(found)

    def _match(self, number: int, field: Field, naming: Naming, label: Label) -> Match:
        key = (number, label, field.share, field.owner, naming)
        match = self.matches.get(key)
        if match is None:
            rule = self.rules[number]
            match = covers(rule, label, field.share, field.owner, naming, self.packs)
            self.matches[key] = match
        return match

    def _element_cover(self, entity: EntityType, name: str | None, facts: Facts) -> Cover:
        """Rules about a relation or (no name) the type itself: neither has label or share type."""
        named: list[int] = []
        found: dict[str, list[int]] = {"permit": [], "owner": [], "forbid": [], "require": []}
        for number, naming in self._near(entity, name):
            rule = self.rules[number]
            selector = rule.selector
            narrowed = bool(selector.categories or selector.level or selector.share)
            if rule.effect != "permit" and narrowed and naming != "exact":
                continue
            if selector.owners and facts.owner not in selector.owners:
                continue
            variant = self._variant(number, facts)
            found[rule.effect].append(variant)
            if rule.effect == "permit" and naming == "exact":
                named.append(variant)
        return msgspec.structs.replace(_cover(found), named=tuple(named))

    def _variant(self, number: int, facts: Facts, only: Condition | None = None) -> int:
        """`only`: the rows where a permit reaches, or where another rule comes in."""
        key = (number, facts if self.reads_resource[number] else None, only)
        held = self.special.get(key)
        if held is None:
            rule = self.rules[number]
            when = specialise(rule.when, facts)
            rows = None if rule.rows is None else specialise(rule.rows, facts)
            if only is not None and rule.effect == "permit":
                rows = only
            elif only is not None:
                when = every(only, when)
            held = self.numbers.setdefault((number, when, rows), len(self.variants))
            if held == len(self.variants):
                self.variants.append(Variant(rule=rule, when=when, rows=rows))
            self.special[key] = held
            self.owners.setdefault((facts.owner, facts.region))
        return held


def _cover(found: Mapping[str, Sequence[int]]) -> Cover:
    return Cover(
        permits=tuple(found["permit"]),
        owner_permits=tuple(found["owner"]),
        forbids=tuple(found["forbid"]),
        requires=tuple(found["require"]),
    )


def _leaves(rule: Rule) -> Iterable[Condition]:
    conditions = [rule.when, *([] if rule.rows is None else [rule.rows])]
    return (leaf for condition in conditions for leaf in leaves_of(condition))


def _reads_grants(rule: Rule) -> bool:
    return any(isinstance(leaf, Granted) for leaf in _leaves(rule))


def _reads_resource(rule: Rule) -> bool:
    return _reads_grants(rule) or any(
        isinstance(term, Attribute) and term.space == "resource"
        for leaf in _leaves(rule)
        for term in terms_of(leaf)
    )
