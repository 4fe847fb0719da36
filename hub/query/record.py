"""What goes on record of one operation, whatever became of it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Protocol

import msgspec

from hub.audit.entry import Entry
from hub.query.duties import Duties
from hub.query.label import AnswerLabel
from hub.query.request import Request
from hub.query.run import Run
from policies.ruling import Lent
from policies.together import Together

_LONGEST_NAME = 128
METADATA = msgspec.Raw(b'[["Query","see_metadata","allow",[]]]')
"""The audited fields of an introspection: the caller's own schema."""
NO_DELEGATION = msgspec.Raw(b'[["Query","act","reject",["mandatory.delegation"]]]')
"""The audited fields of a caller who may not act for anybody, whatever it asked."""
NOTHING = msgspec.Raw(b"[]")


class Recorder(Protocol):
    """Where entries become durable."""

    expected: int
    """Operations being fetched, whose entries are still to come; the pipeline counts them."""

    async def record(self, entry: Entry) -> int: ...


class Told(msgspec.Struct):
    """What is known of an operation so far; filled in as it goes through the rooms."""

    request: Request
    operation_id: str
    epoch: int
    catalogue: str
    digest: str | None = None
    name: str | None = None
    fields: msgspec.Raw = NOTHING
    duties: Duties | None = None
    label: AnswerLabel | None = None
    together: Together | None = None
    run: Run | None = None
    emergency: Sequence[str] = ()
    """Openings of break-glass that may bear on it."""
    lent: Lent | None = None
    """What the caller acts under, where one is clear."""

    def entry(self, ts: float, outcome: str, code: str | None) -> Entry:
        """The entry; `outcome` is ``ok``, ``partial``, ``refused`` or ``failed``."""
        request, run = self.request, self.run
        subject = request.subject
        digest = self.digest
        if digest is None:  # what could not be read is named by its text all the same
            digest = hashlib.sha256(request.text.encode("utf-8", "replace")).hexdigest()
        name = self.name if self.name is not None else request.operation_name
        return Entry(
            ts=ts,
            operation_id=self.operation_id,
            subject=subject.id,
            app=subject.app,
            user=subject.user,
            department=subject.department,
            acting_for=subject.acting_for,
            principal=None if self.lent is None else self.lent.principal.id,
            delegation=None if self.lent is None else self.lent.delegation,
            purpose=request.purpose,
            case_id=request.case_id,
            network_zone=request.network_zone,
            trace=request.trace,
            link=subject.link,
            hubs=list(subject.hubs),
            epoch=self.epoch,
            catalogue=self.catalogue,
            operation=digest,
            operation_name=None if name is None else name[:_LONGEST_NAME],
            door=request.door,
            outcome=outcome,
            code=code,
            fields=self.fields,
            obligations=[] if self.duties is None else self.duties.recorded,
            label={} if self.label is None else self.label.recorded,
            together=[] if self.together is None else self.together.rules,
            emergency=list(self.emergency),
            # of what was refused or failed nothing left, whatever was fetched
            rows=run.rows if run is not None and outcome in ("ok", "partial") else {},
            persons=run.persons if run is not None and outcome in ("ok", "partial") else [],
            sources=[] if run is None else [[n, *c] for n, c in run.sources.items()],
        )
