"""Plurals and singulars of names."""

from __future__ import annotations

import pytest

from schema.compose.english import lower_first, plural, singular


@pytest.mark.parametrize(
    ("one", "several"),
    [
        ("track", "tracks"),
        ("invoiceLine", "invoiceLines"),
        ("City", "Cities"),
        ("key", "keys"),
        ("box", "boxes"),
        ("address", "addresses"),
        ("status", "statuses"),
        ("child", "children"),
        ("civilCase", "civilCases"),
        ("analysis", "analyses"),
        ("house", "houses"),
        ("Person", "Persons"),
        ("census", "censuses"),
        ("area", "areas"),
        ("staff", "staff"),
        ("area2", "areas2"),
    ],
)
def test_both_ways(one: str, several: str) -> None:
    assert plural(one) == several
    assert singular(several) == one
    assert singular(one) == one


def test_people_are_persons() -> None:
    assert singular("people") == "person"


@pytest.mark.parametrize(
    ("name", "lowered"),
    [("Person", "person"), ("URLRecord", "urlRecord"), ("URL", "url"), ("x", "x"), ("A1", "a1")],
)
def test_the_first_word_is_lowered(name: str, lowered: str) -> None:
    assert lower_first(name) == lowered
