"""Conditions on rows in words."""

from __future__ import annotations

import pytest

from policies.ruling import Allow, Masked
from policies.words import rows_in_words, shown_in_words
from schema.model.names import TypeName
from schema.model.predicate import (
    FALSE,
    TRUE,
    And,
    Compare,
    Const,
    In,
    IsNull,
    Not,
    Or,
    Param,
    Predicate,
    Related,
)
from tests.policies.fixture import CITY

PERSON = CITY.types[TypeName("Person")]
NAMED = Compare("name", "eq", Const("An"), "String")
HERE = Compare("district", "prefix", Param("s.region"), "String")
YOUNG = Compare("birthDate", "gt", Param("s.born_after.14"), "Date")


@pytest.mark.parametrize(
    ("where", "english", "chinese"),
    [
        (TRUE, "every row", "所有数据行"),
        (FALSE, "no row", "无数据行"),
        (HERE, "rows where `district` begins with the caller's region",
         "`district`开头为调用方所在区域"),
        (YOUNG, "rows where `birthDate` is above the day 14 years ago",
         "`birthDate`大于14 年前的当日"),
        (In("name", (Const("a"), Const("b")), "String"), "rows where `name` is one of `a`, `b`",
         "`name`属于`a`、`b`"),
        (In("name", Param("s.roles"), "String"), "rows where `name` is one of the caller's roles",
         "`name`属于调用方角色"),
        (And((NAMED, Not(HERE))), "rows where (`name` is `An`) and (not (`district` begins with "
         "the caller's region))", "（`name`等于`An`）且（并非（`district`开头为调用方所在区域））"),
        (Or((IsNull("name"), NAMED)), "rows where (`name` is empty) or (`name` is `An`)",
         "（`name`为空）或（`name`等于`An`）"),
        (Related("incomes", "none", NAMED), "rows where for no related row of `incomes`: "
         "(`name` is `An`)", "`incomes`中没有关联数据符合（`name`等于`An`）"),
    ],
)  # fmt: skip
def test_rows(where: Predicate, english: str, chinese: str) -> None:
    told = rows_in_words(where, PERSON)
    assert told[0] == english
    assert told[1].endswith(chinese)


def test_what_is_shown() -> None:
    assert shown_in_words(Allow()) == ("as it is", "原值")
    masked = Masked("redact", (("kind", "String"),))
    assert shown_in_words(masked) == ("masked by redact", "以 redact 脱敏")
