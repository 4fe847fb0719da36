"""The identifier: one error for everything, a bounded memory, ends that are kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from auth.apikeys import KeyRecord, mint
from auth.identify import Identifier
from auth.token import TokenVerifier
from schema.errors import HubError
from tests.auth import forge
from tests.auth.forge import NOW, claims, token


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


class Held:
    """One API key in memory, counting how often it is looked up."""

    def __init__(self) -> None:
        blank = KeyRecord(id="", app="tax", secrets=())
        self.record: KeyRecord | None
        self.record, self.text = mint(blank, now=NOW)
        self.loads = 0

    def load(self, key_id: str) -> KeyRecord | None:
        self.loads += 1
        return self.record if self.record is not None and self.record.id == key_id else None


def made(tmp_path: Path, clock: Clock, *, size: int = 100, held: Held | None = None) -> Identifier:
    file = tmp_path / "jwks.json"
    forge.write_all(file)
    tokens = TokenVerifier([forge.declared(file)], clock=clock)
    keys = () if held is None else (held,)
    return Identifier(tokens=tokens, keys=keys, cache_size=size, cache_s=60, clock=clock)


@pytest.mark.asyncio
async def test_known_only_after_the_full_check(tmp_path: Path) -> None:
    identifier, text = made(tmp_path, Clock()), token()
    assert identifier.known(text) is None
    subject = await identifier.identify("bearer", text)
    assert identifier.known(text) is subject


@pytest.mark.asyncio
async def test_every_failure_is_the_same_error(tmp_path: Path) -> None:
    held = Held()
    identifier = made(tmp_path, Clock(), held=held)
    told = set()
    for scheme, text in (
        ("bearer", ""),
        ("bearer", "x"),
        ("bearer", token(claims(exp=NOW - 100))),
        ("bearer", token(key=forge.STRANGER)),
        ("bearer", "x" * 100_000),
        ("bearer", "hub_unknown"),
        ("bearer", f"hub_{'0' * 12}_{'0' * 64}"),
        ("apikey", token()),
        ("basic", held.text),
        ("", ""),
    ):
        for _ in range(2):
            with pytest.raises(HubError) as refused:
                await identifier.identify(scheme, text)
            error = refused.value
            told.add((error.code, error.message, error.where, error.hint, str(error)))
    assert told == {("UNAUTHENTICATED", "no valid credentials", None, None, "no valid credentials")}


@pytest.mark.asyncio
async def test_a_token_ends_though_it_is_known(tmp_path: Path) -> None:
    clock = Clock()
    identifier, text = made(tmp_path, clock), token(claims(exp=NOW + 10))
    await identifier.identify("bearer", text)
    clock.now = NOW + 39.9
    assert identifier.known(text) is not None
    clock.now = NOW + 40
    assert identifier.known(text) is None
    with pytest.raises(HubError):
        await identifier.identify("bearer", text)


@pytest.mark.asyncio
async def test_the_subject_stays_the_same_object_when_checked_again(tmp_path: Path) -> None:
    clock = Clock()
    identifier, text = made(tmp_path, clock), token()
    first = await identifier.identify("bearer", text)
    clock.now += 61
    assert identifier.known(text) is None
    assert await identifier.identify("bearer", text) is first


@pytest.mark.asyncio
async def test_a_revoked_key_ends_when_its_time_in_memory_does(tmp_path: Path) -> None:
    clock, held = Clock(), Held()
    identifier = made(tmp_path, clock, held=held)
    assert (await identifier.identify("bearer", held.text)).app == "tax"
    assert (await identifier.identify("apikey", held.text)).app == "tax"
    assert held.loads == 1
    held.record = None
    clock.now += 60
    with pytest.raises(HubError):
        await identifier.identify("bearer", held.text)


@pytest.mark.asyncio
async def test_revoking_and_forgetting_work_at_once(tmp_path: Path) -> None:
    identifier, text = made(tmp_path, Clock()), token()
    await identifier.identify("bearer", text)
    identifier.forget()
    assert identifier.known(text) is None
    await identifier.identify("bearer", text)
    identifier.revoke(text)
    assert identifier.known(text) is None
    with pytest.raises(HubError):
        await identifier.identify("bearer", text)


@pytest.mark.asyncio
async def test_the_memory_is_bounded_and_keeps_what_is_in_use(tmp_path: Path) -> None:
    identifier = made(tmp_path, Clock(), size=20)
    used = token()
    await identifier.identify("bearer", used)
    others = [token(claims(sub=f"s{number}")) for number in range(60)]
    for other in others:
        await identifier.identify("bearer", other)
        assert identifier.known(used) is not None
    assert sum(identifier.known(other) is not None for other in others) <= 20


@pytest.mark.asyncio
async def test_a_refusal_is_not_remembered_for_long(tmp_path: Path) -> None:
    clock, held = Clock(), Held()
    record, held.record = held.record, None
    identifier = made(tmp_path, clock, held=held)
    with pytest.raises(HubError):
        await identifier.identify("bearer", held.text)
    held.record = record
    with pytest.raises(HubError):
        await identifier.identify("bearer", held.text)
    clock.now += 2
    assert (await identifier.identify("bearer", held.text)).app == "tax"


@pytest.mark.asyncio
async def test_nobody_is_accepted_without_any_issuer_or_key() -> None:
    for scheme in ("bearer", "apikey", "", "anonymous"):
        with pytest.raises(HubError):
            await Identifier().identify(scheme, token())
