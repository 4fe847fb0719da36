"""Keyed masks through the whole pipeline: whose tokens are equal, and noise that stays."""

from __future__ import annotations

import asyncio
import base64
import hmac
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from connectors.memory import EVERYTHING
from connectors.spi import Capabilities
from hub.query.answer import Request
from hub.query.keys import Keyring
from hub.query.profile import Profile
from policies.ruling import Allow, Masked, Outcome, Rowwise
from schema.model.names import DepartmentName
from schema.model.predicate import TRUE, Compare, Const
from schema.model.subject import Subject
from tests.hub.query.small import CATALOGUE, OTHER, SUBJECT, TABLES, PlainEngine, Small
from tests.hub.query.test_pass_through import passing

SECRET = b"m" * 48
SCORES = "{ persons { nodes { score } } }"
NUMBERS = "{ persons { nodes { number } } jobs { nodes { personNumber } } }"
WEAK = [
    EVERYTHING,
    Capabilities(predicates=EVERYTHING.predicates, orders=True, limits=True, max_keys=100),
    Capabilities(max_keys=1),
]
CLERK = structs.replace(SUBJECT, department=DepartmentName("civil"), purposes=frozenset("pq"))
COLLEAGUE = structs.replace(
    OTHER, department=DepartmentName("civil"), purposes=frozenset("pq")
)  # fmt: skip


def masked(mask: str, **params: str | int) -> Masked:
    return Masked(mask, tuple(sorted(params.items())))


def token(**params: str | int) -> Masked:
    return masked("tokenise", **{"key_scope": "app", **params})


def noise(**params: str | int) -> Masked:
    return masked("noise", **{"epsilon": "0.05", "bound": "60", "kind": "Decimal", **params})


def world(outcomes: Mapping[str, Outcome], **more: Any) -> Small:
    shown = {(at, "project"): outcome for at, outcome in outcomes.items()}
    return Small(PlainEngine(outcomes=shown), **{"keys": Keyring(SECRET), **more})


async def tokens(
    small: Small, subject: Subject = CLERK, purpose: str | None = "p"
) -> tuple[list[str], list[str]]:
    told = (await small.ask(NUMBERS, subject=subject, purpose=purpose))["data"]
    persons = [node["number"] for node in told["persons"]["nodes"]]
    return persons, [node["personNumber"] for node in told["jobs"]["nodes"]]


async def values(small: Small, text: str = SCORES, **more: Any) -> list[Any]:
    told = await small.ask(text, **more)
    assert "errors" not in told, told
    return [next(iter(node.values())) for node in told["data"]["persons"]["nodes"]]


def by_hand(domain: str, value: str, *scope: Any) -> str:
    """A token's own account of itself, made without the Hub's code."""
    told = ",".join(f'"{part}"' if isinstance(part, str) else str(part) for part in scope)
    extracted = hmac.digest(b"hub-keys-1", SECRET, "sha256")
    key = hmac.digest(extracted, f'["mask",{told}]'.encode() + b"\x01", "sha256")
    bound = len(domain).to_bytes(4) + domain.encode() + value.encode()
    return "t" + base64.urlsafe_b64encode(hmac.digest(key, bound, "sha256")[:24]).decode()


@pytest.mark.asyncio
@pytest.mark.parametrize("able", WEAK)
async def test_a_token_is_a_code_of_scope_domain_and_value(able: Capabilities) -> None:
    held = {
        "Person.number": token(domain="person"),
        "Job.personNumber": token(domain="person"),
        "Person.homeCode": token(key_scope="purpose", version=2),
    }
    small = world(held, capabilities=able)
    persons, jobs = await tokens(small)
    wanted = [by_hand("person", row["number"], "tokenise", "app", "one", 1)
              for row in TABLES["civil"]["persons"]]  # fmt: skip
    assert persons == wanted
    assert jobs == [wanted[0], wanted[0], wanted[3]]
    homes = await values(small, "{ persons { nodes { homeCode } } }")
    assert homes[0] == by_hand("Person.homeCode", "h1", "tokenise", "purpose", "p", 2)
    assert homes[2] is None


