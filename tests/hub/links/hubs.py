"""Hubs as processes of their own, each in its folder, and links between them."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml

from hub.audit.entry import Entry, read_body
from hub.rollout.signer import new_key
from tests.hub.serve.live import free_port


def link_key(folder: Path, name: str) -> tuple[Path, Path]:
    """(private key, public key set) of a hub."""
    pem, public = new_key()
    private, shown = folder / f"{name}.pem", folder / f"{name}.jwks.json"
    private.write_bytes(pem)
    shown.write_text(json.dumps({"keys": [json.loads(public)]}))
    return private, shown


def database(file: Path, script: str) -> Path:
    """A SQLite file made by a script."""
    connection = sqlite3.connect(file)
    connection.executescript(script)
    connection.commit()
    connection.close()
    return file


class Site:
    """One hub: its folder, its port, and what it is asked."""

    def __init__(self, home: Path, name: str, **settings: Any) -> None:
        self.home = home / name
        self.name = name
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/graphql"
        for folder in ("fragments", "policies"):
            (self.home / folder).mkdir(parents=True)
        whole = {
            "fragments": ["fragments/*.yaml"],
            "policies": ["policies/*.yaml"],
            "listen": {"reload_poll_s": 0.1},
            "instance": {"name": name},
            **settings,
        }
        (self.home / "hub.yaml").write_text(yaml.safe_dump(whole, allow_unicode=True))
        self.token = ""

    def fragment(self, name: str, told: Mapping[str, Any] | str) -> None:
        """Write a fragment."""
        text = told if isinstance(told, str) else yaml.safe_dump(dict(told), sort_keys=False)
        (self.home / "fragments" / f"{name}.yaml").write_text(text)

    def rule(self, name: str, **told: Any) -> None:
        """Write a rule; `subjects` and so on."""
        whole = {"policy": name, "effect": "permit", "modes": ["all"], **told}
        (self.home / "policies" / f"{name}.yaml").write_text(yaml.safe_dump(whole))

    def key(self, app: str, *words: str) -> str:
        """An API key of this hub."""
        command = [sys.executable, "-m", "hub", "keys", "new", "api", "--app", app, *words]
        command += ["--config", str(self.home / "hub.yaml")]
        self.token = subprocess.run(
            command, capture_output=True, text=True, check=True
        ).stdout.strip()
        return self.token

    def ask(self, query: str, **headers: str) -> dict[str, Any]:
        """The answer to an operation of the key's holder."""
        told: dict[str, Any] = httpx.post(
            self.url,
            json={"query": query},
            headers={
                "authorization": f"ApiKey {self.token}",
                **{name.replace("_", "-"): value for name, value in headers.items()},
            },
            timeout=30,
        ).json()
        return told

    def entries(self) -> list[Entry]:
        """The operations in the audit log, oldest first."""
        connection = sqlite3.connect(self.home / "hub-state" / "state.sqlite")
        try:
            rows = connection.execute("SELECT body FROM audit_entries ORDER BY seq").fetchall()
        finally:
            connection.close()
        bodies = [read_body(body) for (body,) in rows]
        return [body for body in bodies if isinstance(body, Entry)]

    @contextmanager
    def serving(self) -> Iterator[None]:
        """The hub as a process."""
        words = [sys.executable, "-m", "hub", "serve", "--config", str(self.home / "hub.yaml")]
        log = (self.home / "log.txt").open("w")
        process = subprocess.Popen([*words, "--port", str(self.port)], stdout=log, stderr=log)
        try:
            _await(self.port, process, self.home / "log.txt")
            yield
        finally:
            process.terminate()
            process.wait(timeout=30)
            log.close()


def _await(port: int, process: subprocess.Popen[Any], log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            httpx.get(f"http://127.0.0.1:{port}/readyz").raise_for_status()
            return
        except httpx.HTTPError:
            time.sleep(0.05)
    raise AssertionError(log.read_text())


def changed(site: Site, settings: Mapping[str, Any]) -> None:
    """Write other settings over those of a hub; they count from its next start."""
    file = site.home / "hub.yaml"
    held = yaml.safe_load(file.read_text())
    file.write_text(yaml.safe_dump({**held, **settings}, allow_unicode=True))


def hub_source(
    name: str, *, department: str, url: str, hub: str, own: str, key: Path,
    tables: Mapping[str, Any], types: Mapping[str, Any], more: Sequence[tuple[str, Any]] = (),
) -> dict[str, Any]:  # fmt: skip
    """A fragment of another hub."""
    return {
        "hub": 1,
        "source": {
            "name": name,
            "department": department,
            "kind": "hub",
            "connect": {"url": url, "hub": hub, "as": own, "key": f"${{file:{key}}}"},
            "tables": dict(tables),
        },
        "types": dict(types),
        **dict(more),
    }
