"""The service, started once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.connectors.rest.process import running


@pytest.fixture(scope="session")
def service_url() -> Iterator[str]:
    """Where the service of `tests.connectors.rest.service` listens."""
    with running("tests.connectors.rest.service") as url:
        yield url
