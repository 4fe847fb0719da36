"""A PostgreSQL server for tests: started once per test process, on a free port, thrown away."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator

import pytest

from hub.demo.postgres import LocalPostgres


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of an empty database that a superuser may do anything in."""
    directory = tempfile.mkdtemp(prefix="hub-postgres-")
    server = LocalPostgres(settings={"shared_buffers": "32MB"})
    try:
        yield server.start(directory)
    finally:
        server.stop()
        shutil.rmtree(directory, ignore_errors=True)
