"""The sample database in MariaDB answers as it does in SQLite, drafted from the server itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connectors.sql.mysql_values import literal
from schema.compose.fragment import read_fragment
from schema.compose.merge import compose
from tests.hub.drafted import PACKS, answers, drafted, rows
from tests.mariadb import LocalMariadb, mariadb  # noqa: F401 - a fixture

CHINOOK = Path(__file__).resolve().parents[1] / "data" / "chinook.sqlite"
ASKED: list[tuple[str, dict[str, Any]]] = [
    ("{ albums { totalCount } tracks { totalCount } playlistTracks { totalCount } }", {}),
    (
        """query($genre: String!, $price: Decimal!) {
          tracks(first: 1000, orderBy: [MILLISECONDS_DESC, TRACK_ID_ASC], filter: {
            genre: {name: {eq: $genre}}, album: {artist: {name: {startsWith: "A"}}}
            or: [{unitPrice: {lt: $price}}, {composer: {isNull: true}}]
          }) { totalCount nodes { trackId name milliseconds unitPrice
                                  album { title artist { name } } } } }""",
        {"genre": "Rock", "price": "1"},
    ),
    (
        """{ invoicesAggregate(groupBy: BILLING_COUNTRY, filter: {total: {ge: "1.98"}}) {
               count group { billingCountry } sum { total } min { total invoiceDate }
               max { total invoiceDate } avg { total } countDistinct { customerId } } }""",
        {},
    ),
    (
        """{ artists(first: 200, filter: {name: {contains: "e"}}, orderBy: NAME_ASC) { nodes {
               artistId name
               albums(first: 2, orderBy: TITLE_DESC) { totalCount nodes { title
                 tracks(first: 3, orderBy: [MILLISECONDS_DESC]) {
                   nodes { name } pageInfo { hasNextPage } } } } } } }""",
        {},
    ),
    ("{ customers(first: 60, orderBy: [COMPANY_DESC, LAST_NAME_ASC]) { nodes { company } } }", {}),
]


def _native(declared: str) -> str:
    held = declared.lower()
    return held.replace("nvarchar", "varchar").replace("numeric", "decimal")


def copied(server: LocalMariadb) -> str:
    """Its tables with their keys, references and rows, in a database of the server."""
    statements, references = [], []
    names = [name for (name,) in rows(
        CHINOOK, "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]  # fmt: skip
    for name in names:
        columns = rows(
            CHINOOK,
            f"SELECT name, type, \"notnull\", pk FROM pragma_table_info('{name}')",  # noqa: S608
        )
        keys = [c[0] for c in sorted((c for c in columns if c[3]), key=lambda c: c[3])]
        lines = [f"`{c[0]}` {_native(c[1])} {'NOT NULL' if c[2] else ''}" for c in columns]
        lines.append(f"PRIMARY KEY ({', '.join(f'`{key}`' for key in keys)})")
        statements.append(f"CREATE TABLE `{name}` ({', '.join(lines)})")
        held = rows(CHINOOK, f'SELECT * FROM "{name}"')  # noqa: S608 - names of the sample
        for start in range(0, len(held), 1000):
            values = ", ".join(
                f"({', '.join(map(literal, row))})" for row in held[start : start + 1000]
            )
            statements.append(f"INSERT INTO `{name}` VALUES {values}")  # noqa: S608 - as above
        references += [
            f"ALTER TABLE `{name}` ADD FOREIGN KEY (`{ours}`) REFERENCES `{table}` (`{theirs}`)"
            for table, ours, theirs in rows(
                CHINOOK,
                f'SELECT "table", "from", "to" FROM pragma_foreign_key_list(\'{name}\')',  # noqa: S608
            )
        ]
    return server.url(server.database([*statements, *references]))


def test_the_same_answers_from_another_database(
    mariadb: LocalMariadb,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SAMPLE_URL", copied(mariadb))
    place = "${env:SAMPLE_URL}"
    text = drafted(place)
    assert mariadb.password not in text
    there = compose([read_fragment(text, "d.yaml")], PACKS.scheme)
    here = compose([read_fragment(drafted(CHINOOK), "d.yaml")], PACKS.scheme)
    assert set(there.types) == set(here.types)
    for name, entity in here.types.items():
        assert there.types[name].keys == entity.keys
        assert len(there.types[name].relations) == len(entity.relations)
    got, wanted = answers(place, ASKED), answers(CHINOOK, ASKED)
    for mine, theirs in zip(got, wanted, strict=True):
        assert mine == theirs
        assert mine
