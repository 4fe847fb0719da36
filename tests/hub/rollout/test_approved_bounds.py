"""A document runs only while it reveals no more than an officer has approved."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from hub.loading import engine_of, load_files, query_limits, rules_over
from hub.query.approval import Agreement, agreed, digest_of
from hub.query.request import Request
from hub.rollout.active import Released
from hub.rollout.bound import ApprovedBound, Covered, approve_bound, withdraw_bound
from hub.store.engine import migrate, open_engine
from hub.wiring import Hub
from schema.errors import HubError
from schema.model.names import DepartmentName
from schema.model.subject import Subject
from tests.hub.rollout.office import CALLER, Office, permit

WHOLE = "{ persons(first: 2) { nodes { idNumber name salary } } }"
PLAIN = "{ persons(first: 2) { nodes { idNumber name } } }"


class Bounded(Office):
    """Its workers run approved documents alone."""

    def __init__(self, home: Path) -> None:
        super().__init__(home, owner=False)
        file = home / "hub.yaml"
        text = file.read_text()
        file.write_text(text.replace("required: true", "required: true\n  bounds: true"))

    def ground(self) -> dict[str, Any]:
        """What bounds are found by: the rules in force."""
        loaded = load_files(self.settings, rules=False)
        database = open_engine(self.settings.state.database_url)
        migrate(database)
        held = Released(database, self.settings.release)
        loaded = rules_over(loaded, held.read(held.epoch(self.now)).bundles)
        database.dispose()
        return {
            "engine": engine_of(loaded, self.settings, 1),
            "limits": query_limits(self.settings),
            "begin": self.now,
        }

    def bound(
        self,
        *documents: str,
        callers: Sequence[Subject] = (CALLER,),
        purposes: Sequence[str] = (),
    ) -> Agreement:
        """The present bound of documents."""
        made = agreed(documents, callers, purposes, **self.ground())
        return structs.replace(made, digest=digest_of(made))

    def allow(self, agreement: Agreement, who: str = "li") -> Sequence[ApprovedBound]:
        """An officer approves it."""
        with self.desk() as desk:
            return approve_bound(desk, agreement, self.ground(), self.key(who))


@pytest.fixture
def office(tmp_path: Path) -> Bounded:
    return Bounded(tmp_path)


async def told(hub: Hub, text: str, subject: Subject = CALLER, purpose: str | None = None) -> str:
    """The code of a refusal, or `ok`."""
    request = Request(text=text, subject=subject, purpose=purpose)
    body = orjson.loads((await hub.pipeline.answer(request)).body)
    return "ok" if "data" in body else str(body["errors"][0]["extensions"]["code"])


@pytest.mark.asyncio
async def test_what_nobody_has_approved_does_not_run(office: Bounded) -> None:
    office.release(permit("name"))
    async with office.worker() as hub:
        assert await told(hub, PLAIN) == "DOCUMENT_NOT_APPROVED"
        assert await told(hub, "{ __schema { queryType { name } } }") == "ok"
        office.allow(office.bound(PLAIN))
        await hub.look()
        assert await told(hub, PLAIN) == "ok"
        assert await told(hub, f"{PLAIN} ") == "DOCUMENT_NOT_APPROVED"
    codes = [one.code for one in office.log() if hasattr(one, "operation")]
    assert codes == ["DOCUMENT_NOT_APPROVED", None, None, "DOCUMENT_NOT_APPROVED"]


@pytest.mark.asyncio
async def test_rules_that_let_a_document_reveal_more_stop_it(office: Bounded) -> None:
    office.release(permit("name"))
    async with office.worker() as hub:
        office.allow(office.bound(WHOLE, PLAIN))
        await hub.look()
        assert await told(hub, WHOLE) == await told(hub, PLAIN) == "ok"
        office.release(permit("name", "salary"))
        await hub.look()
        assert await told(hub, WHOLE) == "DOCUMENT_NOT_APPROVED"
        assert await told(hub, PLAIN) == "ok"
        office.allow(office.bound(WHOLE))
        await hub.look()
        assert await told(hub, WHOLE) == "ok"
        office.release(permit())
        await hub.look()
        assert await told(hub, WHOLE) == await told(hub, PLAIN) == "ok"


@pytest.mark.asyncio
async def test_a_catalogue_that_lets_a_document_reveal_more_stops_it(office: Bounded) -> None:
    office.release(permit("name"))
    fragment = (office.home / "civil.yaml").read_text()
    floor = "name: {type: String, floor: {outcome: redact}}"
    (office.home / "civil.yaml").write_text(fragment.replace("name: {type: String}", floor))
    async with office.worker() as hub:
        office.allow(office.bound(PLAIN))
        await hub.look()
        assert await told(hub, PLAIN) == "ok"
        (office.home / "civil.yaml").write_text(fragment)
        await hub.reload()
        assert await told(hub, PLAIN) == "DOCUMENT_NOT_APPROVED"


@pytest.mark.asyncio
async def test_an_approval_is_for_its_callers_and_purposes(office: Bounded) -> None:
    chiefs = permit("name")["rules.yaml"] + (
        "---\npolicy: chiefs\neffect: permit\nsubjects: {app: benefits, role: chief}\n"
        "resources: {fields: [Person.salary]}\nmodes: [read]\n"
    )
    others = permit("name", "salary", app="tax")["rules.yaml"].replace("shown", "others")
    office.release({"rules.yaml": chiefs, "others.yaml": others})
    allowed = structs.replace(CALLER, purposes=frozenset({"administration", "statistics"}))
    async with office.worker() as hub:
        office.allow(office.bound(WHOLE, callers=(allowed,), purposes=("administration",)))
        await hub.look()
        purpose = "administration"
        assert await told(hub, WHOLE, allowed, purpose) == "ok"
        later = structs.replace(allowed, expires_at=1.0, user="zhang", id="app:benefits|user:zhang")
        assert await told(hub, WHOLE, later, purpose) == "ok"
        assert await told(hub, WHOLE, allowed, "statistics") == "DOCUMENT_NOT_APPROVED"
        for other in (
            structs.replace(allowed, app="tax"),
            structs.replace(allowed, department=DepartmentName("tax")),
            structs.replace(allowed, roles=frozenset({"chief"})),
        ):
            assert await told(hub, WHOLE, other, purpose) == "DOCUMENT_NOT_APPROVED"
        tax = structs.replace(allowed, app="tax")
        bodies = []
        for text in (WHOLE, f"{WHOLE} "):
            request = Request(text=text, subject=tax, purpose=purpose)
            body = orjson.loads((await hub.pipeline.answer(request)).body)
            bodies.append(body["errors"][0]["message"])
        assert bodies[0] == bodies[1]  # nothing tells that others ask it


FIELDS = st.sets(st.sampled_from(["name", "salary"]))


@settings(
    deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(FIELDS, FIELDS, FIELDS)
def test_a_document_runs_as_long_as_it_reveals_no_more(
    office: Bounded, was: set[str], now: set[str], asked: set[str]
) -> None:
    loaded, limits = load_files(office.settings, rules=False), query_limits(office.settings)
    before, after = (
        engine_of(rules_over(loaded, permit(*sorted(fields))), office.settings, 1)
        for fields in (was, now)
    )
    text = f"{{ persons {{ nodes {{ {' '.join(sorted({'idNumber', *asked}))} }} }} }}"
    digest = hashlib.sha256(text.encode()).hexdigest()
    made = agreed([text], [CALLER], [], engine=before, limits=limits, begin=office.now)
    bound = ApprovedBound(document=digest, serial=1, made_at=0, agreement=made)
    covered = Covered({digest: bound}, after, limits, office.now)
    try:
        covered.check(Request(text=text, subject=CALLER), digest)
    except HubError:
        runs = False
    else:
        runs = True
    assert runs is (now & asked <= was)


def test_who_approves(office: Bounded) -> None:
    office.configure(owner=True, retired=True)
    office.draft(permit("name"))
    bound = office.bound(PLAIN)
    for who in ("civil", "zhao", "stranger"):
        with pytest.raises(HubError) as error:
            office.allow(bound, who)
        assert error.value.code == "RELEASE_REFUSED"
    assert office.allow(bound)[0].serial == 1
    assert office.allow(bound, "wang")[0].serial == 2
    acts = [act[1:] for act in office.acts() if act[0] == "bound.approved"]
    assert acts == [
        ("civil-affairs", "RELEASE_REFUSED"), ("li", "ok"), ("wang", "ok"),
    ]  # fmt: skip


@pytest.mark.asyncio
async def test_a_caller_of_another_region_is_another_caller(office: Bounded) -> None:
    file = office.home / "civil.yaml"
    text = file.read_text().replace("    from:", "    region: place\n    from:")
    file.write_text(f"{text}      place: {{column: name, type: String}}\n")
    shown = permit("name", "place")["rules.yaml"]
    rows = "rows: {region_within: [row.region, subject.region]}\n"
    office.release({"rules.yaml": shown + rows})
    clerk, chief = (structs.replace(CALLER, region=region) for region in ("330102", "33"))
    async with office.worker() as hub:
        office.allow(office.bound(PLAIN, callers=(clerk,)))
        await hub.look()
        assert await told(hub, PLAIN, clerk) == "ok"
        assert await told(hub, PLAIN, chief) == "DOCUMENT_NOT_APPROVED"
        office.allow(office.bound(PLAIN, callers=(clerk, chief)))
        await hub.look()
        assert await told(hub, PLAIN, chief) == "ok"


def test_nothing_beyond_the_present_is_approved(office: Bounded) -> None:
    office.release(permit("name"))
    bound = office.bound(PLAIN)
    (operation,) = bound.operations
    wider = structs.replace(bound, operations=(structs.replace(operation, rows=900),))
    with pytest.raises(HubError, match="reveals less than that"):
        office.allow(structs.replace(wider, digest=digest_of(wider)))


@pytest.mark.asyncio
async def test_an_approval_is_withdrawn(office: Bounded) -> None:
    office.release(permit("name"))
    office.configure(owner=True, retired=True)
    file = office.home / "hub.yaml"
    file.write_text(file.read_text().replace("required: true", "required: true\n  bounds: true"))
    (bound,) = office.allow(office.bound(PLAIN))
    office.allow(office.bound(WHOLE))

    def withdrawn(who: str, document: str = bound.document) -> None:
        with office.desk() as desk:
            withdraw_bound(desk, document, office.key(who))

    async with office.worker() as hub:
        assert await told(hub, PLAIN) == "ok"
        for who in ("civil", "zhao", "stranger"):
            with pytest.raises(HubError, match=r"."):
                withdrawn(who)
        for document in ("", bound.document[:7], "0" * 64):
            with pytest.raises(HubError, match="no approved documents"):
                withdrawn("wang", document)
        withdrawn("wang", bound.document[:12])
        await hub.look()
        assert await told(hub, PLAIN) == "DOCUMENT_NOT_APPROVED"
        assert await told(hub, WHOLE) == "ok"
        with pytest.raises(HubError, match="withdrawn already"):
            withdrawn("wang")
    async with office.worker() as hub:
        assert await told(hub, PLAIN) == "DOCUMENT_NOT_APPROVED"
        assert office.allow(office.bound(PLAIN))[0].serial == 3
        await hub.look()
        assert await told(hub, PLAIN) == "ok"
    acts = {act[1:] for act in office.acts() if act[0] == "bound.withdrawn"}
    assert acts == {
        ("civil-affairs", "RELEASE_REFUSED"),
        ("wang", "RELEASE_REFUSED"),
        ("wang", "ok"),
    }


def test_what_is_more_already_is_not_approved(office: Bounded) -> None:
    bound = office.bound(PLAIN)
    office.release(permit("name"))
    with pytest.raises(HubError, match="can reveal more already"):
        office.allow(bound)


def altered(office: Bounded, statement: str) -> None:
    """Change the hub's database by hand."""
    file = office.settings.state.database_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(statement)


