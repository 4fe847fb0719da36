"""The whole demonstration, checked over HTTP."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest


@pytest.mark.timeout(240)
def test_every_persona_sees_what_it_should(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    done = subprocess.run(
        [sys.executable, "-m", "hub", "demo", "--check", "--port", str(port), "--scale", "20000",
         "--dir", str(tmp_path / "a city")],
        capture_output=True, text=True, timeout=220, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "16 passed, 0 failed" in done.stdout
    with pytest.raises(httpx.ConnectError):  # everything that it started is stopped
        httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False)
    config = tmp_path / "a city" / "hub.yaml"
    verified = subprocess.run(
        [sys.executable, "-m", "hub", "audit", "verify", "--config", str(config)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert verified.returncode == 0, verified.stdout + verified.stderr


@pytest.mark.timeout(240)
def test_the_first_question_is_one_that_a_shell_can_ask(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    demo = subprocess.Popen(
        [sys.executable, "-m", "hub", "demo", "--port", str(port), "--scale", "300",
         "--dir", str(tmp_path / "it's a city")],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert demo.stdout is not None
        said = ""
        for line in demo.stdout:
            said += line
            if line.startswith("Open the address"):
                break
        assert f"Hub ready at http://127.0.0.1:{port}\n" in said
        command = said.split("A first question:\n")[1].split("Open the address")[0]
        answer = subprocess.run(
            ["bash", "-c", command], capture_output=True, text=True, timeout=60, check=True
        ).stdout
        assert answer.count('"idNumber"') == 3, answer
        assert "errors" not in answer
    finally:
        demo.terminate()
        demo.communicate(timeout=30)
