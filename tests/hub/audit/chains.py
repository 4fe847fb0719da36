"""Entries and stores for the tests of the audit log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import msgspec
from sqlalchemy.engine import Engine

from hub.audit.entry import Entry
from hub.audit.verify import VerifyReport, verify
from hub.store.engine import migrate, open_engine
from hub.store.ledger import BEGINNING, LedgerError, Link, Row, open_ledger


def entry(number: int = 0, **changes: object) -> Entry:
    held = Entry(
        ts=1_800_000_000.0 + number,
        operation_id=f"op-{number}",
        subject="app:benefits|user:zhang",
        app="benefits",
        user="zhang",
        department="civil",
        purpose="benefit.eligibility",
        epoch=3,
        catalogue="c" * 64,
        operation="d" * 64,
        operation_name="Persons",
        door="graphql",
        outcome="ok",
        fields=msgspec.Raw(b'[["Person.name","project","allow",["r1"]]]'),
        rows={"Person": number},
        sources=[["civil", 1, number, True]],
    )
    return msgspec.structs.replace(held, **changes) if changes else held


def engine_at(file: Path) -> Engine:
    """An engine on a migrated database; it holds no connection until it is used."""
    engine = open_engine(f"sqlite:///{file}")
    migrate(engine)
    engine.dispose()
    return engine


def report_on(engine: Engine) -> VerifyReport:
    """What verifying the chain in this database says."""
    with closing(open_ledger(engine)) as ledger:
        return verify(ledger)


class FakeLedger:
    """Rows in memory; may be slow or gone, as a test says."""

    def __init__(self) -> None:
        self.held: list[Row] = []
        self.groups: list[int] = []
        self.gate: object | None = None
        self.failing = False

    def append(self, bodies: Sequence[str], link: Link) -> int:
        if self.gate is not None:
            self.gate.wait(30)  # type: ignore[attr-defined]
        if self.failing:
            raise LedgerError("Gone")
        before = self.held[-1].hash if self.held else None
        first = len(self.held) + 1
        for offset, digest in enumerate(link(before, bodies)):
            self.held.append(Row(first + offset, digest, bodies[offset]))
        self.groups.append(len(bodies))
        return first

    def last(self) -> Row | None:
        if self.failing:
            raise LedgerError("Gone")
        return self.held[-1] if self.held else None

    def rows(self, after: int = BEGINNING) -> Iterator[Row]:
        yield from self.held[max(after, 0) :]

    def tile(self, algorithm: str, level: int, index: int) -> bytes:
        return b""

    def grow(self, link: Link) -> bool:
        return False

    def close(self) -> None:
        self.gate = None
