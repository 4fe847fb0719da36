"""How far signed statements had come, kept outside the database.

Whoever can write to the database can put an older one in its place, or delete rows; what a worker
has seen once it goes on asking for, also after it was started anew.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

from hub.store.vouched import Kind, Vouched
from schema.errors import HubError

if sys.platform != "win32":
    import fcntl

FILE = "vouched.json"
"""In `state.directory`."""


class Mark(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The newest statement about one thing that was seen and held."""

    serial: int
    digest: str
    """SHA-256 of the statement as stored, hexadecimal."""

    def reached_by(self, row: Vouched | None) -> bool:
        """Whether a row is this statement or a later one."""
        if row is None or row.serial < self.serial:
            return False
        return row.serial > self.serial or mark_of(row) == self


_Marks = dict[str, dict[str, Mark]]


def mark_of(row: Vouched) -> Mark:
    """What is remembered of a row."""
    return Mark(serial=row.serial, digest=hashlib.sha256(row.statement.encode()).hexdigest())


class Reached:
    """The marks of one kind, shared by the workers of one machine; blocking."""

    def __init__(self, directory: Path, kind: Kind) -> None:
        self._file = directory / FILE
        self._kind = kind
        self._seen: dict[str, Mark] = {}

    def marks(self) -> Mapping[str, Mark]:
        """By what a statement is about. What this process has seen counts without the file.

        Raises: `HubError` RELEASE_INVALID for a file that cannot be read.
        """
        self._join(self._read().get(self._kind, {}))
        return self._seen

    def after(self, about: str, row: Vouched | None) -> int:
        """The serial number of the next statement, after the one that is stored and all that were
        seen. Raises: `HubError` RELEASE_INVALID."""
        mark = self.marks().get(about)
        return 1 + max(0 if row is None else row.serial, 0 if mark is None else mark.serial)

    def keep(self, rows: Mapping[str, Vouched]) -> None:
        """Remember statements that hold. Raises: `HubError` RELEASE_INVALID."""
        before = dict(self.marks())
        self._join({about: mark_of(row) for about, row in rows.items()})
        if self._seen == before:
            return
        try:
            with self._alone():
                held = self._read()
                self._join(held.get(self._kind, {}))
                self._write({**held, self._kind: self._seen})
        except OSError as error:
            # fails closed: what cannot be remembered could be taken back unseen
            raise self._damaged("cannot be written", error) from error

    def _join(self, found: Mapping[str, Mark]) -> None:
        for about, mark in found.items():
            held = self._seen.get(about)
            if held is None or held.serial < mark.serial:
                self._seen[about] = mark

    def _read(self) -> _Marks:
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=_Marks)
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.DecodeError) as error:
            raise self._damaged("cannot be read", error) from error

    def _write(self, marks: _Marks) -> None:
        draft = self._file.with_name(f".{FILE}.{os.getpid()}")
        with draft.open("wb") as out:
            out.write(msgspec.json.encode(marks, order="sorted") + b"\n")
            out.flush()
            os.fsync(out.fileno())
        draft.replace(self._file)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """No other worker writes meanwhile."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        line = os.open(f"{self._file}-line", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if sys.platform != "win32":
                fcntl.flock(line, fcntl.LOCK_EX)
            yield
        finally:
            os.close(line)

    def _damaged(self, what: str, error: BaseException) -> HubError:
        message = f"the file of what was signed last {what}"
        return HubError("RELEASE_INVALID", message, where=str(self._file), hint=MEND, cause=error)


MEND = (
    "look at the audit log: the database was changed by hand, or an older one put back; if that is "
    f"meant, put `{FILE}` in `state.directory` away on every machine, and let all sign anew"
)
"""How to go on where marks and database differ."""
