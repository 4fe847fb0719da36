"""A service as a process of its own, for as long as a block lasts."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[3]


@contextmanager
def running(module: str) -> Iterator[str]:
    """Where a service listens; it answers 200 at ``/none``."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    child = subprocess.Popen([sys.executable, "-m", module, str(port)], cwd=ROOT)
    url = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + 60
        while not _up(url) and child.poll() is None and time.monotonic() < until:
            time.sleep(0.05)
        yield url
    finally:
        child.terminate()
        child.wait(15)


def _up(url: str) -> bool:
    try:
        return httpx.get(f"{url}/none", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False
