"""What introspection finds, in a database that nobody here made and in one made for it."""

from __future__ import annotations

import asyncpg
import pytest

from connectors.spi import ForeignKey
from tests.connectors.sql.test_sql_failures import made

SCRIPT = """
CREATE SCHEMA found;
SET search_path = found;
CREATE TABLE region (code char(6) PRIMARY KEY, name varchar(50) NOT NULL UNIQUE, parent char(6)
  REFERENCES region (code));
COMMENT ON TABLE region IS 'Regions of five tiers';
COMMENT ON COLUMN region.name IS 'Full name';
CREATE TABLE place (region char(6), number int4, area numeric(10,2), seen timestamptz NOT NULL,
  nick text UNIQUE, PRIMARY KEY (region, number), FOREIGN KEY (region) REFERENCES region (code));
CREATE UNIQUE INDEX partial ON place (area) WHERE area > 0;
CREATE UNIQUE INDEX lowered ON place (lower(nick));
CREATE TABLE stay (id int8 PRIMARY KEY, region char(6), number int4,
  FOREIGN KEY (region, number) REFERENCES place (region, number));
CREATE VIEW named AS SELECT code, name FROM region;
CREATE MATERIALIZED VIEW kept AS SELECT code FROM region;
INSERT INTO region VALUES ('330100', 'Hangzhou', NULL);
ANALYZE;
"""


@pytest.mark.asyncio
async def test_postgresql(postgres_url: str) -> None:
    other = await asyncpg.connect(postgres_url)
    await other.execute(SCRIPT)
    await other.close()
    source = made(postgres_url, schema="found")
    await source.open()
    tables = {table.name: table for table in (await source.discover()).tables}
    assert list(tables) == ["kept", "named", "place", "region", "stay"]
    region, place, stay = tables["region"], tables["place"], tables["stay"]
    assert region.comment == "Regions of five tiers"
    assert region.columns[1].comment == "Full name"
    assert region.rows == 1
    assert region.keys == (("code",), ("name",))
    assert region.foreign_keys == (
        ForeignKey(columns=("parent",), to_table="region", to_columns=("code",)),
    )
    assert place.keys == (("region", "number"),)
    assert [(c.name, c.kind, c.nullable, c.native) for c in place.columns] == [
        ("region", "String", False, "character(6)"),
        ("number", "Int", False, "integer"),
        ("area", "Decimal", True, "numeric(10,2)"),
        ("seen", "DateTime", False, "timestamp with time zone"),
        ("nick", "String", True, "text"),
    ]
    assert stay.foreign_keys[0].columns == ("region", "number")
    assert stay.columns[0].kind == "BigInt"
    await source.close()


@pytest.mark.asyncio
async def test_sqlite_types_keys_and_references(tmp_path) -> None:  # type: ignore[no-untyped-def]
    import sqlite3

    held = sqlite3.connect(tmp_path / "found.db")
    held.executescript(
        """
        CREATE TABLE Region (code NCHAR(6) NOT NULL, name NVARCHAR(50) NOT NULL, opened DATETIME,
          area NUMERIC(10,2), big INTEGER, born DATE, PRIMARY KEY (code));
        CREATE UNIQUE INDEX region_name ON Region (name);
        CREATE TABLE Place (id INTEGER PRIMARY KEY, region NCHAR(6) REFERENCES region,
          lat DOUBLE, ok BOOLEAN, level TINYINT);
        CREATE VIEW Named AS SELECT code, name FROM Region;
        INSERT INTO Region VALUES ('330100', 'Hangzhou', '2020-01-01 10:00:00', 1.5, 5000000000,
          '2020-01-01 00:00:00');
        """
    )
    held.close()
    source = made(f"sqlite:///{tmp_path}/found.db")
    await source.open()
    tables = {table.name: table for table in (await source.discover()).tables}
    region, place = tables["Region"], tables["Place"]
    assert [(c.name, c.kind, c.nullable) for c in region.columns] == [
        ("code", "String", False),
        ("name", "String", False),
        ("opened", "LocalDateTime", True),
        ("area", "Decimal", True),
        ("big", "BigInt", True),
        ("born", "Date", True),
    ]
    assert region.keys == (("code",), ("name",))
    assert [(c.name, c.kind) for c in place.columns] == [
        ("id", "Int"),
        ("region", "String"),
        ("lat", "Float"),
        ("ok", "Boolean"),
        ("level", "Int"),
    ]
    assert place.foreign_keys == (
        ForeignKey(columns=("region",), to_table="Region", to_columns=("code",)),
    )
    assert [column.name for column in tables["Named"].columns] == ["code", "name"]
    await source.close()
