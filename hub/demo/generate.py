"""The sample city's data: deterministic, five departments, four kinds of source.

Equal scale and seed give equal rows on every machine. Nobody in it is real; the regions are.
"""

from __future__ import annotations

import csv
import sqlite3
from pathlib import Path
from random import Random

from hub.demo.merit import associate, certify
from hub.demo.people import settle
from hub.demo.rows import City, read_regions
from hub.demo.work import employ, found_enterprises, insure


def make_city(scale: int = 20_000, seed: int = 1) -> City:
    """Invent the city; `scale` is the number of persons."""
    chance = Random(seed)  # noqa: S311 - invented data, the same each time
    city = City(regions=read_regions())
    settle(city, chance, scale)
    found_enterprises(city, chance, max(5, scale // 20))
    employ(city, chance)
    insure(city, chance)
    certify(city, chance)
    associate(city, chance)
    return city


def generate(directory: Path, *, scale: int = 20_000, seed: int = 1) -> City:
    """Invent the city and write every file of it; `load_civil` does the rest."""
    city = make_city(scale, seed)
    write_files(city, directory)
    return city


def write_files(city: City, directory: Path) -> None:
    """Everything but civil affairs' PostgreSQL: two SQLite files, Parquet, Excel and CSV."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from openpyxl import Workbook

    directory.mkdir(parents=True, exist_ok=True)
    _hrss(city, directory / "hrss.sqlite")
    _market(city, directory / "market.sqlite")
    names = (
        ("talents", ["id_number", "level", "field", "certified"], city.talents),
        ("qualifications", ["id", "id_number", "title", "issued", "score"], city.qualifications),
    )
    for name, columns, rows in names:
        held = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
        table = pa.table(dict(zip(columns, map(list, held), strict=True)))
        pq.write_table(table, directory / f"{name}.parquet")
    book = Workbook(write_only=True)
    sheet = book.create_sheet("organisations")
    sheet.append(["credit_code", "name", "kind", "contact"])
    for row in city.organisations:
        sheet.append(list(row))
    book.save(directory / "organisations.xlsx")
    with (directory / "activities.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "credit_code", "title", "held_on", "district_code", "participants"])
        writer.writerows(city.activities)


def _hrss(city: City, file: Path) -> None:
    file.unlink(missing_ok=True)
    database = sqlite3.connect(file)
    database.executescript("""
        CREATE TABLE employments (id INTEGER PRIMARY KEY, id_number TEXT NOT NULL,
            credit_code TEXT NOT NULL, position TEXT, start_date DATE, end_date DATE,
            monthly_salary NUMERIC(12,2));
        CREATE TABLE insurances (id INTEGER PRIMARY KEY, id_number TEXT NOT NULL, kind TEXT,
            since DATE, paid_months INTEGER, base NUMERIC(12,2));
        CREATE TABLE insured_persons (id_number TEXT PRIMARY KEY, status TEXT);
    """)
    database.executemany("INSERT INTO employments VALUES (?,?,?,?,?,?,?)", city.employments)
    database.executemany("INSERT INTO insurances VALUES (?,?,?,?,?,?)", city.insurances)
    database.executemany("INSERT INTO insured_persons VALUES (?,?)", city.statuses)
    database.executescript("""
        CREATE INDEX e_person ON employments (id_number);
        CREATE INDEX e_firm ON employments (credit_code);
        CREATE INDEX i_person ON insurances (id_number);
    """)
    database.commit()
    database.close()


def _market(city: City, file: Path) -> None:
    file.unlink(missing_ok=True)
    database = sqlite3.connect(file)
    database.executescript("""
        CREATE TABLE enterprises (code TEXT PRIMARY KEY, name TEXT, industry TEXT,
            industry_title TEXT, capital TEXT, established TEXT, district_code TEXT, status TEXT,
            head TEXT);
        CREATE INDEX e_district ON enterprises (district_code);
        CREATE INDEX e_industry ON enterprises (industry);
    """)
    rows = ",".join("?" * 9)
    database.executemany(f"INSERT INTO enterprises VALUES ({rows})", city.enterprises)  # noqa: S608
    database.commit()
    database.close()


async def load_civil(url: str, city: City) -> None:
    """Create and fill civil affairs' tables in a PostgreSQL database; replaces what is there."""
    import asyncpg

    connection = await asyncpg.connect(url)
    try:
        await connection.execute("""
            DROP TABLE IF EXISTS residents, households, districts CASCADE;
            CREATE TABLE districts (code text PRIMARY KEY, name text NOT NULL,
                parent_code text REFERENCES districts, tier text NOT NULL);
            CREATE TABLE households (household_id text PRIMARY KEY, head_id text NOT NULL,
                district_code text NOT NULL, size int NOT NULL, low_income boolean NOT NULL);
            CREATE TABLE residents (id_number text PRIMARY KEY, name text NOT NULL,
                gender text NOT NULL, birth_date date NOT NULL, district_code text NOT NULL,
                phone text, address text, household_id text, updated_at timestamptz NOT NULL)
        """)
        for table, rows in (
            ("districts", city.regions),
            ("households", city.households),
            ("residents", city.persons),
        ):
            await connection.copy_records_to_table(table, records=rows)
        await connection.execute("""
            ALTER TABLE households ADD FOREIGN KEY (district_code) REFERENCES districts;
            ALTER TABLE residents ADD FOREIGN KEY (district_code) REFERENCES districts,
                ADD FOREIGN KEY (household_id) REFERENCES households;
            ALTER TABLE households ADD FOREIGN KEY (head_id) REFERENCES residents;
            CREATE INDEX ON households (district_code);
            CREATE INDEX ON residents (district_code, id_number);
            CREATE INDEX ON residents (household_id); CREATE INDEX ON residents (name);
            CREATE INDEX ON districts (parent_code); ANALYZE
        """)
    finally:
        await connection.close()