FIRST = "SELECT kind, {about}, {serial}, statement, recorded_at, recorded_by FROM vouched"


@pytest.mark.parametrize(
    "statement",
    [
        # an approval that was replaced, put in again as the newest
        f"INSERT INTO vouched {FIRST.format(about='about', serial=3)} WHERE serial = 1",
        "DELETE FROM vouched WHERE serial = 2",
        "UPDATE vouched SET serial = 3, statement = '{}' WHERE serial = 2",
    ],
)
@pytest.mark.asyncio
async def test_an_approval_changed_by_hand_is_none(office: Bounded, statement: str) -> None:
    office.release(permit("name"))
    office.allow(office.bound(PLAIN))
    office.allow(office.bound(PLAIN))
    async with office.worker() as hub:
        assert await told(hub, PLAIN) == "ok"
        altered(office, statement)
        await hub.look()
        assert await told(hub, PLAIN) == "DOCUMENT_NOT_APPROVED"


@pytest.mark.asyncio
async def test_an_approval_of_one_document_is_none_for_another(office: Bounded) -> None:
    office.release(permit("name", "salary"))
    office.allow(office.bound(PLAIN))
    other = hashlib.sha256(WHOLE.encode()).hexdigest()
    altered(office, f"INSERT INTO vouched {FIRST.format(about=repr(other), serial=1)}")
    async with office.worker() as hub:
        assert await told(hub, PLAIN) == "ok"
        assert await told(hub, WHOLE) == "DOCUMENT_NOT_APPROVED"


@pytest.mark.asyncio
async def test_a_signature_of_a_floor_is_no_approval(tmp_path: Path) -> None:
    office = Bounded(tmp_path)
    office.release(permit("name"))
    office.allow(office.bound(PLAIN))
    altered(office, "UPDATE vouched SET statement = (SELECT release FROM releases)")
    async with office.worker() as hub:
        assert await told(hub, PLAIN) == "DOCUMENT_NOT_APPROVED"


def test_approved_bounds_need_signed_rules(office: Bounded) -> None:
    file = office.home / "hub.yaml"
    file.write_text(file.read_text().replace("required: true", "required: false"))
    with pytest.raises(HubError, match="approved bounds need signed rules"):
        _ = office.settings
