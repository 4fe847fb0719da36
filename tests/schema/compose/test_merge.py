"""Merging fragments: owners, authoritative sources, relations, and every conflict."""

from __future__ import annotations

import random
import time

import pytest

from schema.compose.fragment import read_fragment
from schema.compose.merge import compose, compose_with_notes
from schema.errors import HubError, ManyErrors
from schema.model.catalogue import Catalogue
from schema.model.label import Label, LabelScheme, Ladder
from schema.model.names import Coordinate, SourceName, TypeName

SCHEME = LabelScheme(
    ladders=(
        Ladder(id="general", levels=("G1", "G2", "G3", "G4")),
        Ladder(id="work", levels=("open", "inner")),
        Ladder(id="other", levels=("open", "shut")),
    ),
    categories={"pi": None, "pi.health": "pi"},
    compartments=frozenset({"census"}),
)
PERSON = TypeName("Person")
CIVIL = """\
hub: 1
source: {name: civil, department: civil-affairs, kind: sql}
types:
  Person:
    key: [idNumber]
    from: {table: residents}
    label: {level: G2, categories: [pi]}
    share: unconditional
    fields:
      idNumber: {column: id_number, type: String, label: G3}
      name: {type: String}
      age: {type: Int}
      districtCode: {column: district_code, type: String, label: G1}
      score: {type: Float}
relations:
  Person.employments: {to: "[Employment]", match: {idNumber: personId}}
"""
WORK = """\
hub: 1
source: {name: work, department: human-resources, kind: sql, pass_through: true}
types:
  Person:
    extend: true
    key: [idNumber]
    from: {table: staff}
    label: G2
    share: unconditional
    fields:
      idNumber: {column: id_no}
      title: {column: job_title, type: String}
  Employment:
    key: [number]
    from: {table: employments}
    label: G2
    share: unconditional
    fields:
      number: {type: BigInt}
      personId: {column: person_id, type: ID}
      employer: {type: String}
relations:
  Employment.person: {to: Person, match: {personId: idNumber}}
"""


def merged(*texts: str, ceiling: dict[str, str] | None = None) -> Catalogue:
    fragments = [read_fragment(text, f"f{n}.yaml") for n, text in enumerate(texts)]
    return compose(fragments, SCHEME, ceiling=ceiling)


def conflicts(*texts: str, ceiling: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ManyErrors) as found:
        merged(*texts, ceiling=ceiling)
    assert all(one.code == "COMPOSITION_FAILED" for one in found.value.problems)
    assert all(one.where and one.hint for one in found.value.problems)
    return [str(one) for one in found.value.problems]


def notes(*texts: str) -> tuple[Catalogue, tuple[HubError, ...]]:
    fragments = [read_fragment(text, f"f{n}.yaml") for n, text in enumerate(texts)]
    return compose_with_notes(fragments, SCHEME)


def test_departments_meet_on_a_key() -> None:
    catalogue = merged(CIVIL, WORK)
    person = catalogue.types[PERSON]
    assert (person.plural, person.singular) == ("persons", "person")
    assert (person.owner, person.anchor, person.key) == ("civil-affairs", "civil", ("idNumber",))
    assert list(person.fields) == ["idNumber", "name", "age", "districtCode", "score", "title"]
    title = person.fields["title"]  # type: ignore[index]
    assert (title.owner, title.source) == ("human-resources", "work")
    number = catalogue.field(Coordinate("Person.idNumber"))
    assert number is not None
    assert (number.owner, number.label) == ("civil-affairs", Label(levels=(("general", "G3"),)))
    name = catalogue.field(Coordinate("Person.name"))
    assert name is not None
    assert name.label == Label(levels=(("general", "G2"),), categories=frozenset({"pi"}))


def test_bindings_hold_the_key_of_every_source() -> None:
    bindings = merged(CIVIL, WORK).bindings[PERSON]
    work = bindings[SourceName("work")]
    assert {field: one.column for field, one in work.columns.items()} == {
        "idNumber": "id_no",
        "title": "job_title",
    }
    assert {one.kind for one in work.columns.values()} == {"String"}
    assert (work.table, work.pass_through) == ("staff", True)
    assert "title" not in bindings[SourceName("civil")].columns


