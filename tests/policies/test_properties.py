"""Laws of the engine over random rules: order, monotony, failing closed, no other path."""

from __future__ import annotations

import itertools
import random

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.engine import Engine
from policies.meet import fitted, meet
from policies.obligation import Obligation, Quota
from policies.rule import Bundle
from policies.ruling import Allow, Masked, Outcome, Rowwise, Ruling
from policies.syntax import read_bundle
from schema.model.catalogue import Catalogue
from schema.model.entity import EntityType, Field
from schema.model.names import TypeName, split_coordinate
from schema.model.predicate import evaluate
from schema.model.subject import Context
from schema.model.use import SPECIAL_MODES, FieldUse
from tests.policies.fixture import (
    CEILING,
    PACKS,
    catalogue,
    entity,
    field,
    label,
    subject,
    use,
)
from tests.properties import cases

THING = entity(
    "Thing",
    field("key", label("G1")),
    field("name", label("G2", "pi"), "conditional"),
    field("day", label("G2"), "conditional", "Date"),
    field("pay", label("G3", "pi.sensitive.finance"), "conditional", "Decimal"),
    field("secret", label("G4"), "withheld", metadata="hidden"),
    field("region", label("G1")),
    region="region",
)
WORLD = catalogue(THING)
ROWS = [
    {"key": "k", "name": "n", "day": "1999-12-31", "pay": "1", "secret": "s", "region": region}
    for region in ("3301", "330102", "3302", None)
]
USES = tuple(
    use(f"Thing.{name}", mode, function)  # type: ignore[arg-type]
    for name in THING.fields
    for mode, function in (
        ("project", None), ("filter_eq", None), ("sort", None), ("group", None),
        ("aggregate", "avg"), ("aggregate", "min"), ("join", None), ("see_metadata", None),
        ("export", None),
    )
) + tuple(use("Thing", mode) for mode in ("list", "open", "count"))  # type: ignore[arg-type]  # fmt: skip
SUBJECTS = [
    subject("one", "G3", "tax.audit", department="tax", region="3301"),
    subject("one", "G4", "benefits.eligibility", department="psb", region="330102"),
    subject("two", "G3", department=None, tier=None, region=None),
    subject("two", "G4", "benefits.eligibility", department="civil", region="3302"),
]

whom = st.sampled_from(
    [
        "subjects: {app: one}",
        "subjects: {app: [one, two]}",
        "subjects: {tier: city}",
        "subjects: {purpose: {descendant_of: benefits}}",
        "subjects: {clearance: {at_least: G4}}",
        "when: {not: {eq: [subject.department, tax]}}",
        "when: {not: {eq: [row.region, '3302']}}",
        "subjects: {app: one}\nwhen: {any: [{eq: [row.region, '3302']}, {clearance: G4}]}",
        "when: {any: [resource.owned, {region_within: [subject.region, '3301']}]}",
    ]
)
placed = st.sampled_from(
    [
        "resources: {types: [Thing]}",
        "resources: {fields: [Thing.name, Thing.pay]}",
        "resources: {fields: [Thing.day, Thing.secret]}",
        "resources: {fields: [Thing.pay]}",
        "resources: {types: [Thing], categories: [pi, pi.sensitive]}",
        "resources: {share: conditional}",
    ]
)
listed = st.sampled_from(
    ["", "modes: [project]", "modes: [read, filter]", "modes: [group, aggregate, count]",
     "modes: all", "modes: [read, join]", "modes: [join, see_metadata]",
     "modes: [read, export, subscribe, correct]"]
)  # fmt: skip
rows = st.sampled_from(
    [
        "",
        "",
        "rows: {region_within: [row.region, subject.region]}",
        "rows: {eq: [row.region, '3302']}",
        "rows: {not: {eq: [row.region, '3301']}}",
    ]
)
duties = st.sampled_from(
    ["", "", "", "obligations: [no_store]", "obligations: [{watermark: seen}]",
     "obligations: [{quota: {rows: 10, per: day}}]", "obligations: [{quota: {rows: 9, per: day}}]"]
)  # fmt: skip
masks = [
    "redact",
    "{mask: {partial: {keep_last: 4}}}",
    "{mask: {partial: {keep_first: 2, keep_last: 2}}}",
    "{mask: {generalise: {to: month}}}",
    "{mask: {generalise: {to: year}}}",
    "{mask: {bucket: {width: 1000}}}",
    "{mask: {bucket: {edges: [0, 1500, 3000]}}}",
    "{mask: {noise: {epsilon: 0.1, bound: 50}}}",
    "{mask: {noise: {epsilon: 0.01, bound: 500}}}",
    "{mask: hash}",
    "{mask: {tokenise: {key_scope: app}}}",
]


