"""A whole hub of settings: it signs its log, lists whose rows left, and opens what it wrote."""

from __future__ import annotations

import asyncio
import io
import json
import time
from pathlib import Path

import pytest

from hub.cli.main import run
from hub.query.request import Request
from hub.settings import read_settings
from hub.store.heads import StoredHead, newest_head
from hub.wiring import build_hub
from tests.hub.cli.test_serve import CONFIG, QUERY, home  # noqa: F401


async def asked(home: Path) -> StoredHead | None:  # noqa: F811
    """Ask once, and wait until a head covers it."""
    token = json.loads((home / "tokens.json").read_text())["app"]
    hub = build_hub(read_settings(home / "hub.yaml"))
    await hub.open()
    try:
        subject = await hub.identifier.identify("apikey", token)
        answer = await hub.pipeline.answer(Request(text=QUERY, subject=subject))
        assert answer.code is None
        over = time.monotonic() + 30
        while time.monotonic() < over:
            head = await asyncio.to_thread(newest_head, hub.database, "sha256")
            if head is not None:
                return head
            await asyncio.sleep(0.05)
        return None
    finally:
        await hub.close()


def test_who_saw_a_person_from_the_question_to_the_auditor(
    home: Path,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fragment = home / "fragments" / "civil.yaml"
    declared = fragment.read_text().replace("    key:", "    data_subject: [idNumber]\n    key:")
    fragment.write_text(declared)
    (home / "hub.yaml").write_text(f"{CONFIG}audit: {{persons: true, sign_s: 1}}\n")
    head = asyncio.run(asked(home))
    assert head is not None
    assert asyncio.run(asked(home)) is not None
    config = ["--config", str(home / "hub.yaml")]
    for key, count in (("2", 2), ("3", 0)):
        capsys.readouterr()
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{key}\n"))
        assert run(["audit", "subject", *config]) == 0
        told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert [one["certain"] for one in told] == [True] * count
        assert all(one["entry"]["app"] == "benefits" for one in told)
    assert run(["audit", "verify", *config]) == 0
    assert "holds the signed heads" in capsys.readouterr().out