def test_relations_in_both_directions() -> None:
    catalogue = merged(CIVIL, WORK)
    out = catalogue.relation(Coordinate("Person.employments"))
    back = catalogue.relation(Coordinate("Employment.person"))
    assert out is not None
    assert back is not None
    assert (out.to, out.many, out.owner) == ("Employment", True, "civil-affairs")
    assert (back.to, back.many, back.match) == ("Person", False, (("personId", "idNumber"),))


def test_order_of_fragments_changes_nothing() -> None:
    fragments = [read_fragment(CIVIL, "a.yaml"), read_fragment(WORK, "b.yaml")]
    one = compose(fragments, SCHEME)
    other = compose(fragments[::-1], SCHEME)
    assert one == other
    assert one.version == other.version
    assert len(one.version) == 64


def test_the_version_is_of_the_content() -> None:
    spaced = CIVIL.replace("\n  Person:", "\n  # a comment\n  Person:")
    assert merged(CIVIL, WORK).version == merged(spaced, WORK).version
    loosened = CIVIL.replace("String, label: G3", "String, label: G2")
    assert merged(CIVIL, WORK).version != merged(loosened, WORK).version


def test_a_field_without_a_label_is_not_served_and_noted() -> None:
    bare = CIVIL.replace("    label: {level: G2, categories: [pi]}\n", "")
    catalogue, told = notes(bare, WORK)
    assert list(catalogue.types[PERSON].fields) == ["idNumber", "districtCode", "title"]
    assert list(catalogue.bindings[PERSON][SourceName("civil")].columns) == [
        "idNumber", "districtCode",
    ]  # fmt: skip
    assert [one.where for one in told] == ["f0.yaml:10:7", "f0.yaml:11:7", "f0.yaml:13:7"]
    assert {one.code for one in told} == {"FIELD_NOT_SERVED"}


def test_a_relation_over_an_unserved_field_is_left_out_and_noted() -> None:
    bare = WORK.replace("    label: G2\n", "").replace("type: BigInt", "type: BigInt, label: G1")
    catalogue, told = notes(CIVIL, bare)
    assert catalogue.relation(Coordinate("Employment.person")) is None
    assert any("relation `Employment.person` is left out" in one.message for one in told)


def test_an_authoritative_source_wins_and_another_may_stand_in() -> None:
    ours = CIVIL.replace("name: {type: String}", "name: {type: String, authoritative: true}")
    theirs = WORK.replace(
        "      title:", "      name: {column: nm, authoritative: false}\n      title:"
    )
    catalogue, told = notes(ours, theirs)
    name = catalogue.field(Coordinate("Person.name"))
    assert name is not None
    assert name.source == "civil"
    columns = catalogue.bindings[PERSON][SourceName("work")].columns
    assert columns["name"].column == "nm"  # type: ignore[index]
    assert told == ()
    silent = theirs.replace("nm, authoritative: false", "nm, type: String")
    catalogue, told = notes(ours, silent)
    assert "name" not in catalogue.bindings[PERSON][SourceName("work")].columns
    assert "is not used" in told[0].message


