"""The head: the last number and hash, kept outside the database so that cutting the end shows."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from hub.audit.link import told_hash
from hub.store.ledger import Ledger
from schema.errors import HubError


class Head(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The end of a chain at some moment."""

    seq: int
    hash: str
    """Hexadecimal, after `sm3:` where SM3 made it."""


def write_head(file: Path, head: Head) -> None:
    """Replace the file at once and durably; raises `OSError`."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    with draft.open("wb") as out:
        out.write(msgspec.json.encode(head) + b"\n")
        out.flush()
        os.fsync(out.fileno())
    draft.replace(file)


def advance_head(file: Path, head: Head) -> None:
    """Write the head unless the file holds a later one, from another worker.

    Raises: `OSError`, `HubError` AUDIT_BROKEN for a damaged file, which is left as it is.
    """
    if file.exists() and read_head(file).seq >= head.seq:
        return
    write_head(file, head)


def read_head(file: Path) -> Head:
    """Raises: `HubError` NOT_FOUND or AUDIT_BROKEN."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Head)
    except FileNotFoundError as error:
        hint = "`hub audit head` prints one; the hub keeps it where `audit.head` says"
        raise HubError(
            "NOT_FOUND", "there is no head file", where=str(file), hint=hint, cause=error
        ) from error
    except (OSError, msgspec.DecodeError) as error:
        raise HubError(
            "AUDIT_BROKEN", "the head file cannot be read", where=str(file), cause=error
        ) from error


def check_head(ledger: Ledger, file: Path) -> None:
    """Refuse to go on with a chain that does not hold the head that was kept of it.

    A file that is not there says nothing.
    Raises: `HubError` AUDIT_BROKEN, `LedgerError`.
    """
    if not file.exists():
        return
    head = read_head(file)
    row = next(iter(ledger.rows(head.seq - 1)), None)
    if row is None or (row.seq, told_hash(row.hash)) != (head.seq, head.hash):
        raise HubError(
            "AUDIT_BROKEN",
            "the audit log does not hold the head that was kept of it",
            where=str(file),
            hint="inspect it with `hub audit verify`; put the file away to begin anew",
        )
