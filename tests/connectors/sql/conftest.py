"""The sample sources, opened, one test at a time."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from connectors.sql.connector import SqlConnector
from tests.connectors.sql.sample import mariadb_source, postgres_source, sqlite_source
from tests.mariadb import mariadb  # noqa: F401 - a fixture
from tests.postgres import postgres_url  # noqa: F401 - a fixture


@pytest_asyncio.fixture(params=["postgres", "postgres-uncounted", "sqlite", "mariadb"])
async def source(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqlConnector]:
    """The sample in each dialect."""
    if request.param == "mariadb":
        made = await mariadb_source(request.getfixturevalue("mariadb"))
    elif request.param != "sqlite":
        url = request.getfixturevalue("postgres_url")
        counted = request.param == "postgres"
        made = await postgres_source(url, f"s{uuid.uuid4().hex}", counted=counted)
    else:
        made = await sqlite_source(tmp_path / "sample.sqlite")
    yield made
    await made.close()
