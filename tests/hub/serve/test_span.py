"""The life span: a hub that cannot be opened is never served."""

from __future__ import annotations

from typing import Any

import pytest

from hub.serve.app import create_app
from hub.serve.options import DoorOptions
from schema.errors import HubError
from tests.hub.serve.fakes import FakeHub


class Unopened(FakeHub):
    """A hub whose opening fails."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    async def open(self) -> None:
        raise self._error


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "error", [HubError("CONFIG_INVALID", "not usable"), ImportError("a module is missing")]
)
async def test_a_hub_that_cannot_be_opened_refuses_to_start(error: Exception) -> None:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "lifespan.startup"}

    async def send(message: Any) -> None:
        sent.append(message)

    app = create_app(Unopened(error), DoorOptions())
    await app({"type": "lifespan"}, receive, send)
    assert [message["type"] for message in sent] == ["lifespan.startup.failed"]
