"""What somebody tries who wants to get past the officers, or to take the hub's word for more."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.loading import load_files
from hub.rollout.release import Evidence, read_release
from hub.rollout.signature import RELEASE, Envelope, opened
from schema.errors import HubError
from tests.hub.rollout.office import Office, asked, permit, refused, sees
from tests.hub.rollout.test_serving import GRANT, altered

MOSAIC = {"m.yaml": "mosaic: paid\nfields: [Person.name, Person.salary]\nmost: 1\n"}
QUOTA = "obligations: [{quota: {rows: 5, per: day}}]\n"


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def evidence(office: Office, made: Envelope) -> Evidence:
    """What a release says of itself."""
    with office.desk() as desk:
        return read_release(opened(made, desk.signers, RELEASE)[0]).evidence


@pytest.mark.parametrize(
    ("after", "told"),
    [
        ({}, "no longer in force: `paid@1`: at most 1 of (Person.name) + (Person.salary)"),
        ({"m.yaml": MOSAIC["m.yaml"].replace("most: 1", "most: 1\nsubjects: {app: tax}")}, "paid"),
    ],
)
def test_a_mosaic_that_goes_needs_two_and_is_told(
    office: Office, after: dict[str, str], told: str
) -> None:
    office.release({**permit("name", "salary"), **MOSAIC})
    made = office.build({**permit("name", "salary"), **after})
    assert evidence(office, made).change.kind == "undecided"
    assert any(told in note for note in evidence(office, made).notes)
    with pytest.raises(HubError) as error:
        office.activate(made)
    assert refused(error.value) == (
        "RELEASE_REFUSED",
        "1 of 2 officers have signed what may show more",
    )


def test_a_mosaic_that_goes_concerns_owners_whatever_else_is_shown(office: Office) -> None:
    """One field more is decided; what goes with the mosaic is not, and is every owner's."""
    office.release({**permit("name"), **MOSAIC})
    made = office.build(permit("name", "salary"))
    change = evidence(office, made).change
    assert (change.kind, change.owners) == ("loosening", ("civil-affairs",))


def test_a_permit_beside_one_with_a_quota_frees_of_it(office: Office) -> None:
    tied = {"tied.yaml": permit("name")["rules.yaml"].replace("shown", "tied") + QUOTA}
    office.release(tied)
    made = office.build({**tied, **permit("name")})
    assert evidence(office, made).change.kind == "undecided"


def test_a_quota_in_hours_only_is_no_equal_rule(office: Office) -> None:
    limit = (
        "policy: limit\neffect: require\nsubjects: {app: benefits}\n"
        "resources: {fields: [Person.name]}\n" + QUOTA
    )
    office.release({**permit("name"), "limit.yaml": limit})
    window = 'window: {from: "08:00", to: "09:00", zone: Asia/Shanghai}\n'
    made = office.build({**permit("name"), "limit.yaml": limit + window})
    assert evidence(office, made).change.kind == "undecided"


def test_another_name_does_not_begin_a_quota_anew_unseen(office: Office) -> None:
    tied = permit("name")["rules.yaml"] + QUOTA
    office.release({"rules.yaml": tied})
    made = office.build({"rules.yaml": tied.replace("shown", "renamed")})
    assert evidence(office, made).change.kind == "undecided"


def test_another_name_does_not_begin_a_mosaic_anew_unseen(office: Office) -> None:
    daily = MOSAIC["m.yaml"] + "within: day\n"
    office.release({**permit("name", "salary"), "m.yaml": daily})
    made = office.build({**permit("name", "salary"), "m.yaml": daily.replace("paid", "other")})
    assert evidence(office, made).change.kind == "undecided"


def test_a_test_that_is_dropped_is_told(office: Office) -> None:
    test = (
        "test: no salaries\nsubject: {app: benefits, clearance: {plain: restricted}}\n"
        "expect: [{use: Person.salary, outcome: 'null'}]\n"
    )
    office.activate(office.approve(office.build(permit("name"), tests={"t.yaml": test})))
    told = "no longer tested, or otherwise: no salaries"
    kept = office.build(permit(), tests={"u.yaml": test.replace("test: no", "test: still no")})
    assert told not in evidence(office, kept).notes
    assert told in evidence(office, office.build(permit())).notes


@pytest.mark.asyncio
async def test_a_row_that_cannot_be_read_is_not_overlooked(office: Office) -> None:
    """A running worker does not go on with the looser rules before it."""
    office.release(permit("name", "salary"))
    async with office.worker() as hub:
        assert await sees(hub, "salary")
        office.activate(office.build(permit("name")))
        altered(office, "UPDATE releases SET kind = x'00' WHERE epoch = 1")
        await hub.look()
        assert await asked(hub, "salary") == "RULES_UNAVAILABLE"
        altered(office, "UPDATE releases SET kind = 'loosening' WHERE epoch = 1")
        await hub.look()
        assert await sees(hub, "name")
        assert not await sees(hub, "salary")


def test_without_a_key_that_is_known_to_others_the_hub_goes_on(office: Office) -> None:
    """Its releases hold no more; one goes back, or releases anew as over nothing."""
    office.release(permit("name"))
    office.activate(office.approve(office.build(permit("name", "salary")), by="zhao"))
    config = office.home / "hub.yaml"
    kept = [line for line in config.read_text().splitlines() if "zhao" not in line]
    config.write_text("\n".join(kept))
    made = office.build(permit("name"))
    assert evidence(office, made).change.kind == "loosening"
    assert office.roll_back(1) == 3
    assert office.activate(office.approve(office.build(permit("name", "salary")))) == 4


def simulated(office: Office, rules: dict[str, str], base: dict[str, str]) -> dict[str, object]:
    gate = office.gate()
    return {
        "summary": {
            "base": {"digest": gate.stamp(base), "epoch": 0},
            "candidate": {"digest": gate.stamp(rules)},
            "catalogue": load_files(office.settings, rules=False).catalogue.version,
            "verdict": "none",
            "recorded": {"operations": 1, "asked": 1},
            "counts": {"gains": {"operations": 1, "asked": 1}},
        }
    }


def test_a_simulation_is_of_the_rules_that_are_signed(office: Office) -> None:
    rules, other = permit("name", "salary"), permit("name")
    for candidate, base, message in (
        (other, {}, "the simulation is of other rules"),
        (rules, other, "the simulation is against rules that are not in force"),
    ):
        with pytest.raises(HubError) as error:
            office.build(rules, simulation=simulated(office, candidate, base))
        assert refused(error.value) == ("RELEASE_REFUSED", message)
    office.approve(office.build(rules, simulation=simulated(office, rules, {})))


def test_what_grants_open_is_more_than_nothing(office: Office) -> None:
    """The first release puts grants in force too, even where its rules only forbid."""
    (office.home / "grants.yaml").write_text(GRANT.format(revoked=""))
    office.configure(grants=True)
    forbids = {"rules.yaml": permit("name")["rules.yaml"].replace("permit", "forbid")}
    made = office.build(forbids)
    assert evidence(office, made).change.kind in ("loosening", "both")
