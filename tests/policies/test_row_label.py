"""Labels of some rows: who sees what of them, and that they only ever take away."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from policies.age import born_after, next_day
from policies.condition import YoungerThan
from policies.engine import Engine
from policies.meet import REDACT
from policies.row_label import check_row_labels, condition_of
from policies.ruling import Allow, Masked, Null, Reject, Rowwise
from schema.errors import ManyErrors
from schema.model.catalogue import Catalogue
from schema.model.entity import RowLabel
from schema.model.label import Label
from schema.model.names import FieldName, TypeName
from schema.model.predicate import evaluate
from schema.model.subject import Context, Subject
from tests.policies.fixture import CEILING, CITY, LADDER, NOON, PACKS, bundle, use
from tests.policies.fixture import subject as caller

MINOR = {"younger_than": ["row.birthDate", 14]}
CHILD = {"birthDate": "2020-01-01"}
ADULT = {"birthDate": "1990-01-01"}
UNSAID = {"birthDate": None}
READS = """
policy: reads
effect: permit
subjects: {app: desk}
resources: {types: [Person], categories: [pi], share: conditional}
modes: [read, filter, sort, group, aggregate, count]
"""
DEEPER = """---
policy: reads-minors
effect: permit
subjects: {app: desk, role: guardian}
resources: {types: [Person], categories: [pi, pi.sensitive.minor], share: conditional}
modes: [read, filter, sort]
"""
MINORS_TOO = READS.replace("categories: [pi]", "categories: [pi, pi.sensitive.minor]")
DESK = caller("desk", "G3", department="town")
GUARDIAN = structs.replace(DESK, roles=frozenset({"guardian"}))
HIGH = caller("desk", "G4", department="town")
MINE = caller("desk", "G4", department="psb")
CONTEXT = Context(now=NOON)
NAME, PHONE, BORN = (use(f"Person.{name}") for name in ("name", "phone", "birthDate"))


def raised(
    when: Any = None,
    *fields: str,
    level: str | None = None,
    categories: tuple[str, ...] = (),
    compartments: tuple[str, ...] = (),
    existence: bool = False,
    of: Catalogue = CITY,
) -> Catalogue:
    person = of.types[TypeName("Person")]
    held = RowLabel(
        name=f"label.Person.{len(person.row_labels) + 1}",
        when=orjson.dumps(MINOR if when is None else when).decode(),
        label=Label(
            levels=() if level is None else ((LADDER, level),),
            categories=frozenset(categories),
            compartments=frozenset(compartments),
        ),
        fields=frozenset(map(FieldName, fields or ("name", "phone"))),
        existence=existence,
    )
    person = structs.replace(person, row_labels=(*person.row_labels, held))
    return structs.replace(of, types={**of.types, person.name: person})


def engine(of: Catalogue, rules: str = READS) -> Engine:
    return Engine(of, [bundle(rules)], PACKS, epoch=1, ceiling=CEILING)


def seen(
    by: Engine, who: Subject, asked: Any, row: dict[str, Any], context: Context = CONTEXT
) -> Any:
    """What of a field is shown in a row; ``"no row"`` where there is none."""
    ruling = by.rule(who, [asked], context)
    whole = {**dict.fromkeys(by.catalogue.types[TypeName("Person")].fields, None), **row}
    rows = ruling.row_filters.get(TypeName("Person"))
    if rows is None or evaluate(rows, whole, ruling.params) is not True:
        return "no row"
    outcome = ruling.outcomes[asked]
    if isinstance(outcome, Rowwise):
        for where, shown in outcome.cases:
            if evaluate(where, whole, ruling.params) is True:
                return shown
        return Null()
    return outcome


def test_a_level_beyond_the_clearance_makes_fields_null_in_those_rows() -> None:
    by = engine(raised(level="G4"))
    assert [seen(by, DESK, PHONE, row) for row in (ADULT, CHILD, UNSAID)] == [
        Allow(), Null(), Null(),
    ]  # fmt: skip
    assert seen(by, DESK, BORN, CHILD) == Allow()
    assert seen(by, HIGH, PHONE, CHILD) == Allow()
    assert by.rule(DESK, [PHONE], CONTEXT).reasons[PHONE] == ("reads@1",)


def test_no_permit_and_no_owner_gets_around_it() -> None:
    own = "policy: own\neffect: permit\nwhen: resource.owned\nresources: {types: ['*']}\n"
    by = engine(raised(level="IMPORTANT"), own)
    assert seen(by, MINE, PHONE, CHILD) == Null()
    assert seen(by, MINE, PHONE, ADULT) == Allow()


def test_compartments() -> None:
    by = engine(raised(compartments=("LE",)))
    inside = structs.replace(DESK, compartments=frozenset({"LE"}))
    assert seen(by, DESK, PHONE, CHILD) == Null()
    assert seen(by, inside, PHONE, CHILD) == Allow()


def test_a_permit_reaches_no_category_that_it_does_not_list() -> None:
    of = raised(categories=("pi.sensitive.health",))
    by = engine(of)
    assert seen(by, DESK, PHONE, ADULT) == Allow()
    assert seen(by, DESK, PHONE, CHILD) == Null()
    listed = READS.replace("[pi]", "[pi, pi.sensitive.health]")
    assert seen(engine(of, listed), DESK, PHONE, CHILD) == Allow()


def test_rules_that_select_by_category_come_in_for_those_rows() -> None:
    by = engine(raised(categories=("pi.sensitive.minor",)), MINORS_TOO)
    assert seen(by, DESK, PHONE, ADULT) == Allow()
    hidden = seen(by, DESK, PHONE, CHILD)
    assert isinstance(hidden, Masked)
    assert hidden.mask == REDACT.mask
    assert seen(by, MINE, PHONE, CHILD) == Allow()  # the pack's rule is not for the owner


def test_two_permits_each_reach_as_far_as_they_reach() -> None:
    of = raised(categories=("pi.sensitive.minor",))
    masked = DEEPER + "outcome: {mask: {partial: {keep_last: 1}}}\n"
    by = engine(of, READS + masked)
    assert seen(by, GUARDIAN, PHONE, ADULT) == Allow()
    # the pack redacts for all but the owner, and met with the mask it is redacted
    assert seen(by, GUARDIAN, PHONE, CHILD) == Masked("redact", (("kind", "String"),))


def test_what_tells_rows_apart_must_be_read_or_all_rows_are_alike() -> None:
    years = """---
