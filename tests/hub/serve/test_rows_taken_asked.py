"""Rows that a prohibition takes away are reached by no way, also if it is clear of none."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hub.serve.ruled import ruled

RULES = """
policy: open
effect: permit
subjects: {app: benefits}
resources: {types: ["*"]}
modes: all
---
policy: others
effect: forbid
resources: {types: [Person]}
modes: [list, open, count]
when: {not: {eq: [row.homeCode, %s]}}
"""
HOMES = "{ homes { nodes { code people { nodes { name } } } } }"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("home", "told"),
    [
        ("h1", {"h1": ["Ann", "Bob"], "h2": []}),
        ("subject.user", {"h1": [], "h2": []}),  # who is of no home
        ("subject.region", "GRAPHQL_VALIDATION_FAILED"),  # which nobody knows of this caller
    ],
)
async def test_no_relation_leads_to_rows_that_are_taken(
    tmp_path: Path, home: str, told: object
) -> None:
    async with ruled(tmp_path, RULES % home) as caller:
        found = await caller.ask(HOMES)
        if isinstance(found, dict):
            found = {
                node["code"]: [one["name"] for one in node["people"]["nodes"]]
                for node in found["homes"]["nodes"]
            }
        assert found == told
