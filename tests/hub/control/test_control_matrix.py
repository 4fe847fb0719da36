"""Every operation of the control API by every duty: who may, and that all others may not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    build_schema,
    get_named_type,
    is_leaf_type,
    is_list_type,
    is_required_argument,
    is_required_input_field,
)

from hub.control.schema import control_sdl
from hub.wiring import Hub
from tests.auth import forge
from tests.hub.control.test_control_door import ISSUER, ZHANG, Control
from tests.hub.registration.bureau import Bureau, Captured

STEWARD, OFFICER, AUDITOR = "source-steward", "security-officer", "auditor"
DATA, AUTHORITY = "data-steward", "data-authority"
DECLARES, BREAKS = "emergency-officer", "break-glass"
DUTIES = (STEWARD, OFFICER, AUDITOR, DATA, AUTHORITY, DECLARES, BREAKS, "no-such-duty")
LOOK = {OFFICER, AUDITOR}
MAY: dict[str, set[str]] = {
    "approvalStatement": {OFFICER},
    "source": {STEWARD, OFFICER},
    "sources": {STEWARD, OFFICER},
    "approveSource": {OFFICER},
    "checkSource": {STEWARD, OFFICER},
    "publishSource": {STEWARD, OFFICER},
    "recallSource": {STEWARD},
    "registerSource": {STEWARD},
    "rejectSource": {OFFICER},
    "rollBackSource": {OFFICER},
    "submitSource": {STEWARD},
    "withdrawSource": {STEWARD, OFFICER},
    "rulesEpochs": LOOK,
    "rulesProposal": LOOK,
    "rulesProposals": LOOK,
    "activateRelease": {OFFICER},
    "countersignRelease": {OFFICER},
    "prepareRelease": {OFFICER},
    "prepareRollback": {OFFICER},
    "proposeRelease": {OFFICER},
    "rollBackRules": {OFFICER},
    "withdrawRelease": {OFFICER},
    "correction": {DATA},
    "correctionScores": {AUTHORITY},
    "corrections": {DATA, AUTHORITY},
    "acceptCorrection": {DATA},
    "extendCorrection": {AUTHORITY},
    "rejectCorrection": {DATA},
    "resolveCorrection": {DATA},
    "emergencies": {OFFICER, DECLARES, BREAKS},
    "glassOpenings": {OFFICER, DECLARES, BREAKS},
    "suspendedApps": {OFFICER},
    "breakGlass": {BREAKS},
    "declareEmergency": {DECLARES},
    "endEmergency": {DECLARES},
    "reviewGlass": {OFFICER},
    "revokeGlass": {OFFICER},
}
"""Operation -> the duties that it is for."""
GIVEN: dict[str, Any] = {"name": "civil", "basedOn": 999}
"""Arguments that name what is there; a step is based on a revision that is not."""
SCHEMA: GraphQLSchema = build_schema(control_sdl())


def operations() -> Iterator[tuple[str, str, GraphQLField]]:
    """Kind, name and field of each question and step."""
    for kind, of in (("query", SCHEMA.query_type), ("mutation", SCHEMA.mutation_type)):
        for name, field in (of.fields if of is not None else {}).items():
            yield kind, name, field


def value(kind: GraphQLInputType) -> Any:
    """Something of an input type."""
    if isinstance(kind, GraphQLNonNull):
        return value(kind.of_type)
    if is_list_type(kind):
        return []
    if isinstance(kind, GraphQLEnumType):
        return next(iter(kind.values))
    if isinstance(kind, GraphQLInputObjectType):
        return {
            name: value(field.type)
            for name, field in kind.fields.items()
            if is_required_input_field(field)
        }
    samples = {"Int": 1, "Float": 1.0, "Boolean": False, "DateTime": "2026-01-01T00:00:00+00:00",
               "Date": "2026-01-01"}  # fmt: skip
    return samples.get(get_named_type(kind).name, "x")


def asked(kind: str, name: str, field: GraphQLField) -> tuple[str, dict[str, Any]]:
    """A document that asks for it, with its variables."""
    needed: dict[str, GraphQLArgument] = {
        said: argument for said, argument in field.args.items() if is_required_argument(argument)
    }
    declared = ", ".join(f"${said}: {argument.type}" for said, argument in needed.items())
    passed = ", ".join(f"{said}: ${said}" for said in needed)
    call = name + (f"({passed})" if passed else "")
    of = get_named_type(field.type)
    chosen = "" if is_leaf_type(of) else "{ __typename }"
    if isinstance(of, GraphQLUnionType):
        coded = [
            f"... on {one.name} {{ code }}"
            for one in of.types
            if isinstance(one, GraphQLObjectType) and "code" in one.fields
        ]
        chosen = f"{{ __typename {' '.join(coded)} }}"
    head = f"{kind}({declared})" if declared else kind
    variables = {said: GIVEN.get(said, value(argument.type)) for said, argument in needed.items()}
    return f"{head} {{ {call} {chosen} }}", variables


def code_of(name: str, body: dict[str, Any]) -> str | None:
    """The code of a refusal, wherever it stands."""
    if body.get("errors"):
        return str(body["errors"][0]["extensions"]["code"])
    found = body["data"][name]
    return found.get("code") if isinstance(found, dict) else None


@pytest_asyncio.fixture
async def everything(tmp_path: Path, capsys: Captured) -> AsyncIterator[Control]:
    """A hub with every area."""
    (tmp_path / "lists.yaml").write_text("", encoding="utf-8")
    more = ISSUER.format(issuer=forge.ISSUER)
    areas = "corrections: {enabled: true}\nemergency: {lists: [lists.yaml]}\n"
    bureau = Bureau(tmp_path, capsys, more=more + areas)
    config = tmp_path / "hub.yaml"
    config.write_text(config.read_text().replace("release:\n", "release:\n  control: true\n"))
    forge.write_all(tmp_path / "jwks.json")
    hub = Hub(bureau.settings, clock=lambda: forge.NOW)
    await hub.open()
    made = Control(bureau, hub)
    try:
        yield made
    finally:
        await made.client.aclose()
        await hub.close()


def test_the_table_is_of_the_schema() -> None:
    assert {name for _, name, _ in operations()} == MAY.keys()


@pytest.mark.asyncio
async def test_every_operation_by_every_duty(everything: Control) -> None:
    await everything.taken(ZHANG, "registerSource", text=everything.bureau.civil(), basedOn=0)
    wrong: list[str] = []
    for kind, name, field in operations():
        query, variables = asked(kind, name, field)
        for duty in DUTIES:
            claims = {**ZHANG, "user": f"the-{duty}", "duties": [duty]}
            _, body = await everything.post(claims, query, **variables)
            code = code_of(name, body)
            may = duty in MAY[name]
            if may == (code == "FORBIDDEN") or code in ("INTERNAL", "GRAPHQL_VALIDATION_FAILED"):
                wrong.append(f"{name} by {duty}: {code}")
    assert not wrong
    anybody = (await everything.client.post("/control/graphql", json={"query": "{ x }"})).json()
    assert anybody["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
