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

from hub.control.door import PATH
from hub.control.schema import control_sdl
from tests.hub.sharing.agency import OWNS, Agency, open_agency

STEWARD, OFFICER, AUDITOR = "source-steward", "security-officer", "auditor"
ASKS, DATA, JUDGES = "data-requester", "data-steward", "data-authority"
DECLARES, BREAKS = "emergency-officer", "break-glass"
DUTIES = (STEWARD, OFFICER, AUDITOR, ASKS, DATA, JUDGES, DECLARES, BREAKS, "no-such-duty")
LOOK = {OFFICER, AUDITOR}
GLASS_DUTIES = {OFFICER, DECLARES, BREAKS}
SHARES = {STEWARD, OFFICER, AUDITOR, ASKS, JUDGES}
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
    "earlyWarning": LOOK,
    "earlyWarnings": LOOK,
    "acknowledgeWarning": LOOK,
    "closeWarning": LOOK,
    "applicationCards": {AUDITOR},
    "departmentCards": {AUDITOR},
    "departmentFigure": {AUDITOR},
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
    "correctionScores": {JUDGES},
    "corrections": {DATA, JUDGES},
    "acceptCorrection": {DATA},
    "extendCorrection": {JUDGES},
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
    "shareGrantReach": SHARES,
    "shareGrants": SHARES,
    "shareRequest": SHARES,
    "shareRequests": SHARES,
    "shareableFields": SHARES,
    "acceptGrant": {ASKS},
    "agreeToShare": {STEWARD},
    "certifyGrant": {STEWARD},
    "disputeRefusal": {ASKS},
    "judgeDispute": {JUDGES},
    "refuseShare": {STEWARD},
    "renewShare": {ASKS},
    "revokeGrant": {STEWARD, JUDGES},
    "submitShareRequest": {ASKS},
    "withdrawShareRequest": {ASKS},
    "writeShareRequest": {ASKS},
}
"""Operation -> the duties that it is for."""
GIVEN: dict[str, Any] = {"name": "clinics", "basedOn": 999, "department": "civil-affairs"}
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
            name: GIVEN.get(name, value(field.type))
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


MORE = """\
registry:
  enabled: true
  departments: [{{department: civil-affairs, places: ["sqlite:///{home}/"]}}]
release: {{control: true}}
emergency: {{lists: ["glass.yaml"]}}
corrections: {{enabled: true}}
warnings: {{enabled: true}}
scorecards: {{duties: [auditor]}}
"""
GLASS = """\
break_glass: rescue
to: {app: desk}
purpose: emergency
fields: {Person.name: allow}
minutes: 60
acr: [smart-card]
review: {hours: 48}
"""
CLINICS = """\
hub: 1
source: {{name: clinics, department: civil-affairs, kind: sql, connect: {{url: "sqlite:///{home}/civil.sqlite"}}}}
types:
  Clinic:
    key: [name]
    from: {{table: residents}}
    label: G1
    share: unconditional
    fields: {{name: {{type: String}}}}
"""


@pytest_asyncio.fixture
async def everything(tmp_path: Path) -> AsyncIterator[Agency]:
    """A hub with every area."""
    (tmp_path / "glass.yaml").write_text(GLASS)
    async with open_agency(tmp_path, MORE.format(home=tmp_path)) as made:
        yield made


def test_the_table_is_of_the_schema() -> None:
    assert {name for _, name, _ in operations()} == MAY.keys()


@pytest.mark.asyncio
async def test_every_operation_by_every_duty(everything: Agency) -> None:
    query = "mutation($t: String!) { registerSource(text: $t, basedOn: 0) { __typename } }"
    steward = {**OWNS, "user": "wang"}
    done = await everything.ask(steward, query, t=CLINICS.format(home=everything.home))
    assert done["__typename"] == "StepTaken"
    wrong: list[str] = []
    for kind, name, field in operations():
        query, variables = asked(kind, name, field)
        for duty in DUTIES:
            claims = {**OWNS, "user": f"the-{duty}", "duties": [duty]}
            body = await everything.post(PATH, claims, {"query": query, "variables": variables})
            code = code_of(name, body)
            may = duty in MAY[name]
            if may == (code == "FORBIDDEN") or code in ("INTERNAL", "GRAPHQL_VALIDATION_FAILED"):
                wrong.append(f"{name} by {duty}: {code}")
    assert not wrong
    anybody = (await everything.client.post(PATH, json={"query": "{ x }"})).json()
    assert anybody["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