@pytest.mark.asyncio
async def test_without_a_domain_two_fields_have_nothing_in_common() -> None:
    persons, jobs = await tokens(world({"Person.number": token(), "Job.personNumber": token()}))
    assert set(persons).isdisjoint(jobs)
    # a stated domain may be the other field's coordinate
    held = {"Person.number": token(), "Job.personNumber": token(domain="Person.number")}
    persons, jobs = await tokens(world(held))
    assert set(jobs) < set(persons)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("scope", "by_app", "by_department", "by_purpose"),
    [
        ("app", False, True, True),
        ("department", True, False, True),
        ("purpose", True, True, False),
        ("grant", True, True, True),
    ],
)
async def test_tokens_are_equal_within_a_scope_and_only_there(
    scope: str, by_app: bool, by_department: bool, by_purpose: bool
) -> None:
    granted = {"grant": "g1"} if scope == "grant" else {}
    small = world({"Person.number": token(key_scope=scope, **granted)})
    mine = (await tokens(small))[0]
    assert mine == (await tokens(small))[0]
    assert mine == (await tokens(small, structs.replace(CLERK, id="app:one|user:li", user="li")))[0]
    other_app = structs.replace(CLERK, id="app:two", app="two")
    elsewhere = structs.replace(CLERK, department=DepartmentName("tax"))
    for theirs, equal in [
        ((await tokens(small, other_app))[0], by_app),
        ((await tokens(small, elsewhere))[0], by_department),
        ((await tokens(small, purpose="q"))[0], by_purpose),
    ]:
        assert (theirs == mine) is equal
        assert equal or set(theirs).isdisjoint(mine)
    assert len(small.pipeline._plans) == 1, "subjects of one class share the plan"


@pytest.mark.asyncio
async def test_another_mask_version_grant_secret_or_profile_makes_other_tokens() -> None:
    made = [
        (await tokens(world({"Person.number": outcome}, keys=keys)))[0]
        for outcome, keys in [
            (token(), Keyring(SECRET)),
            (token(version=2), Keyring(SECRET)),
            (token(key_scope="grant", grant="one"), Keyring(SECRET)),
            (token(key_scope="grant", grant="g2"), Keyring(SECRET)),
            (masked("hash"), Keyring(SECRET)),
            (token(), Keyring(b"n" * 48)),
            (token(), Keyring(SECRET, Profile("sm"))),
        ]
    ]
    shown = [one for column in made for one in column]
    assert len({one[1:] for one in shown}) == len(shown) == 7 * len(TABLES["civil"]["persons"])
    assert {len(one) for one in shown} == {33}


@pytest.mark.asyncio
async def test_a_hash_is_the_same_for_everybody() -> None:
    small = world({"Person.number": masked("hash"), "Job.personNumber": masked("hash")})
    persons, jobs = await tokens(small)
    assert (persons, jobs) == await tokens(small, COLLEAGUE, "q")
    assert set(persons).isdisjoint(jobs)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("outcome", "subject", "purpose", "keys"),
    [
        (token(key_scope="department"), SUBJECT, "p", Keyring(SECRET)),
        (token(key_scope="purpose"), CLERK, None, Keyring(SECRET)),
        (token(key_scope="grant"), CLERK, "p", Keyring(SECRET)),
        (token(key_scope="grant", grant=""), CLERK, "p", Keyring(SECRET)),
        (token(key_scope="hub"), CLERK, "p", Keyring(SECRET)),
        (masked("tokenise"), CLERK, "p", Keyring(SECRET)),
        (token(), CLERK, "p", None),
        (masked("hash"), CLERK, "p", None),
    ],
)
async def test_without_its_scope_a_mask_shows_nothing(
    outcome: Masked, subject: Subject, purpose: str | None, keys: Keyring | None
) -> None:
    small = world({"Person.number": outcome, "Person.name": outcome}, keys=keys)
    assert (await tokens(small, subject, purpose))[0] == ["****"] * 5
    names = await values(small, "{ persons { nodes { name } } }", subject=subject, purpose=purpose)
    assert names == ["****"] * 4 + [None]


