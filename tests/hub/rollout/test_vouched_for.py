"""Signed statements hold against whoever can write to the hub's database, restarts included."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from hub.rollout.reached import FILE, Reached
from hub.store.vouched import Vouched
from schema.errors import HubError
from tests.hub.rollout.floored import Floored
from tests.hub.rollout.office import Office, asked, permit, sees
from tests.hub.rollout.test_approved_bounds import PLAIN, Bounded, told

RAISED = "{type: Int, label: restricted}"
GARBAGE = "INSERT INTO vouched VALUES ('bound', 'x', 1, x'00ff', 0, 'nobody')"


def altered(office: Office, statement: str) -> None:
    """Change the hub's database by hand."""
    file = office.settings.state.database_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(statement)


def put_away(office: Office) -> None:
    """What an operator does who means to begin anew."""
    (Path(office.settings.state.directory) / FILE).unlink()


@pytest.fixture
def office(tmp_path: Path) -> Floored:
    office = Floored(tmp_path, owner=True)
    office.fragment()
    return office


@pytest.fixture
def bounded(tmp_path: Path) -> Bounded:
    return Bounded(tmp_path)


@pytest.mark.asyncio
async def test_a_floor_is_taken_up_while_approvals_cannot_be_read(office: Floored) -> None:
    file = office.home / "hub.yaml"
    file.write_text(file.read_text().replace("required: true", "required: true\n  bounds: true"))
    office.release(permit("salary"))
    async with office.worker() as hub:
        office.fragment(salary=RAISED)
        office.sign_floor()
        altered(office, GARBAGE)
        await hub.look()
        altered(office, "DELETE FROM vouched WHERE kind = 'bound'")
        await hub.look()
        assert (await hub.ready())["rules"]
        assert hub.catalogue.types["Person"].fields["salary"].label.level("plain") == "restricted"


@pytest.mark.parametrize("gone", ["serial = 2", "kind = 'floor'"])
@pytest.mark.asyncio
async def test_a_floor_that_is_gone_is_missed_after_a_restart(office: Floored, gone: str) -> None:
    office.release(permit("salary"))
    office.sign_floor()
    office.fragment(salary=RAISED)
    office.sign_floor()
    async with office.worker() as hub:
        assert await sees(hub, "salary")
    altered(office, f"DELETE FROM vouched WHERE {gone}")  # noqa: S608
    office.fragment()
    async with office.worker() as hub:
        assert await asked(hub, "salary") == "RULES_UNAVAILABLE"
    said = office.keeps() or ""
    assert said.startswith("RELEASE_INVALID: ")
    assert FILE in said
    office.fragment(salary=RAISED)
    office.sign_floor(lower=True)
    async with office.worker() as hub:
        assert await sees(hub, "salary")


@pytest.mark.asyncio
async def test_an_older_database_is_served_when_that_is_meant(office: Floored) -> None:
    office.release(permit("salary"))
    office.sign_floor()
    async with office.worker() as hub:
        assert await sees(hub, "salary")
    altered(office, "DELETE FROM vouched")
    put_away(office)
    async with office.worker() as hub:
        assert await sees(hub, "salary")


@pytest.mark.asyncio
async def test_nothing_is_served_over_marks_that_cannot_be_read(office: Floored) -> None:
    office.release(permit("salary"))
    office.sign_floor()
    (Path(office.settings.state.directory) / FILE).write_text("{")
    async with office.worker() as hub:
        assert await asked(hub, "salary") == "RULES_UNAVAILABLE"


@pytest.mark.asyncio
async def test_an_approval_that_is_gone_is_missed_after_a_restart(bounded: Bounded) -> None:
    bounded.release(permit("name"))
    bounded.allow(bounded.bound(PLAIN))
    bounded.allow(bounded.bound(PLAIN))
    async with bounded.worker() as hub:
        assert await told(hub, PLAIN) == "ok"
    altered(bounded, "DELETE FROM vouched WHERE serial = 2")
    async with bounded.worker() as hub:
        assert await told(hub, PLAIN) == "DOCUMENT_NOT_APPROVED"
    bounded.allow(bounded.bound(PLAIN))
    async with bounded.worker() as hub:
        assert await told(hub, PLAIN) == "ok"


async def runs(office: Bounded) -> str:
    """What a new worker says of the document."""
    async with office.worker() as hub:
        return await told(hub, PLAIN)


@pytest.mark.asyncio
async def test_a_retired_officers_key_approves_nothing_new(bounded: Bounded) -> None:
    bounded.configure(retired=False)
    file = bounded.home / "hub.yaml"
    file.write_text(file.read_text().replace("required: true", "required: true\n  bounds: true"))
    bounded.release(permit("name"))
    bounded.allow(bounded.bound(PLAIN), "zhao")
    assert await runs(bounded) == "ok"
    # whoever has kept the key and reaches the database: as if it were signed while it held
    bounded.allow(bounded.bound(PLAIN), "zhao")
    file.write_text(file.read_text().replace("retired: false", "retired: true"))
    assert await runs(bounded) == "DOCUMENT_NOT_APPROVED"
    altered(bounded, "DELETE FROM vouched WHERE serial = 2")
    assert await runs(bounded) == "ok"
    put_away(bounded)
    assert await runs(bounded) == "DOCUMENT_NOT_APPROVED"
    bounded.allow(bounded.bound(PLAIN), "wang")
    assert await runs(bounded) == "ok"


@pytest.mark.asyncio
async def test_an_approval_is_not_dated_ahead(bounded: Bounded) -> None:
    bounded.release(permit("name"))
    bounded.now += 3_600
    bounded.allow(bounded.bound(PLAIN))
    bounded.now -= 3_600
    assert await runs(bounded) == "DOCUMENT_NOT_APPROVED"
    bounded.now += 3_600
    assert await runs(bounded) == "ok"


def test_marks_only_grow(tmp_path: Path) -> None:
    def row(serial: int, statement: str = "{}") -> dict[str, Vouched]:
        return {"tax": Vouched(kind="floor", about="tax", serial=serial, statement=statement,
                               recorded_at=0.0, recorded_by="tax")}  # fmt: skip

    one, other = Reached(tmp_path, "floor"), Reached(tmp_path, "floor")
    one.keep(row(3))
    other.keep(row(2))
    for seen in (one, other, Reached(tmp_path, "floor")):
        mark = seen.marks()["tax"]
        assert mark.serial == 3
        assert mark.reached_by(row(3)["tax"])
        assert mark.reached_by(row(4, "{ }")["tax"])
        assert not mark.reached_by(row(3, "{ }")["tax"])
        assert not mark.reached_by(row(2)["tax"])
        assert not mark.reached_by(None)
        assert seen.after("tax", None) == 4
        assert seen.after("tax", row(7)["tax"]) == 8
    assert Reached(tmp_path, "bound").marks() == {}
    (tmp_path / FILE).unlink()
    assert one.marks()["tax"].serial == 3
    (tmp_path / FILE).write_text('{"floor": {"tax": {"serial": "3"}}}')
    with pytest.raises(HubError, match="cannot be read"):
        Reached(tmp_path, "floor").marks()
