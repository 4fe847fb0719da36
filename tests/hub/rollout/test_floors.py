"""What a department has signed of its own fields is the least that is served of them."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from hub.loading import load_files
from hub.rollout.floor import floor_of, lowered
from hub.rollout.floor_values import OwnerFloor
from hub.rollout.floors import keep_floors
from hub.rollout.release import canonical, read_signed
from schema.errors import HubError
from tests.hub.rollout.floored import BY_ROW, FIELDS, Floored
from tests.hub.rollout.office import asked, permit, sees

NAME = FIELDS["name"]
LOWER: dict[str, tuple[dict[str, str | None], str]] = {
    "a level": ({"salary": "{type: Int, label: public}"}, "`Person.salary`.*label is `public`"),
    "a category": ({"name": NAME.replace(", categories: [pi]", "")}, "lost the category `pi`"),
    "sharing": ({"name": NAME.replace("share: conditional, ", "share: unconditional, ")},
                "shared as `unconditional`, not `conditional`"),
    "a condition": ({"name": NAME.replace("for benefits", "for all")}, "condition .* gone"),
    "metadata": ({"name": NAME.replace("metadata: members, ", "")}, "metadata are `public`"),
    "a mask": ({"name": NAME.replace("keep_first: 2", "keep_first: 3")}, "`outcome`.*shows more"),
    "no mask": ({"name": NAME.replace("outcome: {mask: {partial: {keep_first: 2}}}, ", "")},
                "`outcome` is gone"),
    "a purpose": ({"name": NAME.replace("[administration]", "[administration, statistics]")},
                  "`purposes`.*wider"),
    "no purpose": ({"name": NAME.replace("purposes: [administration], ", "")},
                   "`purposes` are gone"),
    "a clearance": ({"name": NAME.replace("min_level: internal", "min_level: public")},
                    "`min_level` on `plain` is gone or below `internal`"),
    "rows": ({"by_row": None}, "rows no longer carry the label"),
    "what rows are found by": ({"name": NAME.replace("{type", "{column: alias, type")},
                               "rows no longer carry the label"),
    "the codes rows are found by": ({"name": NAME.replace("{type", "{values: {N1: N2}, type")},
                                    "rows no longer carry the label"),
    "a rename": ({"salary": None, "by_row": None,
                  "pay": "{column: salary, type: Int, label: public}"},
                 "`Person.pay`.*shows what `Person.salary` shows.*label is `public`"),
    "a twin": ({"pay": "{column: salary, type: Int, label: public}"},
               "`Person.pay`.*shows what `Person.salary` shows.*label is `public`"),
}  # fmt: skip
HIGHER: dict[str, dict[str, str | None]] = {
    "as it was": {},
    "a level": {"salary": "{type: Int, label: restricted}", "by_row": None},
    "a category": {"salary": "{type: Int, label: {level: internal, categories: [business]}}"},
    "sharing": {"name": NAME.replace("share: conditional, conditions: [for benefits]",
                                     "share: withheld, legal_basis: [a law]")},
    "a mask": {"name": NAME.replace("partial: {keep_first: 2}", "partial: {keep_first: 1}")},
    "all hidden": {"name": NAME.replace("{mask: {partial: {keep_first: 2}}}", "redact")},
    "a clearance": {"name": NAME.replace("min_level: internal", "min_level: restricted")},
    "gone": {"name": None, "by_row": None, "salary": "{type: Int, label: restricted}"},
    "a rename": {"salary": None, "by_row": None,
                 "pay": "{column: salary, type: Int, label: restricted}"},
    "a new rule": {"salary": "{type: Int, label: internal, floor: {outcome: redact}}"},
}  # fmt: skip


@pytest.fixture
def office(tmp_path: Path) -> Floored:
    office = Floored(tmp_path, owner=True)
    office.fragment(by_row=BY_ROW)
    return office


@pytest.mark.parametrize("name", list(LOWER))
def test_less_than_was_signed_is_told(office: Floored, name: str) -> None:
    fields, wanted = LOWER[name]
    assert office.keeps() is None
    office.sign_floor()
    assert office.keeps() is None
    office.fragment(**{"by_row": BY_ROW, **fields})
    said = office.keeps()
    assert said is not None
    assert said.startswith("FLOOR_LOWERED: ")
    assert re.search(wanted, said), said
    assert "civil-affairs" in said
    assert "civil.yaml:" in said
    assert "hub policy floor sign --lower" in said
    with pytest.raises(HubError) as error:
        office.sign_floor()
    assert error.value.code == "FLOOR_LOWERED"
    done = office.sign_floor(lower=True)
    assert (done.floor.serial, bool(done.less)) == (2, True)
    assert office.keeps() is None


GROUND: dict[str, tuple[str, str, str, str]] = {
    "its department's region": (
        "department: civil-affairs,", 'department: civil-affairs, region: "3301",',
        "department: civil-affairs,", "its department's region is another"),
    "another region": (
        "department: civil-affairs,", 'department: civil-affairs, region: "3301",',
        'department: civil-affairs, region: "3302",', "its department's region is another"),
    "whom a row is about": (
        "    share: unconditional\n", "    share: unconditional\n    data_subject: [name]\n",
        "    share: unconditional\n    data_subject: [idNumber]\n", "whom a row is about"),
    "where a row is placed": (
        "    share: unconditional\n", "    share: unconditional\n    region: idNumber\n",
        "    share: unconditional\n", "where a row is placed"),
    "a code list": (
        "idNumber: {column: id_number,", "idNumber: {codes: gb-t-2260, column: id_number,",
        "idNumber: {column: id_number,", "its code list"),
    "a format": (
        "idNumber: {column: id_number,", "idNumber: {format: cn-id-number, column: id_number,",
        "idNumber: {column: id_number,", "its format"),
}  # fmt: skip


@pytest.mark.parametrize("name", list(GROUND))
def test_what_rules_go_by_is_signed_too(office: Floored, name: str) -> None:
    plain, before, after, wanted = GROUND[name]
    file = office.home / "civil.yaml"
    text = file.read_text()
    assert plain in text
    file.write_text(text.replace(plain, before))
    office.sign_floor()
    assert office.keeps() is None
    file.write_text(text.replace(plain, after))
    said = office.keeps() or ""
    assert said.startswith("FLOOR_LOWERED: ")
    assert wanted in said


def test_a_source_under_another_name_has_the_same_columns(office: Floored) -> None:
    office.fragment(by_row=None)
    office.sign_floor()
    office.fragment(by_row=None, salary=None, pay="{column: salary, type: Int, label: public}")
    file = office.home / "civil.yaml"
    file.write_text(file.read_text().replace("name: civil,", "name: civil2,"))
    said = office.keeps() or ""
    assert re.search("`Person.pay`.*shows what `Person.salary` shows.*label is `public`", said)


@pytest.mark.parametrize("name", list(HIGHER))
def test_more_than_was_signed_needs_no_signature(office: Floored, name: str) -> None:
    office.sign_floor()
    office.fragment(**{"by_row": BY_ROW, **HIGHER[name]})
    assert office.keeps() is None


LEVELS = ("public", "internal", "confidential", "restricted")


@settings(
    deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.sampled_from(LEVELS), st.sampled_from(LEVELS))
def test_a_level_is_kept_as_the_ladder_says(office: Floored, was: str, now: str) -> None:
    office.fragment(salary=f"{{type: Int, label: {was}}}")
    before = load_files(office.settings, rules=False)
    floor = floor_of(before.catalogue, "civil-affairs")
    office.fragment(salary=f"{{type: Int, label: {now}}}")
    after = load_files(office.settings, rules=False)
    less = list(lowered(floor, after.catalogue, after.packs))
    assert bool(less) is (LEVELS.index(now) < LEVELS.index(was))


def test_another_owner_is_less(office: Floored) -> None:
    office.sign_floor()
    text = (office.home / "civil.yaml").read_text()
    (office.home / "civil.yaml").write_text(text.replace("civil-affairs", "tax"))
    assert "its owner is `tax`" in (office.keeps() or "")
    office.fragment(by_row=None, salary=None, pay="{column: salary, type: Int, label: restricted}")
    assert office.keeps() is None
    text = (office.home / "civil.yaml").read_text().replace("civil-affairs", "tax")
    (office.home / "civil.yaml").write_text(text)
    assert "`Person.pay`" in "".join(office.told())


def test_a_floor_that_went_does_not_come_back_with_less(office: Floored) -> None:
    office.sign_floor()
    office.fragment(by_row=None, salary=None)
    with pytest.raises(HubError, match="it is not served"):
        office.sign_floor()
    assert office.keeps() is None
    office.fragment(salary="{type: Int, label: public}")
    assert "`Person.salary`" in (office.keeps() or "")


def test_who_signs_a_floor(office: Floored) -> None:
    for who, wanted in (("li", "an officer signs no floor"), ("stranger", "not one of somebody")):
        with pytest.raises(HubError, match=wanted):
            office.sign_floor(who)
    office.sign_floor()
    assert [act for act in office.acts() if act[0] == "floor.signed"] == [
        ("floor.signed", "li", "RELEASE_REFUSED"),
        ("floor.signed", "civil-affairs", "ok"),
    ]


def altered(office: Floored, *statements: str) -> None:
    """Change the hub's database by hand."""
    file = office.settings.state.database_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(file)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


