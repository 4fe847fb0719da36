"""Reading a fragment: what a department wrote, and every way of writing it wrongly."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from schema.compose.fragment import read_fragment, read_fragment_bytes
from schema.compose.part import Fragment, LabelPart
from schema.compose.positions import Place
from schema.errors import ManyErrors
from schema.model.binding import Freshness

CIVIL = (Path(__file__).parent / "civil.yaml").read_text(encoding="utf-8")


def problems(text: str) -> list[str]:
    with pytest.raises(ManyErrors) as found:
        read_fragment(text, "civil.yaml")
    assert found.value.code == "FRAGMENT_INVALID"
    assert all(one.code == "FRAGMENT_INVALID" and one.hint for one in found.value.problems)
    return [str(one) for one in found.value.problems]


def changed(old: str, new: str) -> str:
    assert old in CIVIL
    return CIVIL.replace(old, new)


def test_reads_the_whole_format() -> None:
    fragment = read_fragment(CIVIL, "civil.yaml")
    source = fragment.source
    assert (source.name, source.department, source.kind) == ("civil", "civil-affairs", "sql")
    assert source.title == {"en": "Civil Affairs Bureau", "zh": "民政局"}
    assert source.connect == {"url": "${env:CIVIL_DB_URL}", "pool": 4}
    assert (source.freshness, source.deadline_s) == (Freshness(expect_s=3600.0), 2.5)
    assert source.region == "3301"
    assert source.pass_through is True
    person = fragment.types[0]
    assert (person.name, person.plural, person.region) == ("Person", "persons", "districtCode")
    assert person.keys == (("idNumber",), ("passport", "country"))
    assert person.label == LabelPart(
        at=Place(18, 12), level="G2", categories=("pi",), compartments=()
    )
    number = person.fields["idNumber"]
    assert (number.column, number.kind, number.format) == ("id_number", "String", "cn-id-number")
    assert number.label is not None
    assert (number.label.level, number.at) == ("G3", Place(24, 7))
    assert person.fields["name"].column == "name"
    assert person.fields["name"].share == "conditional"
    assert person.fields["name"].conditions == ("duty-purpose", "grant")
    assert person.fields["districtCode"].share == "unconditional"
    assert person.fields["districtCode"].conditions == ()
    assert person.fields["sex"].values == {"1": "male", "2": "female"}
    assert person.fields["sex"].about == {"zh": "性别"}
    assert person.fields["birthDate"].deprecated == "use `bornOn`"
    assert person.fields["note"].legal_basis == ("law-1",)
    district, employments = fragment.relations
    assert (district.of, district.name, district.to, district.many) == (
        "Person", "district", "District", False,
    )  # fmt: skip
    assert district.match == (("districtCode", "code"),)
    assert (employments.to, employments.many, employments.as_list) == ("Employment", True, True)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("hub: 1\n", "", "1:1: the fragment does not say its format (begin with `hub: 1`)"),
        ("hub: 1\n", "hub: 2\n", "1:6: `hub` of the fragment is not a known format"),
        ("types:", "typs:", "13:1: the fragment has no key `typs` (did you mean `types`?)"),
        ("plural:", "plurl:", "15:5: type `Person` has no key `plurl` (did you mean `plural`?)"),
        ("  name: civil\n", "", "3:3: `source` of the fragment has no `name`"),
        ("name: civil\n", "name: Civil_1\n", "3:9: `name` of `source` of the fragment cannot be"),
        ("PT1H", "1 hour", "10:23: `expect` of `freshness` of `source` of the fragment is not a"),
        ("pass_through: true", "pass_through: maybe", "is neither `true` nor `false`"),
        ("Person:\n", "2Person:\n", "14:3: a type cannot be named `2Person`"),
        ("Person:\n", "Query:\n", "14:3: the type name `Query` is kept for the hub"),
        ("Person:\n", "PersonConnection:\n", "`PersonConnection` is kept for the hub"),
        ("name:         {", "id:           {", "26:7: `id` is the opaque node id of every entity "
         "type (name this field `personId`)"),
        ("name:         {", "or:           {", "26:7: `or` is kept for the hub"),
        ("name:         {", "姓名:         {", "26:7: a field cannot be named `姓名`"),
        ("type: Date", "type: date", "`type` of field `Person.birthDate` cannot be `date` "
         "(did you mean `Date`?)"),
        ("name:         {type: String}", "name: {}", "26:7: field `Person.name` has no type"),
        ("name:         {type: String}", "name: text", "26:13: field `Person.name` is not a map"),
        ("{type: String}", "{type: [String]}", "`type` of field `Person.name` is not a text"),
        ("[idNumber], ", "[idNumbr], ", "14:3: type `Person` has no field `idNumbr` for its key "
         "(did you mean `idNumber`?)"),
        ("keys: [[idNumber], [passport, country]]", "key: [score]",
         "32:7: key field `score` of type `Person` is of type `Float`"),
        ("keys: [[idNumber], [passport, country]]", "keys: [idNumber]", "is not a list of lists"),
        ("    keys: [[idNumber], [passport, country]]\n", "", "14:3: type `Person` has no key"),
        ("from: {table: residents}", "from: {tabel: residents}", "did you mean `table`?"),
        ("region: districtCode", "region: district", "has no field `district` for its region"),
        ("region: districtCode", "region: score", "region field `score` of type `Person` is not"),
        ("region: districtCode", "data_subject: [idNumbr]", "has no field `idNumbr` for its data "
         "subject (did you mean `idNumber`?)"),
        ("region: districtCode", "data_subject: score", "32:7: the data subject of type `Person` "
         "cannot be told by `score`"),
        ("region: districtCode", "data_subject: []", "21:19: `data_subject` of type `Person` is "
         "empty"),
        ("conditions: [duty-purpose, grant]\n", "metadata: public\n",
         "is conditional without conditions (add `conditions: [...]`"),
        ("share: withheld, legal_basis: law-1", "share: withheld",
         "33:7: field `Person.note` is withheld without a legal basis"),
        ("    share: conditional\n", "", "is not said how to be shared"),
        ("share: conditional", "share: some", "`share` of type `Person` cannot be `some`"),
        ("{level: G2, categories: [pi]}", "{categories: [pi]}", "`label` of type `Person` has no"),
        ("type: Float", "type: Float, values: {a: b}", "converts codes but is not a text"),
        ("type: Float", "type: Float, values: {}", "is empty"),
        ("Person.district:", "district:", "35:3: relation `district` does not say its type"),
        ("to: District", "to: '[District'", "is not a type (write `Type`"),
        ("match: {districtCode: code}", "matches: {a: b}", "relation `Person.district` has no "
         "`match`"),
        ("to: \"[Employment]\"", "to: Employment", "is a list to one"),
        ("about: {en: ", "about: {english: ", "`english` of `about` of type `Person` is not a lan"),
    ],
)  # fmt: skip
def test_a_mistake_says_where_and_how_to_mend(old: str, new: str, expected: str) -> None:
    told = problems(changed(old, new))
    assert any(expected in one for one in told), told
    assert all(one.startswith("civil.yaml:") for one in told)


@pytest.mark.parametrize(
    ("connect", "secret"),
    [
        ("{url: 'postgresql://hub:s3cret@db/civil'}", "s3cret"),
        ("{host: db, password: s3cret}", "s3cret"),
        ("{host: db, auth: {clientSecret: s3cret}}", "s3cret"),
        ("{host: db, headers: [{Authorization: Bearer s3cret}]}", "s3cret"),
        ("{token: 12345678}", "12345678"),
        ("{url: 'https://x.test/a?api_key=s3cret'}", "s3cret"),
        ("{dsn: 'host=db password=s3cret'}", "s3cret"),
        ("{password: '${vault:s3cret}'}", "s3cret"),
        ("{password: '${env:OPEN'}", "OPEN"),
    ],
)
def test_a_secret_in_clear_is_refused_and_never_repeated(connect: str, secret: str) -> None:
    told = problems(changed('{url: "${env:CIVIL_DB_URL}", pool: 4}', connect))
    assert len(told) == 1
    assert "`${env:NAME}`" in told[0]
    assert secret not in told[0]


@pytest.mark.parametrize(
    "connect",
    [
        "{url: 'postgresql://hub:${env:PW}@db/civil'}",
        "{host: db, password: '${file:/run/secrets/civil}'}",
        "{headers: {Authorization: 'Bearer ${env:TOKEN}'}}",
        "{token_url: 'https://x.test/token', paging: {page_token: /next}}",
        "{url: 'sqlite:////data/civil.sqlite?mode=ro', password: null}",
    ],
)
def test_references_and_plain_settings_are_taken(connect: str) -> None:
    read_fragment(changed('{url: "${env:CIVIL_DB_URL}", pool: 4}', connect), "civil.yaml")


def test_all_problems_come_at_once() -> None:
    text = changed("plural:", "plurl:").replace("type: Date", "type: Dat").replace("to: D", "t: D")
    assert len(problems(text)) == 5


def test_what_a_type_says_by_default_is_complained_of_once() -> None:
    told = problems(changed("    conditions: [duty-purpose, grant]\n", ""))
    assert len(told) == 1


def test_many_problems_are_counted_not_listed() -> None:
    fields = "\n".join(f"      f{n}: {{tipe: String}}" for n in range(400))
    told = problems(f"hub: 1\nsource: {{}}\ntypes:\n  A:\n    fields:\n{fields}\n")
    assert len(told) == 201
    assert "more problems are not shown" in told[-1]


def test_a_draft_without_labels_reads() -> None:
    text = changed("    label: {level: G2, categories: [pi]}\n", "").replace(", label: G3", "")
    text = text.replace("    share: conditional\n", "")
    text = text.replace(", label: G1", "").replace(", label: G4", "")
    fragment = read_fragment(text, "civil.yaml")
    assert fragment.types[0].fields["name"].label is None


@pytest.mark.parametrize("text", ["", "# nothing", "~", "[]", "hub", "- a"])
def test_what_is_not_a_mapping_is_refused(text: str) -> None:
    assert len(problems(text)) == 1


@pytest.mark.parametrize("text", ["a: [", "a: 1\na: 2", "a: &x [*x]", "[" * 10_000])
def test_wrong_yaml_is_one_problem_with_its_place(text: str) -> None:
    (told,) = problems(text)
    assert told.startswith("civil.yaml:")


def test_bytes_that_are_not_utf8_say_where() -> None:
    data = CIVIL.encode().replace("民政局".encode(), "民政局".encode("gbk"))
    with pytest.raises(ManyErrors) as found:
        read_fragment_bytes(data, "civil.yaml")
    (told,) = found.value.problems
    assert told.message == "the file is not UTF-8"
    assert told.where == "civil.yaml:5:41"


def test_a_hundred_megabytes_are_refused_unread() -> None:
    with pytest.raises(ManyErrors) as found:
        read_fragment_bytes(b"\xff" * 100_000_000, "civil.yaml")
    assert "the file has more than" in str(found.value)


def test_a_hundred_thousand_mistakes_are_told_quickly() -> None:
    began = time.process_time()
    fields = "\n".join(f"      f{n}: {{tipe{n}: String, share: {n}}}" for n in range(50_000))
    problems(f"hub: 1\nsource: {{}}\ntypes:\n  A:\n    fields:\n{fields}\n")
    assert time.process_time() - began < 5


def test_bytes_with_a_byte_order_mark_read() -> None:
    data = b"\xef\xbb\xbf" + CIVIL.encode()
    assert isinstance(read_fragment_bytes(data, "civil.yaml"), Fragment)


def test_an_extending_type_may_leave_to_others_what_they_say() -> None:
    text = """
hub: 1
source: {name: hr, department: human-resources, kind: sql}
types:
  Person:
    extend: true
    key: [idNumber]
    from: {table: staff}
    fields:
      idNumber: {column: id_no}
      employer: {type: String, label: G2, share: unconditional}
      name: {authoritative: false}
"""
    part = read_fragment(text, "hr.yaml").types[0]
    assert part.extend
    assert part.fields["idNumber"].kind is None
    assert part.fields["name"].authoritative is False
    told = problems(text.replace("    extend: true", "    extend: true\n    plural: people"))
    assert "is extended here and cannot say `plural`" in told[0]


def test_a_list_of_one_type_needs_no_quotation_marks() -> None:
    fragment = read_fragment(changed('"[Employment]"', "[Employment]"), "civil.yaml")
    assert fragment.relations[1].many
