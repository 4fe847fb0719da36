"""Every code of composition, each by subgraphs that are wrong in one way."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hub.gateway.compose.compose import Subgraph, compose
from hub.gateway.compose.problems import CompositionError
from tests.hub.gateway.composing import problems
from tests.hub.gateway.wrong_alone import ALONE
from tests.hub.gateway.wrong_together import TOGETHER

WRONG = [*ALONE, *TOGETHER]


@pytest.mark.parametrize(
    ("code", "coordinate", "texts"), WRONG, ids=[f"{i}-{each[0]}" for i, each in enumerate(WRONG)]
)
def test_wrong_subgraphs_are_refused_with_the_code_and_where(
    code: str, coordinate: str | None, texts: list[str]
) -> None:
    found = problems(*texts)
    assert {each.code for each in found} == set(code.split())
    if coordinate is not None and texts[0].count("{") == texts[0].count("}"):
        assert coordinate in {one for each in found for one in each.coordinates}
    assert all(each.message for each in found)


@pytest.mark.parametrize("names", [["a", "a"], [""], ["_"]])
def test_subgraphs_have_names_of_their_own(names: list[str]) -> None:
    with pytest.raises(CompositionError) as caught:
        compose([Subgraph(each, "http://x.test/", "type Query { x: Int }") for each in names])
    assert "INVALID_SUBGRAPH_NAME" in {each.code for each in caught.value.problems}


def test_all_problems_of_all_subgraphs_are_told_at_once() -> None:
    found = problems(
        'type Query { x: Int } type T @key(fields: "nope") { id: ID }',
        'type S @key(fields: "id") { id: ID r: Int @requires(fields: "no") }',
        "type R {",
    )
    assert [(each.code, each.subgraphs) for each in found] == [
        ("KEY_INVALID_FIELDS", ("a",)),
        ("REQUIRES_INVALID_FIELDS", ("b",)),
        ("INVALID_GRAPHQL", ("c",)),
    ]


def test_the_page_describes_every_code_and_no_other() -> None:
    page = Path("docs/gateway-composition.md").read_text(encoding="utf-8")
    described = set(re.findall(r"^\| `([A-Z_]+)` \|", page, re.MULTILINE))
    known = {code for codes, _, _ in WRONG for code in codes.split()} | {"INVALID_SUBGRAPH_NAME"}
    source = "".join(
        each.read_text(encoding="utf-8") for each in Path("hub/gateway/compose").glob("*.py")
    )
    written = set(re.findall(r'"([A-Z]+(?:_[A-Z]+)+)"', source))
    assert known <= described
    assert described - known <= {
        f"{one}_{two}"
        for one in ("KEY", "PROVIDES", "REQUIRES", "ROOT")
        for two in ("UNSUPPORTED_ON_INTERFACE", "MUTATION_USED", "SUBSCRIPTION_USED")
    }
    assert {each for each in written if each not in _NO_CODES} <= described


_NO_CODES = {
    "FIELD_DEFINITION",
    "ARGUMENT_DEFINITION",
    "INPUT_FIELD_DEFINITION",
    "INPUT_OBJECT",
    "ENUM_VALUE",
    "COMPOSITION_FAILED",
}
