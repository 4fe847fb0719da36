"""What may be registered, what stays a draft, and which labels are due for review."""

from __future__ import annotations

import datetime as dt

import pytest

from schema.compose.fragment import read_fragment
from schema.compose.merge import compose, compose_with_notes
from schema.compose.review import overdue
from schema.errors import ManyErrors
from schema.model.label import LabelScheme, Ladder
from schema.model.names import Coordinate

SCHEME = LabelScheme(
    ladders=(
        Ladder(id="general", levels=("G1", "G2", "G3")),
        Ladder(id="secrecy", levels=("NONE", "WORK", "SECRET")),
    ),
    registrable={"secrecy": "NONE"},
)
TEXT = """\
hub: 1
source: {name: civil, department: civil-affairs, kind: sql}
types:
  Person:
    key: [number]
    from: {table: residents}
    share: unconditional
    fields:
      number: {type: String, label: G1}
      name: {type: String, label: {levels: {general: G2, secrecy: NONE}}}
"""
TODAY = dt.date(2026, 6, 1)


def refused(text: str, ceiling: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ManyErrors) as caught:
        compose([read_fragment(text, "civil.yaml")], SCHEME, ceiling=ceiling)
    return [str(problem) for problem in caught.value.problems]


def test_a_secrecy_level_that_may_not_be_registered() -> None:
    assert compose([read_fragment(TEXT, "civil.yaml")], SCHEME)
    secret = TEXT.replace("secrecy: NONE", "secrecy: SECRET")
    for ceiling in (None, {"secrecy": "SECRET"}, {"secrecy": "NONE"}):
        (told,) = refused(secret, ceiling)
        assert told.startswith("civil.yaml:10:35: data of the level `SECRET` may not be")
        assert "above `NONE` of `secrecy`" in told
    assert refused(TEXT.replace("secrecy: NONE", "secrecy: WORK"))
    assert len(refused(TEXT.replace("label: G1", "label: WORK"))) == 1


def test_a_limit_that_no_ladder_knows_lets_nothing_through() -> None:
    scheme = LabelScheme(ladders=SCHEME.ladders, registrable={"general": "G9"})
    with pytest.raises(ManyErrors, match="may not be registered"):
        compose([read_fragment(TEXT, "civil.yaml")], scheme)


def test_a_field_without_a_label_is_a_draft_and_not_served() -> None:
    text = TEXT + "      phone: {type: String}\n"
    catalogue, notes = compose_with_notes([read_fragment(text, "civil.yaml")], SCHEME)
    assert catalogue.field(Coordinate("Person.phone")) is None
    (note,) = notes
    assert note.code == "FIELD_NOT_SERVED"
    assert note.where == "civil.yaml:11:7"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("share: withheld", "is withheld without a legal basis"),
        ("share: conditional", "is conditional without conditions"),
    ],
)
def test_a_share_attribute_must_be_founded(more: str, said: str) -> None:
    text = TEXT.replace("name: {type: String,", f"name: {{type: String, {more},")
    with pytest.raises(ManyErrors, match=said) as caught:
        read_fragment(text, "civil.yaml")
    assert caught.value.problems[0].where == "civil.yaml:10:7"


def late(label: str, *, basis: bool = False) -> list[str]:
    fragment = read_fragment(TEXT.replace("label: G1", f"label: {label}"), "civil.yaml")
    return [str(one) for one in overdue([fragment], today=TODAY, basis=basis)]


def test_a_review_date_that_has_passed() -> None:
    assert late("{level: G1, review_by: 2026-06-01}") == []
    (told,) = late("{level: G1, review_by: 2026-05-31}")
    assert told.startswith(
        "civil.yaml:9:37: the label of field `Person.number` was to be reviewed by 2026-05-31"
    )
    assert compose(
        [read_fragment(TEXT.replace("G1", "{level: G1, review_by: 2001-01-01}"), "civil.yaml")],
        SCHEME,
    ), "a date alone stops no hub that runs"


def test_a_level_without_a_basis() -> None:
    full = "{level: G1, basis: rule 7, decided_by: wang, decided_at: 2026-01-01}"
    assert late("G1") == late(full) == []
    told = late("G1", basis=True)
    assert [one.partition(": ")[0] for one in told] == ["civil.yaml:9:37", "civil.yaml:10:35"]
    assert "does not say what its level rests on" in told[0]
    assert len(late(full, basis=True)) == 1


def test_what_a_type_says_is_looked_at_too() -> None:
    text = TEXT.replace("    share:", "    label: {level: G1, review_by: 2020-01-01}\n    share:")
    (told,) = overdue([read_fragment(text, "civil.yaml")], today=TODAY)
    assert "the label of type `Person`" in told.message


@pytest.mark.parametrize("date", ["2026-02-30", "20260101", "soon", "[2026-01-01]"])
def test_a_date_that_is_none(date: str) -> None:
    with pytest.raises(ManyErrors, match="is not a"):
        late(f"{{level: G1, review_by: {date}}}")
