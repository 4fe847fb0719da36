"""What callers ask, recorded without values so that other rules can be tried on it.

On the way of an operation stands one look-up; all else is done by a thread of its own. What does
not fit into the queue is dropped and counted, and nothing that goes wrong here reaches an answer.
"""

from __future__ import annotations

import asyncio
import hmac
import re
import time
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import msgspec
import structlog

from hub.query.limits import Limits
from hub.query.normal import blank, normal_text
from hub.query.parse import Document, RequestError, read_document
from hub.query.request import Request
from hub.store.recorded import Recorded
from schema.errors import HubError
from schema.graph.build import Face, build_face
from schema.model.catalogue import Catalogue
from schema.model.subject import Subject
from schema.model.whole import see_everything

log = structlog.get_logger("hub.query")

EVERY_S = 10.0
_PURGE_S = 300.0
_MOST_WAITING = 2_000
_MOST_REFUSED = 50
"""Documents that are looked at again in one batch: that costs as much as to validate them."""
_MOST_TEXT = 32_768
_NAME = re.compile(r"(?!.*\d{4})[A-Za-z_]\w{0,127}\Z", re.ASCII)
"""Names of operations that are kept: without long numbers, which may be somebody's."""
SOMEBODY = "*"
_SETS = ("compartments", "roles", "purposes", "duties")
_TEXTS = ("app", "department", "org_kind", "tier", "region", "acting_for", "link")

_encode = msgspec.json.Encoder(order="sorted").encode


class Records(Protocol):
    """Where recorded operations are kept; blocking."""

    def add(self, rows: Sequence[Recorded]) -> None: ...

    def purge(self, now: float) -> None: ...


class Kept(msgspec.Struct):
    """The text of an operation without values, as long as the operation itself is kept."""

    text: str | None = None
    failed: bool = False


class _Seen(msgspec.Struct, kw_only=True):
    """An operation that waits to be recorded."""

    notes: Notes
    document: Document | None
    """``None`` for a text that the caller's schema does not hold."""
    kept: Kept
    text: str
    operation_name: str | None
    variables: dict[str, Any]
    subject: Subject
    purpose: str | None
    network_zone: str | None
    case_stated: bool
    at: float
    count: int = 1


def person_key(secret: bytes) -> bytes:
    """The key of persons' hashes, from the hub's own secret."""
    return hmac.digest(secret, b"hub-recording-1", "sha256")


def person_hash(key: bytes, user: str) -> str:
    """What stands for a person where rules read who that is: equal for one person only."""
    return hmac.digest(key, user.encode(), "sha256")[:16].hex()


class Recording:
    """One worker's queue and its thread; `run` is a task of the event loop."""

    def __init__(
        self,
        records: Records,
        secret: bytes,
        *,
        clock: Callable[[], float] = time.time,
        every_s: float = EVERY_S,
    ) -> None:
        self.dropped = 0
        """Operations that were not recorded, since the queue was full or something failed."""
        self._records = records
        self._key = person_key(secret)
        self._clock = clock
        self._every_s = every_s
        self._waiting: dict[Hashable, _Seen] = {}
        self._refused = 0
        self._purged_at = float("-inf")
        self._thread = ThreadPoolExecutor(1, "hub-recording")

    def under(
        self, catalogue: Catalogue, epoch: int, limits: Limits, *, persons: bool = False
    ) -> Notes:
        """Takes note under one catalogue and epoch. `persons`: rules read who the person is."""
        return Notes(self, catalogue, epoch, limits, persons=persons)

    async def run(self) -> None:
        """Write what waits, again and again."""
        while True:
            await asyncio.sleep(self._every_s)
            await self.flush()

    async def flush(self) -> None:
        """Write what waits; never raises for what goes wrong."""
        batch = list(self._waiting.values())
        self._waiting, self._refused = {}, 0
        await asyncio.get_running_loop().run_in_executor(self._thread, self._write, batch)

    async def close(self) -> None:
        """Write what waits, and end."""
        await self.flush()
        self._thread.shutdown()

    def note(self, key: Hashable, make: Callable[[], _Seen | None], *, refused: bool) -> None:
        """Put one more operation into the queue, if there is room."""
        if len(self._waiting) >= _MOST_WAITING or (refused and self._refused >= _MOST_REFUSED):
            self.dropped += 1
            return
        try:
            seen = make()
        except HubError:
            self.dropped += 1
            return
        if seen is not None:
            self._waiting[key] = seen
            self._refused += refused

    def again(self, key: Hashable) -> bool:
        """Count an operation that waits already."""
        held = self._waiting.get(key)
        if held is None:
            return False
        held.count += 1
        return True

    def now(self) -> float:
        """Unix seconds."""
        return self._clock()

    def person(self, user: str) -> str:
        """A person as records name them."""
        return person_hash(self._key, user)

    def _write(self, batch: Sequence[_Seen]) -> None:
        try:
            rows = list(self._rows(batch))
            if rows:
                self._records.add(rows)
            now = self._clock()
            if now >= self._purged_at + _PURGE_S:
                self._records.purge(now)
                self._purged_at = now
        except Exception as error:
            # answers go on, whatever it is
            self.dropped += sum(seen.count for seen in batch)
            log.exception("recording.failed", kind=type(error).__name__)

    def _rows(self, batch: Sequence[_Seen]) -> Iterator[Recorded]:
        for seen in batch:
            try:
                row = self._row(seen)
            except ValueError:  # a text that is no Unicode
                self.dropped += seen.count
                continue
            if row is not None:
                yield row

    def _row(self, seen: _Seen) -> Recorded | None:
        text, name = self._text(seen), seen.operation_name
        if text is None:
            return None
        return Recorded(
            operation=text,
            name=name if name is not None and _NAME.match(name) else None,
            caller=seen.notes.caller(seen.subject),
            purpose=seen.purpose,
            network_zone=seen.network_zone,
            acr=seen.subject.acr,
            case_stated=seen.case_stated,
            epoch=seen.notes.epoch,
            first_seen=seen.at,
            last_seen=seen.at,
            asked=seen.count,
        )

    def _text(self, seen: _Seen) -> str | None:
        kept = seen.kept
        if kept.text is None and not kept.failed:
            try:
                kept.text = seen.notes.normal(seen)
            except (HubError, RequestError, RecursionError):
                kept.failed = True
            if kept.text is not None and len(kept.text) > _MOST_TEXT:
                kept.text, kept.failed = None, True
            if kept.failed and seen.document is not None:
                self.dropped += seen.count
        return kept.text


