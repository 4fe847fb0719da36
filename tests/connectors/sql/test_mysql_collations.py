"""Text is found by its index whatever its collation does with letters and blanks."""

from __future__ import annotations

import re
from typing import Any

import pytest

from connectors.spi import Ask, Call, Column
from connectors.sql.mysql_values import literal
from schema.model.predicate import Compare, Param
from tests.connectors.sql.test_sql_failures import made
from tests.mariadb import LocalMariadb

ENDS = ["", "a", "h", "z", " ", "\t"]
STARTS = [
    "a", "A", "aa", "å", "ä", "ae", "æ", "c", "C", "ch", "cH", "cs", "csz", "d", "dz", "e", "é",
    "e\u0301", "i", "ı", "İ", "l", "ll", "n", "ng", "nj", "s", "ss", "ß", "sz", "zs", "", "ch\0",
]  # fmt: skip
WORDS = sorted({start + end for start in STARTS for end in ENDS})
OTHERS = [f"qq{number}" for number in range(1500)]
"""So many that an index is worth its while."""
FEW = ["utf8mb4_general_ci", "utf8mb4_bin"]
MORE = [
    "utf8mb4_unicode_ci", "utf8mb4_unicode_520_nopad_ci", "utf8mb4_czech_ci", "utf8mb4_danish_ci",
    "utf8mb4_german2_ci", "utf8mb4_hungarian_ci", "utf8mb4_spanish2_ci", "utf8mb4_turkish_ci",
    "utf8mb4_croatian_ci", "utf8mb4_nopad_bin", "utf8mb3_general_ci", "utf8mb3_bin",
]  # fmt: skip
NAME = Column("name", "String")


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "collation", [*FEW, *(pytest.param(name, marks=pytest.mark.slow) for name in MORE)]
)
async def test_all_and_only_the_texts_that_are_asked_for(
    mariadb: LocalMariadb, collation: str
) -> None:
    charset, _, _ = collation.partition("_")
    rows = ", ".join(f"({literal(word)})" for word in [*WORDS, *OTHERS])
    script = [
        f"CREATE TABLE held (name VARCHAR(40) COLLATE {collation}, KEY (name)) "
        f"CHARACTER SET {charset}",
        f"INSERT INTO held VALUES {rows}",  # noqa: S608 - of this test
        "ANALYZE TABLE held",
    ]
    source = made(mariadb.url(mariadb.database(script)))
    await source.open()
    canonical = {word: word.replace("e\u0301", "é") for word in WORDS}

    async def names(ask: Ask, **call: Any) -> list[str]:
        offer = source.offer(ask)
        assert offer.residual is None
        return sorted((await source.fetch_all(offer.handle, Call(**call))).columns["name"])

    starts = Ask(
        table="held", columns=(NAME,), wish=Compare("name", "prefix", Param("v"), "String")
    )
    equals = Ask(table="held", columns=(NAME,), wish=Compare("name", "eq", Param("v"), "String"))
    for word in WORDS:
        begun = sorted(canonical[other] for other in WORDS if other.startswith(word))
        if word:
            assert await names(starts, params={"v": word}) == begun, word
        assert await names(equals, params={"v": word}) == [canonical[word]], word
    keyed = Ask(table="held", columns=(NAME,), key_columns=("name",))
    assert await names(keyed, keys=[(word,) for word in WORDS]) == sorted(canonical.values())
    await source.close()


def test_the_collations_that_were_tried_are_those_that_are_sought_in() -> None:
    from connectors.sql.mysql_dialect import _PATTERNED

    sought = {name for name in (*FEW, *MORE) if re.match(_PATTERNED, name)}
    assert sought == {n for n in (*FEW, *MORE) if n.startswith("utf8mb4_") and n.endswith("_ci")}
    for name in ("utf8mb4_0900_ai_ci", "utf8mb4_cs_0900_ai_ci", "latin1_swedish_ci"):
        assert not re.match(_PATTERNED, name)
