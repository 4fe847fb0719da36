"""Differences between catalogues: each edit of a fragment has its known consequence."""

from __future__ import annotations

import pytest

from schema.compose.evolve import compare
from schema.compose.fragment import read_fragment
from schema.compose.merge import compose
from schema.model.catalogue import Catalogue
from schema.model.label import LabelScheme, Ladder

SCHEME = LabelScheme(ladders=(Ladder(id="g", levels=("G1", "G2", "G3")),), categories={"pi": None})
TEXT = """\
hub: 1
source: {name: civil, department: civil-affairs, kind: sql, connect: {url: x}}
types:
  Person:
    keys: [[number], [passport]]
    from: {table: residents}
    label: G2
    share: conditional
    conditions: [grant]
    region: area
    fields:
      number: {type: String}
      passport: {type: String}
      name: {type: String, unit: m}
      age: {type: Int}
      area: {type: String}
      home: {type: String}
  Area:
    key: [code]
    from: {table: areas}
    label: G1
    share: unconditional
    fields:
      code: {type: String}
      title: {type: String}
relations:
  Person.place: {to: Area, match: {area: code}}
  Area.persons: {to: "[Person]", match: {code: area}}
"""


def catalogue(text: str) -> Catalogue:
    return compose([read_fragment(text, "civil.yaml")], SCHEME)


def test_the_same_is_no_change() -> None:
    assert compare(catalogue(TEXT), catalogue(TEXT.replace("hub: 1", "# x\nhub: 1"))) == ()


@pytest.mark.parametrize(
    ("old", "new", "kind", "coordinate", "message"),
    [
        ("      age: {type: Int}\n", "", "breaking", "Person.age", "the field is gone"),
        ("age: {type: Int}", "age: {type: BigInt}", "breaking", "Person.age", "`Int` is now"),
        ("[[number], [passport]]", "[[passport], [number]]", "breaking", "Person", "the key"),
        ("[[number], [passport]]", "[[number]]", "breaking", "Person", "by `passport` is gone"),
        ("[passport]]", "[passport], [name, age]]", "safe", "Person", "new look-up by `name, age`"),
        ("{type: Int}", "{type: Int, label: G3}", "dangerous", "Person.age", "label is raised"),
        ("{type: Int}", "{type: Int, label: G1}", "dangerous", "Person.age", "label is lowered"),
        ("{type: Int}", "{type: Int, label: {level: G2, categories: [pi]}}", "dangerous",
         "Person.age", "category `pi` is added: it tightens"),
        ("{type: Int}", "{type: Int, share: unconditional}", "dangerous", "Person.age", "looser"),
        ("{type: Int}", "{type: Int, share: withheld, legal_basis: law}", "dangerous",
         "Person.age", "tighter"),
        ("conditions: [grant]", "conditions: [grant, duty]", "dangerous", "Person.age", "`duty`"),
        ("{type: Int}", "{type: Int, deprecated: old}", "safe", "Person.age", "is deprecated"),
        ("{type: Int}", "{type: Int, about: years}", "safe", "Person.age", "description"),
        ("{type: Int}", "{type: Int, metadata: hidden}", "dangerous", "Person.age", "visibility"),
        ("unit: m", "unit: cm", "dangerous", "Person.name", "the unit `m` is now `cm`"),
        ("{type: Int}", "{type: Int}\n      extra: {type: Int}", "safe", "Person.extra", "a new"),
        ("age: {type: Int}", "age: {type: Int, column: years}", "dangerous", "Person", "other col"),
        ("    region: area\n", "", "dangerous", "Person", "region tree"),
        ("    region: area\n", "    data_subject: [passport]\n    region: area\n", "dangerous",
         "Person", "persons are counted by other fields"),
        ("    region: area\n", "    plural: people\n    region: area\n", "breaking", "Person",
         "the root field `persons` is now `people`"),
        ("Person.place: {to: Area", "Person.place: {to: \"[Area]\"", "breaking", "Person.place",
         "to one is now to many"),
        ('"[Person]", match: {code: area}', "Person, match: {code: number}", "breaking",
         "Area.persons", "to many is now to one"),
        ("{code: area}", "{code: area}, list: true", "breaking", "Area.persons", "a plain list"),
        ("{code: area}", "{title: area}", "dangerous", "Area.persons", "matches other fields"),
        ("Area.persons:", "Area.people:", "breaking", "Area.persons", "the relation is gone"),
        ("Area.persons:", "Area.people:", "safe", "Area.people", "a new relation"),
        ("connect: {url: x}", "connect: {url: y}", "dangerous", "source:civil", "another way"),
        ("kind: sql,", "kind: sql, tier: city,", "safe", "source:civil", "otherwise"),
        ("name: civil,", "name: civic,", "dangerous", "Person", "rows exist where `civic`"),
    ],
)  # fmt: skip
def test_an_edit_and_its_consequence(
    old: str, new: str, kind: str, coordinate: str, message: str
) -> None:
    assert old in TEXT
    changes = compare(catalogue(TEXT), catalogue(TEXT.replace(old, new)))
    found = [one for one in changes if one.coordinate == coordinate and message in one.message]
    assert [one.kind for one in found] == [kind], changes


def test_a_type_that_comes_or_goes() -> None:
    small = TEXT.partition("  Area:")[0]
    going = compare(catalogue(TEXT), catalogue(small))
    assert ("breaking", "Area") in [(one.kind, one.coordinate) for one in going]
    coming = compare(catalogue(small), catalogue(TEXT))
    assert {one.kind for one in coming} == {"safe"}


def test_the_worst_comes_first() -> None:
    after = TEXT.replace("age: {type: Int}", "years: {type: Int, label: G3}").replace(
        "name: {type: String", "name: {label: G3, type: String"
    )
    kinds = [one.kind for one in compare(catalogue(TEXT), catalogue(after))]
    assert kinds == sorted(kinds, key=("breaking", "dangerous", "safe").index)
    assert set(kinds) == {"breaking", "dangerous", "safe"}