def test_a_conflict_names_both_departments_files_and_lines() -> None:
    theirs = WORK.replace("      title:", "      name: {type: String}\n      title:")
    (told,) = conflicts(CIVIL, theirs)
    assert told == (
        "f1.yaml:12:7: field `Person.name` is given by `civil` of `civil-affairs` and by `work` "
        "of `human-resources` (the other stands at f0.yaml:11:7; agree which one is "
        "`authoritative: true`, and write `authoritative: false` or delete the other)"
    )


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("name: work", "name: civil", "the source `civil` of `human-resources` is declared twice"),
        ("to: Person", "to: Persn", "f1.yaml:23:3: relation `Employment.person` leads to the type "
         "`Persn`, which nobody declares (did you mean `Person`?)"),
        ("Employment.person:", "Job.person:", "starts at the type `Job`, which nobody declares"),
        ("{personId: idNumber}", "{personId: idNumbr}", "matches `Person.idNumbr`, which is not"),
        ("{personId: idNumber}", "{number: idNumber}", "of type `BigInt` with `Person.idNumber` "
         "of type `String`"),
        ("{personId: idNumber}", "{employer: name}", "is to one, but several `Person` may match"),
        ("Employment.person:", "Employment.employer:", "has the name of a field"),
        ("  Employment.person:", "  Person.employments: {to: Person, match: {idNumber: idNumber}}"
         "\n  Employment.person:", "is declared by `civil-affairs` and by `human-resources`"),
        ("{column: id_no}", "{column: id_no, type: BigInt}", "differ in the type of "
         "`Person.idNumber`"),
        ("{column: id_no}", "{column: id_no, label: G1}", "differ in the label of"),
        ("type: BigInt", "type: BigInt, label: G9", "no rule pack knows the level `G9`"),
        ("type: BigInt", "type: BigInt, label: open", "the level `open` stands on several ladders "
         "(write `levels: {work: open}`)"),
        ("type: BigInt", "type: BigInt, label: {levels: {wok: open}}", "did you mean `work`?"),
        ("type: BigInt", "type: BigInt, label: {levels: {work: shut}}", "has no level `shut`"),
        ("type: BigInt", "type: BigInt, label: {level: G1, levels: {general: G2}}", "two levels"),
        ("type: BigInt", "type: BigInt, label: {level: G1, categories: [pii]}",
         "no rule pack knows the category `pii` (did you mean `pi`?)"),
        ("type: BigInt", "type: BigInt, label: {level: G1, compartments: [cens]}",
         "no rule pack knows the compartment `cens`"),
        ("  Employment:\n", "  Employment:\n    plural: person\n", "the root field `person` of "
         "the type `Person`"),
        ("  Employment:\n", "  Employment:\n    singular: persons\n", "clashes with the type"),
        ("  Employment:\n", "  Employment:\n    plural: employment\n", "are the same"),
        ("  Employment:\n", "  PersonOrder:\n", "the type name `PersonOrder` of"),
        ("{column: job_title, type: String}", "{authoritative: false}", "stands in for another "
         "source, but none gives it"),
    ],
)  # fmt: skip
def test_what_does_not_fit_together_says_how_to_mend(old: str, new: str, expected: str) -> None:
    assert old in WORK
    told = conflicts(CIVIL, WORK.replace(old, new))
    assert any(expected in one for one in told), told


def test_a_type_declared_twice_or_extended_by_another_key() -> None:
    typed = WORK.replace("{column: id_no}", "{column: id_no, type: String}")
    (told, *_) = conflicts(CIVIL, typed.replace("    extend: true\n", ""))
    assert told.startswith(
        "f1.yaml:4:3: the type `Person` is declared by `civil` of `civil-affairs` and by `work` "
        "of `human-resources` (the other stands at f0.yaml:4:3"
    )
    (told, *_) = conflicts(CIVIL, typed.replace("key: [idNumber]", "key: [title]"))
    assert told.startswith(
        "f1.yaml:6:5: `work` of `human-resources` extends `Person` by another key than `civil` "
        "of `civil-affairs` declares (write `key: [idNumber]`"
    )


def test_a_key_without_a_label_is_refused() -> None:
    (told, *_) = conflicts(CIVIL.replace("String, label: G3", "String").replace(
        "    label: {level: G2, categories: [pi]}\n", ""), WORK)  # fmt: skip
    assert "key field `Person.idNumber` has no label" in told


def test_a_region_field_without_a_label_is_refused() -> None:
    text = CIVIL.replace("    key:", "    region: districtCode\n    key:").replace(
        ", label: G1", ""
    )
    told = conflicts(text.replace("    label: {level: G2, categories: [pi]}\n", ""), WORK)
    assert any("region field `Person.districtCode` has no label" in one for one in told)


SUBJECT = "    data_subject: [districtCode]\n    key:"


