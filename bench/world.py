"""The data of the benchmarks: persons, employments and employers in three databases."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

PERSONS = 20_000
EMPLOYMENTS = 40_000
EMPLOYERS = 2_000

TABLES = {
    "people": """CREATE TABLE person (
        person_id text PRIMARY KEY, name text NOT NULL, gender text NOT NULL,
        birth_date date NOT NULL, district text NOT NULL, phone text, income numeric(12,2),
        updated_at timestamptz NOT NULL)""",
    "jobs": """CREATE TABLE employment (
        employment_id text PRIMARY KEY, person_id text NOT NULL, employer_id text NOT NULL,
        position text NOT NULL, started date NOT NULL, ended date, salary numeric(12,2),
        hours int NOT NULL);
        CREATE INDEX ON employment (person_id); CREATE INDEX ON employment (employer_id)""",
    "firms": """CREATE TABLE employer (
        employer_id text PRIMARY KEY, name text NOT NULL, industry text NOT NULL,
        district text NOT NULL, capital numeric(14,2), established date NOT NULL,
        staff int NOT NULL, active bool NOT NULL)""",
}
PERSON = ["person_id", "name", "gender", "birth_date", "district", "phone", "income", "updated_at"]
EMPLOYMENT = ["employment_id", "person_id", "employer_id", "position", "started", "ended",
              "salary", "hours"]  # fmt: skip
EMPLOYER = ["employer_id", "name", "industry", "district", "capital", "established", "staff",
            "active"]  # fmt: skip

PERSON_FIELDS = "personId name gender birthDate district phone income updatedAt"
QUERIES = {
    "W1": f"query W1($id: String!) {{ person(personId: $id) {{ {PERSON_FIELDS} }} }}",
    "W2": "query W2($d: String!) { persons(filter: {district: {eq: $d}}, first: 50) "
    f"{{ nodes {{ {PERSON_FIELDS} }} }} }}",
    "W3": "query W3($d: String!) { persons(filter: {district: {eq: $d}}, first: 50) { nodes { "
    "personId name employments { employmentId position salary employer { name industry } } } } }",
    "W4": "query W4($d: String!) { persons(filter: {gender: {eq: $d}}, first: 1000) "
    f"{{ nodes {{ {PERSON_FIELDS} }} }} }}",
    "W5": "query W5($d: String!) { employers(filter: {district: {eq: $d}}, first: 20) { nodes { "
    "name employments { position salary person { name birthDate } } } } }",
}
FRAGMENTS = {
    "people": """hub: 1
source: {name: people, department: civil-affairs, kind: sql, connect: {url: "${env:BENCH_PEOPLE}"}}
types:
  Person:
    plural: persons
    key: [personId]
    from: {table: person}
    label: internal
    share: unconditional
    region: district
    fields:
      personId: {column: person_id, type: String}
      name: {type: String}
      gender: {type: String}
      birthDate: {column: birth_date, type: Date}
      district: {type: String}
      phone: {type: String}
      income: {type: Decimal}
      updatedAt: {column: updated_at, type: DateTime}
relations:
  Person.employments: {to: "[Employment]", match: {personId: personId}, list: true}
""",
    "jobs": """hub: 1
source: {name: jobs, department: labour, kind: sql, connect: {url: "${env:BENCH_JOBS}"}}
types:
  Employment:
    plural: employments
    key: [employmentId]
    from: {table: employment}
    label: internal
    share: unconditional
    fields:
      employmentId: {column: employment_id, type: String}
      personId: {column: person_id, type: String}
      employerId: {column: employer_id, type: String}
      position: {type: String}
      started: {type: Date}
      ended: {type: Date}
      salary: {type: Decimal}
      hours: {type: Int}
relations:
  Employment.person: {to: Person, match: {personId: personId}}
  Employment.employer: {to: Employer, match: {employerId: employerId}}
""",
    "firms": """hub: 1