COPIED = (
    "INSERT INTO vouched SELECT kind, about, 3, statement, recorded_at, recorded_by"
    " FROM vouched WHERE serial = 1"
)
MADE_UP = (
    'UPDATE vouched SET statement = replace(statement, \'"payload": "ey\', \'"payload": "fy\')'
)
ANOTHERS = "UPDATE vouched SET about = 'tax'"


@pytest.mark.asyncio
async def test_nothing_is_released_over_less(office: Floored) -> None:
    office.release(permit())
    first, second = office.signed(permit("salary")), office.build(permit("name"))
    office.sign_floor()
    office.fragment(by_row=BY_ROW, salary="{type: Int, label: public}")
    for step in (
        lambda: office.build(permit("salary")),
        lambda: office.approve(second),
        lambda: office.activate(first),
        lambda: office.roll_back(1),
    ):
        with pytest.raises(HubError) as error:
            step()
        assert error.value.code == "FLOOR_LOWERED"
    office.fragment(by_row=BY_ROW)
    assert office.activate(first) == 2


@pytest.mark.asyncio
async def test_a_roll_back_brings_no_lower_floor_back(office: Floored) -> None:
    office.release(permit("salary"))
    before = (office.home / "civil.yaml").read_text()
    async with office.worker() as hub:
        assert await sees(hub, "salary")
        office.fragment(by_row=None, salary="{type: Int, label: restricted}")
        await hub.reload()
        office.sign_floor()
        await hub.look()
        office.release(permit("salary", "name"))
        assert office.roll_back(1) == 3
        await hub.look()
        assert hub.pipeline.engine.epoch == 3
        (office.home / "civil.yaml").write_text(before)
        with pytest.raises(HubError, match=r"Person\.salary"):
            office.roll_back(1)
        with pytest.raises(HubError, match=r"Person\.salary"):
            await hub.reload()
        # the last that was good is served
        assert hub.catalogue.types["Person"].fields["salary"].label.level("plain") == "restricted"
        assert await sees(hub, "salary")
        assert (await hub.ready())["rules"]


