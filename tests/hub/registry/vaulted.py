"""A server that speaks what the hub asks of Vault: KV version 2 over HTTP, as its documents say."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "hvs.CAESIJ-only-for-tests"


class Vault(ThreadingHTTPServer):
    """Holds secrets by `mount/path`; `state` is what the whole server does."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.secrets: dict[str, dict[str, Any] | None] = {}
        self.state = "active"
        self.asked: list[tuple[str, dict[str, str]]] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Vault

    def do_GET(self) -> None:
        vault = self.server
        vault.asked.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
        if vault.state == "sealed":
            return self._say(503, {"errors": ["Vault is sealed"]})
        if vault.state == "standby":
            self.send_response(307)
            self.send_header("Location", f"{vault.address}/v1/elsewhere")
            self.end_headers()
            return None
        if vault.state == "other":
            return self._say(200, {"request_id": "r", "data": "plain"})
        if vault.state == "large":
            return self._say(200, {"data": {"data": {"password": "x" * 2_000_000}}})
        if self.headers.get("X-Vault-Token") != TOKEN:
            return self._say(403, {"errors": ["permission denied", TOKEN]})
        mount, _, rest = self.path.removeprefix("/v1/").partition("/data/")
        name = f"{mount}/{rest}"
        if name not in vault.secrets:
            return self._say(404, {"errors": []})
        held = vault.secrets[name]
        metadata = {"version": 1, "destroyed": False, "deletion_time": "", "custom_metadata": None}
        if held is None:  # the newest version is deleted
            metadata["deletion_time"] = "2026-01-01T00:00:00Z"
        body = {
            "request_id": "r", "lease_id": "", "renewable": False, "lease_duration": 0,
            "data": {"data": held, "metadata": metadata},
            "wrap_info": None, "warnings": None, "auth": None, "mount_type": "kv",
        }  # fmt: skip
        return self._say(404 if held is None else 200, body)

    def _say(self, status: int, body: object) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def vault_server() -> Iterator[Vault]:
    """A server that is up."""
    server = Vault()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