@pytest.mark.asyncio
async def test_a_plan_holds_no_fact_of_the_request() -> None:
    small = world({"Person.number": token(), "Person.name": token(key_scope="purpose")})
    who = structs.replace(CLERK, app="benefits", purposes=frozenset({"audit"}))
    request = Request(text="{ persons { nodes { number name } } }", subject=who, purpose="audit")
    plan = small.pipeline.plan(request)
    assert plan.scopes == ("app", "purpose")
    assert "Mask Person.number tokenise(key_scope=app)" in small.pipeline.plan_text(request)
    assert "benefits" not in repr(plan)
    assert "audit" not in repr(plan)


def scored(rows: int = 12) -> dict[str, Any]:
    persons = [
        {"number": str(at), "name": "Ann" if at % 2 else f"n{at}", "age": at % 5,
         "score": f"{at}.50", "born": None, "homeCode": "h1"}
        for at in range(rows)
    ]  # fmt: skip
    return {**TABLES, "civil": {**TABLES["civil"], "persons": persons}}


@pytest.mark.asyncio
@pytest.mark.parametrize("able", WEAK)
async def test_noise_stays_however_it_is_asked_for(able: Capabilities) -> None:
    small = world({"Person.score": noise()}, tables=scored(), capabilities=able)
    told = await small.ask("{ persons { nodes { number score } } }")
    known = {node["number"]: node["score"] for node in told["data"]["persons"]["nodes"]}
    assert len(known) == 12
    assert all(shown != f"{number}.50" for number, shown in known.items())
    for number, shown in known.items():
        text = "query($n: String!) { person(number: $n) { a: score b: score } }"
        one = await small.ask(text, {"n": number})
        assert one["data"]["person"] == {"a": shown, "b": shown}
    homes = await small.ask("{ homes { nodes { people { nodes { number score } } } } }")
    people = [row for home in homes["data"]["homes"]["nodes"] for row in home["people"]["nodes"]]
    assert {row["number"]: row["score"] for row in people} == known
    jobs = await small.ask("{ jobs { nodes { person { number score } } } }")
    for job in jobs["data"]["jobs"]["nodes"]:
        assert job["person"]["score"] == known[job["person"]["number"]]
    after: str | None = None
    walked: list[str] = []
    for _ in range(6):
        text = (
            "query($after: String) { persons(first: 2, after: $after)"
            " { nodes { score } pageInfo { endCursor } } }"
        )
        page = (await small.ask(text, {"after": after}))["data"]["persons"]
        walked += [node["score"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
    assert walked == list(known.values())


ORDERS = ["", "orderBy: AGE_DESC", "orderBy: [NAME_ASC, AGE_ASC]"]
FILTERS = ["", 'filter: {name: {eq: "Ann"}}', "filter: {age: {gt: 1}}",
           'filter: {jobs: {some: {title: {eq: "cook"}}}}']  # fmt: skip


@given(
    size=st.sampled_from(["first", "last"]).flatmap(
        lambda word: st.integers(1, 12).map(lambda count: f"{word}: {count}")
    ),
    order=st.sampled_from(ORDERS),
    chosen=st.sampled_from(FILTERS),
    names=st.lists(st.sampled_from("abc"), min_size=1, max_size=3, unique=True),
    able=st.sampled_from(WEAK),
)
@settings(max_examples=60, deadline=None)
def test_no_query_draws_noise_anew(
    size: str, order: str, chosen: str, names: list[str], able: Capabilities
) -> None:
    small = world({"Person.score": noise()}, tables=scored(), capabilities=able)

    async def seen(text: str) -> list[dict[str, Any]]:
        told = await small.ask(text)
        found: list[dict[str, Any]] = told["data"]["persons"]["nodes"]
        return found

    async def check() -> None:
        whole = await seen("{ persons { nodes { number score } } }")
        known = {row["number"]: row["score"] for row in whole}
        asked = ", ".join(part for part in (size, order, chosen) if part)
        picks = " ".join(f"{name}: score" for name in names)
        for row in await seen(f"{{ persons({asked}) {{ nodes {{ {picks} number }} }} }}"):
            assert {row[name] for name in names} == {known[row["number"]]}

    asyncio.run(check())


@pytest.mark.asyncio
async def test_noise_is_an_application_s_or_the_hub_s() -> None:
    for params, equal in [({}, False), ({"key_scope": "hub"}, True)]:
        small = world({"Person.score": noise(**params)}, tables=scored(40))
        text = "{ persons(first: 40) { nodes { score } } }"
        mine, theirs = await values(small, text), await values(small, text, subject=OTHER)
        assert (mine == theirs) is equal
        assert mine == await values(small, text, subject=structs.replace(SUBJECT, user="li"))
        assert sum(one == two for one, two in zip(mine, theirs, strict=True)) in (
            (40,) if equal else range(5)
        )


@pytest.mark.asyncio
async def test_noise_of_a_field_from_another_source() -> None:
    """The key that names the cell comes from the anchor, the number from elsewhere."""
    small = world({"Person.income": noise()})
    shown = await values(small, "{ persons { nodes { income } } }")
    assert shown[2:] == [None] * 3
    assert shown[0] != "99.90"
    assert shown == await values(small, "{ persons { nodes { income number score } } }")
    small.sources["tax"].fails = RuntimeError("away")
    told = await small.ask("{ persons { nodes { income } } }")
    assert [node["income"] for node in told["data"]["persons"]["nodes"]] == [None] * 5
    assert told["errors"][0]["extensions"]["code"] == "SOURCE_UNAVAILABLE"


@pytest.mark.asyncio
async def test_the_key_that_names_a_cell_is_fetched_and_not_shown() -> None:
    small = world({"Person.score": noise()})
    text = small.pipeline.plan_text(Request(text=SCORES, subject=SUBJECT, purpose="p"))
    assert "columns score, number" in text
    told = await small.ask(SCORES)
    assert {key for node in told["data"]["persons"]["nodes"] for key in node} == {"score"}
    shown = [held["mask"] for held in told["extensions"]["governance"]["fields"].values()]
    assert shown == ["noise"]


@pytest.mark.asyncio
async def test_masks_that_differ_by_row() -> None:
    older = Compare("age", "gt", Const(25), "Int")
    by_row = Rowwise(((older, noise()), (TRUE, noise(epsilon="0.01"))))
    mixed = Rowwise(((older, token(domain="name")), (TRUE, Allow())))
    small = world({"Person.score": by_row, "Person.name": mixed, "Person.homeCode": token()})
    alone = world({"Person.score": noise(), "Person.name": token(domain="name")})
    both = "{ persons { nodes { score name } } }"
    told = (await small.ask(both))["data"]["persons"]["nodes"]
    wanted = (await alone.ask(both))["data"]["persons"]["nodes"]
    assert [told[0], told[3]] == [wanted[0], wanted[3]]
    assert told[4]["name"] is None
    assert told[2]["name"] == "Cid"
    assert told[4]["score"] not in (wanted[4]["score"], "10.00")


@pytest.mark.asyncio
@pytest.mark.parametrize("outcome", [token(), masked("hash"), noise()])
async def test_nothing_masked_with_a_key_is_passed_through(outcome: Masked) -> None:
    field = "score" if outcome.mask == "noise" else "name"
    text = "{ persons { nodes { FIELD born } } }".replace("FIELD", field)
    open_to, closed = (
        passing(PlainEngine(CATALOGUE, held), keys=Keyring(SECRET))
        for held in ({}, {(f"Person.{field}", "project"): outcome})
    )
    request = Request(text=text, subject=SUBJECT, purpose="p")
    assert "pass-through" in open_to.pipeline.plan_text(request)
    assert "pass-through" not in closed.pipeline.plan_text(request)
    assert await values(closed, text) == await values(
        world({f"Person.{field}": outcome}), text
    )  # fmt: skip
    assert await values(closed, text) != await values(open_to, text)
