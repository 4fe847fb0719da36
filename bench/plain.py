"""Plain Strawberry with dataloaders on asyncpg: what a team writes by hand without a hub."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import asyncpg
import strawberry
from starlette.applications import Starlette
from starlette.routing import Route
from strawberry.asgi import GraphQL
from strawberry.dataloader import DataLoader

pools: dict[str, asyncpg.Pool] = {}


@strawberry.type
class Person:
    person_id: str
    name: str | None
    gender: str | None
    birth_date: dt.date | None
    district: str | None
    phone: str | None
    income: Decimal | None
    updated_at: dt.datetime | None

    @strawberry.field
    async def employments(self, info: strawberry.Info) -> list[Employment]:
        return await info.context["jobs_of_person"].load(self.person_id)


@strawberry.type
class Employer:
    employer_id: str
    name: str | None
    industry: str | None

    @strawberry.field
    async def employments(self, info: strawberry.Info) -> list[Employment]:
        return await info.context["jobs_of_firm"].load(self.employer_id)


@strawberry.type
class Employment:
    employment_id: str
    person_id: str
    employer_id: str
    position: str | None
    salary: Decimal | None

    @strawberry.field
    async def employer(self, info: strawberry.Info) -> Employer | None:
        return await info.context["firm"].load(self.employer_id)

    @strawberry.field
    async def person(self, info: strawberry.Info) -> Person | None:
        return await info.context["person"].load(self.person_id)


@strawberry.type
class PersonConnection:
    nodes: list[Person]


@strawberry.type
class EmployerConnection:
    nodes: list[Employer]


@strawberry.input
class Match:
    eq: str


@strawberry.input
class PersonFilter:
    district: Match | None = None
    gender: Match | None = None


@strawberry.input
class EmployerFilter:
    district: Match | None = None


PERSON = "person_id, name, gender, birth_date, district, phone, income, updated_at"
JOB = "employment_id, person_id, employer_id, position, salary"


def _person(row: Any) -> Person:
    return Person(**dict(row.items()))


@strawberry.type
class Query:
    @strawberry.field
    async def person(self, person_id: str) -> Person | None:
        row = await pools["PEOPLE"].fetchrow(
            f"SELECT {PERSON} FROM person WHERE person_id = $1",  # noqa: S608
            person_id,
        )
        return None if row is None else _person(row)

    @strawberry.field
    async def persons(self, filter: PersonFilter, first: int = 50) -> PersonConnection:
        column = "district" if filter.district else "gender"
        held = filter.district or filter.gender
        assert held is not None
        rows = await pools["PEOPLE"].fetch(
            f"SELECT {PERSON} FROM person WHERE {column} = $1 ORDER BY person_id LIMIT $2",  # noqa: S608
            held.eq,
            first,
        )
        return PersonConnection(nodes=[_person(row) for row in rows])

    @strawberry.field
    async def employers(self, filter: EmployerFilter, first: int = 50) -> EmployerConnection:
        assert filter.district is not None
        rows = await pools["FIRMS"].fetch(
            "SELECT employer_id, name, industry FROM employer WHERE district = $1 "
            "ORDER BY employer_id LIMIT $2",
            filter.district.eq,
            first,
        )
        return EmployerConnection(nodes=[Employer(**dict(row.items())) for row in rows])


async def _jobs(column: str, keys: Sequence[str]) -> list[list[Employment]]:
    rows = await pools["JOBS"].fetch(
        f"SELECT {JOB} FROM employment WHERE {column} = ANY($1) ORDER BY employment_id",  # noqa: S608
        list(keys),
    )
    found: dict[str, list[Employment]] = {}
    for row in rows:
        found.setdefault(row[column], []).append(Employment(**dict(row.items())))
    return [found.get(key, []) for key in keys]


async def _firms(keys: list[str]) -> list[Employer | None]:
    rows = await pools["FIRMS"].fetch(
        "SELECT employer_id, name, industry FROM employer WHERE employer_id = ANY($1)", keys
    )
    found = {row["employer_id"]: Employer(**dict(row.items())) for row in rows}
    return [found.get(key) for key in keys]


async def _persons(keys: list[str]) -> list[Person | None]:
    rows = await pools["PEOPLE"].fetch(
        f"SELECT {PERSON} FROM person WHERE person_id = ANY($1)",  # noqa: S608
        keys,
    )
    found = {row["person_id"]: _person(row) for row in rows}
    return [found.get(key) for key in keys]


async def _jobs_of_person(keys: list[str]) -> list[list[Employment]]:
    return await _jobs("person_id", keys)


async def _jobs_of_firm(keys: list[str]) -> list[list[Employment]]:
    return await _jobs("employer_id", keys)


class View(GraphQL):
    async def get_context(self, request: Any, response: Any) -> Any:
        return {
            "request": request,
            "response": response,
            "jobs_of_person": DataLoader(_jobs_of_person),
            "jobs_of_firm": DataLoader(_jobs_of_firm),
            "firm": DataLoader(_firms),
            "person": DataLoader(_persons),
        }


async def _open() -> None:
    for name in ("PEOPLE", "JOBS", "FIRMS"):
        pools[name] = await asyncpg.create_pool(os.environ[f"BENCH_{name}"], min_size=8, max_size=8)


schema = strawberry.Schema(Query)


class App:
    """Starlette's route with the view, and the pools opened at start-up."""

    def __init__(self) -> None:
        self._inner = Starlette(routes=[Route("/graphql", View(schema), methods=["POST"])])

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await self._inner(scope, receive, send)
            return
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await _open()
                await send({"type": "lifespan.startup.complete"})
            else:
                await send({"type": "lifespan.shutdown.complete"})
                return


app = App()
