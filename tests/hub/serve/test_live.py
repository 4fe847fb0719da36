"""A real server process on loopback, spoken to with raw sockets."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from hub.serve.options import DoorOptions, ListenOptions
from hub.serve.runner import check_address
from hub.settings.declared import Zone
from schema.errors import HubError
from tests.hub.serve.fakes import AUTHORIZATION
from tests.hub.serve.live import Live, free_port, live, read_all

BODY = b'{"query": "{ hello }"}'
HEAD = (
    b"POST /graphql HTTP/1.1\r\nHost: hub\r\nContent-Type: application/json\r\n"
    b"Authorization: Bearer good-token\r\n"
)
WHOLE = HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
SMUGGLED = b"GET /metrics HTTP/1.1\r\nHost: hub\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
CUT_S = 1.0


@pytest.fixture(scope="module")
def server() -> Iterator[Live]:
    """One server for the module; it cuts slow clients after a second."""
    zones = (Zone(name="here", networks=("127.0.0.0/8",)),)
    options = DoorOptions(body_timeout_s=CUT_S, zones=zones)
    with live(options, ListenOptions(header_timeout_s=CUT_S)) as running:
        yield running


def statuses(answer: bytes) -> list[int]:
    return [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]]


def test_one_request_one_answer(server: Live) -> None:
    answer = server.raw(WHOLE)
    assert statuses(answer) == [200]
    assert answer.endswith(b'{"data":{"hello":"world"}}')


def test_keep_alive_and_pipelining(server: Live) -> None:
    assert statuses(server.raw(WHOLE * 3)) == [200] * 3


@pytest.mark.parametrize(
    "chunks", [b"zz\r\nhello\r\n0\r\n\r\n", b"5\r\nhello world\r\n0\r\n\r\n", b"-1\r\n\r\n"]
)
def test_chunks_that_are_none(server: Live, chunks: bytes) -> None:
    told = server.raw(HEAD + CHUNKED + chunks)
    assert statuses(told) == [400]
    assert b'"code":"BAD_REQUEST"' in told


def test_chunked_body(server: Live) -> None:
    chunked = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
    assert statuses(server.raw(HEAD + chunked)) == [200]


@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n",
        b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n12345",
        b"Content-Length: +5\r\n\r\n12345",
        b"Content-Length : 5\r\n\r\n12345",
        b"X-A: a\r\n b\r\nContent-Length: 5\r\n\r\n12345",
        b"X-A: a\0b\r\nContent-Length: 5\r\n\r\n12345",
    ],
)
def test_doubtful_framing_gets_at_most_one_answer(server: Live, framing: bytes) -> None:
    """Nothing after it on the connection is read as a request."""
    answer = server.raw(HEAD + framing + SMUGGLED)
    assert len(statuses(answer)) <= 1
    assert b"reloads" not in answer
    assert all(400 <= status < 500 for status in statuses(answer))


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"", []),
        (b"POST /graphql HTTP/1.1\r\nHost:", []),
        (HEAD + b"Content-Length: 100\r\n\r\n{", [408]),
        (HEAD + CHUNKED + b"5\r\n{", [408]),
    ],
)
def test_slow_clients_are_cut(server: Live, sent: bytes, status: list[int]) -> None:
    started = time.monotonic()
    answer = server.raw(sent, wait_s=30)
    assert statuses(answer) == status
    assert time.monotonic() - started < 25  # else it would be the client that gave up


def test_drip_feeding_does_not_prolong(server: Live) -> None:
    started = time.monotonic()
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as sock:
        sock.sendall(HEAD + b"Content-Length: 1000\r\n\r\n")
        stop = threading.Event()

        def drip() -> None:
            while not stop.wait(0.1):
                try:
                    sock.sendall(b" ")
                except OSError:
                    return

        dripping = threading.Thread(target=drip)
        dripping.start()
        answer = read_all(sock)
        stop.set()
        dripping.join()
    assert statuses(answer) == [408]
    assert time.monotonic() - started < 60  # a thousand drops would take longer


def test_the_server_tells_where_a_connection_comes_from(server: Live) -> None:
    headers = {**AUTHORIZATION, "X-Forwarded-For": "10.0.0.1"}
    got = httpx.post(f"{server.url}/graphql", json={"query": "{ zone }"}, headers=headers)
    assert got.json() == {"data": {"zone": "here"}}


def test_others_are_served_meanwhile(server: Live) -> None:
    slow = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(50)]
    for number, sock in enumerate(slow):
        sock.sendall(HEAD + b"Content-Length: 100\r\n\r\n{" if number % 2 else HEAD)
    started = time.monotonic()
    got = httpx.post(f"{server.url}/graphql", json={"query": "{ hello }"}, headers=AUTHORIZATION)
    assert got.status_code == 200
    assert time.monotonic() - started < 20  # one after the other they would hold it 50 times
    for sock in slow:
        sock.close()


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (HEAD + b"Content-Length: 20000000\r\n\r\n" + b" " * 2_000_000, 413),
        (HEAD + CHUNKED + (b"8000\r\n" + b" " * 32768 + b"\r\n") * 80, 413),
        (HEAD + b"X-A: " + b"a" * 200_000 + b"\r\n\r\n", 431),
        (HEAD + b"".join(b"X-%d: a\r\n" % n for n in range(500)) + b"\r\n", 431),
        (b"GET /graphql?query=" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: hub\r\n\r\n", 414),
        (HEAD + b"Authorization: Bearer good-token\r\nContent-Length: 0\r\n\r\n", 401),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", None),
        (b"\x16\x03\x01\x00\xff\x01", None),
        (b"GET / HTTP/9.9\r\n\r\n", None),
    ],
)  # fmt: skip
def test_too_large_or_not_http(server: Live, sent: bytes, status: int | None) -> None:
    try:
        answer = server.raw(sent, wait_s=3)
    except (BrokenPipeError, ConnectionResetError):
        answer = b""  # closed before everything was sent: as good as refused
    found = statuses(answer)
    assert found in ([], [status] if status else [400])
    assert httpx.get(f"{server.url}/healthz").status_code == 200


def test_reload_reaches_every_worker_without_a_gap() -> None:
    with live(listen=ListenOptions(workers=2)) as running:
        os.kill(running.process.pid or 0, signal.SIGHUP)
        seen: set[str] = set()
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and seen != {"reloads 1\n"}:
            seen = {httpx.get(f"{running.url}/metrics").text for _ in range(6)}
        assert seen == {"reloads 1\n"}


def test_changed_file_reloads(tmp_path: Path) -> None:
    file = tmp_path / "civil.yaml"
    file.write_text("hub: 1")
    with live(listen=ListenOptions(reload_poll_s=0.05), watched=(file,)) as running:
        assert httpx.get(f"{running.url}/metrics").text == "reloads 0\n"
        file.write_text("hub: 1 # changed")
        deadline = time.monotonic() + 10
        while httpx.get(f"{running.url}/metrics").text == "reloads 0\n":
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_operations_in_flight_finish_at_shutdown() -> None:
    with live(listen=ListenOptions(drain_s=5)) as running:
        with socket.create_connection(("127.0.0.1", running.port), timeout=10) as sock:
            body = b'{"query": "{ slow(ms: 1000) }"}'
            sock.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
            time.sleep(0.3)
            running.process.terminate()
            answer = read_all(sock)
        assert statuses(answer) == [200]
        assert answer.endswith(b'{"data":{"slow":"done"}}')
        running.process.join(10)
        assert running.process.exitcode == 0


def test_an_operation_that_never_ends_does_not_hold_the_shutdown() -> None:
    with live(listen=ListenOptions(drain_s=1)) as running:
        with socket.create_connection(("127.0.0.1", running.port), timeout=20) as sock:
            body = b'{"query": "{ slow(ms: 60000) }"}'
            sock.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
            time.sleep(0.3)
            started = time.monotonic()
            running.process.terminate()
            running.process.join(50)
        assert not running.process.is_alive()
        assert time.monotonic() - started < 40


def test_a_second_hub_does_not_share_the_port(server: Live) -> None:
    with pytest.raises(HubError) as caught:
        check_address("127.0.0.1", server.port)
    assert caught.value.code == "CONFIG_INVALID"
    check_address("127.0.0.1", free_port())


def test_a_worker_that_dies_is_replaced() -> None:
    with live() as running:
        children = Path(f"/proc/{running.process.pid}/task/{running.process.pid}/children")
        if not children.exists():
            pytest.skip("no list of child processes on this system")
        before = {int(pid) for pid in children.read_text().split()}
        worker = max(before)
        os.kill(worker, signal.SIGKILL)
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline:
            now = {int(pid) for pid in children.read_text().split()}
            if now - before:
                break
            time.sleep(0.05)
        assert now - before
        while time.monotonic() < deadline:
            try:
                assert httpx.get(f"{running.url}/healthz").status_code == 200
                break
            except httpx.TransportError:
                time.sleep(0.05)
