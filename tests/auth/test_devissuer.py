"""The development issuer: its tokens work, and it cannot be on by accident."""

from __future__ import annotations

import stat
import time
from pathlib import Path

import pytest

from auth.devissuer import DevIssuer, refuse_unless_development
from auth.issuer import DevelopmentIssuer
from auth.refusal import RefusedError
from auth.token import TokenVerifier
from schema.errors import HubError


def made(folder: Path) -> DevIssuer:
    settings = DevelopmentIssuer(directory=str(folder))
    return DevIssuer(settings, mode="development", host="127.0.0.1")


@pytest.mark.asyncio
async def test_its_tokens_are_accepted_like_any_other(tmp_path: Path) -> None:
    issuer = made(tmp_path)
    verifier = TokenVerifier([issuer.issuer])
    text = issuer.sign({"sub": "zhang", "app": "benefits", "department": "civil"})
    subject = await verifier.verify(text)
    assert (subject.app, subject.department) == ("benefits", "civil")
    assert subject.expires_at < time.time() + 86_400 + 60


@pytest.mark.asyncio
async def test_the_key_is_made_once_and_private(tmp_path: Path) -> None:
    text = made(tmp_path).sign({"sub": "a"})
    again = made(tmp_path)
    assert (await TokenVerifier([again.issuer]).verify(text)).app == "a"
    assert stat.S_IMODE((tmp_path / "issuer-key.pem").stat().st_mode) == 0o600
    assert b"PRIVATE" not in (tmp_path / "jwks.json").read_bytes()
    assert b'"d"' not in (tmp_path / "jwks.json").read_bytes()


@pytest.mark.asyncio
async def test_another_folder_is_another_issuer(tmp_path: Path) -> None:
    text = made(tmp_path / "a").sign({"sub": "a"})
    with pytest.raises(RefusedError):
        await TokenVerifier([made(tmp_path / "b").issuer]).verify(text)


@pytest.mark.parametrize(
    ("mode", "host"),
    [
        ("production", "127.0.0.1"),
        ("development", "0.0.0.0"),  # noqa: S104
        ("development", "::"),
        ("development", "10.0.0.5"),
        ("development", "hub.example"),
        ("development", "127.0.0.1.evil.example"),
        ("development", ""),
        ("Development", "127.0.0.1"),
        ("", "127.0.0.1"),
    ],
)
def test_refused_anywhere_else(tmp_path: Path, mode: str, host: str) -> None:
    with pytest.raises(HubError) as refused:
        DevIssuer(DevelopmentIssuer(directory=str(tmp_path / "x")), mode=mode, host=host)
    assert refused.value.code == "CONFIG_INVALID"
    assert refused.value.hint is not None
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.9", "localhost", "::1", "[::1]"])
def test_loopback_addresses(host: str) -> None:
    refuse_unless_development("development", host)


def test_a_damaged_key_is_told(tmp_path: Path) -> None:
    (tmp_path / "issuer-key.pem").write_text("nothing")
    with pytest.raises(HubError, match="damaged"):
        made(tmp_path)
