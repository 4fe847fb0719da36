"""The server process: granian around the application, workers, limits on slow clients."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from granian.server.mp import MPServer

from hub.serve.options import ListenOptions
from schema.errors import HubError

Build = Callable[[], Callable[..., Awaitable[None]]]
"""Makes a worker's ASGI application; a module's function or a `functools.partial` of one, since
another process calls it."""


class Server(MPServer):
    """granian's process server, whose SIGHUP reaches the workers instead of replacing them."""

    def signal_handler_reload(self, *_args: Any, **_kwargs: Any) -> None:
        """Pass the wish to reload on; every worker swaps its own catalogue and policies."""
        for worker in self.wrks:
            pid = worker.inner.pid
            if pid is not None and worker.inner.is_alive():
                os.kill(pid, signal.SIGHUP)


def serve(build: Build, listen: ListenOptions) -> None:
    """Serve until SIGTERM or SIGINT; operations in flight are answered before the end.

    A worker that dies is replaced; one that cannot start ends the server.
    Raises: HubError: `CONFIG_INVALID` when the address cannot be had; SystemExit(1).
    """
    check_address(listen.host, listen.port)
    server = Server(
        "hub",
        address=listen.host,
        port=listen.port,
        interface=Interfaces.ASGI,
        workers=listen.workers,
        loop=Loops.uvloop if sys.platform != "win32" else Loops.asyncio,
        http=HTTPModes.http1,
        websockets=False,
        backlog=listen.backlog,
        backpressure=listen.connections_max,
        http1_settings=HTTP1Settings(
            header_read_timeout=int(listen.header_timeout_s * 1000),
            keep_alive=True,
            max_buffer_size=max(listen.max_header_bytes, 8_192),
        ),
        log_enabled=True,
        log_level=logging_level(),
        ssl_cert=Path(listen.tls_certificate) if listen.tls_certificate else None,
        ssl_key=Path(listen.tls_key) if listen.tls_key else None,
        workers_kill_timeout=max(1, round(listen.drain_s)),
        respawn_failed_workers=True,
    )
    server.serve(target_loader=build, wrap_loader=False)


def check_address(host: str, port: int) -> None:
    """Refuse an address that another program listens on.

    The server's own sockets share their port among workers, and with it among *all* programs of
    one account: two hubs would silently answer every second request each.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, kind, protocol, _, address in found[:1]:
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
    except OSError as error:
        raise HubError(
            "CONFIG_INVALID",
            f"cannot listen on {host} port {port}",
            hint="another program may be using it; choose another port",
            cause=error,
        ) from error


def logging_level() -> Any:
    """granian's own log speaks only of warnings; the hub logs its own start and end."""
    from granian.log import LogLevels

    return LogLevels.debug if logging.getLogger().isEnabledFor(logging.DEBUG) else LogLevels.warning
