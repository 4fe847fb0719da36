"""`hub audit sign`, `heads`, `key`, `prove`, `consistency`: what an auditor takes away."""

from __future__ import annotations

import time
from pathlib import Path

import click
import msgspec

from hub.audit.opening import grow_tree
from hub.audit.reader import record_act
from hub.audit.signing import audit_key, sign_head
from hub.cli.audit_log import CONFIG, OUT, Opened, act_of, opened, written
from hub.store.heads import StoredHead, heads_from, newest_head
from schema.errors import HubError


@click.command("sign", short_help="Sign the log as it is now.")
@CONFIG
@OUT
def sign(config: Path, out: Path | None) -> None:
    """Sign the log as it is now, unless it was, and write the newest signed head.

    Whoever keeps it can prove what was in the log then, and that it was only added to since.

    \b
    Example:
      hub audit sign --config hub.yaml --out /mnt/safe/2026-05.json
    """
    with opened(config) as log:
        grow_tree(log.ledger, log.link)
        key = audit_key(Path(log.settings.state.directory))
        sign_head(log.engine, log.tree, key, time.time())
        written(_json(_newest(log)), out)


@click.command("heads", short_help="Write the signed heads, one a line.")
@CONFIG
@OUT
@click.option("--from", "least", type=click.IntRange(0), default=0, help="Of this size on.")
def heads(config: Path, out: Path | None, least: int) -> None:
    """Write the signed heads, the smallest first, one a line.

    \b
    Example:
      hub audit heads --config hub.yaml --out heads.jsonl
    """
    with opened(config) as log:
        told: list[str] = []
        while page := heads_from(log.engine, log.link.algorithm, least=least, most=1_000):
            told += map(_json, page)
            least = page[-1].size + 1
        if not told:
            raise _unsigned()
        written("\n".join(told), out)


@click.command("key", short_help="Write the public key that heads are signed with.")
@CONFIG
@OUT
def key_command(config: Path, out: Path | None) -> None:
    """Write the public key that heads are signed with, as a JWK.

    \b
    Example:
      hub audit key --config hub.yaml --out audit-key.json
    """
    with opened(config) as log:
        if not log.keys:
            raise _unsigned()
        written(msgspec.json.encode(log.keys[0]).decode(), out)


@click.command("prove", short_help="Prove that an entry is in the log of a signed head.")
@click.argument("seq", type=click.IntRange(1))
@CONFIG
@OUT
@click.option("--size", type=click.IntRange(1), help="Of the head; default is the newest.")
def prove(seq: int, config: Path, out: Path | None, size: int | None) -> None:
    """Prove that entry SEQ is in the log of a signed head. The access is on record.

    \b
    Example:
      hub audit prove 4711 --config hub.yaml --out proof.json
    """
    with opened(config) as log:
        if size is None:
            size = _newest(log).size
        record_act(log.ledger, log.link, act_of("audit.proved", seq=seq, size=size))
        written(msgspec.json.encode(log.tree.inclusion(seq, size)).decode(), out)


@click.command("consistency", short_help="Prove that one head's log begins another's.")
@click.argument("old", type=click.IntRange(0))
@click.argument("new", type=click.IntRange(0))
@CONFIG
@OUT
def consistency(old: int, new: int, config: Path, out: Path | None) -> None:
    """Prove that the log of the head of size NEW begins with that of size OLD.

    \b
    Example:
      hub audit consistency 4700 5100 --config hub.yaml --out proof.json
    """
    with opened(config) as log:
        written(msgspec.json.encode(log.tree.consistency(old, new)).decode(), out)


def _newest(log: Opened) -> StoredHead:
    head = newest_head(log.engine, log.link.algorithm)
    if head is None:
        raise _unsigned()
    return head


def _json(head: StoredHead) -> str:
    return msgspec.json.encode(head).decode()


def _unsigned() -> HubError:
    hint = "`hub audit sign` signs the log as it is"
    return HubError("NOT_FOUND", "no head of the log was signed yet", hint=hint)
