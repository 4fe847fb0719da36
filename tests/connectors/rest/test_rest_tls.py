"""TLS towards a real server: its authority, our certificate, and no way around either."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from schema.errors import HubError, SourceError
from tests.connectors.rest.certificates import Authority
from tests.connectors.rest.source import ID, SECRET, connector, opened, rows
from tests.connectors.rest.wire import serving

TABLES = {"things": {"list": {"path": "/things"}}}


async def read(base: str, tls: Any) -> list[tuple[Any, ...]]:
    async with opened({"base": base, **({"tls": tls} if tls else {})}, TABLES) as held:
        return await rows(held, ID)


@pytest.mark.asyncio
@pytest.mark.parametrize("password", [None, SECRET])
async def test_both_sides_show_a_certificate(tmp_path: Path, password: str | None) -> None:
    ours = Authority(tmp_path)
    shown, key = ours.certificate("hub", password)
    tls = {"ca": str(ours.ca), "certificate": str(shown), "key": str(key)}
    if password is not None:
        tls["password"] = "${secret}"
    async with serving(lambda _: [{"id": 1}], ours.server()) as wire:
        assert await read(wire.base, tls) == [(1,)]


@pytest.mark.asyncio
async def test_without_the_right_certificates_nothing_is_asked(tmp_path: Path) -> None:
    ours, theirs = Authority(tmp_path), Authority(tmp_path, "stranger")
    shown, key = theirs.certificate("hub")
    wrong: list[Any] = [
        None,
        {"ca": str(ours.ca)},
        {"ca": str(theirs.ca)},
        {"ca": str(ours.ca), "certificate": str(shown), "key": str(key)},
    ]
    async with serving(lambda _: [{"id": 1}], ours.server()) as wire:
        for tls in wrong:
            with pytest.raises(SourceError) as raised:
                await read(wire.base, tls)
            assert raised.value.code == "SOURCE_UNAVAILABLE"
        assert not wire.asked


@pytest.mark.parametrize(
    "told",
    [
        "on",
        {},
        {"verify": "false"},
        {"ca": 7},
        {"ca": "absent"},
        {"ca": "hub.key"},
        {"key": "hub.key"},
        {"certificate": "hub.crt"},
        {"certificate": "hub.crt", "key": "absent"},
        {"certificate": "hub.crt", "key": "other.key"},
        {"certificate": "locked.crt", "key": "locked.key"},
        {"certificate": "locked.crt", "key": "locked.key", "password": "wrong"},
    ],
)
def test_what_cannot_be_used_is_refused(tmp_path: Path, told: Any) -> None:
    ours = Authority(tmp_path)
    ours.certificate("hub")
    ours.certificate("other")
    ours.certificate("locked", SECRET)
    if isinstance(told, dict):
        told = {
            name: str(tmp_path / value) if isinstance(value, str) and name != "password" else value
            for name, value in told.items()
        }
    with pytest.raises(HubError) as raised:
        connector({"base": "https://h", "tls": told}, TABLES)
    assert raised.value.code == "CONFIG_INVALID"
    assert str(tmp_path) not in str(raised.value)


def test_tls_that_would_not_be_used_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HubError, match="https"):
        connector({"base": "http://h", "tls": {"ca": str(Authority(tmp_path).ca)}}, TABLES)
