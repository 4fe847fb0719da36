"""The lower side of a link: whose word counts, how far, and for how long."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from connectors.hub.token import Signer
from hub.cli.main import run
from hub.settings import read_settings
from hub.wiring import build_hub
from schema.errors import HubError
from schema.model.names import DepartmentName
from tests.hub.links.hubs import Site
from tests.hub.links.lower import (
    ANN,
    KEY,
    NAMES,
    STRANGER,
    SUBJECT,
    TYPES,
    WHO,
    county,
    forged,
    opened,
)


@pytest.mark.asyncio
async def test_who_is_known_over_a_link(tmp_path: Path) -> None:
    async with opened(county(tmp_path)) as lower:
        told = await lower.ask(WHO)
        assert told["caller"] == {
            "app": "city/desk", "user": "city/zhang", "department": "city-welfare", "tier": "city",
            "purposes": ["administration"], "roles": ["guest"],
        }  # fmt: skip
        # a department that is not accepted is nobody's, not another's
        other = structs.replace(SUBJECT, department=DepartmentName("civil-affairs"))
        told = await lower.ask(WHO, structs.replace(ANN, subject=other))
        assert told["caller"]["department"] is None
        acting = structs.replace(SUBJECT, acting_for=DepartmentName("civil-affairs"))
        assert await lower.ask(WHO, structs.replace(ANN, subject=acting)) == "NO_DELEGATION"
        entry = lower.site.entries()[0]
        assert (entry.link, entry.hubs, entry.case_id) == ("city", ["city"], "2026-17/a")
        assert entry.trace == ANN.trace
        assert entry.subject == "link:city|app:city/desk|user:city/zhang"


@pytest.mark.asyncio
async def test_the_ceiling_hides_fields_from_everything(tmp_path: Path) -> None:
    async with opened(county(tmp_path)) as lower:
        assert await lower.ask("{ persons { nodes { name } } }") == {
            "persons": {"nodes": [{"name": "Zhang"}]}
        }
        assert await lower.ask(NAMES) == "GRAPHQL_VALIDATION_FAILED"
        assert "income" not in json.dumps(await lower.ask(TYPES))
        body = b"{}"
        signer = Signer(KEY, name="city", audience="county")
        _, told = await lower.send(signer.sign_own(body), body, "/graphql/link")
        assert "income" not in json.dumps(told)
        assert [one["name"] for one in told["types"]] == ["Job", "Person"]
    async with opened(county(tmp_path / "open", ceiling={"plain": "restricted"})) as lower:
        assert await lower.ask(NAMES) == {"persons": {"nodes": [{"name": "Zhang", "income": 5}]}}
        lesser = structs.replace(SUBJECT, clearance={"plain": "internal"})
        asker = structs.replace(ANN, subject=lesser)
        assert await lower.ask(NAMES, asker) == "GRAPHQL_VALIDATION_FAILED"
        uncleared = structs.replace(ANN, subject=structs.replace(SUBJECT, clearance={}))
        told = await lower.ask("{ persons { nodes { name } } }", uncleared)
        assert told == "GRAPHQL_VALIDATION_FAILED"


@pytest.mark.asyncio
async def test_rows_whose_key_lies_above_the_ceiling_have_no_id(tmp_path: Path) -> None:
    """An id is made of the key, and would tell rows apart by what the caller may not know."""
    site = county(tmp_path)
    file = site.home / "fragments" / "civil.yaml"
    asked = "{ persons { nodes { id name } } }"
    async with opened(site) as lower:
        assert (await lower.ask(asked))["persons"]["nodes"][0]["id"]
    file.write_text(
        file.read_text().replace("n: {type: String}", "n: {type: String, label: confidential}")
    )
    async with opened(site) as lower:
        assert await lower.ask(asked) == "GRAPHQL_VALIDATION_FAILED"
        told = await lower.ask('{ __type(name: "Node") { possibleTypes { name } } }')
        assert told["__type"]["possibleTypes"] == [{"name": "Job"}]
        assert await lower.ask('{ person(n: "1") { name } }') == "GRAPHQL_VALIDATION_FAILED"
        assert await lower.ask("{ persons { nodes { name } } }") == {
            "persons": {"nodes": [{"name": "Zhang"}]}
        }


@pytest.mark.asyncio
async def test_nobody_here_bears_a_name_of_a_links_callers(tmp_path: Path) -> None:
    site = county(tmp_path)
    site.key("city/desk", "--clearance", "plain=internal", "--purpose", "administration")
    impostor = {"authorization": f"ApiKey {site.token}"}
    site.key("town/desk", "--clearance", "plain=internal", "--purpose", "administration")
    other = {"authorization": f"ApiKey {site.token}"}
    async with opened(site) as lower:
        for headers, status in ((impostor, 401), (other, 200)):
            got = await lower.client.post("/graphql", json={"query": WHO}, headers=headers)
            assert got.status_code == status


@pytest.mark.asyncio
async def test_a_hub_that_asks_for_itself_is_no_application_here(tmp_path: Path) -> None:
    site = county(tmp_path)
    (site.home / "policies" / "city.yaml").unlink()
    site.rule("of-an-application", subjects={"app": "city"}, resources={"types": ["*"]})
    async with opened(site) as lower:
        signer = Signer(KEY, name="city", audience="county")
        body = json.dumps({"query": "{ persons { nodes { name } } }"}).encode()
        _, told = await lower.send(signer.sign_own(body), body)
        assert "data" not in told
        _, told = await lower.send(signer.sign_own(b"{}"), b"{}", "/graphql/link")
        assert told == {"types": []}


@pytest.mark.asyncio
async def test_purposes_of_the_link_alone(tmp_path: Path) -> None:
    async with opened(county(tmp_path)) as lower:
        asker = structs.replace(ANN, purpose="statistics")
        assert await lower.ask("{ persons { nodes { name } } }", asker) == "PURPOSE_NOT_ALLOWED"
        entry = lower.site.entries()[-1]
        assert (entry.code, entry.purpose, entry.link) == (
            "PURPOSE_NOT_ALLOWED", "statistics", "city",
        )  # fmt: skip
        # what the body or a header says of the purpose does not count
        body = json.dumps(
            {"query": "{ persons { nodes { name } } }", "extensions": {"purpose": "administration"}}
        ).encode()
        made = Signer(KEY, name="city", audience="county")
        unstated = structs.replace(ANN, purpose=None)
        _, told = await lower.send(made.sign(unstated, body), body)
        assert "data" not in told


@pytest.mark.asyncio
async def test_tokens_that_are_not_good(tmp_path: Path) -> None:
    body = json.dumps({"query": WHO}).encode()
    good = forged({}, body)
    bad: dict[str, str] = {
        "another's key": forged({"a": 1}, body, key=STRANGER),
        "an unknown hub": forged({"iss": "village", "hubs": ["village"]}, body),
        "for another hub": forged({"aud": "province"}, body),
        "of another question": forged({}, b"{}"),
        "without a question": forged({"body": None}, body),
        "expired": forged({"iat": 1_000, "exp": 1_030}, body),
        "for too long": forged({"exp": 4_000_000_000}, body),
        "without an id": forged({"jti": None}, body),
        "without an application": forged({"app": None}, body),
        "without a path": forged({"hubs": None}, body),
        "a path of another": forged({"hubs": ["city", "village"]}, body),
        "an ordinary token": forged({"b": 1}, body, typ="at+jwt"),
        "unsigned": good.rsplit(".", 1)[0] + ".",
        "cut": good[:-4],
    }
    async with opened(county(tmp_path)) as lower:
        for name, token in bad.items():
            status, told = await lower.send(token, body)
            assert status == 401, name
            (error,) = told["errors"]
            assert error["extensions"]["code"] == "UNAUTHENTICATED", name
            assert error["message"] == "no valid credentials"
        assert lower.site.entries() == []
        assert (await lower.send(good, body))[0] == 200
        assert (await lower.send(good, body))[0] == 401, "used twice"
        # a link's token is no bearer token, and is for questions by POST alone
        fresh = forged({"c": 1}, body)
        headers = {"authorization": f"Bearer {fresh}", "content-type": "application/json"}
        got = await lower.client.post("/graphql", content=body, headers=headers)
        assert got.status_code == 401
        headers = {"authorization": f"Hub-Link {fresh}", "graphql-require-preflight": "1"}
        got = await lower.client.get("/graphql", params={"query": WHO}, headers=headers)
        assert got.status_code == 401


@pytest.mark.asyncio
async def test_nothing_is_read_for_a_token_that_is_nobodys(tmp_path: Path) -> None:
    read: list[str] = []
    body = json.dumps({"query": WHO}).encode()

    async def sent() -> AsyncIterator[bytes]:
        read.append("body")
        yield body

    async def status(token: str, path: str) -> int:
        headers = {"authorization": f"Hub-Link {token}", "content-type": "application/json"}
        got = await lower.client.post(path, content=sent(), headers=headers)
        return got.status_code

    async with opened(county(tmp_path)) as lower:
        for path in ("/graphql", "/graphql/link"):
            for token in ("nonsense", forged({}, body, key=STRANGER)):
                assert await status(token, path) == 401
        assert read == []
        assert await status(forged({}, body), "/graphql") == 200
        assert read == ["body"]


@pytest.mark.asyncio
async def test_a_token_used_before_a_restart_is_used(tmp_path: Path) -> None:
    site, body = county(tmp_path), json.dumps({"query": WHO}).encode()
    token = forged({}, body)
    async with opened(site) as lower:
        assert (await lower.send(token, body))[0] == 200
    async with opened(site) as lower:
        assert (await lower.send(token, body))[0] == 401


@pytest.mark.asyncio
async def test_loops_end_where_they_close(tmp_path: Path) -> None:
    async with opened(county(tmp_path)) as lower:
        for hubs in (
            ("county", "city"),
            ("province", "county", "city"),
            ("city", "village", "city"),
            (*(f"hub-{number}" for number in range(8)), "city"),
        ):
            assert await lower.ask(WHO, structs.replace(ANN, hubs=hubs)) == "HUB_LOOP"
        hubs = (*(f"hub-{number}" for number in range(7)), "city")
        assert "caller" in await lower.ask(WHO, structs.replace(ANN, hubs=hubs))


@pytest.mark.asyncio
async def test_a_link_that_is_taken_away(tmp_path: Path) -> None:
    site = county(tmp_path)
    async with opened(site) as lower:
        assert "caller" in await lower.ask(WHO)
        site.rule("stop", effect="forbid", subjects={"link": "city"}, resources={"types": ["*"]})
        hub: Any = lower.client._transport.app._hub  # type: ignore[attr-defined]
        await hub.reload()
        assert await lower.ask("{ persons { nodes { name } } }") == "GRAPHQL_VALIDATION_FAILED"
    text = (site.home / "hub.yaml").read_text()
    (site.home / "hub.yaml").write_text(text.replace("name: city", "name: other-city"))
    async with opened(site) as lower:
        assert await lower.ask(WHO) == "UNAUTHENTICATED"


def test_links_are_checked_at_the_start(tmp_path: Path) -> None:
    def started(file: Path) -> None:
        asyncio.run(build_hub(read_settings(file, {})).open())

    def wrong(place: str, **link: Any) -> str:
        file = county(tmp_path / place, **link).home / "hub.yaml"
        with pytest.raises(HubError) as refused:
            started(file)
        assert refused.value.code == "CONFIG_INVALID"
        return str(refused.value)

    assert "to itself" in wrong("a", name="county")
    assert "levels of `plain`" in wrong("b", ceiling={"plain": "secret"})
    assert "ladders of the packs" in wrong("c", ceiling={"other": "secret"})
    assert "purpses" in wrong("d", purpses=["x"])
    assert "accepts" in wrong("e", accepts={"app": {"a": "b"}})
    assert "has a `/`" in wrong("f", name="city/desk")


@pytest.mark.slow
def test_a_draft_of_another_hub_is_published_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = county(tmp_path, ceiling={"plain": "confidential"})
    key = tmp_path / "city.json"
    key.write_text(json.dumps(KEY.as_dict(private=True)))
    upper = Site(tmp_path, "city")
    with site.serving():
        words = ["source", "draft", site.url, "--hub", "county", "--as", "city", "--name", "county"]
        out = upper.home / "fragments" / "county.yaml"
        more = ["--key", f"${{file:{key}}}", "--department", "county-gov", "--out", str(out)]
        assert run([*words, *more]) == 0, capsys.readouterr()
        upper.rule("desk", subjects={"app": "desk"}, resources={"types": ["*"]})
        config = ["--config", str(upper.home / "hub.yaml")]
        assert run(["check", *config]) == 0, capsys.readouterr()
        text = out.read_text()
        assert "owner: county-civil-affairs" in text
        assert "levels: {plain: confidential}" in text
        assert "categories: [pi]" in text
        upper.key("desk", "--clearance", "plain=restricted", "--purpose", "administration")
        with upper.serving():
            told = upper.ask(
                "{ persons { nodes { name income trade { title residents: persons "
                "{ nodes { n } } } } } }",
                hub_purpose="administration",
            )
    assert told["data"]["persons"]["nodes"][0]["name"] == "Zhang", told
    assert told["data"]["persons"]["nodes"][0]["trade"]["title"] == "baker"
