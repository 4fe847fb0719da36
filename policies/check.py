"""Bundles against a catalogue and packs: unknown names, masks that cannot be, unfit rows."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from policies.condition import (
    Attribute,
    Cleared,
    Compares,
    Condition,
    OneOf,
    PurposeWithin,
    RegionWithin,
    YoungerThan,
    leaves_of,
    terms_of,
)
from policies.distinct import few_values, is_coded
from policies.grant import Grant
from policies.granted import Granted, LiveGrant
from policies.joint import Combination, Joint
from policies.meet import fits
from policies.obligation import AggregateOnly
from policies.packs import Packs
from policies.positions import Place, Report, did_you_mean, shown
from policies.residue import residue, row_field
from policies.rule import Bundle, LevelRef, Rule, Selector
from policies.ruling import Allow, Masked
from schema.errors import HubError, ManyErrors
from schema.model.catalogue import Catalogue
from schema.model.entity import EntityType, Field
from schema.model.names import Coordinate, FieldName, TypeName
from schema.model.predicate import FALSE


def check(bundle: Bundle, catalogue: Catalogue, packs: Packs) -> None:
    """Raises: `ManyErrors` POLICY_INVALID with everything in one bundle that cannot hold."""
    report = Report(bundle.path)
    for rule in bundle.rules:
        _Check(rule, catalogue, packs, report).all()
    for joint in bundle.joint:
        _Check(_named(joint), catalogue, packs, report).all()
        _only_fields(joint, catalogue, report)
    report.raise_any()


def _named(joint: Joint) -> Rule:
    """A rule that names what a combination or mosaic does, so that names are checked in one way."""
    level = LevelRef(*joint.raises) if isinstance(joint, Combination) else None
    fields = frozenset[str]().union(*(part.fields for part in joint.parts))
    categories = frozenset[str]().union(*(part.categories for part in joint.parts))
    return Rule(
        name=joint.name,
        version=joint.version,
        effect="forbid",
        selector=Selector(fields=fields, categories=categories, level=level),
        modes=frozenset(),
        when=joint.when,
        path=joint.path,
        places=joint.places,
    )


def _only_fields(joint: Joint, catalogue: Catalogue, report: Report) -> None:
    for part in joint.parts:
        for name in sorted(part.fields):
            if catalogue.relation(Coordinate(name)) is not None:
                message = f"`{name}` is a relation"
                hint = "name its key: who follows a relation uses the key at both ends"
                report.add(joint.place(f"fields:{name}"), message, hint)


def check_together(bundles: Sequence[Bundle], catalogue: Catalogue, packs: Packs) -> None:
    """`check` for every bundle, and that no two rules share a name."""
    problems: list[HubError] = []
    first: dict[str, Rule | Joint] = {}
    for bundle in bundles:
        try:
            check(bundle, catalogue, packs)
        except ManyErrors as error:
            problems += error.problems
        report = Report(bundle.path)
        for rule in (*bundle.rules, *bundle.joint):
            other = first.setdefault(rule.name, rule)
            if other is not rule:
                message = f"two rules are named `{rule.name}`"
                hint = f"the first stands in {other.path}; rename one"
                report.add(rule.place("policy", "mosaic", "combination"), message, hint)
        problems += report.problems
    if problems:
        raise ManyErrors("POLICY_INVALID", problems)


def check_grants(grants: Sequence[Grant], packs: Packs) -> None:
    """That the categories of grants exist; the rest is checked of the permits they become.

    Raises: `ManyErrors` POLICY_INVALID.
    """
    problems: list[HubError] = []
    for grant in grants:
        report = Report(grant.path)
        for category in sorted(grant.covers - packs.scheme.categories.keys()):
            at = grant.places.get(f"categories:{category}", Place(1, 1))
            hint = did_you_mean(category, packs.scheme.categories)
            report.add(at, f"there is no category `{shown(category)}`", hint)
        problems += report.problems
    if problems:
        raise ManyErrors("POLICY_INVALID", problems)


class _Check:
    def __init__(self, rule: Rule, catalogue: Catalogue, packs: Packs, report: Report) -> None:
        self.rule = rule
        self.catalogue = catalogue
        self.packs = packs
        self.report = report

    def all(self) -> None:
        """Every check on one rule."""
        selector = self.rule.selector
        self._among("types", "type", selector.types - {"*"}, self.catalogue.types)
        self._among("categories", "category", selector.categories, self.packs.scheme.categories)
        owners = {source.department for source in self.catalogue.sources.values()}
        owners |= {entity.owner for entity in self.catalogue.types.values()}
        self._among("owner", "department", selector.owners, owners)
        for element in sorted(selector.fields):
            self._element(element)
        if selector.level is not None:
            self._level(selector.level)
        if self.rule.declassify is not None:
            self._level(LevelRef(self.rule.declassify.ladder, self.rule.declassify.level))
        for duty in self.rule.obligations:
            for level in duty.declassify if isinstance(duty, AggregateOnly) else ():
                self._level(LevelRef(*level))
        for condition in (self.rule.when, self.rule.rows):
            for leaf in leaves_of(condition) if condition is not None else ():
                self._leaf(leaf)

    def _wrong(self, at: Place, message: str, hint: str) -> None:
        self.report.add(at, message, hint)

    def _among(self, key: str, noun: str, words: frozenset[str], known: Collection[str]) -> None:
        for word in sorted(words):
            if word not in known:
                at = self.rule.place(f"{key}:{word}", "resources")
                self._wrong(at, f"there is no {noun} `{shown(word)}`", did_you_mean(word, known))

    def _element(self, element: str) -> None:
        at = self.rule.place(f"fields:{element}", "resources")
        type_name, _, name = element.partition(".")
        entity = self.catalogue.types.get(TypeName(type_name))
        if entity is None:
            hint = did_you_mean(type_name, self.catalogue.types)
            self._wrong(at, f"there is no type `{shown(type_name)}`", hint)
            return
        if name == "*":
            return
        field = entity.fields.get(FieldName(name))
        if field is None and FieldName(name) not in entity.relations:
            hint = did_you_mean(name, [*entity.fields, *entity.relations])
            message = f"the type `{type_name}` has no field `{shown(name)}`"
            self._wrong(at, message, hint)
        if field is not None and isinstance(self.rule.outcome, Masked | Allow):
            said = fits(self.rule.outcome, field.kind)
            if said is not None and isinstance(self.rule.outcome, Masked):
                message = f"the mask `{self.rule.outcome.mask}` does not fit `{element}`: {said}"
                hint = "every mask keeps the field's scalar kind; use another mask, or `redact`"
                self._wrong(at, message, hint)

            elif is_coded(self.rule.outcome):
                self._enough(entity, field, at)

    def _enough(self, entity: EntityType, field: Field, at: Place) -> None:
        """Codes hide only what has many values."""
        few = few_values(entity, field, self.catalogue, self.packs)
        if few is None:
            return
        what = f"`{entity.name}.{field.name}` has few values: {few[0]}"
        what += f" gives at most {few[1]}" if few[1] else ", which no pack counts"
        hint = (
            f"codes of less than {self.packs.least_distinct} values are read by how often each "
            "occurs; use `redact` or `generalise`, or let a pack state the number (`coded`)"
        )
        self._wrong(at, what, hint)

    def _level(self, ref: LevelRef) -> None:
        scheme = self.packs.scheme
        at = self.rule.place(f"level:{ref.ladder}:{ref.level}", "resources")
        if ref.ladder:
            ladder = scheme.ladder(ref.ladder)
            if ladder is None:
                hint = did_you_mean(ref.ladder, (known.id for known in scheme.ladders))
                self._wrong(at, f"there is no ladder `{shown(ref.ladder)}`", hint)
            elif ref.level not in ladder.levels:
                hint = did_you_mean(ref.level, ladder.levels)
                message = f"the ladder `{ladder.id}` has no level `{shown(ref.level)}`"
                self._wrong(at, message, hint)
        elif scheme.ladder_of(ref.level) is None:
            several = [ladder.id for ladder in scheme.ladders if ref.level in ladder.levels]
            known = (level for ladder in scheme.ladders for level in ladder.levels)
            said = "stands on several ladders" if several else "is on no ladder"
            hint = (
                f"write `{{{several[0]}: {ref.level}}}`"
                if several
                else did_you_mean(ref.level, known)
            )
            self._wrong(at, f"the level `{shown(ref.level)}` {said}", hint)

    def _leaf(self, leaf: Condition) -> None:
        match leaf:
            case PurposeWithin(purposes=purposes) | LiveGrant(purposes=purposes):
                for purpose in purposes:
                    if purpose not in self.packs.purposes:
                        at = self.rule.place(f"purpose:{purpose}", "subjects", "when")
                        hint = did_you_mean(purpose, self.packs.purposes)
                        self._wrong(at, f"there is no purpose `{shown(purpose)}`", hint)
            case Cleared(ladder=ladder, level=level):
                self._level(LevelRef(ladder, level))
            case Granted(category=category) if category:
                known = self.packs.scheme.categories
                self._among("categories", "category", frozenset({category}), known)
            case Compares() | OneOf() | RegionWithin() | YoungerThan():
                self._row_leaf(leaf)
            case _:
                for term in terms_of(leaf):
                    self._row_leaf_named(leaf, term)

    def _row_leaf(self, leaf: Condition) -> None:
        for term in terms_of(leaf)[:1]:
            self._row_leaf_named(leaf, term)

    def _row_leaf_named(self, leaf: Condition, term: object) -> None:
        """A row's field must be one of each named type, and comparable as the rule says."""
        if not isinstance(term, Attribute) or term.space != "row":
            return
        at = self.rule.place(f"row:{term.name}", "rows", "when")
        named = self._named_types()
        for entity in named or self.catalogue.types.values():
            if row_field(entity, term) is not None:
                if not _speaks_of_resource(leaf) and residue(leaf, entity) == FALSE and named:
                    message = f"`row.{term.name}` of `{entity.name}` cannot be compared like this"
                    self._wrong(at, message, "compare it with a value of its own scalar kind")
            elif named and term.name != "region":
                message = f"the type `{entity.name}` has no field `{shown(term.name)}`"
                self._wrong(at, message, did_you_mean(term.name, entity.fields))
            elif named:
                message = f"the type `{entity.name}` does not place its rows in a region"
                self._wrong(at, message, "name another type, or write `region:` in its fragment")
        if not named and not any(
            row_field(entity, term) for entity in self.catalogue.types.values()
        ):
            self._wrong(at, f"no type has a field `{shown(term.name)}`", "check its spelling")

    def _named_types(self) -> list[EntityType]:
        selector = self.rule.selector
        if "*" in selector.types:
            return []
        names = {*selector.types, *(element.partition(".")[0] for element in selector.fields)}
        types = self.catalogue.types
        return [types[TypeName(name)] for name in sorted(names) if TypeName(name) in types]


def _speaks_of_resource(leaf: Condition) -> bool:
    return any(isinstance(term, Attribute) and term.space == "resource" for term in terms_of(leaf))
