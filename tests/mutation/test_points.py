"""Every enforcement point is missed by a test when it is switched off."""

from __future__ import annotations

import ast
from functools import cache

import pytest

from tests.mutation.__main__ import PAGE, table
from tests.mutation.overlay import NOTICED
from tests.mutation.point import ROOT, Point
from tests.mutation.points import POINTS
from tests.mutation.switch import noticed_by


def test_names_are_unique() -> None:
    assert len({point.name for point in POINTS}) == len(POINTS) >= 30


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.name)
def test_a_point_is_where_it_is_said_to_be(point: Point) -> None:
    text = (ROOT / point.file).read_text(encoding="utf-8")
    changed = point.switched_off(text)
    assert ast.dump(ast.parse(changed)) != ast.dump(ast.parse(text))


@cache
def functions(file: str) -> frozenset[str]:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in tree.body if isinstance(node, kinds))


def test_the_tests_that_are_named_exist() -> None:
    named = {test for point in POINTS for test in point.noticed_by}
    missing = [test for test in named if test.split("::")[1] not in functions(test.split("::")[0])]
    assert missing == []


def test_the_page_is_current() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert table() in page, "python -m tests.mutation prints what docs/enforcement.md holds"


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.name)
def test_a_point_switched_off_is_noticed(point: Point) -> None:
    assert noticed_by(point, point.noticed_by) == dict.fromkeys(point.noticed_by, NOTICED)
