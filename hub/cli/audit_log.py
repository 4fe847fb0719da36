"""What every command on the audit log needs: the log opened, and who reads it."""

from __future__ import annotations

import getpass
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import msgspec
from sqlalchemy.engine import Engine

from hub.audit import offline
from hub.audit.entry import Act
from hub.audit.link import Linked, linker
from hub.audit.proofs import AuditTree
from hub.audit.signing import KEY_FILE, audit_key
from hub.settings import Settings, read_settings
from hub.store.engine import migrate, open_engine
from hub.store.ledger import Ledger, open_ledger
from schema.errors import HubError

CONFIG = click.option(
    "--config",
    "config",
    type=click.Path(path_type=Path),
    default=Path("hub.yaml"),
    show_default=True,
    help="The hub's configuration file.",
)
OUT = click.option("--out", type=click.Path(path_type=Path), help="A file; default is the screen.")
WAIT_S = 30.0


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """The log of a configuration."""

    settings: Settings
    engine: Engine
    ledger: Ledger
    link: Linked

    @property
    def tree(self) -> AuditTree:
        """Its tree."""
        return AuditTree(self.ledger, self.link)

    @property
    def keys(self) -> list[dict[str, Any]]:
        """The hub's own public key; none before the hub has made one."""
        home = Path(self.settings.state.directory)
        if not (home / KEY_FILE).exists():
            return []
        return [dict(audit_key(home).public)]


@contextmanager
def opened(config: Path) -> Iterator[Opened]:
    """The log of a configuration, which must be there."""
    settings = read_settings(config)
    url = settings.state.database_url
    if url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).exists():
        hint = "start the hub once, or check `state` in the configuration"
        raise HubError("NOT_FOUND", "there is no audit log yet", where=str(config), hint=hint)
    engine = open_engine(url)
    try:
        migrate(engine)
        ledger = open_ledger(engine, wait_s=WAIT_S)
        try:
            link = linker(settings.instance.crypto_profile)
            yield Opened(settings=settings, engine=engine, ledger=ledger, link=link)
        finally:
            ledger.close()
    finally:
        engine.dispose()


def reader() -> str:
    """Who is logged in to the system."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


def act_of(name: str, **details: str | int | bool | None) -> Act:
    """What whoever runs the command does, for the record."""
    known = {key: value for key, value in details.items() if value is not None}
    return Act(ts=time.time(), act=name, by=f"console:{reader()}", details=known)


def written(text: str, out: Path | None) -> None:
    """Write to a file, or to the screen."""
    if out is None:
        click.echo(text)
        return
    try:
        out.write_text(f"{text}\n", encoding="utf-8")
    except OSError as error:
        message = "the file cannot be written"
        raise HubError("CONFIG_INVALID", message, where=str(out), cause=error) from error


def heads_in(file: Path) -> list[offline.Head]:
    """The signed heads of a file, one a line. Raises: `HubError` NOT_FOUND, AUDIT_BROKEN."""
    with _reading(file, "the head"):
        lines = [line for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
        return [offline.read_head(msgspec.json.decode(line)) for line in lines]


def key_in(file: Path) -> dict[str, Any]:
    """A public key, as `hub audit key` writes it. Raises: `HubError` NOT_FOUND, AUDIT_BROKEN."""
    with _reading(file, "the key"):
        key: dict[str, Any] = msgspec.json.decode(file.read_bytes(), type=dict[str, Any])
        offline.key_id(key)
        return key


@contextmanager
def _reading(file: Path, what: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        message = f"{what} is not there"
        raise HubError("NOT_FOUND", message, where=str(file), cause=error) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        message = f"{what} cannot be read"
        raise HubError("AUDIT_BROKEN", message, where=str(file), cause=error) from error
