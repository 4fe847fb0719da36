"""What the doors need of the rest of the hub; wiring hands it in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from auth.browser import RawHeaders
from auth.link import Linked
from hub.query.envelope import Answer
from hub.query.request import Request
from schema.graph.build import Face
from schema.model.subject import Subject


class Answering(Protocol):
    """The query path."""

    async def answer(self, request: Request) -> Answer: ...

    async def show(self, request: Request, made: Callable[[Face], Any]) -> Answer: ...


class Identifying(Protocol):
    """Who is asking. `known` is a look-up; `identify` raises `UNAUTHENTICATED`, always alike."""

    def known(self, token: str) -> Subject | None: ...

    async def identify(
        self, scheme: str, token: str, certificate: str | None = None
    ) -> Subject: ...

    async def visited(self, headers: RawHeaders) -> Subject:
        """Who asks with a browser's session; CSRF_REFUSED for what other pages could cause."""
        ...

    async def linked(self, token: str, read: Callable[[], Awaitable[bytes]]) -> Linked:
        """Reads the body, which the token must be of, once it knows whose the token is."""
        ...


class Served(Protocol):
    """A hub that can be served. `pipeline` and `identifier` are looked up at each request, so a
    reload swaps them by assignment."""

    @property
    def pipeline(self) -> Answering: ...
    @property
    def identifier(self) -> Identifying: ...

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def reload(self) -> None:
        """Make everything anew from its files and swap it in, or raise and change nothing."""
        ...

    async def ready(self) -> Mapping[str, bool]:
        """What must work before traffic comes: name -> whether it does."""
        ...

    def metrics(self) -> tuple[bytes, str]:
        """The metrics page and its content type."""
        ...

    def watched(self) -> Sequence[Path]:
        """The files whose change asks for a reload."""
        ...
