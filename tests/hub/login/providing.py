"""A small OpenID Connect provider on loopback, which a test makes say whatever it wants."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from tests.auth import forge

CLIENT, SECRET = "hub-console", "s3cret/with:signs"


class Provider:
    """What it says next; what it was asked last."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.grants: dict[str, dict[str, Any]] = {}
        self.metadata: dict[str, Any] = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "userinfo_endpoint": f"{self.url}/me",
            "jwks_uri": f"{self.url}/jwks",
        }
        self.info: dict[str, Any] = {}
        self.key_id = "okp"
        self.asked: list[tuple[str, Mapping[str, str], bytes]] = []

    def grant(self, asked: Mapping[str, str], *, text: str | None = None, **claims: Any) -> str:
        """A code that somebody gets who logs in as a browser was sent here; `text`: for this ID
        token instead of one of the claims."""
        code = f"code-{len(self.grants)}"
        said = {
            "iss": self.url, "aud": CLIENT, "sub": "u-17", "nonce": asked.get("nonce"),
            "iat": forge.NOW, "exp": forge.NOW + 300, **claims,
        }  # fmt: skip
        said = {name: value for name, value in said.items() if value is not None}
        self.grants[code] = {"claims": said, "challenge": asked.get("code_challenge"), "text": text}
        return code

    def token(self, headers: Mapping[str, str], body: bytes) -> tuple[int, dict[str, Any]]:
        """The token endpoint: a code is good once, for whoever proves to have begun with it."""
        form = {name: value[0] for name, value in parse_qs(body.decode()).items()}
        grant = self.grants.pop(form.get("code", ""), None)
        proof = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        basic = base64.b64encode(f"{CLIENT}:s3cret%2Fwith%3Asigns".encode()).decode()
        if grant is None or grant["challenge"] != forge.b64(proof):
            return 400, {"error": "invalid_grant"}
        if headers.get("authorization") != f"Basic {basic}":
            return 401, {"error": "invalid_client"}
        made = forge.token(grant["claims"], kid=self.key_id, header={"typ": None})
        token = grant["text"] or made
        return 200, {"access_token": "at-1", "token_type": "Bearer", "id_token": token}

    def answer(
        self, path: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, dict[str, Any]]:
        """Any endpoint."""
        self.asked.append((path, headers, body))
        match path:
            case "/.well-known/openid-configuration":
                return 200, self.metadata
            case "/jwks":
                return 200, {"keys": [forge.jwk(key, kid) for kid, (_, key) in forge.KEYS.items()]}
            case "/token":
                return self.token(headers, body)
            case "/portal/token":
                told = json.loads(body)
                good = told.get("clientSecret") == SECRET and told.get("code") == "portal-code"
                return (200, {"accessToken": "pat-1"}) if good else (400, {"code": "no"})
            case "/portal/me" if headers.get("x-acs-dingtalk-access-token") == "pat-1":
                return 200, self.info
            case "/me" if headers.get("authorization") == "Bearer at-1":
                return 200, self.info
        return 404, {}


@contextmanager
def providing() -> Iterator[Provider]:
    """A provider that answers over HTTP."""

    class Asked(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("content-length", 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, said = provider.answer(self.path, headers, self.rfile.read(length))
            data = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_POST = do_GET

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Asked)
    provider = Provider(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