source: {name: firms, department: market, kind: sql, connect: {url: "${env:BENCH_FIRMS}"}}
types:
  Employer:
    plural: employers
    key: [employerId]
    from: {table: employer}
    label: internal
    share: unconditional
    region: district
    fields:
      employerId: {column: employer_id, type: String}
      name: {type: String}
      industry: {type: String}
      district: {type: String}
      capital: {type: Decimal}
      established: {type: Date}
      staff: {type: Int}
      active: {type: Boolean}
relations:
  Employer.employments: {to: "[Employment]", match: {employerId: employerId}, list: true}
""",
}


def districts() -> list[str]:
    """District codes; about a hundred employers' and a thousand persons' rows share one."""
    return [f"3301{n:02d}" for n in range(1, 21)]


def person_id(number: int) -> str:
    return f"P{number:08d}"


async def load(url: str) -> dict[str, str]:
    """Create and fill the three databases; gives database name -> URL."""
    chance = random.Random(7)
    admin = await asyncpg.connect(url)
    urls = {}
    for name in TABLES:
        await admin.execute(f'DROP DATABASE IF EXISTS "{name}"')
        await admin.execute(f'CREATE DATABASE "{name}"')
        parts = urlsplit(url)
        urls[name] = urlunsplit(parts._replace(path=f"/{name}"))
    await admin.close()
    day = dt.date(1950, 1, 1)
    where = districts()
    moment = dt.datetime(2026, 1, 1, 8, tzinfo=dt.UTC)
    persons = [
        (person_id(n), f"Person {n} 王", "MF"[n % 2], day + dt.timedelta(chance.randrange(25_000)),
         chance.choice(where), f"139{n:08d}", Decimal(chance.randrange(10**7)) / 100,
         moment + dt.timedelta(seconds=chance.randrange(10**7)))
        for n in range(PERSONS)
    ]  # fmt: skip
    jobs = [
        (f"E{n:08d}", person_id(chance.randrange(PERSONS)), f"F{chance.randrange(EMPLOYERS):06d}",
         chance.choice(["clerk", "driver", "engineer"]),
         dt.date(2010, 1, 1) + dt.timedelta(chance.randrange(5000)), None,
         Decimal(chance.randrange(3 * 10**6)) / 100, chance.randrange(10, 48))
        for n in range(EMPLOYMENTS)
    ]  # fmt: skip
    firms = [
        (f"F{n:06d}", f"Firm {n} 有限公司", chance.choice("ABCDEF"), chance.choice(where),
         Decimal(chance.randrange(10**9)) / 100,
         dt.date(1990, 1, 1) + dt.timedelta(chance.randrange(12_000)), chance.randrange(5000),
         n % 7 != 0)
        for n in range(EMPLOYERS)
    ]  # fmt: skip
    for name, table, columns, rows in (
        ("people", "person", PERSON, persons),
        ("jobs", "employment", EMPLOYMENT, jobs),
        ("firms", "employer", EMPLOYER, firms),
    ):
        held = await asyncpg.connect(urls[name])
        await held.execute(TABLES[name])
        await held.copy_records_to_table(table, records=rows, columns=columns)
        if name == "people":
            await held.execute("CREATE INDEX ON person (district, person_id)")
            await held.execute("CREATE INDEX ON person (gender, person_id)")
        if name == "firms":
            await held.execute("CREATE INDEX ON employer (district, employer_id)")
        await held.execute("VACUUM ANALYZE")
        await held.close()
    return urls


def write_fragments(directory: Path) -> None:
    """The three fragments, for the hub."""
    for name, text in FRAGMENTS.items():
        (directory / f"{name}.yaml").write_text(text, encoding="utf-8")


def variables(workload: str, number: int) -> dict[str, str]:
    """The variables of the n-th request of a workload."""
    where = districts()
    match workload:
        case "W1":
            return {"id": person_id(number * 7919 % PERSONS)}
        case "W4":
            return {"d": "MF"[number % 2]}
        case _:
            return {"d": where[number % len(where)]}


if __name__ == "__main__":
    import sys

    print(asyncio.run(load(sys.argv[1])))
