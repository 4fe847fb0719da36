"""What a session of PostgreSQL keeps: statements parsed once, planned for the values at hand."""

from __future__ import annotations

import pytest

from connectors.sql.postgres import Pool

FOREVER = float("inf")
ASKED = "SELECT g::int8 FROM generate_series(1, 9) AS g WHERE g >= $1::int4 AND g < $2::int4"
KEPT = (
    "SELECT custom_plans::text, generic_plans::text FROM pg_prepared_statements "
    "WHERE statement = $1::text"
)


@pytest.mark.asyncio
async def test_a_statement_is_parsed_once_and_planned_for_every_ones_values(
    postgres_url: str,
) -> None:
    """An unnamed statement would be parsed at each run, a generic plan would guess at filters."""
    pool = Pool(postgres_url, size=1, statement_timeout_s=30, schema=None)
    try:
        for number in range(1, 9):
            rows = await pool.run(ASKED, (number, number + 1), FOREVER)
            assert [tuple(row) for row in rows] == [(str(number),)]
        kept = [tuple(row) for row in await pool.run(KEPT, (ASKED,), FOREVER)]
    finally:
        await pool.close()
    assert kept == [("8", "0")]


@pytest.mark.asyncio
async def test_a_statement_past_the_bound_leaves_the_server_too(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.sql.postgres._STATEMENTS", 3)
    pool = Pool(postgres_url, size=1, statement_timeout_s=30, schema=None)
    try:
        for number in range(20):
            await pool.run(f"SELECT {number}", (), FOREVER)
        counted = await pool.run("SELECT count(*)::int4 FROM pg_prepared_statements", (), FOREVER)
    finally:
        await pool.close()
    assert counted[0][0] <= 5