@st.composite
def rule(draw: st.DrawFn, effect: str) -> str:
    where = draw(placed)
    parts = [f"effect: {effect}", draw(whom), where, draw(listed)]
    if effect == "permit":
        parts += [draw(rows), f"outcome: {draw(st.sampled_from(['allow', 'allow', 'redact']))}"]
        parts += [draw(duties)]
    elif effect == "forbid":
        parts += [draw(rows), f"outcome: {draw(st.sampled_from(['error', 'hidden']))}"]
    else:
        parts += [draw(rows)]
        if parts[-1] == "" or draw(st.booleans()):
            # masks are put on whole types, so that they never name a field they do not fit
            parts[2] = "resources: {types: [Thing]}"
            parts += [f"outcome: {draw(st.sampled_from(masks))}"]
    return "\n".join(part for part in parts if part)


permits = st.lists(rule("permit"), min_size=1, max_size=4)
limits = st.lists(rule("require") | rule("forbid"), max_size=4)


def text_of(rules: list[str]) -> str:
    return "\n---\n".join(f"policy: r{number}\n{text}" for number, text in enumerate(rules))


def made(rules: list[str], of: Catalogue = WORLD) -> Engine:
    bundles: list[Bundle] = [read_bundle(text_of(rules), "random.yaml")]
    return Engine(of, bundles, PACKS, epoch=1, ceiling=CEILING)


def contexts() -> list[tuple[int, str | None]]:
    return [
        (number, purpose)
        for number, who in enumerate(SUBJECTS)
        for purpose in (None, *who.purposes)
    ]


def rulings(by: Engine) -> list[Ruling]:
    return [
        by.rule(SUBJECTS[number], USES, Context(purpose=purpose, now=1.0e9))
        for number, purpose in contexts()
    ]


def shown(ruling: Ruling, asked: FieldUse, row: dict[str, object]) -> int:
    """How much one use discloses of one row: 0 for nothing; more wanted, more."""
    rows_of = ruling.row_filters.get(TypeName("Thing"))
    if rows_of is None or evaluate(rows_of, row, ruling.params) is not True:
        return 0
    return _worth(ruling.outcomes[asked], row, ruling)


def _worth(outcome: Outcome, row: dict[str, object], ruling: Ruling) -> int:
    match outcome:
        case Allow():
            return 1000
        case Masked():
            place = PACKS.preference.index(outcome.mask)
            return 900 - 100 * place
        case Rowwise(cases=cases):
            for where, seen in cases:
                if evaluate(where, row, ruling.params) is True:
                    return _worth(seen, row, ruling)
            return 0
        case _:
            return 0


def discloses_no_more(less: list[Ruling], more: list[Ruling], *, by_row: bool) -> None:
    """Row for row, every use. `by_row`: a use that differs by row is refused, so that a limit
    may make it possible for the rows that stay; then values and existence are compared."""
    for ours, theirs in zip(less, more, strict=True):
        for row in ROWS:
            assert exists(ours, row) <= exists(theirs, row)
        for asked, row in itertools.product(USES, ROWS):
            if asked.mode != "project" and by_row:
                continue
            before, after = shown(theirs, asked, row), shown(ours, asked, row)
            assert after <= before, (asked, row, ours.outcomes[asked], theirs.outcomes[asked])


