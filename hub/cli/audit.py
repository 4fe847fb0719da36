"""`hub audit`: is the log whole, what is in it."""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import msgspec

from hub.audit import offline
from hub.audit.entry import Act
from hub.audit.head import Head, read_head, write_head
from hub.audit.link import Linked, linked
from hub.audit.reader import Recorded, access, current_head, tail
from hub.audit.signing import plain_head
from hub.audit.verify import verify
from hub.cli.audit_export import export, hold, prune_command
from hub.cli.audit_log import CONFIG, Opened, heads_in, key_in, opened, reader
from hub.cli.audit_proofs import consistency, heads, key_command, prove, sign
from hub.cli.audit_search import reconcile, searching, subject
from hub.settings import Settings
from hub.store.heads import newest_head
from hub.store.ledger import Ledger
from schema.errors import HubError

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
@CONFIG
@_HEAD
@click.option(
    "--against",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Signed heads kept elsewhere; the newest of the hub's own database counts in any case.",
)
@click.option(
    "--key",
    "key_files",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Public keys of heads beside the hub's own, of before it had another one.",
)
def verify_command(
    config: Path,
    head_file: Path | None,
    against: tuple[Path, ...],
    key_files: tuple[Path, ...],
) -> None:
    """Check that no entry was changed, moved or taken away, with the code of the offline verifier.

    Without a head kept elsewhere, a log that was cut together with its tree, or written anew by
    who holds the hub's key, cannot be noticed.

    \b
    Example:
      hub audit verify --config hub.yaml --against /mnt/safe/2026-05.json
    """
    with opened(config) as log:
        ledger = log.ledger
        head = _known_head(log.settings, head_file, ledger)
        given = [one for file in against for one in heads_in(file)]
        # heads of before another crypto profile are of the tree that there was then
        kind = given[0].hash_alg if given else log.link.algorithm
        link = linked("sm3" if kind == "sm3" else "sha256")
        signed = _signed(log, link, given, [*log.keys, *map(key_in, key_files)])
        report = verify(ledger, head, signed=signed, link=link)
    if not report.ok:
        raise HubError(
            "AUDIT_BROKEN",
            f"{report.kind}: {report.problem}",
            where=None if report.seq is None else f"entry {report.seq}",
            hint=f"the {report.entries} entries before it are whole; keep the file for inspection",
        )
    held = "" if head is None else f", and it holds the head at entry {head.seq}"
    click.echo(f"the audit log is whole: {report.entries} entries{held}")
    if signed:
        sizes = ", ".join(str(one.size) for one in sorted(set(signed))[-5:])
        click.echo(f"it holds the signed heads of size {sizes}")
    if report.pruned:
        click.echo(f"of these {report.pruned} have lost their text, as acts on record say")
    if report.sm3:
        click.echo(f"of these {report.sm3} hashed by SM3, {report.entries - report.sm3} by SHA-256")
    if report.head is not None:
        click.echo(f"head {report.head.seq} {report.head.hash}")


@audit.command("tail", short_help="Show the last entries.")
@CONFIG
@click.option("-n", "count", type=click.IntRange(0, 1_000_000), default=20, show_default=True)
@click.option("-f", "--follow", is_flag=True, help="Go on with new entries until interrupted.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
def tail_command(config: Path, count: int, *, follow: bool, as_json: bool) -> None:
    """Show the last entries, oldest first. The access is on record itself, before they are shown.

    \b
    Example:
      hub audit tail -n 5 --follow --config hub.yaml
    """
    with opened(config) as log:
        noted = access(reader(), time.time(), f"console-{secrets.token_hex(6)}")
        for recorded in tail(log.ledger, noted, count, follow=follow, link=log.link):
            text = msgspec.json.encode(recorded).decode() if as_json else _line(recorded)
            click.echo(text)


@audit.command("head", short_help="Write the current head, to be kept elsewhere.")
@CONFIG
@click.option("--out", type=click.Path(path_type=Path), help="A file; default is the screen.")
def head_command(config: Path, out: Path | None) -> None:
    """Write the current head, to be kept elsewhere.

    Whoever holds a head can notice that entries were cut from the end, or all were rewritten.

    \b
    Example:
      hub audit head --config hub.yaml --out /mnt/safe/head.json
    """
    with opened(config) as log:
        head = current_head(log.ledger)
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


def _signed(
    log: Opened, link: Linked, given: list[offline.Head], keys: list[dict[str, Any]]
) -> list[offline.Head]:
    """Signed heads to compare with: each signature holds, and no two tell of two logs."""
    newest = newest_head(log.engine, link.algorithm)
    own = [] if newest is None else [plain_head(newest)]
    problem = offline.forked([*given, *own])
    for head in (*given, *own):
        problem = problem or offline.check_signature(head, keys)
    if problem is not None:
        raise HubError("AUDIT_BROKEN", f"{problem.kind}: {problem.text}")
    return [*given, *own]


def _known_head(settings: Settings, head_file: Path | None, ledger: Ledger) -> Head | None:
    if head_file is not None:
        return read_head(head_file)
    named = settings.audit.head
    if named is None or (not Path(named).exists() and current_head(ledger) is None):
        return None
    return read_head(Path(named))


def _line(recorded: Recorded) -> str:
    entry = recorded.entry
    if entry is None:
        return f"{recorded.seq}  pruned  {_short(recorded.hash)}"
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


for _command in (
    sign, heads, key_command, prove, consistency, export, prune_command, hold, searching(_line),
    subject, reconcile,
):  # fmt: skip
    audit.add_command(_command)
