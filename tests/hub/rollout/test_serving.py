"""Workers serve what is in force: nothing before the first release, one epoch at a time, never
what was superseded."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from msgspec import structs

from hub.audit.entry import Entry
from hub.query.inforce import STALE_S, InForce
from hub.query.request import Request
from hub.settings import read_settings
from hub.wiring import Hub
from schema.errors import HubError
from tests.hub.rollout.office import CALLER, DAY, NOW, Office, asked, permit, sees
from tests.properties.cases import EPOCH_MANY_SERIES, EPOCH_SERIES

GRANT = """\
grant: g-1
grantee: {{app: benefits}}
purpose: {{descendant_of: administration}}
fields: {{Person.salary: allow}}
from: 2026-01-01
expires: 2026-12-31
zone: UTC
{revoked}
"""


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def altered(office: Office, statement: str) -> None:
    """Change the hub's database by hand."""
    file = office.settings.state.database_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(statement)


async def granted(hub: Hub) -> bool:
    """Whether the grant shows its field to its grantee, for its purpose."""
    caller = structs.replace(CALLER, purposes=frozenset({"administration"}))
    text = "{ persons { nodes { salary } } }"  # which comes first differs from hub to hub
    request = Request(text=text, subject=caller, purpose="administration")
    return "1000" in (await hub.pipeline.answer(request)).body.decode()


@pytest.mark.asyncio
async def test_before_the_first_release_nobody_is_permitted_anything(office: Office) -> None:
    async with office.worker() as hub:
        assert not await sees(hub, "name")
        assert (await hub.ready())["rules"]
        office.release(permit("name"))
        await hub.look()
        assert await sees(hub, "name")
        assert hub.pipeline.engine.epoch == 1
    entries = [one for one in office.log() if isinstance(one, Entry)]
    assert [one.epoch for one in entries] == [0, 1]


@pytest.mark.asyncio
async def test_a_grant_opens_nothing_before_the_first_release(office: Office) -> None:
    (office.home / "grants.yaml").write_text(GRANT.format(revoked=""))
    office.configure(grants=True)
    async with office.worker() as hub:
        assert not await granted(hub)
        office.release(permit())
        await hub.look()
        assert await granted(hub)


@pytest.mark.asyncio
async def test_drafts_are_not_in_force(office: Office) -> None:
    office.release(permit("name"))
    (office.home / "drafts" / "rules.yaml").write_text("not: [a rule")
    async with office.worker() as hub:
        assert await sees(hub, "name")
        await hub.reload()
        assert await sees(hub, "name")
        assert all(path.name != "drafts" for path in hub.watched())


@pytest.mark.asyncio
async def test_files_are_in_force_where_no_release_is_required(tmp_path: Path) -> None:
    office = Office(tmp_path, required=False)
    office.release(permit("salary"))
    async with office.worker() as hub:
        assert await sees(hub, "name")
        assert not await sees(hub, "salary")


@pytest.mark.asyncio
async def test_two_workers_follow_one_database(office: Office) -> None:
    async with office.worker() as one, office.worker() as two:
        for rules, seen in ((permit("name", "salary"), True), (permit("name"), False)):
            office.release(rules)
            for hub in (one, two):
                await hub.look()
                assert await sees(hub, "salary") is seen
        assert one.pipeline.engine.epoch == two.pipeline.engine.epoch == 2


@pytest.mark.asyncio
async def test_a_worker_looks_by_itself(office: Office) -> None:
    async with office.worker() as hub:
        await asyncio.to_thread(office.release, permit("name"))
        async with asyncio.timeout(60):
            while hub.pipeline.engine.epoch != 1:  # noqa: ASYNC110  # nobody tells of a look
                await asyncio.sleep(0)


@pytest.mark.asyncio
async def test_a_schedule_begins_at_its_time(office: Office) -> None:
    office.release(permit("name"))
    office.release(permit("name", "salary"), at=NOW + DAY)
    async with office.worker() as hub:
        assert not await sees(hub, "salary")
        office.now += DAY
        await hub.look()
        assert await sees(hub, "salary")
        assert hub.pipeline.engine.epoch == 2


