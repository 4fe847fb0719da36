"""The local PostgreSQL server."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
import pytest

from hub.demo.postgres import LocalPostgres


@pytest.mark.asyncio
async def test_it_starts_stops_and_keeps_its_data() -> None:
    with TemporaryDirectory(prefix="hub pg ") as directory:
        server = LocalPostgres()
        url = server.start(directory)
        connection = await asyncpg.connect(url)
        await connection.execute('CREATE TABLE kept (name text COLLATE "default")')
        await connection.execute("INSERT INTO kept VALUES ('a'), ('B')")
        await connection.close()
        server.stop()
        with pytest.raises(ConnectionRefusedError):
            await asyncpg.connect(url)
        url = server.start(directory)
        other = LocalPostgres()
        assert other.start(directory) == url
        connection = await asyncpg.connect(url)
        rows = await connection.fetch("SELECT name FROM kept ORDER BY name")
        await connection.close()
        assert [row["name"] for row in rows] == ["B", "a"]
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(url, password="guessed")
        server.stop()
        assert not (Path(directory) / "data" / "postmaster.pid").exists()
