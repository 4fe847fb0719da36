"""`hub audit`: is the log whole, what is in it."""

from __future__ import annotations

import getpass
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

from hub.audit.entry import Act
from hub.audit.head import Head, read_head, write_head
from hub.audit.link import linker
from hub.audit.reader import Recorded, access, current_head, tail
from hub.audit.verify import verify
from hub.settings import Settings, read_settings
from hub.store.engine import open_engine
from hub.store.ledger import Ledger, open_ledger
from schema.errors import HubError

_CONFIG = click.option(
    "--config",
    "config",
    type=click.Path(path_type=Path),
    default=Path("hub.yaml"),
    show_default=True,
    help="The hub's configuration file.",
)
_HEAD = click.option(
    "--head",
    "head_file",
    type=click.Path(path_type=Path),
    default=None,
    help="A head file kept elsewhere; default is the one that `audit.head` names.",
)


@click.group(short_help="Verify and read the audit log.")
def audit() -> None:
    """Verify and read the audit log.

    \b
    Example:
      hub audit verify --config hub.yaml
    """


@audit.command("verify", short_help="Check that no entry was changed, moved or taken away.")
@_CONFIG
@_HEAD
def verify_command(config: Path, head_file: Path | None) -> None:
    """Check that no entry was changed, moved or taken away.

    Without a head file, entries cut from the end cannot be noticed.

    \b
    Example:
      hub audit verify --config hub.yaml --head /mnt/safe/head.json
    """
    with _opened(config) as (settings, ledger):
        head = _known_head(settings, head_file, ledger)
        report = verify(ledger, head)
    if not report.ok:
        raise HubError(
            "AUDIT_BROKEN",
            report.problem or "the audit log does not verify",
            where=None if report.seq is None else f"entry {report.seq}",
            hint=f"the {report.entries} entries before it are whole; keep the file for inspection",
        )
    against = "" if head is None else f", and it holds the head at entry {head.seq}"
    click.echo(f"the audit log is whole: {report.entries} entries{against}")
    if report.sm3:
        click.echo(f"of these {report.sm3} hashed by SM3, {report.entries - report.sm3} by SHA-256")
    if report.head is not None:
        click.echo(f"head {report.head.seq} {report.head.hash}")


@audit.command("tail", short_help="Show the last entries.")
@_CONFIG
@click.option("-n", "count", type=click.IntRange(0, 1_000_000), default=20, show_default=True)
@click.option("-f", "--follow", is_flag=True, help="Go on with new entries until interrupted.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
def tail_command(config: Path, count: int, *, follow: bool, as_json: bool) -> None:
    """Show the last entries, oldest first. The access is on record itself, before they are shown.

    \b
    Example:
      hub audit tail -n 5 --follow --config hub.yaml
    """
    with _opened(config) as (settings, ledger):
        link = linker(settings.instance.crypto_profile)
        noted = access(_reader(), time.time(), f"console-{secrets.token_hex(6)}")
        for recorded in tail(ledger, noted, count, follow=follow, link=link):
            text = msgspec.json.encode(recorded).decode() if as_json else _line(recorded)
            click.echo(text)


@audit.command("head", short_help="Write the current head, to be kept elsewhere.")
@_CONFIG
@click.option("--out", type=click.Path(path_type=Path), help="A file; default is the screen.")
def head_command(config: Path, out: Path | None) -> None:
    """Write the current head, to be kept elsewhere.

    Whoever holds a head can notice that entries were cut from the end, or all were rewritten.

    \b
    Example:
      hub audit head --config hub.yaml --out /mnt/safe/head.json
    """
    with _opened(config) as (_, ledger):
        head = current_head(ledger)
    if head is None:
        raise HubError("NOT_FOUND", "the audit log is empty")
    if out is None:
        click.echo(msgspec.json.encode(head))
        return
    try:
        write_head(out, head)
    except OSError as error:
        message = "the head file cannot be written"
        raise HubError("CONFIG_INVALID", message, where=str(out), cause=error) from error


def _reader() -> str:
    """Who is logged in to the system."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


@contextmanager
def _opened(config: Path) -> Iterator[tuple[Settings, Ledger]]:
    settings = read_settings(config)
    url = settings.state.database_url
    if url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).exists():
        hint = "start the hub once, or check `state` in the configuration"
        raise HubError("NOT_FOUND", "there is no audit log yet", where=str(config), hint=hint)
    engine = open_engine(url)
    ledger = open_ledger(engine, wait_s=30.0)
    try:
        yield settings, ledger
    finally:
        ledger.close()
        engine.dispose()


def _known_head(settings: Settings, head_file: Path | None, ledger: Ledger) -> Head | None:
    if head_file is not None:
        return read_head(head_file)
    named = settings.audit.head
    if named is None or (not Path(named).exists() and current_head(ledger) is None):
        return None
    return read_head(Path(named))


def _line(recorded: Recorded) -> str:
    entry = recorded.entry
    if isinstance(entry, Act):
        return _act_line(recorded, entry)
    rows = " ".join(f"{name}={count}" for name, count in sorted(entry.rows.items()))
    parts = [
        str(recorded.seq),
        _moment(entry.ts),
        entry.subject,
        entry.purpose or "-",
        entry.operation_name or entry.operation[:12],
        entry.outcome if entry.code is None else f"{entry.outcome}:{entry.code}",
        rows or "-",
        _short(recorded.hash),
    ]
    return "  ".join(part.replace("\n", " ") for part in parts)


def _act_line(recorded: Recorded, act: Act) -> str:
    details = " ".join(f"{name}={value}" for name, value in act.details.items())
    parts = [
        str(recorded.seq),
        _moment(act.ts),
        act.by,
        act.act,
        "-" if act.epoch is None else f"epoch={act.epoch}",
        act.outcome if act.code is None else f"{act.outcome}:{act.code}",
        details or "-",
        _short(recorded.hash),
    ]
    return "  ".join(part.replace("\n", " ") for part in parts)


def _short(digest: str) -> str:
    """The first digits of a hash, with what made it."""
    kind, colon, digits = digest.rpartition(":")
    return f"{kind}{colon}{digits[:12]}"


def _moment(ts: float) -> str:
    return datetime.fromtimestamp(ts, UTC).isoformat(timespec="milliseconds")