@pytest.mark.asyncio
async def test_an_epoch_that_does_not_fit_is_not_replaced_by_the_one_before(
    office: Office,
) -> None:
    office.release(permit("name", "salary"))
    fragment = office.home / "civil.yaml"
    whole = fragment.read_text()
    fragment.write_text(whole.replace("      salary: {type: Int}\n", ""))
    async with office.worker() as hub:
        assert await asked(hub, "name") == "RULES_UNAVAILABLE"
        assert not (await hub.ready())["rules"]
        await hub.look()
        assert await asked(hub, "name") == "RULES_UNAVAILABLE"
        fragment.write_text(whole)
        await hub.reload()
        assert await sees(hub, "salary")
    # the other way round: what is served does not fit a newer catalogue, which is not taken up
    async with office.worker() as hub:
        fragment.write_text(whole.replace("      salary: {type: Int}\n", ""))
        with pytest.raises(HubError):
            await hub.reload()
        assert await sees(hub, "salary")
        fragment.write_text(whole)
        office.activate(office.build(permit("name")))
        fragment.write_text(whole.replace("      name: {type: String}\n", ""))
        await hub.look()
        assert await sees(hub, "name")
        assert not await sees(hub, "salary")


@pytest.mark.asyncio
async def test_other_rule_packs_than_were_signed_do_not_fit(office: Office) -> None:
    office.release(permit("name"))
    config = office.home / "hub.yaml"
    config.write_text(config.read_text() + "packs: [plain, gdpr]\n")
    async with office.worker() as hub:
        assert await asked(hub, "name") == "RULES_UNAVAILABLE"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE releases SET release = replace(release, 'payload\": \"ey', 'payload\": \"eY')",
        "UPDATE releases SET digest = 'other'",
        "UPDATE releases SET epoch = 7 WHERE epoch = 2",
        "UPDATE releases SET release = (SELECT release FROM releases WHERE epoch = 1)"
        " WHERE epoch = 2",
        "UPDATE releases SET active_from = active_from + 8640000 WHERE epoch = 2",
        "DELETE FROM releases WHERE epoch = 1",
        "UPDATE releases SET rollback = NULL WHERE epoch = 3",
    ],
)
@pytest.mark.asyncio
async def test_a_database_changed_by_hand_is_not_served(office: Office, statement: str) -> None:
    office.release(permit("name", "salary"))
    office.activate(office.build(permit("name")))
    if "rollback" in statement:
        office.roll_back(1)
    altered(office, statement)
    office.now += 200 * DAY
    async with office.worker() as hub:
        served = hub.pipeline.engine.epoch if await asked(hub, "name") != "RULES_UNAVAILABLE" else 0
    # moving an epoch's row elsewhere leaves a gap that its successor is not signed for
    assert served == (7 if "epoch = 7" in statement else 0)


@pytest.mark.asyncio
async def test_a_key_that_is_taken_out_takes_its_releases_with_it(office: Office) -> None:
    office.activate(office.approve(office.build(permit("name"), by="zhao")))
    config = office.home / "hub.yaml"
    text = config.read_text()
    config.write_text("".join(line for line in text.splitlines(True) if "zhao" not in line))
    async with office.worker() as hub:
        assert await asked(hub, "name") == "RULES_UNAVAILABLE"
        # the same rules are released anew; what they show counts as more
        made = office.build(permit("name"))
        with pytest.raises(HubError):
            office.activate(made)
        assert office.activate(office.approve(made)) == 2
        await hub.look()
        assert await sees(hub, "name")


@pytest.mark.asyncio
async def test_a_database_that_lost_its_newest_epoch_is_not_served(office: Office) -> None:
    office.release(permit("name", "salary"))
    office.activate(office.build(permit("name")))
    async with office.worker() as hub:
        altered(office, "UPDATE releases SET dropped = 1 WHERE epoch = 2")
        await hub.look()
        assert await asked(hub, "name") == "RULES_UNAVAILABLE"
        with pytest.raises(HubError):
            await hub.reload()
        altered(office, "UPDATE releases SET dropped = 0 WHERE epoch = 2")
        await hub.look()
        assert await sees(hub, "name")


def test_a_worker_that_cannot_look_stops_answering() -> None:
    now = 0.0
    in_force = InForce(lambda: now)
    in_force.begin(1)
    in_force.seen()
    now = STALE_S
    in_force.begin(1)
    now = STALE_S + 0.1
    with pytest.raises(HubError) as error:
        in_force.begin(1)
    assert error.value.code == "RULES_UNAVAILABLE"
    in_force.end(1)


@pytest.mark.asyncio
async def test_going_back_brings_no_grant_back(office: Office) -> None:
    """Grants are state of their own: what was revoked since is revoked under old rules too."""
    grants = office.home / "grants.yaml"
    grants.write_text(GRANT.format(revoked=""))
    office.configure(grants=True)
    office.release(permit("name"))
    async with office.worker() as hub:
        assert await granted(hub)
        office.activate(office.build(permit()))
        grants.write_text(GRANT.format(revoked="revoked: 2026-06-01T10:00:00+08:00"))
        await hub.reload()
        await hub.look()
        assert not await granted(hub)
        office.roll_back(1)
        await hub.look()
        assert hub.pipeline.engine.epoch == 3
        assert await sees(hub, "name")
        assert not await granted(hub)


