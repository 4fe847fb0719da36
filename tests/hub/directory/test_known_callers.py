"""Credentials against the directory: what counts, what is refused, and how soon."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from auth.apikeys import KeyRecord, mint
from hub.store.keys import StoredKeys
from hub.wiring import Hub
from schema.errors import HubError
from tests.auth import forge
from tests.hub.directory.ministry import CIVIL, DAY, DESK, ZHANG, Ministry
from tests.hub.registration.bureau import Captured

pytestmark = pytest.mark.asyncio


@pytest.fixture
def ministry(tmp_path: Path, capsys: Captured) -> Iterator[Ministry]:
    made = Ministry(tmp_path, capsys)
    yield made
    made.engine.dispose()


async def refused(ministry: Ministry, hub: Hub, **changes: Any) -> None:
    with pytest.raises(HubError) as told:
        await ministry.subject(hub, **changes)
    assert told.value.code == "UNAUTHENTICATED"


async def test_the_directory_completes_and_credentials_narrow(ministry: Ministry) -> None:
    ministry.keep()
    async with ministry.worker() as hub:
        found = await ministry.subject(
            hub, department="tax", org_kind="contractor", purposes=["relief", "tax"],
            duties=["clerk", "security-officer"],
        )  # fmt: skip
        assert (found.department, found.org_kind, found.tier) == ("civil", "government", "county")
        assert found.region == "330106"
        assert found.purposes == {"relief"}
        assert found.duties == {"clerk"}
        silent = await ministry.subject(hub, purposes=None, duties=None)
        assert silent.purposes == DESK.purposes
        assert silent.duties == ZHANG.duties
        none = await ministry.subject(hub, purposes=[], duties=[])
        assert (none.purposes, none.duties) == (frozenset(), frozenset())


async def test_a_key_has_no_more_than_it_says(ministry: Ministry) -> None:
    ministry.keep()
    blank = KeyRecord(id="", app="desk", secrets=(), purposes=frozenset({"relief", "tax"}))
    record, text = mint(blank, now=forge.NOW)
    StoredKeys(ministry.engine).save(record)
    async with ministry.worker() as hub:
        found = await hub.identifier.identify("apikey", text)
    assert found.purposes == {"relief"}
    assert found.duties == frozenset()
    assert found.department == "civil"


async def test_who_is_unknown_is_refused(ministry: Ministry) -> None:
    ministry.keep()
    async with ministry.worker() as hub:
        await refused(ministry, hub, user="stranger")
        await refused(ministry, hub, azp="stranger")
        await refused(ministry, hub, acting_for="tax")
        assert (await ministry.subject(hub, acting_for="city")).acting_for == "city"


async def test_who_is_unknown_may_count_by_claims(tmp_path: Path, capsys: Captured) -> None:
    ministry = Ministry(tmp_path, capsys, more=", unknown: claims")
    ministry.keep()
    async with ministry.worker() as hub:
        found = await ministry.subject(hub, azp="other", user="stranger", department="tax")
        assert (found.department, found.purposes, found.duties) == ("tax", {"relief"}, {"clerk"})
        known = await ministry.subject(hub, user="stranger", purposes=["relief", "tax"])
        assert known.purposes == {"relief"}, "the application is known, and gives no more"
    ministry.engine.dispose()


async def comes_to(ministry: Ministry, hubs: Sequence[Hub], text: str, status: int) -> None:
    """Wait until all workers answer so."""
    while True:
        if {await ministry.status(hub, text) for hub in hubs} == {status}:
            return
        await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("kind", "name"),
    [("person", "zhang"), ("app", "desk"), ("department", "civil"), ("department", "city")],
)
async def test_who_is_suspended_is_refused_on_all_workers(
    ministry: Ministry, kind: Any, name: str
) -> None:
    ministry.keep()
    text = ministry.token()
    async with ministry.worker() as one, ministry.worker() as two:
        for hub in (one, two):
            assert await ministry.status(hub, text) == 200
        step = {"by": "wu", "suspended": True}
        await asyncio.to_thread(lambda: ministry.directory.suspend(kind, name, **step))
        async with asyncio.timeout(5):
            await comes_to(ministry, (one, two), text, 401)
        step = {"by": "wu", "suspended": False}
        await asyncio.to_thread(lambda: ministry.directory.suspend(kind, name, **step))
        async with asyncio.timeout(5):
            await comes_to(ministry, (one, two), text, 200)


async def test_what_is_stale_does_not_count(ministry: Ministry) -> None:
    ministry.keep()
    ministry.clock.now += 20 * DAY
    ministry.keep(DESK, CIVIL)
    ministry.clock.now += 10 * DAY - 60
    async with ministry.worker() as hub:
        text = ministry.token()
        found = await hub.identifier.identify("bearer", text)
        assert found.department == "civil"
        assert found.expires_at == forge.NOW + 30 * DAY, "it ends with what it was made from"
        ministry.clock.now += 60
        assert hub.identifier.known(text) is None
        stale = await ministry.subject(hub)
        assert (stale.department, stale.tier, stale.duties) == (None, None, frozenset())
        assert stale.purposes == {"relief"}, "the application was confirmed later"


async def test_the_token_of_a_named_issuer_confirms(tmp_path: Path, capsys: Captured) -> None:
    ministry = Ministry(tmp_path, capsys, more=f", from_claims: ['{forge.ISSUER}']")
    ministry.keep()
    ministry.clock.now += 29 * DAY
    ministry.keep(DESK, CIVIL)
    both = sorted(ZHANG.duties)
    async with ministry.worker() as hub:
        await ministry.subject(hub, department="civil", duties=both)
        ministry.clock.now += 20 * DAY
        assert (await ministry.subject(hub, department="tax")).department == "civil"
        ministry.clock.now += 9 * DAY
        other = await ministry.subject(hub, department="tax", duties=["clerk"])
        assert other.department == "civil"
        ministry.clock.now += 1 * DAY
        assert (await ministry.subject(hub, department="tax")).department is None
    held = ministry.directory.find("person", "zhang")
    assert held.revision == 1
    assert held.entry == ZHANG
    assert held.confirmed["department"].by == "claims"
    ministry.engine.dispose()


async def test_nobody_new_is_anybody_without_the_directory(ministry: Ministry) -> None:
    ministry.keep()
    async with ministry.worker() as hub:
        text = ministry.token()
        async with asyncio.timeout(5):  # the worker's first look forgets everybody
            while hub.identifier.known(text) is None:
                await hub.identifier.identify("bearer", text)
        with ministry.engine.begin() as connection:
            connection.exec_driver_sql("DROP TABLE directory_entries")
        assert hub.identifier.known(text) is not None
        await refused(ministry, hub, purposes=["census"])
        ministry.clock.now += 61
        with pytest.raises(HubError):
            await hub.identifier.identify("bearer", text)


@pytest.mark.parametrize("enabled", [True, False])
async def test_two_separated_duties_are_refused_whatever_says_so(
    tmp_path: Path, capsys: Captured, *, enabled: bool
) -> None:
    more = "" if enabled else ", unknown: claims"
    ministry = Ministry(tmp_path, capsys, more=more)
    both = frozenset({"system-administrator", "auditor"})
    if enabled:
        ministry.keep()
        with pytest.raises(HubError) as told:
            ministry.keep(replace(ZHANG, duties=both))
        assert told.value.code == "DIRECTORY_INVALID"
        assert "`auditor` and `system-administrator`" in str(told.value)
        with ministry.engine.begin() as connection:
            connection.exec_driver_sql(
                """UPDATE directory_entries SET body = replace(body, '"clerk"',"""
                """ '"auditor","system-administrator"') WHERE id = 'zhang'"""
            )
    record, text = mint(KeyRecord(id="", app="desk", secrets=(), duties=both), now=forge.NOW)
    StoredKeys(ministry.engine).save(record)
    async with ministry.worker() as hub:
        await refused(ministry, hub, duties=None if enabled else sorted(both))
        assert (await ministry.subject(hub, duties=["auditor"])).duties == {"auditor"}
        if not enabled:
            with pytest.raises(HubError):
                await hub.identifier.identify("apikey", text)
    ministry.engine.dispose()


async def test_what_changed_while_it_was_looked_at_is_not_kept(ministry: Ministry) -> None:
    ministry.keep()
    async with ministry.worker() as hub:
        text = ministry.token()
        looked = asyncio.ensure_future(hub.identifier.identify("bearer", text))
        await asyncio.sleep(0)
        hub.identifier.forget()
        await looked
        assert hub.identifier.known(text) is None