def exists(ruling: Ruling, row: dict[str, object]) -> bool:
    rows_of = ruling.row_filters.get(TypeName("Thing"))
    return rows_of is not None and evaluate(rows_of, row, ruling.params) is True


def row_dependent(rules: list[str]) -> bool:
    return any("row." in rule for rule in rules)


@settings(max_examples=cases.ORDERS)
@given(permits, limits, st.randoms(use_true_random=False))
def test_order_and_names_do_not_matter(
    some: list[str], others: list[str], chance: random.Random
) -> None:
    rules = some + others
    shuffled = list(rules)
    chance.shuffle(shuffled)
    for ours, theirs in zip(rulings(made(rules)), rulings(made(shuffled)), strict=True):
        assert ours.outcomes == theirs.outcomes
        assert ours.row_filters == theirs.row_filters
        assert ours.params == theirs.params
        if not any("quota" in rule for rule in rules):  # which is counted by its rule's name
            assert ours.policy_class == theirs.policy_class
        assert ours.declassified == theirs.declassified
        assert nameless(ours) == nameless(theirs)


def nameless(ruling: Ruling) -> dict[FieldUse, list[Obligation]]:
    """What each use obliges to; a quota is counted by its rule's name, which may be another."""
    return {
        use: sorted(
            (msgspec.structs.replace(one, rule="") if isinstance(one, Quota) else one
             for one in found),
            key=repr,
        )
        for use, found in ruling.obligations.items()
    }  # fmt: skip


@settings(max_examples=cases.LIMITS)
@given(permits, limits, rule("require") | rule("forbid"))
def test_another_limit_never_discloses_more(some: list[str], others: list[str], added: str) -> None:
    rules = some + others
    less, more = rulings(made([*rules, added])), rulings(made(rules))
    discloses_no_more(less, more, by_row=row_dependent([*rules, added]))


@settings(max_examples=cases.PERMITS)
@given(permits, limits, rule("permit"))
def test_one_permit_less_never_discloses_more(
    some: list[str], others: list[str], removed: str
) -> None:
    fewer, more = rulings(made(some + others)), rulings(made([*some, removed, *others]))
    by_row = row_dependent([*some, *others, removed])
    discloses_no_more(fewer, more, by_row=by_row)


def raised(of: Field, how: str) -> Field:
    match how:
        case "level":
            return msgspec.structs.replace(of, label=label("G4", *of.label.categories))
        case "category":
            held = msgspec.structs.replace(
                of.label, categories=of.label.categories | {"pi.sensitive.health"}
            )
            return msgspec.structs.replace(of, label=held)
        case "compartment":
            held = msgspec.structs.replace(of.label, compartments=frozenset({"LE"}))
            return msgspec.structs.replace(of, label=held)
        case "secrecy":
            levels = (*of.label.levels, ("cn-secrecy", "SECRET"))
            return msgspec.structs.replace(
                of, label=msgspec.structs.replace(of.label, levels=levels)
            )
        case _:
            return msgspec.structs.replace(of, share="withheld")


@settings(max_examples=cases.LABELS)
@given(
    permits,
    limits,
    st.sampled_from(sorted(THING.fields)),
    st.sampled_from(["level", "category", "compartment", "secrecy", "share"]),
)
def test_a_stricter_label_never_discloses_more(
    some: list[str], others: list[str], name: str, how: str
) -> None:
    fields = {
        one.name: raised(one, how) if one.name == name else one for one in THING.fields.values()
    }
    stricter: EntityType = msgspec.structs.replace(THING, fields=fields)
    rules = some + others
    less, more = rulings(made(rules, catalogue(stricter))), rulings(made(rules))
    discloses_no_more(less, more, by_row=row_dependent(rules))