@pytest.mark.asyncio
async def test_a_hub_does_not_begin_with_less(office: Floored) -> None:
    office.release(permit("salary"))
    office.sign_floor()
    office.fragment(by_row=None, salary="{type: Int, label: public}")
    async with office.worker() as hub:
        assert not (await hub.ready())["rules"]
        assert await asked(hub, "salary") == "RULES_UNAVAILABLE"
        office.fragment(by_row=BY_ROW)
        await hub.reload()
        assert (await hub.ready())["rules"]
        assert await sees(hub, "salary")


@pytest.mark.asyncio
async def test_a_floor_that_is_raised_is_taken_up_with_its_fragment(office: Floored) -> None:
    office.release(permit("salary"))
    async with office.worker() as hub:
        office.fragment(by_row=None, salary="{type: Int, label: restricted}")
        office.sign_floor()
        await hub.look()
        assert (await hub.ready())["rules"]
        assert hub.catalogue.types["Person"].fields["salary"].label.level("plain") == "restricted"
        office.fragment(by_row=None, salary="{type: Int, label: public}")
        office.sign_floor(lower=True)
        await hub.look()
        await hub.reload()
        assert hub.catalogue.types["Person"].fields["salary"].label.level("plain") == "public"


@pytest.mark.parametrize("statement", [COPIED, "UPDATE vouched SET serial = 7"])
@pytest.mark.asyncio
async def test_a_floor_changed_by_hand_is_not_served_under(office: Floored, statement: str) -> None:
    office.release(permit("salary"))
    office.sign_floor()
    async with office.worker() as hub:
        assert await sees(hub, "salary")
        altered(office, statement)
        await hub.look()
        assert await asked(hub, "salary") == "RULES_UNAVAILABLE"
        with pytest.raises(HubError) as error:
            await hub.reload()
        assert error.value.code == "RELEASE_INVALID"


