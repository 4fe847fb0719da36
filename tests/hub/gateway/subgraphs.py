"""Small subgraphs on loopback, all in one process: documents and data in, a gateway out.

Each answers by graphql-core with what its `data` says: values by root field, entities by type.
A value that is callable gets the object and the arguments.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import orjson
from graphql import (
    GraphQLError,
    GraphQLSchema,
    build_ast_schema,
    execute_sync,
    parse,
    validate,
)
from graphql.language import (
    DirectiveDefinitionNode,
    DocumentNode,
    InterfaceTypeDefinitionNode,
    InterfaceTypeExtensionNode,
    ObjectTypeDefinitionNode,
    ObjectTypeExtensionNode,
    SchemaDefinitionNode,
    SchemaExtensionNode,
)

from hub.gateway.compose.compose import Subgraph, compose
from hub.gateway.gateway import Gateway
from hub.gateway.run.transport import HttpTransport

LINK = """extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@key",
  "@shareable", "@external", "@requires", "@provides", "@override", "@interfaceObject",
  "@inaccessible", "@extends"])
"""


class Service:
    """One subgraph: its document with federation's own fields, and its data."""

    def __init__(
        self,
        sdl: str,
        data: Mapping[str, Any] | None = None,
        entities: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
        *,
        link: bool = True,
    ) -> None:
        self.sdl = LINK + sdl if link else sdl
        self.data = data or {}
        self.entities = entities or {}
        self.schema = _schema(self.sdl)
        self.asked: list[Mapping[str, Any]] = []
        self.broken = False

    def answer(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """The response to one request."""
        self.asked.append(body)
        document = parse(body["query"])
        problems = validate(self.schema, document)
        if problems:
            return {"errors": [{"message": f"{p.message} in {body['query']}"} for p in problems]}
        result = execute_sync(
            self.schema,
            document,
            root_value={**self.data, "_entities": self._entities},
            variable_values=body.get("variables"),
            operation_name=body.get("operationName"),
            field_resolver=self._resolve,
            type_resolver=lambda value, *_: value["__typename"],
        )
        return result.formatted

    def _entities(self, _root: Any, args: Mapping[str, Any]) -> list[Any]:
        return [self._entity(one) for one in args["representations"]]

    def _resolve(self, source: Any, info: Any, **args: Any) -> Any:
        if info.field_name not in source:  # what a stub does not say, its entity does
            named = {"__typename": info.parent_type.name}
            source = self._entity({**source, **named}) or source
        value = source.get(info.field_name)
        if callable(value):
            value = value(source, args)
        if isinstance(value, Exception):
            raise GraphQLError(str(value))
        return value

    def _entity(self, one: Mapping[str, Any]) -> Any:
        name = one["__typename"]
        for held in self.entities.get(name, ()):
            if all(_fits(held[key], value) for key, value in one.items()
                   if key in held and key != "__typename" and not callable(held[key])):  # fmt: skip
                return {"__typename": name, **one, **held}
        return None


def _fits(held: Any, given: Any) -> bool:
    if isinstance(held, dict) and isinstance(given, dict):
        return all(_fits(held[k], v) for k, v in given.items() if k in held and k != "__typename")
    return bool(held == given)


def _schema(sdl: str) -> GraphQLSchema:
    document = parse(sdl)
    kept: list[Any] = []
    keyed: list[str] = []
    base = {n.name.value for n in document.definitions if isinstance(n, ObjectTypeDefinitionNode)}
    for node in document.definitions:
        if isinstance(node, SchemaExtensionNode | DirectiveDefinitionNode):
            continue
        if isinstance(node, ObjectTypeDefinitionNode | ObjectTypeExtensionNode) and any(
            one.name.value == "key" for one in node.directives or ()
        ):
            keyed.append(node.name.value)
        if isinstance(node, ObjectTypeExtensionNode) and node.name.value not in base:
            node = ObjectTypeDefinitionNode(**_parts(node))
        if isinstance(node, InterfaceTypeExtensionNode):
            node = InterfaceTypeDefinitionNode(**_parts(node))
        kept.append(node)
    roots = [one for node in kept if isinstance(node, SchemaDefinitionNode)
             for one in node.operation_types]  # fmt: skip
    name = next((o.type.name.value for o in roots if o.operation.value == "query"), "Query")
    query = next((d for d in kept if getattr(d, "name", None) and d.name.value == name), None)
    more = f"type {name}" if query is None else f"extend type {name}"
    if keyed:
        extra = f"""scalar _Any union _Entity = {" | ".join(dict.fromkeys(keyed))}
          {more} {{ _entities(representations: [_Any!]!): [_Entity]! }}"""
        kept.extend(parse(extra).definitions)
    return build_ast_schema(DocumentNode(definitions=tuple(kept)), assume_valid_sdl=True)


def _parts(node: Any) -> dict[str, Any]:
    return {
        "name": node.name, "directives": node.directives, "interfaces": node.interfaces,
        "fields": node.fields,
    }  # fmt: skip


class World:
    """Services behind a gateway."""

    def __init__(self, services: Mapping[str, Service], gateway: Gateway) -> None:
        self.services = services
        self.gateway = gateway

    async def ask(
        self, text: str, variables: Mapping[str, Any] | None = None, name: str | None = None
    ) -> dict[str, Any]:
        """The gateway's response."""
        for service in self.services.values():
            service.asked.clear()
        return await self.gateway.answer(text, name, variables)

    async def data(self, text: str, variables: Mapping[str, Any] | None = None) -> Any:
        """The data of a response without errors."""
        told = await self.ask(text, variables)
        assert "errors" not in told, (told, self.gateway.plan_text(text, None, variables or {}))
        return told["data"]

    @property
    def requests(self) -> dict[str, int]:
        """How often each service was asked for the last operation; those that were not are out."""
        return dict(Counter({n: len(s.asked) for n, s in self.services.items() if s.asked}))


@asynccontextmanager
async def world(**services: Service) -> AsyncIterator[World]:
    """A gateway over services that listen on loopback."""
    async with listening(services) as base:
        graphs = [Subgraph(name, f"{base}/{name}", s.sdl) for name, s in services.items()]
        transport = HttpTransport(timeout_s=10)
        try:
            yield World(services, Gateway(compose(graphs), transport))
        finally:
            await transport.close()


@asynccontextmanager
async def listening(services: Mapping[str, Service]) -> AsyncIterator[str]:
    """The address under which services answer, each under its name."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await _exchange(services, reader, writer):
                pass
        except (asyncio.IncompleteReadError, asyncio.CancelledError):
            return  # the client has closed the connection, or the test is over
        finally:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.close()


async def _exchange(
    services: Mapping[str, Service], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> bool:
    """One request and its response."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines if line)
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    service = services[first.split()[1].removeprefix("/")]
    status, sent = b"200 OK", b"<html>broken</html>"
    if service.broken:
        status = b"500 Broken"
    else:
        sent = orjson.dumps(service.answer(orjson.loads(body)))
    writer.write(
        b"HTTP/1.1 " + status + b"\r\ncontent-type: application/json\r\ncontent-length: "
        + str(len(sent)).encode() + b"\r\n\r\n" + sent
    )  # fmt: skip
    await writer.drain()
    return True
