"""Servers, started once: Strawberry's, and the subgraphs of the shop, most of them on Node."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.npm import installed

ROOT = Path(__file__).resolve().parents[3]
HERE = Path(__file__).resolve().parent


@pytest.fixture(scope="session")
def graphql_url() -> Iterator[str]:
    """Where the server of `tests.connectors.graphql.service` listens."""
    with _served("service", "/none") as url:
        yield url


@pytest.fixture(scope="session")
def shop() -> Iterator[Mapping[str, str]]:
    """The addresses of the subgraphs by name."""
    with _served("accounts", "/count") as accounts:
        child = subprocess.Popen(
            ["node", str(installed(HERE / "subgraphs", "subgraphs", "serve.mjs") / "serve.mjs")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            told = child.stdout.readline()
            while told and not told.startswith("{"):
                told = child.stdout.readline()
            assert told, "the Node subgraphs did not start"
            yield {**json.loads(told), "accounts": f"{accounts}/graphql"}
        finally:
            child.stdin.close()
            child.terminate()
            child.wait(15)
            child.stdout.close()


@contextmanager
def _served(module: str, well: str) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    child = subprocess.Popen(
        [sys.executable, "-m", f"tests.connectors.graphql.{module}", str(port)], cwd=ROOT
    )
    url = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + 30
        while not _up(f"{url}{well}") and child.poll() is None and time.monotonic() < until:
            time.sleep(0.05)
        yield url
    finally:
        child.terminate()
        child.wait(15)


def _up(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False
