"""`hub keys`: API keys for applications, key pairs for issuers."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec
import orjson

from schema.errors import HubError

if TYPE_CHECKING:
    from auth.apikeys import KeyRecord

_FILE = click.option(
    "--file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Keep the key's hash in this JSON file (the setting auth.api_keys.file).",
)
_CONFIG = click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Keep the key's hash in the database of this configuration.",
)


@click.group()
def keys() -> None:
    """Make and revoke API keys; make key pairs for an issuer of tokens.

    \b
    Example:
      hub keys new api --app benefits --purpose benefits --config hub.yaml
    """


@keys.group()
def new() -> None:
    """Make a new key. What is printed is the only copy.

    \b
    Example:
      hub keys new signing > issuer.json
    """


@new.command()
@click.option("--id", "key_id", help="Key id; made up if absent.")
def signing(key_id: str | None) -> None:
    """Make an Ed25519 key pair as JWKs: the private key, and the public key set for the hub.

    \b
    Example:
      hub keys new signing --id 2026-1 > issuer.json
    """
    from joserfc.jwk import OKPKey

    name = key_id or secrets.token_hex(8)
    key = OKPKey.generate_key("Ed25519", {"kid": name, "use": "sig"})
    pair = {
        "private": key.as_dict(private=True),
        "public": {"keys": [key.as_dict(private=False)]},
    }
    click.echo(orjson.dumps(pair, option=orjson.OPT_INDENT_2))


@new.command()
@click.option("--app", required=True, help="The application that the key stands for.")
@click.option("--department", help="Its department.")
@click.option("--org-kind", help="Kind of organisation.")
@click.option("--tier", help="Its tier.")
@click.option("--region", help="Its region's code.")
@click.option("--clearance", multiple=True, help="LADDER=LEVEL; may be repeated.")
@click.option("--role", multiple=True, help="A role; may be repeated.")
@click.option("--purpose", multiple=True, help="An allowed purpose; may be repeated.")
@click.option("--duty", multiple=True, help="A duty; may be repeated.")
@click.option("--days", type=click.IntRange(1, 3_660), help="Ends after this many days.")
@_FILE
@_CONFIG
def api(
    app: str,
    department: str | None,
    org_kind: str | None,
    tier: str | None,
    region: str | None,
    clearance: tuple[str, ...],
    role: tuple[str, ...],
    purpose: tuple[str, ...],
    duty: tuple[str, ...],
    days: int | None,
    file: Path | None,
    config: Path | None,
) -> None:
    """Make an API key for an application and print it; the hub keeps only a hash.

    \b
    Example:
      hub keys new api --app benefits --department human-resources \\
        --clearance general=G3 --purpose benefits --days 90 --config hub.yaml
    """
    from auth.apikeys import KeyRecord, mint
    from schema.model.names import DepartmentName

    keep = _keeper(file, config)
    now = time.time()
    record = KeyRecord(
        id="",
        app=app,
        secrets=(),
        department=None if department is None else DepartmentName(department),
        org_kind=org_kind,
        tier=tier,
        region=region,
        clearance=dict(_pair(text) for text in clearance),
        roles=frozenset(role),
        purposes=frozenset(purpose),
        duties=frozenset(duty),
        expires_at=None if days is None else now + days * 86_400.0,
    )
    made, text = mint(record, now=now)
    keep(made.id, lambda _: made)
    click.echo(text)


@keys.command()
@click.argument("key_id")
@_FILE
@_CONFIG
def revoke(key_id: str, file: Path | None, config: Path | None) -> None:
    """Never accept the key with this id again; the id is the part between the underscores.

    A running hub notices within `auth.cache_s`.

    \b
    Example:
      hub keys revoke 3f9a1c22b7d4 --config hub.yaml
    """
    from auth.apikeys import revoke as end

    def ended(record: KeyRecord | None) -> KeyRecord:
        if record is None:
            raise HubError("NOT_FOUND", "there is no key with this id")
        return end(record)

    _keeper(file, config)(key_id, ended)
    click.echo("revoked")


@keys.command()
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="The hub whose issuer it is (the setting auth.issuer).",
)
@click.option(
    "--after",
    type=click.IntRange(60, 86_400),
    default=600,
    show_default=True,
    help="Seconds until the new key signs; until then others learn it.",
)
@click.option("--at-once", is_flag=True, help="Sign with it now; all tokens so far end.")
def rotate(config: Path, after: int, at_once: bool) -> None:
    """Give the hub's own issuer a new signing key and print its id.

    The old key signs until then, and its tokens verify to their end. Workers take it up by
    themselves.

    \b
    Example:
      hub keys rotate --config hub.yaml
    """
    from auth.ownkeys import OwnKeys
    from hub.settings import read_settings

    own = OwnKeys(Path(read_settings(config).state.directory))
    click.echo(own.rotate(after_s=0 if at_once else after))


Keep = Callable[[str, "Callable[[KeyRecord | None], KeyRecord]"], None]
"""Replaces the record with an id by what a function makes of it."""


def _keeper(file: Path | None, config: Path | None) -> Keep:
    if (file is None) == (config is None):
        raise click.UsageError("say where keys are kept: --file or --config, one of them")
    return _in_file(file) if file is not None else _in_store(config or Path())


def _in_store(config: Path) -> Keep:
    from hub.settings import read_settings
    from hub.store.engine import migrate, open_engine
    from hub.store.keys import StoredKeys

    settings = read_settings(config)

    def keep(key_id: str, change: Callable[[KeyRecord | None], KeyRecord]) -> None:
        Path(settings.state.directory).mkdir(parents=True, exist_ok=True)
        engine = open_engine(settings.state.database_url)
        try:
            migrate(engine)
            store = StoredKeys(engine)
            store.save(change(store.load(key_id)))
        finally:
            engine.dispose()

    return keep


def _in_file(file: Path) -> Keep:
    from auth.apikeys import KeyRecord
    from auth.keyfile import replace

    def keep(key_id: str, change: Callable[[KeyRecord | None], KeyRecord]) -> None:
        try:
            data = file.read_bytes() if file.exists() else b"[]"
            records = {r.id: r for r in msgspec.json.decode(data, type=list[KeyRecord])}
        except (OSError, msgspec.DecodeError) as error:
            raise HubError(
                "CONFIG_INVALID", "the file of API keys cannot be read", where=str(file)
            ) from error
        records[key_id] = change(records.get(key_id))
        replace(file, msgspec.json.format(msgspec.json.encode(list(records.values()))), 0o600)

    return keep


def _pair(text: str) -> tuple[str, str]:
    ladder, equals, level = text.partition("=")
    if not (ladder and equals and level):
        raise click.UsageError("--clearance is written LADDER=LEVEL")
    return ladder, level