class Notes:
    """What the pipeline of one catalogue and epoch tells its recording."""

    def __init__(
        self,
        recording: Recording,
        catalogue: Catalogue,
        epoch: int,
        limits: Limits,
        *,
        persons: bool,
    ) -> None:
        self.epoch = epoch
        self._recording = recording
        self._catalogue = catalogue
        self._limits = limits
        self._persons = persons
        self._face: Face | None = None

    def seen(self, kept: Kept, name: str | None, document: Document, request: Request) -> None:
        """An operation was ruled on. Cost: one look-up, but for the first time in a batch."""
        stated = request.case_id is not None
        key = (id(kept), request.network_zone, stated)
        if self._recording.again(key):
            return
        fresh = kept.text is None and not kept.failed

        def make() -> _Seen | None:
            return self._made(kept, name, document, request, fresh=fresh)

        self._recording.note(key, make, refused=False)

    def refused(self, request: Request) -> None:
        """A document was refused that the caller's schema does not hold: another may hold it."""
        key = (
            request.text, request.operation_name, id(request.subject), request.purpose,
            request.network_zone, request.case_id is not None,
        )  # fmt: skip
        if self._recording.again(key):
            return

        def make() -> _Seen | None:
            return self._made(Kept(), request.operation_name, None, request, fresh=True)

        self._recording.note(key, make, refused=True)

    def _made(
        self,
        kept: Kept,
        name: str | None,
        document: Document | None,
        request: Request,
        *,
        fresh: bool,
    ) -> _Seen | None:
        purpose = request.purpose
        if purpose is not None and purpose not in request.subject.purposes:
            return None  # refused for its credentials, whatever rules say; and any text
        if len(request.text) > _MOST_TEXT:
            raise HubError("BAD_USER_INPUT", "the document is too long to be recorded")
        return _Seen(
            notes=self,
            document=document,
            kept=kept,
            text=request.text,
            operation_name=name,
            variables=blank(request.variables) if fresh else {},
            subject=request.subject,
            purpose=purpose,
            network_zone=request.network_zone,
            case_stated=request.case_id is not None,
            at=self._recording.now(),
        )

    def normal(self, seen: _Seen) -> str:
        """The operation without values, by the schema that holds it."""
        document = seen.document
        if document is None:
            if self._face is None:
                self._face = build_face(self._catalogue, see_everything(self._catalogue))
            document = read_document(seen.text, self._face, self._limits)
        return normal_text(document.ast, seen.operation_name, seen.variables, document.face.schema)

    def caller(self, subject: Subject) -> str:
        """The attributes that rules can read, as JSON."""
        told: dict[str, Any] = {name: getattr(subject, name) for name in _TEXTS}
        told |= {name: sorted(getattr(subject, name)) for name in _SETS}
        told["clearance"] = dict(subject.clearance)
        if subject.user is not None:
            told["user"] = self._recording.person(subject.user) if self._persons else SOMEBODY
        return _encode(told).decode()


def subject_of(caller: str, persons: Mapping[str, str]) -> Subject:
    """The subject of a record. `persons`: by their hash, those whom rules name."""
    told: dict[str, Any] = msgspec.json.decode(caller)
    told |= {name: frozenset(told[name]) for name in _SETS}
    user = told.get("user")
    if user is not None:
        told["user"] = persons.get(user, user)
    return Subject(id=f"app:{told['app']}", **told)
