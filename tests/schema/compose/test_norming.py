"""Norms as fragments declare them: lists, history, forms of dates, units; what is refused."""

from __future__ import annotations

import datetime as dt

import pytest

from schema.compose.codelist import built_in, built_in_names, known_units
from schema.compose.fragment import read_fragment
from schema.compose.merge import compose
from schema.errors import ManyErrors
from schema.model.binding import ColumnBinding
from schema.model.catalogue import Catalogue
from schema.model.label import LabelScheme, Ladder
from schema.model.norm import CodeList, DateText, Scale

SCHEME = LabelScheme(ladders=(Ladder(id="l", levels=("low", "high")),))
FRAGMENT = """\
hub: 1
source: {{name: civil, department: civil-affairs, kind: sql}}
codes:
  sexes: {{of: gb-t-2261.1, codes: {{M: 1, F: {{to: 2, title: {{en: woman, zh: 女}}}}}}}}
  states: {{title: {{en: States, zh: 状态}}, codes: {{open: {{title: 未结}}, shut: }}}}
types:
  Person:
    key: [number]
    from: {{table: residents}}
    label: low
    share: unconditional
    fields:
      number: {{type: String}}
      {field}
"""


def catalogue(field: str) -> Catalogue:
    fragment = read_fragment(FRAGMENT.format(field=field), "civil.yaml")
    return compose([fragment], SCHEME)


def binding(field: str) -> ColumnBinding:
    held = catalogue(field).bindings["Person"]["civil"]  # type: ignore[index]
    (found,) = (one for name, one in held.columns.items() if name != "number")
    return found


def list_of(name: str) -> CodeList:
    found = built_in(name)
    assert found is not None
    return found


def test_lists_of_the_hub_say_where_they_are_from() -> None:
    assert built_in_names() == {"gb-t-2260", "gb-t-2261.1"}
    for name in built_in_names():
        held = list_of(name)
        assert held.name == name
        assert held.source
        assert held.date
        assert held.title["zh"]
    regions = list_of("gb-t-2260")
    assert len(regions.codes) > 3_300
    assert regions.codes["330102"] == {"zh": "上城区"}
    assert list_of("gb-t-2261.1").codes["2"] == {"en": "female", "zh": "女性"}


@pytest.mark.parametrize(
    ("value", "state"),
    [
        ("330102", "known"), ("330100", "known"), ("33", "known"), ("3301", "known"),
        ("330102001", "known"), ("330102001001", "known"),
        ("330104", "retired"), ("330104001", "retired"), ("330103", "retired"),
        ("330199", "unknown"), ("", "unknown"), ("330", "unknown"), ("33010", "unknown"),
        ("３３０１０２", "unknown"), ("Shangcheng", "unknown"), ("3301020010010", "unknown"),
    ],
)  # fmt: skip
def test_regions_are_known_at_every_tier(value: str, state: str) -> None:
    assert list_of("gb-t-2260").state(value) == state


def test_every_change_leads_to_codes_of_today_and_what_was_divided_is_not_guessed() -> None:
    regions = list_of("gb-t-2260")
    for change in regions.changes:
        assert all(regions.state(to) == "known" for to in change.to)
        assert len(change.to) > 1 or change.code not in regions.codes
    values, divided = regions.since(dt.date(2020, 12, 31))
    assert values["330103"] == "330105"
    assert values["350681"] == "350604"
    # Jianggan went to Shangcheng and to Qiantang; Yuhang to Yuhang and to Linping
    assert divided == {"330104", "330109", "330110"}
    assert "330104" not in values
    assert "320684" not in values  # that was before
    assert regions.since(dt.date(2018, 1, 1))[0]["320684"] == "320614"
    assert regions.since(dt.date(2021, 12, 31)) == ({}, frozenset())


def test_a_field_knows_its_list_and_a_source_its_way_there() -> None:
    held = binding("sex: {type: String, codes: gb-t-2261.1, from_codes: sexes}")
    assert held.values == {"M": "1", "F": "2"}
    old = binding("region: {type: String, codes: gb-t-2260, from_codes: gb-t-2260@2020-12-31}")
    assert old.values["330103"] == "330105"
    assert old.divided == ("330104", "330109", "330110")
    own = catalogue("state: {type: String, codes: states}").lists["states"]
    assert own.codes == {"open": {"zh": "未结"}, "shut": {}}
    assert binding("born: {type: Date, from_format: yyyymmdd}").convert == DateText("yyyymmdd")
    fen = binding("paid: {type: Decimal, unit: CNY, from_unit: fen}")
    assert fen.convert == Scale(1, 100)
    area = binding("land: {type: Decimal, unit: ha, from_unit: m2}")
    assert area.convert == Scale(1, 10_000)
    mu = binding("land: {type: Decimal, unit: m2, from_unit: {unit: mu, digits: 2}}")
    assert mu.convert == Scale(2_000, 3, 2)
    crate = binding("held: {type: Decimal, unit: bottle, from_unit: {unit: crate, factor: 24}}")
    assert crate.convert == Scale(24, 1)