@pytest.mark.asyncio
async def test_a_statement_that_nobody_signed_is_no_floor(office: Floored) -> None:
    office.release(permit("salary"))
    office.sign_floor()
    altered(office, MADE_UP)
    async with office.worker() as hub:
        assert await asked(hub, "salary") == "RULES_UNAVAILABLE"
    with pytest.raises(HubError, match="does not verify"):
        office.sign_floor()
    office.sign_floor(lower=True)
    assert office.keeps() is None


@pytest.mark.asyncio
async def test_a_floor_that_is_gone_is_missed(office: Floored) -> None:
    office.release(permit("salary"))
    office.sign_floor()
    office.fragment(by_row=None, salary="{type: Int, label: restricted}")
    office.sign_floor()
    async with office.worker() as hub:
        altered(office, "DELETE FROM vouched WHERE serial = 2")
        await hub.look()
        assert await asked(hub, "salary") == "RULES_UNAVAILABLE"
        office.sign_floor()
        await hub.look()
        assert await sees(hub, "salary")


def test_one_departments_signature_is_none_for_another(office: Floored) -> None:
    office.sign_floor()
    config = (office.home / "hub.yaml").read_text()
    tax = "{department: tax, keys: [stranger.pub.json]}"
    (office.home / "hub.yaml").write_text(config.replace("owners: [", f"owners: [{tax}, "))
    altered(office, ANOTHERS)
    said = office.keeps() or ""
    assert said.startswith("RELEASE_INVALID: ")
    assert "the signed floor of `tax`" in said


def reweighed(office: Floored, **changes: object) -> str | None:
    """What is less once the packs say something else."""
    with office.desk() as desk:
        loaded = load_files(office.settings, rules=False)
        packs = structs.replace(loaded.packs, **changes)  # type: ignore[arg-type]
        scheme = packs.scheme
        catalogue = structs.replace(loaded.catalogue, scheme=scheme)
        try:
            keep_floors(desk, structs.replace(loaded, catalogue=catalogue, packs=packs))
        except HubError as error:
            return f"{error.code}: {error} ({error.hint})"
    return None


def test_packs_that_weigh_a_signed_word_otherwise_ask_for_a_signature(office: Floored) -> None:
    packs = load_files(office.settings, rules=False).packs
    scheme = packs.scheme
    (ladder,) = (one for one in scheme.ladders if one.id == "plain")
    others = tuple(one for one in scheme.ladders if one.id != "plain")
    swapped = structs.replace(
        ladder, levels=(ladder.levels[1], ladder.levels[0], *ladder.levels[2:])
    )
    changes = {
        "ladder `plain`": {"scheme": structs.replace(scheme, ladders=(*others, swapped))},
        "purpose `administration`": {"purposes": {**packs.purposes, "marketing": "administration"}},
        "category `pi`": {
            "scheme": structs.replace(scheme, categories={**scheme.categories, "pi": "all"})
        },
    }
    office.sign_floor()
    assert reweighed(office) is None
    assert reweighed(office, purposes={**packs.purposes, "else": None}) is None
    for word, change in changes.items():
        said = reweighed(office, **change) or ""
        assert said.startswith("FLOOR_LOWERED: ")
        assert f"the {word} of the rule packs is not the one it was signed by" in said
        assert "hub policy floor sign --lower" in said


def test_a_floor_signed_without_weights_is_still_read(office: Floored) -> None:
    found = load_files(office.settings, rules=False)
    old = floor_of(found.catalogue, "civil-affairs")
    assert b"weighed_by" not in canonical(old)
    assert read_signed(canonical(old), OwnerFloor) == old
    assert list(lowered(old, found.catalogue, found.packs)) == []
    bare = structs.replace(old, weighed_by={})
    assert {one.what.split("`")[0] for one in lowered(bare, found.catalogue, found.packs)} >= {
        "the ladder ", "the purpose ", "the category "
    }  # fmt: skip
