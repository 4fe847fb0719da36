"""`by_row` in a fragment: read, checked with its place, merged into the catalogue."""

from __future__ import annotations

import json

import pytest

from policies.packs import load
from policies.row_label import check_row_labels
from schema.compose.evolve import compare
from schema.compose.fragment import read_fragment
from schema.compose.merge import compose
from schema.compose.row_label import row_label_places
from schema.errors import ManyErrors
from schema.model.catalogue import Catalogue
from schema.model.label import Label
from schema.model.names import TypeName

PACKS = load(["cn"])
CIVIL = """\
hub: 1
source: {name: civil, department: civil-affairs, kind: sql}
types:
  Person:
    key: [number]
    from: {table: residents}
    label: G1
    share: unconditional
    by_row:
      - when: {younger_than: [row.birthDate, 14]}
        label: {level: G3, categories: [pi.sensitive.minor]}
        fields: [name, note]
      - {when: {eq: [row.note, 'secret']}, label: G4, existence: true}
    fields:
      number: {type: String}
      name: {type: String}
      birthDate: {type: Date}
      note: {type: String}
"""
TALENT = """\
hub: 1
source: {name: talent, department: talent-office, kind: sql}
types:
  Person:
    extend: true
    key: [number]
    from: {table: talents}
    label: G1
    share: unconditional
    fields:
      number: {}
      grade: {type: String}
"""


def composed(*texts: str) -> Catalogue:
    fragments = [read_fragment(text, f"f{number}.yaml") for number, text in enumerate(texts)]
    catalogue = compose(fragments, PACKS.scheme)
    check_row_labels(catalogue, row_label_places(fragments))
    return catalogue


def problems(*texts: str) -> str:
    with pytest.raises(ManyErrors) as found:
        composed(*texts)
    return "\n".join(str(one) for one in found.value.problems)


def test_what_the_catalogue_holds() -> None:
    first, second = composed(CIVIL, TALENT).types[TypeName("Person")].row_labels
    assert first.name == "label.Person.1"
    assert json.loads(first.when) == {"younger_than": ["row.birthDate", 14]}
    assert first.label == Label(
        levels=(("cn-gbt43697", "G3"),), categories=frozenset({"pi.sensitive.minor"})
    )
    assert first.fields == {"name", "note"}
    assert not first.existence
    assert second.existence
    assert "grade" in second.fields  # the fields of other departments too


def test_a_change_of_it_is_told() -> None:
    without = CIVIL.replace("fields: [name, note]", "fields: [name]")
    (change,) = compare(composed(CIVIL), composed(without))
    assert change.kind == "dangerous"
    assert "what some rows carry" in change.message


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("fields: [name, note]", "fields: [nam]",
         "f0.yaml:10:9: type `Person` serves no field `nam` (did you mean `name`?"),
        ("row.birthDate", "row.birthDay",
         "f0.yaml:10:9: type `Person` has no field `birthDay` for `by_row`"),
        ("younger_than: [row.birthDate, 14]", "younger_than: [row.note, 14]",
         "f0.yaml:10:9: `Person.note` cannot be compared like this in `by_row`"),
        ("{younger_than: [row.birthDate, 14]}", "{clearance: G3}",
         "f0.yaml:10:9: `when` of `by_row` speaks of something else than the row"),
        ("{younger_than: [row.birthDate, 14]}", "minors", "f0.yaml:10:15: `when` of an item of"),
        ("younger_than", "younger",
         "f0.yaml:10:9: `when` of `by_row` has no condition `younger`"),
        ("when: {younger", "wen: {younger", "has no key `wen`"),
        ("level: G3, categories", "level: G9, categories",
         "f0.yaml:11:16: no rule pack knows the level `G9`"),
        ("[pi.sensitive.minor]", "[minors]",
         "f0.yaml:11:16: no rule pack knows the category `minors`"),
        ("{level: G3, categories: [pi.sensitive.minor]}", "{}", "f0.yaml:11:16:"),
        ("[name, note]", "[]", "is empty"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(old: str, new: str, told: str) -> None:
    assert told in problems(CIVIL.replace(old, new))


def test_only_who_declares_a_type_labels_its_rows() -> None:
    more = "    by_row: [{when: {eq: [row.grade, a]}, label: G3}]\n    fields:"
    told = problems(CIVIL, TALENT.replace("    fields:", more))
    assert "f1.yaml:10:5: type `Person` is extended here and cannot say `by_row`" in told


def test_conditions_are_over_fields_of_who_declares_the_type() -> None:
    told = problems(CIVIL.replace("eq: [row.note, 'secret']", "eq: [row.grade, a]"), TALENT)
    assert "`by_row` reads `Person.grade`, which another source gives" in told
