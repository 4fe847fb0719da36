"""Starts real server processes on loopback around a fake hub."""

from __future__ import annotations

import functools
import multiprocessing
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hub.serve.app import App, create_app
from hub.serve.options import DoorOptions, ListenOptions
from hub.serve.runner import serve
from tests.hub.serve.fakes import FakeHub


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def build(options: DoorOptions, watched: tuple[Path, ...], poll_s: float) -> App:
    return create_app(FakeHub(watched=watched), options, reload_poll_s=poll_s)


def run(listen: ListenOptions, options: DoorOptions, watched: tuple[Path, ...]) -> None:
    serve(
        functools.partial(build, options, watched, listen.reload_poll_s),
        listen,
    )


class Live:
    """A running server process."""

    def __init__(self, port: int, process: multiprocessing.process.BaseProcess) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.process = process

    def raw(self, data: bytes, *, wait_s: float = 5.0) -> bytes:
        """Send bytes on a new connection and read until the server closes or is silent."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=wait_s) as sock:
            sock.sendall(data)
            return read_all(sock)


def read_all(sock: socket.socket) -> bytes:
    """Everything until the peer closes, or the socket's own timeout."""
    got = b""
    try:
        while piece := sock.recv(65_536):
            got += piece
    except (TimeoutError, ConnectionResetError):
        return got
    return got


@contextmanager
def live(
    options: DoorOptions | None = None,
    listen: ListenOptions | None = None,
    watched: tuple[Path, ...] = (),
) -> Iterator[Live]:
    """A server that is up; it is stopped gracefully at the end."""
    port = free_port()
    wanted = listen or ListenOptions()
    spec = ListenOptions(
        port=port,
        workers=wanted.workers,
        header_timeout_s=wanted.header_timeout_s,
        reload_poll_s=wanted.reload_poll_s,
        drain_s=wanted.drain_s,
    )
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=run, args=(spec, options or DoorOptions(), watched))
    process.start()
    try:
        _await_port(port, process)
        yield Live(port, process)
    finally:
        process.terminate()
        process.join(20)
        if process.is_alive():
            process.kill()
            process.join()


def _await_port(port: int, process: multiprocessing.process.BaseProcess) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.is_alive():
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as sock:
                sock.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                if b"200" in sock.recv(64):
                    return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("the server did not start")
