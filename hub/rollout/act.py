"""Steps of officers and operators on the audit log, durable before they take effect."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec
from sqlalchemy import Engine

from hub.audit.entry import Act, encoder
from hub.audit.head import Head, advance_head, check_head
from hub.audit.link import linker, told_hash
from hub.settings import Settings
from hub.store.ledger import LedgerError, open_ledger
from schema.errors import HubError

_WAIT_S = 30.0


class Acts:
    """Writes acts into the chain that the workers write operations into."""

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        clock: Callable[[], float],
        asked_by: str | None = None,
    ) -> None:
        """`asked_by`: who asked for it over HTTP."""
        self._engine = engine
        self._audit = settings.audit
        self._link = linker(settings.instance.crypto_profile)
        self._clock = clock
        self._asked = {} if asked_by is None else {"asked_by": asked_by}

    def record(self, act: str, by: str, **known: object) -> None:
        """Make one act durable. Raises: `HubError` AUDIT_UNAVAILABLE, AUDIT_BROKEN."""
        if not self._audit.enabled:
            return
        made = msgspec.convert(
            {"kind": "administration", "ts": self._clock(), "act": act, "by": by, **known}, Act
        )
        details = {**made.details, **self._asked, "account": _account()}
        made = msgspec.structs.replace(made, details=details)
        head = None if self._audit.head is None else Path(self._audit.head)
        try:
            with closing(open_ledger(self._engine, wait_s=_WAIT_S)) as ledger:
                if head is not None:
                    check_head(ledger, head)
                ledger.append([encoder.encode(made).decode()], self._link)
                last = ledger.last()
            if head is not None and last is not None:
                advance_head(head, Head(seq=last.seq, hash=told_hash(last.hash)))
        except (LedgerError, OSError) as error:
            # fails closed: what is not on record does not happen
            message = "the audit log cannot record"
            raise HubError("AUDIT_UNAVAILABLE", message, cause=error) from error

    @contextmanager
    def refusals(self, act: str, by: str, **known: object) -> Iterator[None]:
        """What is refused in here is on record too."""
        try:
            yield
        except HubError as error:
            if not error.code.startswith("AUDIT_"):
                self.record(act, by, outcome="refused", code=error.code, **known)
            raise


def _account() -> str:
    """The account that ran the command, as the machine says."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"
