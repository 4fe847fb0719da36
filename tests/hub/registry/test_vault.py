"""Secrets from Vault: read over real HTTP, and told to nobody where that fails."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from connectors.spi import Ask, Call, Column
from hub.registry.secret import resolve
from hub.registry.sources import Sources, resolver
from hub.registry.vault import read_vault
from hub.settings.declared import VaultSettings
from schema.compose.fragment import read_fragment
from schema.errors import HubError, ManyErrors
from schema.model.binding import SourceDecl
from schema.model.names import DepartmentName, SourceName
from tests.hub.registry.vaulted import TOKEN, Vault, vault_server

SECRET = "p4ss-of-civil"


@pytest.fixture
def vault() -> Iterator[Vault]:
    with vault_server() as server:
        server.secrets["kv/civil/db"] = {"password": SECRET, "port": 5432, "on": True}
        yield server


@pytest.fixture
def settings(vault: Vault, tmp_path: Path) -> VaultSettings:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    return VaultSettings(address=vault.address, token_file=str(file), timeout_s=2.0)


def test_a_secret_is_read(vault: Vault, settings: VaultSettings, tmp_path: Path) -> None:
    assert read_vault("kv/civil/db#password", settings, {}) == SECRET
    text = "postgresql://hub:${vault:kv/civil/db#password}@db:${vault:kv/civil/db#port}/civil"
    wanted = f"postgresql://hub:{SECRET}@db:5432/civil"
    assert resolver(tmp_path, settings)(text) == wanted
    environ = {"VAULT_ADDR": f"{vault.address}/", "VAULT_TOKEN": TOKEN, "VAULT_NAMESPACE": "city"}
    assert resolve(text, environ) == wanted
    path, headers = vault.asked[-1]
    assert path == "/v1/kv/data/civil/db"
    assert headers["x-vault-token"] == TOKEN
    assert headers["x-vault-namespace"] == "city"


@pytest.mark.parametrize(
    ("reference", "state", "told"),
    [
        ("kv/civil/other#password", "active", "has no `vault:kv/civil/other`"),
        ("kv/civil/gone#password", "active", "has no `vault:kv/civil/gone`"),
        ("kv/civil/db#user", "active", "has no `user`"),
        ("kv/civil/db#on", "active", "is no text"),
        ("kv/civil/db#password", "sealed", "does not answer as it should"),
        ("kv/civil/db#password", "standby", "does not answer as it should"),
        ("kv/civil/db#password", "other", "cannot be read"),
        ("kv/civil/db#password", "large", "too large"),
    ],
)
def test_what_vault_does_not_give(
    vault: Vault, settings: VaultSettings, reference: str, state: str, told: str
) -> None:
    vault.secrets["kv/civil/gone"] = None
    vault.state = state
    refused = _refused(reference, settings)
    assert (refused.code, told in refused.message) == ("SECRET_UNAVAILABLE", True)


def test_another_token_and_no_server(vault: Vault, settings: VaultSettings) -> None:
    Path(str(settings.token_file)).write_text("stolen")
    refused = _refused("kv/civil/db#password", settings)
    assert "does not let the hub read `vault:kv/civil/db`" in refused.message
    vault.server_close()
    vault.shutdown()
    assert _refused("kv/civil/db#password", settings).message == "Vault does not answer"


@pytest.mark.parametrize(
    ("changes", "environ", "told"),
    [
        ({"address": None}, {}, "nothing says where Vault is"),
        ({"address": "http://vault.example:8200"}, {}, "none to send a token to"),
        ({"address": "https://u:p@vault.example"}, {}, "none to send a token to"),
        ({"address": "https://["}, {}, "none to send a token to"),
        ({"token_file": "/nowhere"}, {}, "token file cannot be read"),
        ({"token_file": None}, {}, "there is no token"),
        ({"token_file": None}, {"VAULT_TOKEN": "a\nb"}, "there is no token"),
    ],
)
def test_settings_that_cannot_be_right(
    settings: VaultSettings, changes: dict[str, str | None], environ: dict[str, str], told: str
) -> None:
    refused = _refused("kv/civil/db#password", replace(settings, **changes), environ)
    assert (refused.code, told in refused.message) == ("CONFIG_INVALID", True)


@pytest.mark.parametrize("reference", ["kv#x", "kv/db", "kv/../sys/x#y", "/#", "kv//x#y", "kv/x#"])
def test_references_that_are_not_whole(settings: VaultSettings, reference: str) -> None:
    assert _refused(reference, settings).message == "a reference to Vault is not whole"
    text = "hub: 1\nsource: {name: a, department: b, kind: sql, connect: {url: '${vault:%s}'}}\n"
    with pytest.raises(ManyErrors) as refused:
        read_fragment(text % reference, "a.yaml")
    assert "is not understood" in str(refused.value)


def _refused(
    reference: str, settings: VaultSettings, environ: dict[str, str] | None = None
) -> HubError:
    with pytest.raises(HubError) as refused:
        read_vault(reference, settings, environ or {})
    error: HubError | BaseException | None = refused.value
    told = f"{refused.value} {error!r} {refused.value.__cause__}"
    for text in (SECRET, TOKEN, "127.0.0.1", "permission denied"):
        assert text not in told
    return refused.value


@pytest.mark.asyncio
async def test_a_source_opens_when_vault_is_back(
    vault: Vault, settings: VaultSettings, tmp_path: Path
) -> None:
    file = tmp_path / "civil.sqlite"
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("CREATE TABLE residents (name TEXT)")
        connection.execute("INSERT INTO residents VALUES ('Ann')")
    vault.secrets["kv/civil/url"] = {"url": f"sqlite:///{file}"}
    vault.state = "sealed"
    name = SourceName("civil")
    decl = SourceDecl(
        name=name, department=DepartmentName("civil"), kind="sql",
        connect={"url": "${vault:kv/civil/url#url}"},
    )  # fmt: skip
    sources = Sources(vault=settings)
    await sources.use({name: (decl, tmp_path)})
    assert sources.missing == (name,)
    vault.state = "active"
    assert await sources.open_missing()
    connector = sources.open[name]
    ask = Ask(table="residents", columns=(Column("name", "String"),))
    handle = connector.offer(ask).handle
    rows = [batch async for batch in connector.fetch(handle, Call())]
    assert list(rows[0].columns["name"]) == ["Ann"]
    await sources.close()