@settings(max_examples=40)
@given(permits, limits)
def test_no_ruling_without_a_permit_and_no_raw_value_over_the_clearance(
    some: list[str], others: list[str]
) -> None:
    by = made(some + others)
    for (number, _), ruling in zip(contexts(), rulings(by), strict=True):
        who = SUBJECTS[number]
        for asked, outcome in ruling.outcomes.items():
            of = THING.fields.get(asked.coordinate.partition(".")[2])  # type: ignore[call-overload]
            if not isinstance(outcome, Allow | Masked | Rowwise):
                continue
            assert any(rule.startswith("r") for rule in ruling.reasons[asked])
            if of is not None:
                assert PACKS.scheme.dominates(who.clearance, of.label)
                assert of.share != "withheld" or who.department == of.owner
            assert asked.mode == "project" or isinstance(outcome, Allow)


@settings(max_examples=40)
@given(permits, limits)
def test_what_is_allowed_is_visible(some: list[str], others: list[str]) -> None:
    by = made(some + others)
    for (number, _), ruling in zip(contexts(), rulings(by), strict=True):
        visible = by.visible(SUBJECTS[number])
        for asked, outcome in ruling.outcomes.items():
            if not isinstance(outcome, Allow | Masked | Rowwise):
                continue
            if asked.mode == "project":
                assert asked.coordinate in visible.selectable
            elif asked.mode in SPECIAL_MODES:
                assert asked not in visible.uses  # no door offers it by itself
            elif asked.function != "avg" or asked.coordinate == "Thing.pay":
                assert asked in visible.uses


@given(
    st.sampled_from(["subject.department", "subject.acting_for", "context.case_id"]),
    st.sampled_from(["eq", "ne"]),
    st.booleans(),
)
def test_a_forbid_on_unknown_denies(attribute: str, op: str, negated: bool) -> None:
    condition = f"{{{op}: [{attribute}, x]}}"
    condition = f"{{not: {condition}}}" if negated else condition
    rules = [
        "effect: permit\nsubjects: {app: two}\nresources: {types: [Thing]}",
        f"effect: forbid\nwhen: {condition}\nresources: {{types: [Thing]}}",
    ]
    by = made(rules)
    who = SUBJECTS[2]
    ruling = by.rule(who, [use("Thing.key"), use("Thing", "list")], Context(now=1.0e9))
    assert not any(isinstance(held, Allow) for held in ruling.outcomes.values())


@settings(max_examples=60)
@given(permits, limits)
def test_subject_attributes_are_never_constants(some: list[str], others: list[str]) -> None:
    by = made(some + others)
    who = subject("one", "G3", department="tax", region="330199977")
    ruling = by.rule(who, USES, Context(now=1.0e9))
    assert "330199977" not in repr((ruling.row_filters, ruling.outcomes))


declarations = st.sampled_from(["", "\ndeclassify: {level: G1, reason: why}"])


@settings(max_examples=60)
@given(permits, st.lists(st.tuples(rule("require"), declarations), max_size=4))
def test_what_is_declared_is_of_a_mask_that_shows_no_less(
    some: list[str], others: list[tuple[str, str]]
) -> None:
    limits = [text + (said if "mask:" in text else "") for text, said in others]
    with_some, bare = made(some + limits), made(some + [text for text, _ in others])
    declaring = {
        rule.id: rule.outcome
        for bundle in [read_bundle(text_of(some + limits), "random.yaml")]
        for rule in bundle.rules
        if rule.declassify is not None
    }
    for ours, theirs in zip(rulings(with_some), rulings(bare), strict=True):
        assert ours.outcomes == theirs.outcomes, "a label changes nothing that is shown"
        for asked, declared in ours.declassified.items():
            seen = ours.outcomes[asked]
            assert isinstance(seen, Masked)
            assert {one.level for one in declared} == {"G1"}
            kind = THING.fields[split_coordinate(asked.coordinate)[1]].kind  # type: ignore[index]
            masks = [one for one in declaring.values() if isinstance(one, Masked)]
            assert any(fitted(meet(fitted(mask, kind), seen), kind) == seen for mask in masks)
