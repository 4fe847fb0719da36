"""Entries for other systems: JSON Lines that the offline verifier takes, Parquet, CEF by syslog."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from hub.audit import offline
from hub.audit.choose import Chosen
from hub.audit.entry import Act, Entry, read_body
from hub.audit.link import Linked, told_hash
from hub.audit.proofs import lines
from hub.store.ledger import Ledger, LedgerError
from schema.errors import HubError

_ROWS = 5_000
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]")

_TEXTS = ("kind", "subject", "app", "user", "department", "purpose", "case_id", "operation",
          "operation_name", "operation_id", "door", "outcome", "code", "leaf", "chain",
          "body")  # fmt: skip
_SCHEMA = pa.schema(
    [("seq", pa.int64()), ("ts", pa.timestamp("us", tz="UTC")), ("epoch", pa.int64())]
    + [(name, pa.string()) for name in _TEXTS]
)


class Picked(msgspec.Struct, frozen=True):
    """An exported entry; `entry` is ``None`` where its text was pruned."""

    line: offline.Line
    entry: Entry | Act | None


def picked(
    ledger: Ledger,
    link: Linked,
    chosen: Chosen | None = None,
    *,
    first: int = 1,
    last: int | None = None,
) -> Iterator[Picked]:
    """Entries in order. What is pruned fits no choice, and is there where nothing is chosen.

    Raises: `HubError` AUDIT_UNAVAILABLE, AUDIT_BROKEN.
    """
    everything = chosen is None or chosen == Chosen()
    try:
        for line in lines(ledger, link, first, last):
            entry = None if line.body is None else _read(line.seq, line.body)
            if everything or (entry is not None and chosen is not None and chosen.takes(entry)):
                yield Picked(line, entry)
    except LedgerError as error:
        raise HubError("AUDIT_UNAVAILABLE", "the audit log cannot be read", cause=error) from error


def _read(seq: int, body: str) -> Entry | Act:
    try:
        return read_body(body)
    except msgspec.DecodeError as error:
        message = "an entry has another shape than entries have"
        raise HubError("AUDIT_BROKEN", message, where=f"entry {seq}", cause=error) from error


def jsonl(one: Picked) -> str:
    """A line for the offline verifier: the exact text and both hashes."""
    line = one.line
    told = {
        "seq": line.seq, "leaf": line.leaf.hex(), "chain": told_hash(line.chain), "body": line.body,
    }  # fmt: skip
    return msgspec.json.encode(told).decode()


def cef(one: Picked, *, host: str) -> str:
    """A syslog message (RFC 5424, facility log audit) with an event in CEF."""
    entry = one.entry
    ts = None if entry is None else datetime.fromtimestamp(entry.ts, UTC)
    when = "-" if ts is None else ts.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    name, outcome, more = "pruned", "pruned", dict[str, object]()
    if isinstance(entry, Act):
        name, outcome = entry.act, entry.outcome
        more = {"suser": entry.by, "reason": entry.code, "cs4": entry.digest}
    elif entry is not None:
        name, outcome = entry.operation_name or "operation", entry.outcome
        more = {
            "suser": entry.subject, "sourceServiceName": entry.app, "reason": entry.code,
            "cs1": entry.purpose, "cs1Label": entry.purpose and "purpose",
            "cs2": entry.department, "cs2Label": entry.department and "department",
            "cs3": entry.case_id, "cs3Label": entry.case_id and "case",
            "cs4": entry.operation, "cs4Label": "operation", "requestContext": entry.door,
            "cn1": sum(entry.rows.values()), "cn1Label": "rows",
        }  # fmt: skip
    severity = 3 if outcome in ("ok", "pruned") else 6
    known = {
        "rt": None if entry is None else int(entry.ts * 1000),
        "externalId": one.line.seq,
        "outcome": outcome,
        **more,
        "cs6": one.line.leaf.hex(),
        "cs6Label": "leaf",
    }
    extension = " ".join(f"{k}={_value(str(v))}" for k, v in known.items() if v is not None)
    parts = ("Governed Data Hub", "hub", "1", "administration" if isinstance(entry, Act)
             else "operation", name, str(severity))  # fmt: skip
    event = f"CEF:0|{'|'.join(_heading(part) for part in parts)}|{extension}"
    priority = 13 * 8 + (6 if severity < 6 else 4)
    where = _UNPRINTABLE.sub("_", host).replace(" ", "_")[:255] or "-"
    return f"<{priority}>1 {when} {where} hub - audit - {event}"


def _heading(text: str) -> str:
    return _one_line(text.replace("\\", "\\\\").replace("|", "\\|"), " ")


def _value(text: str) -> str:
    return _one_line(text.replace("\\", "\\\\").replace("=", "\\="), "\\n")


def _one_line(text: str, newline: str) -> str:
    """Nobody forges a second event: every end of a line that some reader knows is written out."""
    return newline.join(text.splitlines()).replace("\x00", "")


def write_parquet(found: Iterator[Picked], file: Path) -> int:
    """Write a Parquet file; the number of rows. Raises: ``OSError``."""
    count = 0
    with pq.ParquetWriter(file, _SCHEMA, compression="zstd") as out:
        while page := list(islice(found, _ROWS)):
            out.write_table(pa.Table.from_pylist([_row(one) for one in page], schema=_SCHEMA))
            count += len(page)
    return count


def _row(one: Picked) -> dict[str, Any]:
    line, entry = one.line, one.entry
    row: dict[str, Any] = dict.fromkeys(_SCHEMA.names)
    row |= {"seq": line.seq, "leaf": line.leaf.hex(), "chain": told_hash(line.chain)}
    row["body"] = line.body
    if entry is None:
        return row | {"kind": "pruned"}
    row |= {"ts": datetime.fromtimestamp(entry.ts, UTC), "epoch": entry.epoch}
    row |= {"outcome": entry.outcome, "code": entry.code}
    if isinstance(entry, Act):
        return row | {"kind": "administration", "subject": entry.by, "operation_name": entry.act}
    same = set(_TEXTS) & set(Entry.__struct_fields__)
    return row | {name: getattr(entry, name) for name in same} | {"kind": "operation"}
