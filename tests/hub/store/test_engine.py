"""The Hub's own database: migrated once by whoever comes first, in both dialects."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from auth.apikeys import KeyRecord, check, mint, revoke
from auth.refusal import RefusedError
from hub.store.engine import migrate, open_engine
from hub.store.every_table import METADATA
from hub.store.keys import StoredKeys
from schema.errors import HubError
from tests.postgres import postgres_url  # noqa: F401  # a fixture

ROOT = Path(__file__).resolve().parents[3]
MIGRATE = "import sys; from hub.store.engine import *; migrate(open_engine(sys.argv[1]))"


def differences(engine: sa.Engine) -> list[object]:
    with engine.connect() as connection:
        return list(compare_metadata(MigrationContext.configure(connection), METADATA))


def migrate_at_once(url: str, count: int) -> list[int]:
    starting = [
        subprocess.Popen([sys.executable, "-W", "error", "-c", MIGRATE, url], cwd=ROOT)
        for _ in range(count)
    ]
    return [process.wait(60) for process in starting]


def test_several_workers_start_at_once_on_sqlite(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new folder' / 'state.sqlite'}"
    assert migrate_at_once(url, 4) == [0, 0, 0, 0]
    engine = open_engine(url)
    assert differences(engine) == []
    engine.dispose()


def test_several_workers_start_at_once_on_postgresql(postgres_url: str) -> None:  # noqa: F811
    engine = open_engine(postgres_url)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE SCHEMA IF NOT EXISTS fresh"))
    engine.dispose()
    url = f"{postgres_url}?options=-csearch_path%3Dfresh"
    assert migrate_at_once(url, 3) == [0, 0, 0]
    engine = open_engine(url)
    assert differences(engine) == []
    engine.dispose()


def test_migrating_again_changes_nothing(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'state.sqlite'}")
    for _ in range(2):
        migrate(engine)
    assert differences(engine) == []
    engine.dispose()


def test_commits_are_synced(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'state.sqlite'}")
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
    engine.dispose()


def test_a_database_of_a_newer_hub_is_refused(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'state.sqlite'}")
    migrate(engine)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = 'r9999'"))
    with pytest.raises(HubError, match="newer") as refused:
        migrate(engine)
    assert refused.value.code == "CONFIG_INVALID"
    engine.dispose()


@pytest.mark.parametrize(
    "url",
    ["mysql://root:secret@h/x", "sqlite://", "sqlite:///:memory:", "", "secret", "postgresql+x://"],
)
def test_other_databases_are_refused_and_not_shown(url: str) -> None:
    with pytest.raises(HubError) as refused:
        open_engine(url)
    assert refused.value.code == "CONFIG_INVALID"
    assert "secret" not in str(refused.value)


def test_a_server_that_is_away_is_told_without_its_password() -> None:
    engine = open_engine("postgresql://hub:secret@127.0.0.1:1/hub")
    with pytest.raises(HubError, match="does not answer") as refused:
        migrate(engine)
    assert "secret" not in str(refused.value)
    engine.dispose()


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    file = tmp_path / "state.sqlite"
    file.write_text("this is not a database, but it is long enough to be looked at" * 20)
    engine = open_engine(f"sqlite:///{file}")
    with pytest.raises(HubError, match="state database"):
        migrate(engine)
    engine.dispose()


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_api_keys_are_kept(dialect: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    url = f"sqlite:///{tmp_path / 'state.sqlite'}"
    if dialect == "postgresql":
        url = request.getfixturevalue("postgres_url")
    engine = open_engine(url)
    migrate(engine)
    store = StoredKeys(engine)
    blank = KeyRecord(id="", app="tax", secrets=(), roles=frozenset({"r"}))
    record, text = mint(blank, now=100.0)
    store.save(record)
    assert store.load(record.id) == record
    assert record in store.all()
    assert check(text, [store], now=200.0).roles == {"r"}
    store.save(revoke(record))
    assert store.load(record.id) is None
    with pytest.raises(RefusedError):
        check(text, [store], now=200.0)
    engine.dispose()


def test_keys_that_cannot_be_read_vouch_for_nobody(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'state.sqlite'}")
    assert StoredKeys(engine).load("0" * 12) is None
    engine.dispose()
