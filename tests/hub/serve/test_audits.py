"""The server audits of the npm package graphql-http, all of them, against a live server."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.hub.serve.fakes import TOKEN
from tests.hub.serve.live import live

VERSION = "1.23.1"
AUDITS = 61


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
def test_all_server_audits_pass(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"private": true}')
    install = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--silent"]
    subprocess.run([*install, f"graphql-http@{VERSION}", "graphql@16"], cwd=tmp_path, check=True)
    module = tmp_path / "node_modules" / "graphql-http" / "lib" / "index.mjs"
    script = Path(__file__).with_name("audits.mjs")
    with live() as server:
        done = subprocess.run(
            ["node", str(script), str(module), f"{server.url}/graphql", TOKEN],
            capture_output=True,
            text=True,
            check=True,
        )
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert [r for r in results if r["status"] != "ok"] == []
    assert len(results) == AUDITS
