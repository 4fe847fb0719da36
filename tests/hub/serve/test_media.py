"""Content negotiation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.serve.media import GRAPHQL, JSON, Wish, is_json, read_accept


@pytest.mark.parametrize(
    ("header", "media"),
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (GRAPHQL, GRAPHQL),
        (JSON, JSON),
        (f"{GRAPHQL}, {JSON};q=0.9", GRAPHQL),
        (f"{GRAPHQL};q=0.8, {JSON};q=0.9", JSON),
        (f"{JSON};q=0.5, */*;q=0.1, {GRAPHQL};q=0.7", GRAPHQL),
        (f"{JSON}, {GRAPHQL}", JSON),
        (f"{JSON};q=0, */*", GRAPHQL),
        ("Application/GraphQL-Response+JSON; charset=UTF-8", GRAPHQL),
        (f"{GRAPHQL}; charset=iso-8859-1", None),
        (f"{JSON};q=0", None),
        ("text/html", None),
        ("image/png, text/*", None),
        (f"{JSON};q=nonsense", None),
        (f"{JSON};q=2", None),
        ("," * 3_000, None),
    ],
)
def test_accept_names_the_media_type(header: str | None, media: str | None) -> None:
    assert read_accept(header).media == media


@pytest.mark.parametrize(
    ("header", "html"),
    [
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", True),
        ("text/html", True),
        ("application/json, text/html;q=0.9", False),
        ("*/*", False),
    ],
)
def test_browsers_like_a_page_better(header: str, html: bool) -> None:
    assert read_accept(header).html is html


@given(st.text(max_size=200))
def test_accept_never_raises(header: str) -> None:
    assert isinstance(read_accept(header), Wish)


@pytest.mark.parametrize(
    ("header", "good"),
    [
        ("application/json", True),
        ("application/json; charset=utf-8", True),
        ('Application/JSON;charset="UTF-8"', True),
        ("application/json; charset=utf-16", False),
        ("application/graphql", False),
        ("text/plain", False),
        ("multipart/form-data; boundary=x", False),
        ("", False),
    ],
)
def test_body_type(header: str, good: bool) -> None:
    assert is_json(header) is good