@pytest.mark.asyncio
async def test_cursors_end_with_their_epoch(office: Office) -> None:
    office.release(permit("name"))
    async with office.worker() as hub:
        cursor = (await asked(hub))["pageInfo"]["endCursor"]
        assert [row["idNumber"] for row in (await asked(hub, after=cursor))["nodes"]] == [
            "id2", "id3",
        ]  # fmt: skip
        office.release(permit("name", "salary"))
        await hub.look()
        assert await asked(hub, after=cursor) == "BAD_CURSOR"
        office.roll_back(1)
        await hub.look()
        assert await asked(hub, after=cursor) == "BAD_CURSOR"


@pytest.mark.asyncio
async def test_an_operation_ends_under_the_epoch_it_began_with(office: Office) -> None:
    office.release(permit("name", "salary"))
    async with office.worker() as hub:
        for revoke, told in ((False, None), (True, "EPOCH_REVOKED")):
            began = hub.pipeline
            fetch = began._fetch  # the fetch is where time passes

            async def slow(runner: object, run: object, fetch=fetch, revoke=revoke) -> object:  # type: ignore[no-untyped-def]
                data = await fetch(runner, run)
                office.activate(office.build(permit("name")))
                if revoke:
                    office.roll_back(hub.pipeline.engine.epoch - 1, revoke=True)
                await hub.look()
                return data

            began._fetch = slow  # type: ignore[method-assign, assignment]
            found = await asked(hub, "salary")
            assert (found if isinstance(found, str) else None) == told
            office.release(permit("name", "salary"))
            await hub.look()


RULES = [permit(), permit("name"), permit("salary"), permit("name", "salary")]
SEEN = [set(), {"name"}, {"salary"}, {"name", "salary"}]


series = given(steps=st.lists(st.integers(0, 3), min_size=2, max_size=4), data=st.data())
drawn = settings(
    max_examples=EPOCH_SERIES,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@drawn
@series
def test_no_answer_mixes_epochs(
    tmp_path_factory: pytest.TempPathFactory, steps: list[int], data: st.DataObject
) -> None:
    """Epochs come one after the other while two workers answer; each answer is that of the one
    epoch that the audit log names for it, in data and in what exists."""
    office = Office(tmp_path_factory.mktemp("epochs"))
    wanted = data.draw(
        st.lists(st.sampled_from([(), ("name",), ("salary",), ("name", "salary")]), min_size=1)
    )
    answers: list[tuple[str, tuple[str, ...], set[str]]] = []

    async def ask(hub: Hub, stop: asyncio.Event) -> None:
        while not stop.is_set():
            for fields in wanted:
                chosen = " ".join(("idNumber", *fields))
                text = f"{{ persons(first: 9) {{ nodes {{ {chosen} }} }} }}"
                answer = await hub.pipeline.answer(Request(text=text, subject=CALLER))
                persons = orjson.loads(answer.body).get("data", {}).get("persons", {})
                rows = persons.get("nodes", ())
                shown = {name for row in rows for name in row if row[name] is not None}
                answers.append((answer.operation_id, fields, shown))
            await asyncio.sleep(0)

    async def run() -> None:
        async with office.worker() as one, office.worker() as two:
            stop = asyncio.Event()
            asking = [asyncio.create_task(ask(hub, stop)) for hub in (one, two)]
            for step in steps:
                await asyncio.to_thread(office.release, RULES[step])
                for hub in (one, two):
                    await hub.look()
            stop.set()
            await asyncio.gather(*asking)

    asyncio.run(run())
    epochs = {one.operation_id: one.epoch for one in office.log() if isinstance(one, Entry)}
    assert len(answers) == len(epochs)
    for operation_id, fields, shown in answers:
        epoch = epochs[operation_id]
        assert shown == ({"idNumber", *(SEEN[steps[epoch - 1]] & set(fields))} if epoch else set())


@pytest.mark.slow
@pytest.mark.timeout(900)
@settings(drawn, max_examples=EPOCH_MANY_SERIES)
@series
def test_no_answer_mixes_epochs_in_many_series(
    tmp_path_factory: pytest.TempPathFactory, steps: list[int], data: st.DataObject
) -> None:
    test_no_answer_mixes_epochs.hypothesis.inner_test(tmp_path_factory, steps, data)  # type: ignore[attr-defined]


def test_too_few_officers_are_refused(office: Office) -> None:
    config = office.home / "hub.yaml"
    text = config.read_text().replace("    - {id: wang, keys: [wang.pub.json]}\n", "")
    config.write_text(text.replace("retired: false", "retired: true"))
    with pytest.raises(HubError) as error:
        read_settings(config, {})
    assert error.value.message == "there are too few officers to sign"
