"""The users of the shop: a Strawberry federation subgraph, a process of its own.

``GET /count`` tells how many requests there were beside probes, and starts anew.
"""

from __future__ import annotations

import sys
from typing import Any, Self

import strawberry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from strawberry.asgi import GraphQL

PEOPLE = {"u1": ("Ada", "ada@example.org"), "u2": ("Ben", "ben@example.org")}


@strawberry.federation.type(keys=["id"])
class User:
    """Somebody who has an account."""

    id: strawberry.ID
    name: str
    email: str
    password_hash: str = strawberry.federation.field(inaccessible=True, default="none")

    @classmethod
    def resolve_reference(cls, id: strawberry.ID) -> Self | None:
        """The user that a representation names."""
        return cls(id=id, name=PEOPLE[id][0], email=PEOPLE[id][1]) if id in PEOPLE else None


@strawberry.type
class Query:
    """Everybody."""

    @strawberry.field
    def users(self) -> list[User]:
        """All users."""
        held = (User.resolve_reference(strawberry.ID(key)) for key in PEOPLE)
        return [user for user in held if user is not None]


SCHEMA = strawberry.federation.Schema(query=Query)


class Door(GraphQL[Any, Any]):
    """The endpoint, which counts."""

    asked = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Count and answer."""
        body = bytearray()

        async def read() -> Any:
            message = await receive()
            if message["type"] == "http.request":
                body.extend(message.get("body", b""))
                whole = not message.get("more_body")
                type(self).asked += whole and b'"{ __typename }"' not in body
            return message

        await super().__call__(scope, read, send)


async def _count(request: Request) -> PlainTextResponse:
    told, Door.asked = Door.asked, 0
    return PlainTextResponse(str(told))


def service() -> Starlette:
    """The application."""
    return Starlette(routes=[Route("/count", _count), Route("/graphql", Door(SCHEMA))])


def main() -> None:
    """Serve on loopback until terminated."""
    from granian import Granian
    from granian.constants import Interfaces

    Granian(
        "tests.connectors.graphql.accounts:service",
        address="127.0.0.1",
        port=int(sys.argv[1]),
        interface=Interfaces.ASGI,
        factory=True,
        websockets=False,
        log_enabled=False,
    ).serve()


if __name__ == "__main__":
    main()