policy: years
effect: require
resources: {fields: [Person.birthDate]}
outcome: {mask: {generalise: {to: year}}}
"""
    for of in (raised(level="G4"), raised(categories=("pi.sensitive.health",))):
        by = engine(of, READS + years)
        assert type(seen(by, DESK, PHONE, ADULT)) is Null
        assert type(seen(by, DESK, PHONE, CHILD)) is Null
        itself = engine(raised(None, "birthDate", "phone", level="G4"))
        assert seen(itself, DESK, PHONE, ADULT) == Null()
        assert seen(itself, DESK, BORN, ADULT) == Null()


@pytest.mark.parametrize("mode", ["filter_eq", "filter_text", "sort", "group"])
def test_other_uses_are_refused_unless_it_is_within_reach(mode: Any) -> None:
    by = engine(raised(level="G4"))
    asked = use("Person.phone", mode)
    assert by.rule(DESK, [asked], CONTEXT).outcomes[asked] == Reject()
    assert by.rule(DESK, [asked], CONTEXT).reasons[asked] == (f"label.Person.1:level-{LADDER}@1",)
    assert by.rule(HIGH, [asked], CONTEXT).outcomes[asked] == Allow()


def test_or_the_rows_are_left_out() -> None:
    adults = "rows: {not: {younger_than: [row.birthDate, 14]}}\n"
    by = engine(raised(level="G4"), READS + adults)
    asked = use("Person.phone", "filter_eq")
    assert by.rule(DESK, [asked], CONTEXT).outcomes[asked] == Allow()
    assert seen(by, DESK, PHONE, CHILD) == "no row"
    assert seen(by, DESK, PHONE, UNSAID) == "no row"


def test_existence_takes_the_row_away() -> None:
    of = raised(level="G4", existence=True)
    by = engine(of, READS)
    assert seen(by, DESK, BORN, CHILD) == "no row"
    assert seen(by, DESK, PHONE, ADULT) == Allow()
    assert by.rule(DESK, [use("Person", "list")], CONTEXT).outcomes[use("Person", "list")] == (
        Allow()
    )
    assert seen(by, HIGH, BORN, CHILD) == Allow()


def test_labels_that_only_together_reach_a_rule() -> None:
    of = raised({"eq": ["row.district", "d"]}, "phone", level="G4")
    of = raised(MINOR, "phone", categories=("pi.sensitive.minor",), of=of)
    rules = (
        MINORS_TOO
        + """---
