"""Shares that end: revoked, forged, put back, unreadable, or while an operation runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import sqlalchemy as sa
from msgspec import Raw

from hub.query.inforce import InForce
from hub.store.share_tables import share_grants
from schema.errors import HubError
from tests.hub.sharing.agency import ASKS, DAY_S, JUDGES, OWNS, TERMS, Agency, open_agency

ONLY = {**TERMS, "fields": {"Person.salary": "allow"}}


@pytest_asyncio.fixture
async def agency(tmp_path: Path) -> AsyncIterator[Agency]:
    async with open_agency(tmp_path) as made:
        yield made


async def granted(agency: Agency, terms: dict[str, Any] = ONLY) -> str:
    """A share that is in force."""
    at = await agency.submitted(terms=terms)
    at = await agency.taken(OWNS, "agreeToShare", id=at["id"], part=0, basedOn=at["revision"])
    await agency.look()
    assert await sees(agency)
    return str(at["parts"][0]["grant"])


def code(told: dict[str, Any]) -> str | None:
    """The code of a refusal, if it is one."""
    (first,) = told.get("errors", [{}])[:1]
    found: str | None = first.get("extensions", {}).get("code")
    return found


async def sees(agency: Agency) -> bool:
    """Whether the application is shown anything."""
    return bool(await agency.rows("salary"))


@pytest.mark.asyncio
async def test_a_revoked_share_gives_nothing(agency: Agency) -> None:
    grant = await granted(agency)
    done = await agency.step(ASKS, "revokeGrant", grant=grant, reason="r")
    assert done.get("code") == "FORBIDDEN"
    await agency.taken(OWNS, "revokeGrant", grant=grant, reason="found to be too much")
    await agency.look()
    assert not await sees(agency)
    chosen = "grant { state reason } workers { worker at }"
    query = f"query($g: String!) {{ shareGrantReach(grant: $g) {{ {chosen} }} }}"
    reach = await agency.ask(JUDGES, query, g=grant)
    assert reach["grant"] == {"state": "REVOKED", "reason": "found to be too much"}
    assert len(reach["workers"]) == 1
    again = await agency.step(OWNS, "revokeGrant", grant=grant, reason="r")
    assert again.get("code") == "SHARE_REFUSED"


def between(agency: Agency, then: Callable[[], Awaitable[None]]) -> None:
    """Let something happen once the sources have answered."""
    began = agency.hub.pipeline
    fetch = began._fetch

    async def slow(*given: Any) -> Any:
        data = await fetch(*given)
        await then()
        return data

    began._fetch = slow  # type: ignore[method-assign]


@pytest.mark.asyncio
async def test_what_was_under_way_does_not_leave(agency: Agency) -> None:
    grant = await granted(agency)

    async def revoked() -> None:
        await agency.taken(OWNS, "revokeGrant", grant=grant, reason="now")
        await agency.look()

    between(agency, revoked)
    told = await agency.read("salary")
    assert code(told) == "EPOCH_REVOKED"
    assert "data" not in told
    assert agency.entries()[-1].outcome == "refused"


@pytest.mark.asyncio
async def test_what_ends_while_it_is_fetched_does_not_leave(agency: Agency) -> None:
    await granted(agency, {**ONLY, "expires": "2026-09-30"})

    async def ended() -> None:
        agency.now[0] += 20 * DAY_S

    between(agency, ended)
    told = await agency.read("salary")
    assert code(told) == "EPOCH_REVOKED"
    assert "data" not in told


@pytest.mark.asyncio
async def test_a_row_written_by_hand_grants_nothing(agency: Agency) -> None:
    grant = await granted(agency)
    await agency.taken(OWNS, "revokeGrant", grant=grant, reason="too much")
    await agency.look()
    with agency.hub.database.begin() as connection:
        row = dict(connection.execute(sa.select(share_grants)).mappings().one())
        connection.execute(sa.update(share_grants).values(state="live", number=row["number"] + 1))
    await agency.look()
    assert not await sees(agency)
    with agency.hub.database.begin() as connection:
        connection.execute(sa.update(share_grants).values(number=1, state="live"))
    await agency.look()
    assert not await sees(agency)


@pytest.mark.asyncio
async def test_without_its_store_no_share_is_in_force(agency: Agency) -> None:
    await granted(agency)
    watch = agency.hub._shares
    assert watch is not None
    with agency.hub.database.begin() as connection:
        connection.execute(sa.text("ALTER TABLE share_grants RENAME TO elsewhere"))
    await agency.look()
    assert await sees(agency)  # for a moment
    watch._seen -= 60
    await agency.look()
    assert not await sees(agency)
    with agency.hub.database.begin() as connection:
        connection.execute(sa.text("ALTER TABLE elsewhere RENAME TO share_grants"))
    await agency.look()
    assert await sees(agency)


@pytest.mark.asyncio
async def test_two_who_answer_at_once(agency: Agency) -> None:
    at = await agency.submitted(terms=ONLY)
    given = {"id": at["id"], "part": 0, "basedOn": at["revision"]}
    done = await asyncio.gather(
        agency.step(OWNS, "agreeToShare", **given),
        agency.step({**OWNS, "user": "li"}, "refuseShare", **given, reason="SECRET", said="no"),
    )
    kinds = sorted(one["__typename"] for one in done)
    assert kinds == ["ShareTaken", "StepConflict"]


@pytest.mark.asyncio
async def test_no_step_signs_what_somebody_else_has_written(agency: Agency) -> None:
    at = await agency.submitted(terms=ONLY, recipientAck=True)
    at = await agency.taken(OWNS, "agreeToShare", id=at["id"], part=0, basedOn=at["revision"])
    grant = at["parts"][0]["grant"]
    with agency.hub.database.begin() as connection:
        text = connection.execute(sa.select(share_grants.c.text)).scalar_one()
        wider = text.replace("Person.salary", "Person.district")
        connection.execute(sa.update(share_grants).values(text=wider))
    for claims, name in ((ASKS, "acceptGrant"), (OWNS, "certifyGrant")):
        done = await agency.step(claims, name, grant=grant)
        assert done.get("code") == "REGISTRY_UNAVAILABLE", done
    await agency.look()
    assert await agency.rows("district") == []


@pytest.mark.asyncio
async def test_who_owns_it_today_answers(agency: Agency) -> None:
    at = await agency.submitted(terms=ONLY)
    file = agency.home / "civil.yaml"
    file.write_text(
        file.read_text().replace(
            "salary: {type: Int,", "salary: {type: Int, share: withheld, legal_basis: [law],"
        )
    )
    await agency.hub.reload()
    done = await agency.step(OWNS, "agreeToShare", id=at["id"], part=0, basedOn=at["revision"])
    assert done.get("code") == "SHARE_REFUSED", done


def test_what_was_revoked_stays_so_until_it_is_live() -> None:
    view = InForce()
    for one in ("a", "b"):
        view.end_grants([one])
    for one in ("a", "b"):
        with pytest.raises(HubError, match="revoked meanwhile"):
            view.end(1, Raw(f'[["Person.name","project","allow",["grant.{one}"]]]'.encode()))
    view.keep_grants(["b"])
    view.end(1, Raw(b'[["Person.name","project","allow",["grant.b"]]]'))
