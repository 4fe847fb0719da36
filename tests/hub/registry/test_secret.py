"""Secrets by reference."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.registry.secret import resolve
from schema.errors import HubError


def test_references_are_replaced(tmp_path: Path) -> None:
    secret = tmp_path / "db.secret"
    secret.write_text("p4ss\n")
    text = "postgresql://${env:USER_NAME}:${file:" + str(secret) + "}@db/civil"
    assert resolve(text, {"USER_NAME": "hub"}) == "postgresql://hub:p4ss@db/civil"
    assert resolve("plain $HOME ${x}", {}) == "plain $HOME ${x}"
    assert resolve("${env:A}", {"A": "${env:B}"}) == "${env:B}"


def test_what_is_missing_is_named_without_values(tmp_path: Path) -> None:
    with pytest.raises(HubError, match="`NOPE` is not set"):
        resolve("${env:NOPE}", {"OTHER": "x"})
    with pytest.raises(HubError, match="cannot be read"):
        resolve("${file:" + str(tmp_path / "absent") + "}", {})
    large = tmp_path / "large"
    large.write_bytes(b"x" * 70_000)
    with pytest.raises(HubError, match="too large"):
        resolve("${file:" + str(large) + "}", {})
