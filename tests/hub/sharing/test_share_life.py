"""The life of a share over HTTP: from the search to the end, with every clock and every answer."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from hub.directory.apart import separated
from hub.directory.entry import Department, DutyItem
from hub.directory.keeping import Directory
from hub.rollout.act import Acts
from hub.scorecard.clocks import departments_of
from hub.scorecard.figure import Period
from tests.hub.sharing.agency import (
    ASKS,
    AUDITS,
    DAY_S,
    FRIDAY,
    JUDGES,
    OWNS,
    REQUEST,
    TERMS,
    Agency,
    open_agency,
)


@pytest_asyncio.fixture
async def agency(tmp_path: Path) -> AsyncIterator[Agency]:
    async with open_agency(tmp_path) as made:
        yield made


@pytest.mark.asyncio
async def test_from_search_to_lapse(agency: Agency) -> None:
    found = await agency.ask(
        ASKS, '{ shareableFields(words: "工资") { coordinate owner share how } }'
    )
    assert [(one["coordinate"], one["owner"]) for one in found] == [
        ("Person.salary", "civil-affairs")
    ]
    assert await agency.ask(ASKS, '{ shareableFields(words: "watched") { coordinate } }') == []
    assert await agency.ask(ASKS, '{ shareableFields(words: "inner") { coordinate } }') == []
    assert (await agency.rows("salary")) == []
    at = await agency.submitted()
    # what is unconditional is granted at once, the rest waits for its owner
    given, waits = at["parts"] if at["parts"][0]["unconditional"] else at["parts"][::-1]
    assert (given["state"], given["fields"], given["answeredBy"]) == (
        "GRANTED",
        ["Person.idNumber"],
        "hub",
    )
    assert (waits["state"], waits["fields"], waits["late"]) == ("WAITING", ["Person.salary"], False)
    # ten working days: the Sunday 20th is worked, 25th to 27th and 1st to 7th are not
    assert waits["due"] == "2026-10-09T16:00:00+00:00"
    await agency.look()
    told = await agency.read("idNumber", "salary")
    assert all(row["idNumber"].startswith("id") for row in told["data"]["persons"]["nodes"])
    assert len(told["data"]["persons"]["nodes"]) == 2
    assert {row["salary"] for row in told["data"]["persons"]["nodes"]} == {None}
    number, revision = waits["number"], at["revision"]
    narrower = {
        **TERMS,
        "fields": {"Person.salary": {"mask": {"bucket": {"width": 1000}}}},
        "expires": "2026-12-31",
    }
    at = await agency.taken(
        OWNS,
        "agreeToShare",
        id=at["id"],
        part=number,
        basedOn=revision,
        terms=narrower,
        said="enough",
    )
    assert (at["state"], at["parts"][number]["state"]) == ("ANSWERED", "AGREED")
    await agency.look()
    told = await agency.read("idNumber", "salary")
    assert [row["salary"] for row in told["data"]["persons"]["nodes"]] == [1000, 1000]
    assert told["extensions"]["governance"]["obligations"] == {"noOnwardTransfer": True}
    grant = at["parts"][number]["grant"]
    rules = {
        rule
        for entry in agency.entries()
        for rule in bytes(entry.fields).decode().split('"')
        if "grant." in rule
    }
    assert f"grant.{grant}" in rules
    # the last day passes, and it gives nothing any more
    agency.now[0] += 120 * DAY_S
    told = await agency.read("idNumber", "salary")
    assert {row["salary"] for row in told["data"]["persons"]["nodes"]} == {None}
    assert ("share.submit", "app:desk|user:sun", "ok") in agency.acts()
    assert ("share.agree", "app:desk|user:zhang", "ok") in agency.acts()


@pytest.mark.asyncio
async def test_what_an_answer_may_not_give(agency: Agency) -> None:
    at = await agency.submitted(
        terms={**TERMS, "fields": {"Person.salary": {"mask": {"bucket": {"width": 1000}}}}}
    )
    given = {"id": at["id"], "part": 0, "basedOn": at["revision"]}
    for wider in (
        {"fields": {"Person.salary": "allow"}},
        {"fields": {"Person.salary": {"mask": {"bucket": {"width": 100}}}}},
        {"fields": {"Person.district": "allow"}},
        {"modes": ["read", "filter"]},
        {"expires": "2027-09-30"},
        {"from": "2026-08-01"},
        {"purpose": "tax"},
    ):
        terms = {
            **TERMS,
            "fields": {"Person.salary": {"mask": {"bucket": {"width": 1000}}}},
            **wider,
        }
        done = await agency.step(OWNS, "agreeToShare", **given, terms=terms)
        assert done.get("code") == "SHARE_INVALID", wider
        assert "more than was asked for" in done["message"], wider
    own = {**OWNS, "user": "sun"}
    assert (await agency.step(own, "agreeToShare", **given)).get("code") == "SHARE_REFUSED"
    other = {**OWNS, "department": "health"}
    assert (await agency.step(other, "agreeToShare", **given)).get("code") == "NOT_FOUND"
    for claims in (ASKS, JUDGES, AUDITS):
        assert (await agency.step(claims, "agreeToShare", **given)).get("code") == "FORBIDDEN"
    narrowed = {**TERMS, "fields": {"Person.salary": {"mask": {"bucket": {"width": 2000}}}},
                "rows": {"eq": ["row.district", "d"]}, "obligations": ["case_id"]}  # fmt: skip
    await agency.taken(OWNS, "agreeToShare", **given, terms=narrowed)
    late = await agency.step(OWNS, "agreeToShare", **given)
    assert late.get("code") == "EDIT_CONFLICT"


@pytest.mark.asyncio
async def test_what_cannot_be_asked_for(agency: Agency) -> None:
    for changed, said in (
        ({"terms": {**TERMS, "fields": {"Person.watched": "allow"}}}, "there is no field"),
        ({"terms": {**TERMS, "fields": {"Person.nothing": "allow"}}}, "there is no field"),
        ({"terms": {**TERMS, "fields": {"Person.inner": "allow"}}}, "there is no field"),
        ({"terms": {**TERMS, "fields": {}}}, "1 to 200 fields"),
        ({"terms": {**TERMS, "purpose": "no-such"}}, "purpose"),
        ({"terms": {**TERMS, "expires": "2030-01-01"}}, "too long"),
        ({"terms": {**TERMS, "from": "2020-01-01", "expires": "2020-02-01"}}, "over"),
        ({"terms": {**TERMS, "modes": ["everything"]}}, "everything"),
        ({"legalBasis": " "}, "legal_basis"),
    ):
        done = await agency.step(ASKS, "writeShareRequest", request={**REQUEST, **changed})
        assert done.get("code") == "SHARE_INVALID", (changed, done)
        told = done["message"] + str(done["problems"])
        assert said in told, told
    at = await agency.taken(
        ASKS,
        "writeShareRequest",
        request={**REQUEST, "terms": {**TERMS, "fields": {"Person.aid": "allow"}}},
    )
    done = await agency.step(ASKS, "submitShareRequest", id=at["id"], basedOn=at["revision"])
    assert done.get("code") == "SHARE_REFUSED"
    assert "is not shared" in done["message"]
    other = {**REQUEST, "department": "health"}
    assert (await agency.step(ASKS, "writeShareRequest", request=other)).get("code") == "FORBIDDEN"


def timeliness(agency: Agency) -> tuple[float | None, list[str]]:
    """How well the owner has kept its clocks so far."""
    hub = agency.hub
    cards = departments_of(hub.settings, hub.database, hub.catalogue)
    period = Period(name="so far", start=FRIDAY, end=agency.now[0])
    found = cards.explain("civil-affairs", "timeliness", period)
    return found.value, [f"in time {found.parts['in time']} of {found.parts['due']}"]


@pytest.mark.asyncio
async def test_a_refusal_its_dispute_and_a_late_answer(agency: Agency) -> None:
    only = {**TERMS, "fields": {"Person.salary": "allow"}}
    at = await agency.submitted(terms=only)
    given = {"id": at["id"], "part": 0}
    agency.now[0] += 30 * DAY_S
    assert timeliness(agency) == (0.0, ["in time 0 of 1"])
    shown = await agency.ask(JUDGES, "{ shareRequests { parts { late state } } }")
    assert shown == [{"parts": [{"late": True, "state": "WAITING"}]}]
    await agency.look()
    assert (await agency.rows("salary")) == []  # silence gives nothing
    at = await agency.taken(
        OWNS,
        "refuseShare",
        **given,
        basedOn=at["revision"],
        reason="MORE_THAN_NECESSARY",
        said="use bands",
    )
    assert at["parts"][0]["reason"] == "MORE_THAN_NECESSARY"
    at = await agency.taken(
        ASKS, "disputeRefusal", **given, basedOn=at["revision"], reason="bands do not do"
    )
    assert (
        await agency.step(
            OWNS, "judgeDispute", **given, basedOn=at["revision"], judgement="UPHOLD", said="x"
        )
    ).get("code") == "FORBIDDEN"
    at = await agency.taken(
        JUDGES,
        "judgeDispute",
        **given,
        basedOn=at["revision"],
        judgement="RECONSIDER",
        said="look again",
    )
    assert (at["parts"][0]["state"], at["parts"][0]["late"]) == ("WAITING", False)
    at = await agency.taken(
        OWNS, "refuseShare", **given, basedOn=at["revision"], reason="LAW_FORBIDS", said="article 9"
    )
    at = await agency.taken(
        ASKS, "disputeRefusal", **given, basedOn=at["revision"], reason="it does not"
    )
    at = await agency.taken(
        JUDGES, "judgeDispute", **given, basedOn=at["revision"], judgement="UPHOLD", said="it does"
    )
    assert (at["state"], at["parts"][0]["state"]) == ("ANSWERED", "REFUSED")
    shown = await agency.ask(
        AUDITS, "query($i: String!) { shareRequest(id: $i) { steps { act by } } }", i=at["id"]
    )
    assert [one["act"] for one in shown["steps"]] == [
        "write", "submit", "refuse", "dispute", "reconsider", "refuse", "dispute", "uphold",
    ]  # fmt: skip


@pytest.mark.asyncio
async def test_acceptance_renewal_certificate_withdrawal(agency: Agency) -> None:
    only = {**TERMS, "fields": {"Person.salary": "allow"}}
    at = await agency.submitted(terms=only, recipientAck=True)
    at = await agency.taken(OWNS, "agreeToShare", id=at["id"], part=0, basedOn=at["revision"])
    grant = at["parts"][0]["grant"]
    await agency.look()
    assert (await agency.rows("salary")) == []
    assert (await agency.step(OWNS, "acceptGrant", grant=grant)).get("code") == "FORBIDDEN"
    await agency.taken(ASKS, "acceptGrant", grant=grant)
    await agency.look()
    assert len(await agency.rows("salary")) == 2
    agency.now[0] += DAY_S
    sure = await agency.taken(OWNS, "certifyGrant", grant=grant)
    assert sure["certifiedAt"] == "2026-09-19T01:00:00+00:00"
    again = await agency.taken(ASKS, "renewShare", grant=grant, expires="2028-01-31")
    assert again["state"] == "DRAFT"
    done = await agency.step(
        ASKS, "withdrawShareRequest", id=again["id"], basedOn=again["revision"], reason=" "
    )
    assert done.get("code") == "SHARE_INVALID"
    gone = await agency.taken(
        ASKS, "withdrawShareRequest", id=again["id"], basedOn=again["revision"], reason="not needed"
    )
    assert gone["state"] == "WITHDRAWN"


@pytest.mark.asyncio
async def test_a_duty_that_the_directory_has(tmp_path: Path) -> None:
    async with open_agency(tmp_path, "directory: {enabled: true, unknown: claims}\n") as agency:
        settings, database = agency.hub.settings, agency.hub.database
        kept = Directory(
            database, separated(settings), Acts(database, settings, lambda: FRIDAY),
            clock=lambda: FRIDAY,
        )  # fmt: skip
        kept.set(Department(id="tax"), by="test")
        item = {"id": "tax-audit-01", "department": "tax", "legal_basis": ("article 6",)}
        for known, said in (
            (None, "no such duty item"),
            ({"purposes": frozenset({"statistics"})}, "not for this purpose"),
            ({"valid_until": dt.date(2026, 1, 1)}, "no such duty item"),
            ({}, None),
        ):
            if known is not None:
                kept.set(DutyItem(**item, **known), by="test")  # type: ignore[arg-type]
            done = await agency.step(ASKS, "writeShareRequest", request=REQUEST)
            assert (done.get("message") is None) == (said is None), done
            assert said is None or said in done["message"]