policy: both
effect: require
resources: {categories: [pi.sensitive.minor], level: {at_least: G4}}
outcome: "null"
"""
    )
    by = engine(of, rules)
    reads = {"district": "d", **CHILD}
    assert seen(by, HIGH, PHONE, reads).mask == "null"
    assert seen(by, HIGH, PHONE, {**reads, "district": "e"}).mask == "redact"
    assert seen(by, HIGH, PHONE, {**reads, **ADULT}) == Allow()


def test_a_day_passes() -> None:
    by = engine(raised(level="G4"))
    born = {"birthDate": "2012-09-23"}
    birthday = dt.datetime(2026, 9, 23, 12, tzinfo=dt.UTC).timestamp()
    assert seen(by, DESK, PHONE, born, Context(now=birthday - 1)) == Null()
    assert seen(by, DESK, PHONE, born, Context(now=birthday)) == Allow()
    assert seen(by, DESK, PHONE, ADULT, Context(now=0.0)) == Null()  # who knows what day it is
    ruling = by.rule(DESK, [PHONE], Context(now=birthday - 1))
    assert ruling.valid_until == birthday


@pytest.mark.parametrize("now", [0.0, -1.0, math.nan, math.inf])
def test_without_a_day_everybody_may_be_a_child(now: float) -> None:
    ruling = engine(raised(level="G4")).rule(DESK, [PHONE, BORN], Context(now=now))
    assert ruling.outcomes == {PHONE: Null(), BORN: Allow()}
    assert ruling.params == {}
    assert not ruling.valid_until > now


def test_a_condition_that_cannot_be_read_holds_everywhere() -> None:
    """What a catalogue of another version may say that this one does not know."""
    for when in ({"younger": 14}, {"eq": ["row.district"]}, {"not": {"sometimes": True}}):
        by = engine(raised(when, level="G4"))
        assert by.rule(DESK, [PHONE], CONTEXT).outcomes[PHONE] == Null()
        assert seen(by, HIGH, PHONE, ADULT) == Allow()


@given(now=st.floats(86_400.0, 4e9), years=st.integers(1, 120))
def test_days_of_birth(now: float, years: int) -> None:
    day, later = born_after(now, years), born_after(next_day(now), years)
    assert day is not None
    assert later is not None
    assert day <= later
    assert 0 < next_day(now) - now <= 86_400.0
    today = dt.datetime.fromtimestamp(now, dt.UTC).date()
    assert (today.replace(day=1) - dt.date.fromisoformat(day).replace(day=1)).days >= 0
    assert abs(today.year - dt.date.fromisoformat(day).year - years) <= 1


def test_leap_days() -> None:
    at = dt.datetime(2024, 2, 29, 13, tzinfo=dt.UTC).timestamp()
    assert born_after(at, 1) == "2023-02-28"
    assert born_after(at, 4) == "2020-02-29"


CONDITIONS = st.sampled_from(
    [MINOR, {"eq": ["row.district", "d"]}, {"not": {"eq": ["row.district", "d"]}},
     {"present": "row.birthDate"}, {"gt": ["row.birthDate", "2000-01-01"]},
     {"any": [MINOR, {"eq": ["row.name", "x"]}]}]
)  # fmt: skip
LABELS = st.fixed_dictionaries({
    "level": st.sampled_from([None, "G1", "G4", "IMPORTANT"]),
    "categories": st.sampled_from([(), ("pi.sensitive.minor",), ("pi.sensitive.health",)]),
    "compartments": st.sampled_from([(), ("LE",)]),
    "existence": st.booleans(),
})  # fmt: skip
NAMES = ("idNo", "name", "birthDate", "phone", "district", "track")
ROWS = [
    {"birthDate": born, "district": district, "name": "x"}
    for born in ("1990-01-01", "2001-01-01", "2020-01-01", None)
    for district in ("d", "e", None)
]


@given(
    when=CONDITIONS, what=LABELS, fields=st.sets(st.sampled_from(NAMES), min_size=1),
    rules=st.sampled_from([READS, MINORS_TOO, READS + DEEPER]),
    who=st.sampled_from([DESK, HIGH, MINE, GUARDIAN]),
)  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_a_row_label_never_discloses_more(
    when: Any, what: dict[str, Any], fields: set[str], rules: str, who: Subject
) -> None:
    plain, more = engine(CITY, rules), engine(raised(when, *sorted(fields), **what), rules)
    for name in NAMES:
        for row in ROWS:
            before, after = (seen(by, who, use(f"Person.{name}"), row) for by in (plain, more))
            assert after == before or not isinstance(after, Allow), (name, row, before, after)
            if before == "no row":
                assert after == "no row"
        for mode in ("filter_eq", "sort", "group"):
            asked = use(f"Person.{name}", mode)  # type: ignore[arg-type]
            outcomes = [by.rule(who, [asked], CONTEXT).outcomes[asked] for by in (plain, more)]
            filtered = more.rule(who, [asked], CONTEXT).row_filters.get(TypeName("Person"))
            narrower = filtered != plain.rule(who, [asked], CONTEXT).row_filters.get("Person")  # type: ignore[call-overload]
            assert outcomes[1] == outcomes[0] or outcomes[0] == Allow() or narrower


@pytest.mark.parametrize(
    ("when", "told"),
    [
        ({"eq": ["row.nobody", "x"]}, "type `Person` has no field `nobody` for `by_row`"),
        ({"eq": ["subject.tier", "city"]}, "speaks of something else than the row"),
        ({"younger_than": ["row.name", 14]}, "cannot be compared like this"),
        ({"younger_than": ["row.birthDate", 0]}, "needs a date of the row and years"),
        ({"equals": ["row.name", "x"]}, "has no condition `equals`"),
    ],
)
def test_conditions_that_cannot_be(when: Any, told: str) -> None:
    of = raised(when, level="G4")
    with pytest.raises(ManyErrors, match=r"^a\.yaml:3:5: ") as found:
        check_row_labels(of, {"label.Person.1": "a.yaml:3:5"})
    assert told in str(found.value)


def test_conditions_that_can_be() -> None:
    of = raised(level="G4")
    check_row_labels(of, {})
    (held,) = of.types[TypeName("Person")].row_labels
    assert isinstance(condition_of(held), YoungerThan)