def test_a_catalogue_with_another_list_is_another_version() -> None:
    field = "state: {type: String, codes: states}"
    one = compose([read_fragment(FRAGMENT.format(field=field), "a.yaml")], SCHEME)
    text = FRAGMENT.format(field=field).replace("shut:", "closed:")
    assert one.version != compose([read_fragment(text, "a.yaml")], SCHEME).version


@pytest.mark.parametrize(
    ("field", "told"),
    [
        ("sex: {type: String, codes: gb-t-2261}", "there is no code list `gb-t-2261`"),
        ("sex: {type: String, codes: sexes}", "there is no code list `sexes`"),
        ("sex: {type: Int, codes: gb-t-2261.1}", "in codes but is not a text"),
        ("sex: {type: String, from_codes: sexes}", "comes from codes but is written in none"),
        ("sex: {type: String, codes: gb-t-2260, from_codes: sexes}", "does not lead to"),
        ("sex: {type: String, codes: gb-t-2261.1, values: {M: 7}}", "no code of `gb-t-2261.1`"),
        ("r: {type: String, codes: gb-t-2260, from_codes: gb-t-2260@2020}", "not of a day"),
        ("born: {type: String, from_format: yyyymmdd}", "but is no date"),
        ("born: {type: Date, from_format: yymmdd}", "which is none"),
        ("born: {type: Date, from_format: yyyymmddhh}", "which is none"),
        ("paid: {type: Int, unit: CNY, from_unit: fen}", "but is no decimal"),
        ("paid: {type: Decimal, from_unit: fen}", "but is in none"),
        ("paid: {type: Decimal, unit: kg, from_unit: fen}", "cannot come from `fen` to `kg`"),
        ("paid: {type: Decimal, unit: kg, from_unit: pound}", "cannot come from `pound`"),
        ("land: {type: Decimal, unit: m2, from_unit: mu}", "which never ends"),
        (
            "sex: {type: String, codes: gb-t-2261.1, values: {M: 1}, from_codes: sexes}",
            "converted in several ways",
        ),
        (
            "a: {type: Date, from_format: yyyymmdd, column: c}\n      b: {type: String, column: c}",
            "column `c` is converted in two ways",
        ),
    ],
)
def test_what_is_no_norm_is_refused_with_its_place(field: str, told: str) -> None:
    with pytest.raises(ManyErrors) as refused:
        catalogue(field)
    (problem,) = refused.value.problems
    assert told in problem.message
    assert problem.where is not None
    assert problem.where.startswith("civil.yaml:1")
    assert problem.hint


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("{M: 1, ", "{M: 5, ", "`5` is no code of `gb-t-2261.1`"),
        ("{M: 1, ", "{M: , ", "`M` of code list `sexes` leads to no code"),
        ("{open: {title: 未结}", "{open: {to: 1}", "leads to a code of no list"),
        ("  sexes:", "  gb-t-2260:", "comes with the hub"),
        ("of: gb-t-2261.1", "of: states-of-old", "there is no code list `states-of-old`"),
    ],
)
def test_lists_that_lead_nowhere_are_refused(old: str, new: str, told: str) -> None:
    text = FRAGMENT.format(field="name: {type: String}")
    assert old in text
    with pytest.raises(ManyErrors) as refused:
        compose([read_fragment(text.replace(old, new, 1), "civil.yaml")], SCHEME)
    assert any(told in one.message for one in refused.value.problems)


def test_two_departments_cannot_have_lists_of_one_name() -> None:
    text = FRAGMENT.format(field="name: {type: String}")
    other = (
        "hub: 1\nsource: {name: tax, department: tax, kind: sql}\ncodes: {states: {codes: {a: }}}\n"
    )
    fragments = [read_fragment(text, "civil.yaml"), read_fragment(other, "tax.yaml")]
    with pytest.raises(ManyErrors) as refused:
        compose(fragments, SCHEME)
    (problem,) = refused.value.problems
    assert "`states` is declared by `civil-affairs` too" in problem.message


def test_units_of_one_thing_are_exact() -> None:
    units = known_units()
    assert units["ha"].exact / units["m2"].exact == 10_000
    assert units["fen"].exact / units["CNY-10000"].exact * 1_000_000 == 1
    assert all(one.title["zh"] for one in units.values())
    assert {one.of for one in units.values()} <= units.keys()
