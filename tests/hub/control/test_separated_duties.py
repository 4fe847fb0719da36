"""System administrator, security officer and auditor are three people."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.cli.main import run
from hub.control.door import PATH
from tests.hub.sharing.agency import AUDITS, Agency, lay_out, open_agency

THREE = ("system-administrator", "security-officer", "auditor")
QUERY = {"query": "{ shareRequests { id } }"}


async def code(agency: Agency, *duties: str) -> str | None:
    body = await agency.post(PATH, {**AUDITS, "duties": list(duties)}, QUERY)
    return str(body["errors"][0]["extensions"]["code"]) if "errors" in body else None


@pytest.mark.asyncio
async def test_nobody_holds_two_of_three(tmp_path: Path) -> None:
    async with open_agency(tmp_path) as agency:
        assert await code(agency, "auditor") is None
        assert await code(agency, "security-officer", "source-steward") is None
        for one in THREE:
            for other in THREE:
                if one != other:
                    assert await code(agency, one, other) == "UNAUTHENTICATED"
        # for data too: it is no caller at all
        both = {**AUDITS, "duties": ["auditor", "security-officer"]}
        body = await agency.post("/graphql", both, {"query": "{ __typename }"})
        assert body["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


@pytest.mark.asyncio
async def test_nor_by_a_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lay_out(tmp_path)
    config = ["--config", str(tmp_path / "hub.yaml")]
    keys: dict[int, str] = {}
    for count in (1, 2):
        duties = [word for duty in THREE[:count] for word in ("--duty", duty)]
        name = ["keys", "new", "api", "--app", "console", "--department", "tax"]
        assert run([*name, *duties, *config]) == 0, capsys.readouterr()
        keys[count] = capsys.readouterr().out.strip().split()[-1]
    (tmp_path / "civil.sqlite").unlink()  # it is laid out anew
    async with open_agency(tmp_path) as agency:
        for count, text in keys.items():
            got = await agency.client.post(
                "/graphql", json={"query": "{ __typename }"},
                headers={"authorization": f"Bearer {text}"},
            )  # fmt: skip
            refused = "UNAUTHENTICATED" in got.text
            assert refused == (count == 2), got.text


@pytest.mark.asyncio
async def test_one_word_for_two_duties(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="one word stands for two"):
        async with open_agency(tmp_path, "release: {auditor_duty: security-officer}\n"):
            pass