def test_whose_data_a_row_is() -> None:
    def person(civil: str, of: str = "Person") -> tuple[str, ...] | None:
        return merged(civil, WORK).types[TypeName(of)].person(SCHEME)

    assert person(CIVIL) is None  # personal data, and the key does not say whose
    for category in ("pi", "pi.health"):
        labelled = f"label: {{level: G3, categories: [{category}]}}"
        assert person(CIVIL.replace("label: G3", labelled)) == ("idNumber",)
    assert person(CIVIL.replace(", categories: [pi]", "")) == ()
    assert person(CIVIL.replace("    key:", SUBJECT, 1)) == ("districtCode",)
    assert person(CIVIL, "Employment") == ()


def test_persons_are_told_apart_by_what_the_declaring_source_answers_for() -> None:
    other = WORK.replace(
        "title: {", "districtCode: {type: String, authoritative: true}\n      title: {"
    )
    (told, *_) = conflicts(CIVIL.replace("    key:", SUBJECT, 1), other)
    assert told.startswith(
        "f0.yaml:14:7: data subject field `Person.districtCode` is not answered for by `civil` of "
        "`civil-affairs`"
    )
    with pytest.raises(ManyErrors) as held:
        read_fragment(
            WORK.replace("extend: true", "extend: true\n    data_subject: title"), "w.yaml"
        )
    assert "is extended here and cannot say `data_subject`" in str(held.value.problems[0])


def test_a_label_above_the_ceiling_is_refused_once() -> None:
    assert merged(CIVIL, WORK, ceiling={"general": "G3"})
    (told,) = conflicts(CIVIL, WORK, ceiling={"general": "G2"})
    assert told.startswith("f0.yaml:10:58: the level `G3` is above this hub's ceiling `G2`")
    assert conflicts(CIVIL, WORK, ceiling={"general": "unheard of"})
    many = conflicts(CIVIL, WORK, ceiling={"general": "G1"})
    assert len(many) == 4


def test_extending_what_nobody_declares_is_refused() -> None:
    (told, *_) = conflicts(WORK)
    assert "extends the type `Person`, which nobody declares" in told


def test_several_problems_come_at_once() -> None:
    broken = WORK.replace("to: Person", "to: Nobody").replace("type: BigInt", "type: Int, label: X")
    assert len(conflicts(CIVIL, broken)) == 2


def test_a_name_without_a_plural_gets_a_list() -> None:
    text = WORK.replace("Employment", "Equipment").replace("  Person:", "  Unused:")
    text = text.replace("    extend: true\n", "").replace("{column: id_no}", "{type: String}")
    assert merged(text.partition("relations")[0]).types[TypeName("Equipment")].plural == (
        "equipmentList"
    )


def _department(n: int) -> str:
    lines = ["hub: 1", f"source: {{name: s{n}, department: d{n}, kind: sql}}", "types:"]
    for t in range(20):
        lines += [
            f"  D{n}T{t}:",
            f"    key: [f0]\n    from: {{table: t{t}}}\n    share: unconditional",
            "    label: {level: G2, categories: [pi]}\n    fields:",
            *(f"      f{f}: {{column: c_{f}, type: String, label: G1}}" for f in range(20)),
        ]
    lines.append("relations:")
    lines += [f"  D{n}T{t}.next: {{to: D{n}T{t + 1}, match: {{f1: f0}}}}" for t in range(19)]
    return "\n".join(lines)


def test_ninety_departments_compose_in_less_than_three_seconds() -> None:
    texts = [_department(n) for n in range(90)]
    began = time.process_time()
    catalogue = merged(*texts)
    assert time.process_time() - began < 3
    assert len(catalogue.types) == 1800


def test_random_fragments_compose_alike_in_any_order() -> None:
    texts = [_department(n) for n in range(6)]
    fragments = [read_fragment(text, f"{n}.yaml") for n, text in enumerate(texts)]
    versions = set()
    for seed in range(5):
        random.Random(seed).shuffle(fragments)
        versions.add(compose(fragments, SCHEME).version)
    assert len(versions) == 1
