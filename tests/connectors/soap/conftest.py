"""The service, started once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.connectors.rest.process import running


@pytest.fixture(scope="session")
def soap_url() -> Iterator[str]:
    """Where the service of `tests.connectors.soap.service` listens."""
    with running("tests.connectors.soap.service") as url:
        yield url
