"""Releases: what another pack, a broken log or a changed database must not bring into force."""

from __future__ import annotations

import base64
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from hub.rollout.release import read_release
from hub.rollout.signature import Envelope
from schema.errors import HubError
from tests.hub.rollout.office import DAY, NOW, Office, asked, permit, refused, sees


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def altered(office: Office, statement: str, *values: object) -> None:
    """Change the hub's database by hand."""
    file = office.settings.state.database_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(statement, values)


def test_other_rule_packs_than_it_was_checked_with(office: Office) -> None:
    made = office.approve(office.build(permit("name")))
    config = office.home / "hub.yaml"
    config.write_text(config.read_text() + "packs: [plain, gdpr]\n")
    with pytest.raises(HubError) as error:
        office.activate(made)
    assert refused(error.value) == (
        "RELEASE_REFUSED", "other rule packs are in force than those it was checked with",
    )  # fmt: skip


def test_what_is_not_on_record_does_not_happen(office: Office) -> None:
    made = office.approve(office.build(permit("name")))
    altered(
        office,
        "CREATE TRIGGER full BEFORE INSERT ON audit_entries BEGIN SELECT RAISE(ABORT, 'full'); END",
    )
    with pytest.raises(HubError) as error:
        office.activate(made)
    assert error.value.code == "AUDIT_UNAVAILABLE"
    with office.desk() as desk:
        assert desk.rows() == ()


@pytest.mark.asyncio
async def test_a_stored_release_of_one_officer_is_not_served(office: Office) -> None:
    made = office.build(permit("name"))
    office.activate(office.approve(made))
    async with office.worker() as hub:
        assert await sees(hub, "name")
    altered(office, "UPDATE releases SET release = ?", made.text())
    async with office.worker() as hub:
        assert await asked(hub, "name") == "RULES_UNAVAILABLE"


@pytest.mark.asyncio
async def test_a_stored_release_with_other_rules_is_not_served(office: Office) -> None:
    """Whoever can write the database can make everything agree but the signatures."""
    made = office.approve(office.build(permit("name")))
    office.activate(made)
    payload = base64.urlsafe_b64decode(made.payload + "==")
    other = payload.replace(b"Person.name]", b"Person.name, Person.salary]")
    assert other != payload
    text = base64.urlsafe_b64encode(other).rstrip(b"=").decode()
    changed = Envelope(payload=text, signatures=made.signatures).text()
    digest = read_release(other).rules
    altered(office, "UPDATE releases SET release = ?, digest = ?", changed, digest)
    async with office.worker() as hub:
        assert await asked(hub, "salary") == "RULES_UNAVAILABLE"


@pytest.mark.asyncio
async def test_a_schedule_is_not_moved_by_hand(office: Office) -> None:
    office.activate(office.approve(office.build(permit("name"), activate_at=int(NOW) + DAY)))
    async with office.worker() as hub:
        assert not await sees(hub, "name")
        altered(office, "UPDATE releases SET active_from = ?", NOW - DAY)
        await hub.look()
        assert await asked(hub, "name") == "RULES_UNAVAILABLE"


@pytest.mark.asyncio
async def test_a_stored_digest_is_that_of_its_rules(office: Office) -> None:
    office.release(permit("name"))
    altered(office, "UPDATE releases SET digest = 'other'")
    async with office.worker() as hub:
        assert await asked(hub, "name") == "RULES_UNAVAILABLE"
