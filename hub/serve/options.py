"""What the doors and the server take of the settings; the defaults are the safe ones."""

from __future__ import annotations

from typing import Literal

import msgspec

from hub.settings import Settings
from hub.settings.declared import Zone

StatusTable = Literal["classic", "2026"]
DocumentsMode = Literal["open", "trusted"]


class DoorOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The GraphQL door and the pages beside it."""

    path: str = "/graphql"
    status_table: StatusTable = "classic"
    """`classic`: 400 for an invalid document, 200 for partial data; `2026`: 422 and 294."""
    max_body_bytes: int = 1_000_000
    body_timeout_s: float = 10.0
    """From the first look at the body to its last byte."""
    max_uri_bytes: int = 16_384
    max_variables_depth: int = 32
    """Nesting of lists and objects in `variables` and `extensions`."""
    get: bool = True
    """Queries by GET, with the preflight header."""
    batch_max: int = 0
    """Operations in one array body; 0 = batching is off."""
    in_flight_max: int = 256
    """Operations at once in one worker; more are answered 503."""
    documents: DocumentsMode = "open"
    """`trusted`: only registered documents run; automatic persisting is off."""
    apq: bool = True
    """Automatic persisted queries (hash first, text on a miss)."""
    apq_max_documents: int = 1_000
    apq_max_bytes: int = 8_000_000
    graphiql: bool = True
    """The explorer page for browsers; never in `trusted` mode."""
    cors_origins: tuple[str, ...] = ()
    """Exact origins that browsers may call from; credentials are never allowed."""
    metrics: bool = True
    """Serve `/metrics`."""
    zones: tuple[Zone, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    """Networks whose `X-Forwarded-For` and `certificate_header` count."""
    certificate_header: str | None = None
    """In what trusted proxies say which certificate a client has shown."""


class ListenOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The server process around the doors."""

    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    backlog: int = 1024
    connections_max: int = 1024
    """Requests that one worker lets in at once; further ones wait in the backlog."""
    header_timeout_s: float = 10.0
    """From accepting a connection, or from its last answer, to the end of the next headers."""
    max_header_bytes: int = 65_536
    tls_certificate: str | None = None
    tls_key: str | None = None
    reload_poll_s: float = 2.0
    """How often watched files are looked at; 0 = only a SIGHUP reloads."""
    drain_s: float = 20.0
    """How long operations in flight may take to finish at shutdown."""


def door_options(settings: Settings) -> DoorOptions:
    """The door's part of the settings."""
    protocol, limits = settings.protocol, settings.limits
    return DoorOptions(
        path=protocol.path,
        status_table=protocol.status,
        max_body_bytes=limits.body_bytes,
        body_timeout_s=limits.body_timeout_s,
        max_uri_bytes=limits.uri_bytes,
        max_variables_depth=limits.variables_depth,
        get=protocol.get,
        batch_max=0 if protocol.batching == "off" else protocol.batching,
        in_flight_max=limits.in_flight,
        documents="open" if protocol.trusted_documents is None else "trusted",
        apq=protocol.apq,
        graphiql=protocol.graphiql,
        cors_origins=protocol.cors_origins,
        metrics=protocol.metrics,
        zones=settings.listen.zones,
        trusted_proxies=settings.listen.trusted_proxies,
        certificate_header=settings.listen.certificate_header,
    )


def listen_options(settings: Settings) -> ListenOptions:
    """The server's part of the settings."""
    listen = settings.listen
    return ListenOptions(
        host=listen.host,
        port=listen.port,
        workers=listen.workers,
        backlog=listen.backlog,
        connections_max=listen.connections,
        header_timeout_s=listen.header_timeout_s,
        max_header_bytes=listen.header_bytes,
        tls_certificate=listen.tls_certificate,
        tls_key=listen.tls_key,
        reload_poll_s=listen.reload_poll_s,
        drain_s=listen.drain_s,
    )
