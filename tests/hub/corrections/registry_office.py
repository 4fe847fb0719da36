"""The scenarios' city where users doubt values, over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

from hub.audit.entry import Act, Entry, read_body
from hub.control.door import PATH as CONTROL
from hub.corrections.door import PATH
from hub.store.ledger import open_ledger
from tests.scenarios.world import CONFIG, HERE, WHO, World, claims, running

MORE = """
corrections: {enabled: true}
"""
RULES = """
---
policy: tax-doubts-aid
effect: permit
subjects: {app: tax-audit, purpose: tax.audit}
resources: {fields: [Aid.number, Aid.status, Aid.district, Person.name, Firm.name, Firm.creditCode]}
modes: [correct]
"""
PEOPLE: Mapping[str, dict[str, Any]] = {
    "B-li": claims("tax-audit", "G3", "tax.audit", department="tax", user="li"),
    "steward": claims("console", "G1", department="civil", user="zhang", duties=["data-steward"]),
    "steward-2": claims("console", "G1", department="civil", user="qian", duties=["data-steward"]),
    "market": claims("console", "G1", department="market", user="sun", duties=["data-steward"]),
    "authority": claims("console", "G1", department="bureau", user="gao",
                        duties=["data-authority"]),
}  # fmt: skip
SAID: Mapping[str, Any] = {
    "type": "Aid",
    "key": {"number": "a1"},
    "fields": [{"field": "status", "claimed": "refused"}],
    "evidence": "letter of 3 May",
    "purpose": "tax.audit",
}
AIDS = "{ aids { nodes { number status } } }"


class Registry:
    """Users who doubt, stewards, and the authority, before one hub."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.now = world.now

    def _headers(self, who: str, more: Mapping[str, Any]) -> dict[str, str]:
        said = {"exp": self.now[0] + 600, "iat": self.now[0] - 1}
        token = self.world.issuer.sign({**WHO, **PEOPLE}[who] | said | dict(more))
        return {"authorization": f"Bearer {token}"}

    async def post(self, body: object, who: str | None = "B-li", **more: Any) -> Any:
        """Status and body of a report."""
        headers = {} if who is None else self._headers(who, more)
        got = await self.world.client.post(PATH, json=body, headers=headers)
        return got.status_code, orjson.loads(got.content)

    async def doubt(self, who: str = "B-li", **said: Any) -> str:
        """The id of a doubt that is taken."""
        status, told = await self.post({**SAID, **said}, who)
        assert status == 202, told
        return str(told["ids"][0])

    async def refused(self, who: str | None = "B-li", **said: Any) -> str:
        """The code of a report that is not taken."""
        status, told = await self.post({**SAID, **said}, who)
        assert status >= 400, told
        return str(told["errors"][0]["extensions"]["code"])

    async def control(self, who: str, query: str, **more: Any) -> Any:
        """The one field of an answer of the control door, or its error's code."""
        got = await self.world.client.post(
            CONTROL, json={"query": query}, headers=self._headers(who, more)
        )
        told = orjson.loads(got.content)
        if "errors" in told:
            return told["errors"][0]["extensions"]["code"]
        return next(iter(told["data"].values()))

    async def step(
        self, act: str, name: str, at: int, who: str = "steward", *, outcome: str = ""
    ) -> Any:
        """The state after a step, or the code of what refused it."""
        given = f", outcome: {outcome}" if outcome else ""
        told = await self.control(
            who,
            f'mutation {{ {act}Correction(id: "{name}", basedOn: {at}, note: "seen"{given}) {{'
            " ... on CorrectionStep { correction { state } }"
            " ... on StepRefused { code } ... on StepConflict { code } } }",
        )
        if isinstance(told, str):
            return told
        return told["code"] if "code" in told else told["correction"]["state"]

    async def accepted(self, who: str = "B-li", **said: Any) -> str:
        """A doubt that its steward has taken up."""
        name = await self.doubt(who, **said)
        assert await self.step("accept", name, 1) == "accepted"
        return name

    async def ask(
        self, text: str = AIDS, who: str = "B", purpose: str = "tax.audit", *, wants: bool = True
    ) -> dict[str, Any]:
        """An answer of the governed endpoint."""
        body: dict[str, Any] = {"query": text}
        if wants:
            body["extensions"] = {"disputed": True}
        headers = {**self._headers(who, {}), "hub-purpose": purpose}
        got = await self.world.client.post("/graphql", json=body, headers=headers)
        told: dict[str, Any] = orjson.loads(got.content)
        return told

    async def disputed(self, text: str = AIDS, who: str = "B", purpose: str = "tax.audit") -> Any:
        """The paths that are said to be disputed."""
        told = await self.ask(text, who, purpose)
        assert told["extensions"]["disputed"]["complete"] is True, told
        return told["extensions"]["disputed"]["paths"]

    def log(self) -> list[Entry | Act]:
        """What is on record."""
        ledger = open_ledger(self.world.hub.database)
        try:
            return [read_body(row.body) for row in ledger.rows()]
        finally:
            ledger.close()

    def acts(self) -> list[tuple[str, str, str]]:
        """Act, who, and what came of it."""
        acts = [one for one in self.log() if isinstance(one, Act)]
        return [(one.act, one.by, one.code or one.outcome) for one in acts]


@asynccontextmanager
async def registry(
    folder: Path, patch: pytest.MonkeyPatch, *, more: str = MORE, rules: str = RULES
) -> AsyncIterator[Registry]:
    """The city at noon."""
    whole = (HERE / "rules.yaml").read_text(encoding="utf-8") + rules
    files = {"hub.yaml": CONFIG + more, "rules.yaml": whole}
    async with running(folder, patch, files) as world:
        yield Registry(world)
