"""The hand-written limit: bare ASGI, asyncpg with text codecs, one statement per database.

It answers the same shapes as the hub from the same rows, with nothing in between, and sets the
garbage collector as the hub does.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import orjson

PERSON = ("personId", "name", "gender", "birthDate", "district", "phone", "income", "updatedAt")
COLUMNS = (
    "person_id, name, gender, birth_date, district, phone, income, "
    "to_char(updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
)
W1 = f"SELECT {COLUMNS} FROM person WHERE person_id = $1"  # noqa: S608
PAGE = f"SELECT {COLUMNS} FROM person WHERE district = $1 ORDER BY person_id LIMIT 50"  # noqa: S608
MANY = f"SELECT {COLUMNS} FROM person WHERE gender = $1 ORDER BY person_id LIMIT 1000"  # noqa: S608
P50 = "SELECT person_id, name FROM person WHERE district = $1 ORDER BY person_id LIMIT 50"
J_BY_PERSON = (
    "SELECT person_id, employment_id, position, salary, employer_id FROM employment "
    "WHERE person_id = ANY($1) ORDER BY person_id, employment_id"
)
F_BY_ID = "SELECT employer_id, name, industry FROM employer WHERE employer_id = ANY($1)"
F20 = "SELECT employer_id, name FROM employer WHERE district = $1 ORDER BY employer_id LIMIT 20"
J_BY_FIRM = (
    "SELECT employer_id, position, salary, person_id FROM employment "
    "WHERE employer_id = ANY($1) ORDER BY employer_id, employment_id"
)
P_BY_ID = "SELECT person_id, name, birth_date FROM person WHERE person_id = ANY($1)"

pools: dict[str, asyncpg.Pool] = {}


async def _text(connection: asyncpg.Connection) -> None:
    for kind in ("date", "numeric", "timestamptz"):
        await connection.set_type_codec(
            kind, schema="pg_catalog", encoder=str, decoder=str, format="text"
        )


async def _quiet(_connection: asyncpg.Connection) -> None:
    return None


async def _open() -> None:
    for name in ("PEOPLE", "JOBS", "FIRMS"):
        pools[name] = await asyncpg.create_pool(
            os.environ[f"BENCH_{name}"], min_size=8, max_size=8, init=_text, reset=_quiet
        )


async def w1(v: dict[str, Any]) -> dict[str, Any]:
    row = await pools["PEOPLE"].fetchrow(W1, v["id"])
    return {"person": None if row is None else dict(zip(PERSON, row, strict=True))}


def _persons(rows: list[Any]) -> list[dict[str, Any]]:
    return [
        {"personId": a, "name": b, "gender": c, "birthDate": d, "district": e, "phone": f,
         "income": g, "updatedAt": h}
        for a, b, c, d, e, f, g, h in rows
    ]  # fmt: skip


async def w2(v: dict[str, Any]) -> dict[str, Any]:
    return {"persons": {"nodes": _persons(await pools["PEOPLE"].fetch(PAGE, v["d"]))}}


async def w4(v: dict[str, Any]) -> dict[str, Any]:
    return {"persons": {"nodes": _persons(await pools["PEOPLE"].fetch(MANY, v["d"]))}}


async def w3(v: dict[str, Any]) -> dict[str, Any]:
    people = await pools["PEOPLE"].fetch(P50, v["d"])
    jobs = await pools["JOBS"].fetch(J_BY_PERSON, [row[0] for row in people])
    firms = await pools["FIRMS"].fetch(F_BY_ID, list({row[4] for row in jobs}))
    by_id = {a: {"name": b, "industry": c} for a, b, c in firms}
    by_person: dict[str, list[Any]] = {}
    for person, job, position, salary, firm in jobs:
        by_person.setdefault(person, []).append(
            {"employmentId": job, "position": position, "salary": salary,
             "employer": by_id.get(firm)}
        )  # fmt: skip
    nodes = [{"personId": a, "name": b, "employments": by_person.get(a, [])} for a, b in people]
    return {"persons": {"nodes": nodes}}


async def w5(v: dict[str, Any]) -> dict[str, Any]:
    firms = await pools["FIRMS"].fetch(F20, v["d"])
    jobs = await pools["JOBS"].fetch(J_BY_FIRM, [row[0] for row in firms])
    people = await pools["PEOPLE"].fetch(P_BY_ID, list({row[3] for row in jobs}))
    by_id = {a: {"name": b, "birthDate": c} for a, b, c in people}
    by_firm: dict[str, list[Any]] = {}
    for firm, position, salary, person in jobs:
        by_firm.setdefault(firm, []).append(
            {"position": position, "salary": salary, "person": by_id.get(person)}
        )
    nodes = [{"name": b, "employments": by_firm.get(a, [])} for a, b in firms]
    return {"employers": {"nodes": nodes}}


WORK: dict[str, Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]] = {
    "W1": w1, "W2": w2, "W3": w3, "W4": w4, "W5": w5,
}  # fmt: skip


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await _open()
                gc.collect()
                gc.freeze()
                gc.set_threshold(20_000, 20, 20)
                await send({"type": "lifespan.startup.complete"})
            else:
                await send({"type": "lifespan.shutdown.complete"})
                return
    body = b""
    while True:
        message = await receive()
        body += message["body"]
        if not message.get("more_body"):
            break
    if not body:  # whoever asks whether the server is up
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body", "body": b""})
        return
    request = orjson.loads(body)
    data = await WORK[request["query"][6:8]](request["variables"])
    payload = orjson.dumps({"data": data})
    await send(
        {"type": "http.response.start", "status": 200,
         "headers": [(b"content-type", b"application/json"),
                     (b"content-length", str(len(payload)).encode())]}
    )  # fmt: skip
    await send({"type": "http.response.body", "body": payload})
