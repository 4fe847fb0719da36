"""YAML with positions: places are right, and what is outside the subset is refused."""

from __future__ import annotations

import re
import time

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from schema.compose.positions import (
    MAX_CHARACTERS,
    Block,
    Leaf,
    Place,
    Row,
    YamlProblem,
    parse,
    place_of_offset,
    plain,
    shown,
)


def test_every_part_knows_its_place() -> None:
    tree = parse("a: 1\n民: {b: [x, 'y']}\n")
    assert isinstance(tree, Block)
    at, block = tree.entries["民"]
    assert at == Place(2, 1)
    assert isinstance(block, Block)
    at, row = block.entries["b"]
    assert (at, row.at) == (Place(2, 5), Place(2, 8))
    assert isinstance(row, Row)
    assert row.items == [Leaf("x", True, Place(2, 9)), Leaf("y", False, Place(2, 12))]


@pytest.mark.parametrize(
    ("text", "message", "line", "column"),
    [
        ("a: [1\nb: 2", "not YAML", 2, 2),
        ("a: b: c", "not YAML", 1, 5),
        ("a:\tb\n\tc: d", "not YAML", 2, 1),
        ("key: 'abc", "not YAML", 1, 10),
        ("a: 1\na: 2", "`a` is given twice; first in line 1", 2, 1),
        ("a: &x 1\nb: *x", "anchors", 1, 4),
        ("b: *x", "anchors", 1, 4),
        ("a: !!python/object:os.system x", "tags", 1, 4),
        ("a: !thing {b: 1}", "tags", 1, 4),
        ("a: 1\n---\nb: 2", "second document", 2, 1),
        ("{[a]: 1}", "not a text", 1, 2),
        ("~: 1", "not a text", 1, 1),
        ("a: b\x00c", "control character", 1, 5),
        ("a:\n  - b\x1b", "control character", 2, 6),
        ("a: \ud800", "surrogate", 1, 4),
    ],
)
def test_what_is_refused_says_where(text: str, message: str, line: int, column: int) -> None:
    with pytest.raises(YamlProblem, match=message) as found:
        parse(text)
    assert found.value.at == Place(line, column)
    assert found.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "[" * 10_000,
        "{" * 10_000,
        "- " * 10_000 + "a",
        "a: " + "[" * 100 + "]" * 100,
        "\n".join(" " * depth + "k:" for depth in range(2_000)),
    ],
)
def test_deep_nesting_is_refused_quickly(text: str) -> None:
    began = time.process_time()
    with pytest.raises(YamlProblem):
        parse(text)
    assert time.process_time() - began < 2


def test_a_huge_file_is_refused_unread() -> None:
    with pytest.raises(YamlProblem, match="more than"):
        parse("a" * (MAX_CHARACTERS + 1))


def test_nothing_is_nothing() -> None:
    assert parse("") is None
    assert parse("# only a comment\n") is None


def test_unquoted_words_by_the_core_schema() -> None:
    tree = parse("{a: 1, b: 1.5, c: true, d: no, e: ~, f: '1', g: 0571, h: 1e3, i: '', j: -7}")
    assert tree is not None
    assert plain(tree) == {
        "a": 1, "b": 1.5, "c": True, "d": "no", "e": None, "f": "1", "g": 571, "h": 1000.0,
        "i": "", "j": -7,
    }  # fmt: skip


def test_a_place_of_an_offset() -> None:
    assert place_of_offset("ab\ncd", 0) == Place(1, 1)
    assert place_of_offset("ab\ncd", 4) == Place(2, 2)


def test_names_in_messages_stay_on_one_short_line() -> None:
    assert shown("a\n`b`\x07 c") == "a 'b'? c"
    assert len(shown("x" * 500)) == 60


# `1E3` is a number in YAML 1.2, as here, and a text in 1.1, as PyYAML writes and reads it
_POWER = re.compile(r"[-+]?[0-9]+[eE][-+]?[0-9]+\Z")
_TEXTS = st.text(max_size=8).filter(lambda text: not _POWER.match(text))
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | _TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=12,
)


@given(_VALUES)
def test_reads_what_yaml_writes(value: object) -> None:
    text = yaml.safe_dump(value, allow_unicode=True)
    tree = parse(text)
    assert (plain(tree) if tree is not None else None) == yaml.safe_load(text)


@given(st.text(alphabet="ab:-[]{}&*!|>'\"# \n\t,?%@`~\x85\ufeff", max_size=60))
def test_any_text_gives_a_tree_or_a_problem(text: str) -> None:
    found = outcome(text)
    if isinstance(found, YamlProblem):
        assert min(found.at.line, found.at.column) >= 1
        assert "\n" not in found.message


def outcome(text: str) -> object:
    try:
        return parse(text)
    except YamlProblem as problem:
        return problem
