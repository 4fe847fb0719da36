"""Drafting a fragment: what kind of source a place is, how the fragment reaches it."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from hub.cli.source import connect_of, kind_of, name_of, source
from schema.errors import HubError


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        ("sqlite:///a.db", "sql"),
        ("postgresql://db/civil", "sql"),
        ("postgresql+asyncpg://db/civil", "sql"),
        ("mysql://db/civil", "sql"),
        ("mariadb+pymysql://db/civil", "sql"),
        ("chinook.sqlite", "sql"),
        ("data/Big.DB", "sql"),
        ("http://localhost:9001/openapi.json", "rest"),
        ("market.openapi.yaml", "rest"),
        ("https://shop.city/graphql", "graphql"),
        ("http://localhost:4001", "graphql"),
        ("people.csv", "files"),
        ("talents.parquet", "files"),
        (".", "files"),
    ],
)
def test_kind(place: str, kind: str) -> None:
    assert kind_of(place) == kind


def test_kind_unknown() -> None:
    with pytest.raises(HubError, match="no kind of source"):
        kind_of("what-is-this")


def test_connect_makes_paths_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.sqlite").touch()
    Path("a.csv").touch()
    assert connect_of("a.sqlite", "sql") == {"url": f"sqlite:///{tmp_path}/a.sqlite"}
    assert connect_of("a.csv", "files") == {"path": f"{tmp_path}/a.csv"}
    assert connect_of("${env:DB}", "sql") == {"url": "${env:DB}"}
    assert connect_of("http://x/openapi.json", "rest") == {"openapi": "http://x/openapi.json"}
    with pytest.raises(HubError, match="no such file"):
        connect_of("b.sqlite", "sql")


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("chinook.sqlite", "chinook"),
        ("/data/Civil Affairs.db", "civil-affairs"),
        ("postgresql://user:hidden@db.city/civil", "civil"),
        ("http://market.city", "market-city"),
        ("http://market.city/graphql", "market-city"),
        ("2024.csv", "source-2024"),
    ],
)
def test_name_holds_no_secret(place: str, name: str) -> None:
    assert name_of(place) == name


def test_a_schema_file_drafts_a_server_that_is_not_there(tmp_path: Path) -> None:
    file = tmp_path / "shop.graphql"
    file.write_text("type Query { pets: [Pet!]! } type Pet { id: ID! name: String }")
    place = "http://127.0.0.1:9/graphql"
    told = CliRunner().invoke(source, ["draft", place, "--name", "pets", "--schema", str(file)])
    assert told.exit_code == 0, told.output
    assert f'connect: {{url: "{place}", schema: "{file}"}}' in told.stdout
    assert "Pet: {list: {field: pets}}" in told.stdout
    assert "petId: {column: id, type: ID}" in told.stdout
    with pytest.raises(HubError, match="named by its address"):
        connect_of(str(file), "graphql")
