"""Approved bounds: the most that a document may reveal, as an officer has signed it.

The bound stands in the hub's database with its document. Where the settings ask for it, a document
runs only while rules, grants and catalogue keep it within its bound.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec
import structlog
from joserfc.jwk import OKPKey
from sqlalchemy import Engine as Database

from hub.query.approval import Agreement, agreed, digest_of
from hub.query.grown import Growth, growth
from hub.query.limits import Limits
from hub.query.plancache import BoundedStore
from hub.query.request import Request
from hub.rollout.desk import Desk
from hub.rollout.reached import Reached, mark_of
from hub.rollout.signature import BOUND, opened, read_envelope, signed
from hub.rollout.signer import Signer, Signers, read_signers
from hub.settings.declared import ReleaseSettings
from hub.store.vouched import Vouched, newest, put, serials
from policies.attributes import SET_ATTRIBUTES, TEXT_ATTRIBUTES
from policies.engine import Engine
from policies.replay import reads_person
from policies.residue import PREFIXES
from schema.errors import HubError
from schema.model.predicate import params_in
from schema.model.subject import Subject

log = structlog.get_logger("hub.rollout")

_KEPT = 4_096
"""Verdicts that a worker keeps: of a document for a caller."""
_ENOUGH = 8
"""Characters of a digest that name a document."""
_SKEW_S = 300.0
"""How far clocks of those who sign and those who read may differ."""


class ApprovedBound(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an officer signs: one document, for whom, and the most that comes of it."""

    format: Literal[1] = 1
    document: str
    """The digest of its text."""
    serial: int
    """Counts the approvals of the document; the one with the greatest number holds."""
    made_at: int
    """Unix seconds."""
    agreement: Agreement
    withdrawn: bool = False
    """Whether it takes the approval before back, whose agreement stands here again."""


class SignedBounds:
    """The approved bounds in the hub's database; blocking."""

    def __init__(self, database: Database, signers: Signers, directory: Path) -> None:
        """`directory`: of the hub's state, where it stands how far approvals had come."""
        self._database = database
        self._signers = signers
        self._reached = Reached(directory, "bound")

    def serials(self) -> Mapping[str, int]:
        """Document -> the number of its newest approval. Raises: `HubError` RULES_UNAVAILABLE."""
        return serials(self._database, "bound")

    def rows(self) -> Mapping[str, Vouched]:
        """Document -> its newest approval as stored. Raises: `HubError` RULES_UNAVAILABLE."""
        return newest(self._database, "bound")

    def next_serial(self, document: str) -> int:
        """The number of a document's next approval. Raises: `HubError` RELEASE_INVALID,
        RULES_UNAVAILABLE."""
        return self._reached.after(document, self.rows().get(document))

    def read(self, now: float) -> Mapping[str, ApprovedBound]:
        """Document -> its approval that holds; the others are logged and hold not.

        Raises: `HubError` RELEASE_INVALID, RULES_UNAVAILABLE.
        """
        rows = self.rows()
        self._reached.marks()  # a file that cannot be read says so before anything else
        approved: dict[str, ApprovedBound] = {}
        for document, row in rows.items():
            try:
                approved[document] = self.opened(row, now)
            except HubError as error:
                log.error("bound.unfit", document=document, code=error.code)
        self._reached.keep({document: rows[document] for document in approved})
        return approved

    def opened(self, row: Vouched, now: float) -> ApprovedBound:
        """The approval in a row. Raises: `HubError` RELEASE_INVALID."""
        payload, by = opened(read_envelope(row.statement), self._signers, BOUND)
        bound = _read(payload)
        # fails closed: an approval is one officer's, for its document, in its place
        if [one.part for one in by] != ["approver"] or bound.serial != row.serial:
            raise _misplaced()
        if [_digest(text) for text in bound.agreement.documents] != [row.about]:
            raise _misplaced()
        mark = self._reached.marks().get(row.about)
        # fails closed: the approval before may have been for more
        if mark is not None and not mark.reached_by(row):
            raise _misplaced()
        # fails closed: whoever has kept a key signs with any date, so what a retired officer has
        # signed holds only where it was seen before
        if by[0].signer.retired and mark != mark_of(row):
            raise _misplaced()
        if max(bound.made_at, by[0].at) > now + _SKEW_S:
            raise _misplaced()
        return bound


class BoundWatch:
    """A worker's view of the approved bounds."""

    def __init__(self, database: Database, settings: ReleaseSettings, directory: Path) -> None:
        self._signed = SignedBounds(database, read_signers(settings), directory)
        self._tried: Mapping[str, int] | None = None
        self.approved: Mapping[str, ApprovedBound] = {}

    def changed(self, now: float) -> bool:
        """Look, and whether something else was found. Raises: `HubError` RULES_UNAVAILABLE."""
        found = self._signed.serials()
        if found == self._tried:
            return False
        try:
            self.approved = self._signed.read(now)
        except HubError as error:
            if error.code == "RULES_UNAVAILABLE":
                raise
            # fails closed: nobody knows which approvals are the newest
            log.error("bound.unfit", document="", code=error.code)
            self.approved = {}
        self._tried = found
        return True


class Covered:
    """Which documents may run for whom, under one engine; made anew with it."""

    def __init__(
        self,
        approved: Mapping[str, ApprovedBound],
        engine: Engine,
        limits: Limits,
        begin: float,
    ) -> None:
        self._approved = approved
        self._ground: dict[str, Any] = {"engine": engine, "limits": limits, "begin": begin}
        self._by_person = reads_person(engine)
        self._documents: dict[str, bool] = {}
        self._callers: BoundedStore[tuple[str, bytes], HubError | Literal["within"]] = BoundedStore(
            _KEPT
        )

    def check(self, request: Request, digest: str) -> None:
        """Refuse what no officer has approved. Cost: two look-ups once it was asked.

        Raises: `HubError` DOCUMENT_NOT_APPROVED.
        """
        bound = self._approved.get(digest)
        if bound is not None and bound.withdrawn:
            bound = None
        if bound is None or _named(request.subject) not in map(_named, bound.agreement.callers):
            # that it is approved for others would tell that they ask it
            raise _refused("no officer has approved what this document reveals to this caller")
        if digest not in self._documents:
            self._documents[digest] = not grown(bound.agreement, self._ground)
        if not self._documents[digest]:
            raise _refused("this document can reveal more than was approved")
        stated = bound.agreement.purposes
        if stated and (request.purpose or "") not in stated:
            raise _refused("this document is approved for other purposes")
        verdict = self._verdict(bound.agreement, digest, request.subject)
        if isinstance(verdict, HubError):
            raise _refused(verdict.message)

    def _verdict(
        self, agreement: Agreement, digest: str, subject: Subject
    ) -> HubError | Literal["within"]:
        plain = msgspec.structs.replace(subject, expires_at=0.0)
        alike = plain if self._by_person else msgspec.structs.replace(plain, id="", user=None)
        key = (digest, msgspec.json.encode(alike, order="sorted"))
        found = self._callers.get(key)
        if found is None:
            found = self._asked(agreement, plain) or "within"
            self._callers.put(key, found)
        return found

    def _asked(self, agreement: Agreement, subject: Subject) -> HubError | None:
        if not any(_bound_alike(agreement, subject, named) for named in agreement.callers):
            return _refused("this document is approved for callers of other attributes")
        # the callers that were named stand for others of their application, who may have more
        alone = msgspec.structs.replace(agreement, callers=(subject,))
        if grown(alone, self._ground):
            return _refused("this document can reveal more to this caller than was approved")
        return None


def bounds_of(desk: Desk) -> SignedBounds:
    """The approved bounds of a desk's hub."""
    return SignedBounds(desk.engine, desk.signers, Path(desk.settings.state.directory))


def grown(approved: Agreement, ground: Mapping[str, Any]) -> tuple[Growth, ...]:
    """What documents can reveal beyond an approved bound, by the rules now; () = within it.

    `ground`: engine, limits and the moment from which on.
    """
    try:
        present = agreed(approved.documents, approved.callers, approved.purposes, **ground)
    except HubError as error:
        # fails closed: nobody can say what comes of it
        what = (f"its bound cannot be found ({error.code})", f"无法确定其披露上限（{error.code}）")
        return (Growth(operation=_digest(approved.documents[0])[:12], at="", what=what),)
    return growth(approved.operations, present.operations)


def approve_bound(
    desk: Desk, agreement: Agreement, ground: Mapping[str, Any], key: OKPKey
) -> Sequence[ApprovedBound]:
    """Approve an agreement, document by document.

    Raises: `HubError` RELEASE_REFUSED where it is more than the agreement says already.
    """
    signer = desk.signer(key)
    with desk.acts.refusals("bound.approved", signer.who, digest=agreement.digest):
        _officers_only(signer)
        found = grown(agreement, ground)
        if found:
            message = f"`{found[0].operation}` can reveal more already: {found[0].what[0]}"
            hint = "look at the present bound with `hub policy reveal`"
            raise HubError("RELEASE_REFUSED", message, hint=hint)
        present = agreed(agreement.documents, agreement.callers, agreement.purposes, **ground)
        beyond = growth(present.operations, agreement.operations)
        if beyond:
            # nobody has computed this: an officer would approve what no rule comes to yet
            message = f"`{beyond[0].operation}` reveals less than that: {beyond[0].at}"
            hint = "write the present bound with `hub policy reveal --json`, and approve that"
            raise HubError("RELEASE_REFUSED", message, hint=hint)
        known = bounds_of(desk)
        made = []
        for text in dict.fromkeys(agreement.documents):
            document = _digest(text)
            bound = ApprovedBound(
                document=document, serial=known.next_serial(document), made_at=int(desk.now),
                agreement=_alone(agreement, text),
            )  # fmt: skip
            _keep(desk, bound, key, signer.who)
            made.append(bound)
    return made


def withdraw_bound(desk: Desk, document: str, key: OKPKey) -> ApprovedBound:
    """Take the approval of a document back; it runs no more until it is approved anew.

    `document`: its digest, or at least 8 characters that no other approved document's begins with.
    Raises: `HubError` RELEASE_REFUSED where no such approval holds, RULES_UNAVAILABLE.
    """
    signer = desk.signer(key)
    with desk.acts.refusals("bound.withdrawn", signer.who, details={"document": document[:64]}):
        _officers_only(signer)
        known = bounds_of(desk)
        rows = known.rows()
        found = (
            [one for one in rows if one.startswith(document)] if len(document) >= _ENOUGH else []
        )
        if len(found) != 1:
            message = f"{len(found) or 'no'} approved documents have a digest with this beginning"
            hint = "name it as `hub policy reveal --stored` shows it"
            raise HubError("RELEASE_REFUSED", message, hint=hint)
        before = known.opened(rows[found[0]], desk.now)
        if before.withdrawn:
            message = f"the approval of `{found[0][:12]}` is withdrawn already"
            hint = "`hub policy reveal --stored` shows which hold"
            raise HubError("RELEASE_REFUSED", message, hint=hint)
        bound = msgspec.structs.replace(
            before, serial=known.next_serial(found[0]), made_at=int(desk.now), withdrawn=True
        )
        _keep(desk, bound, key, signer.who)
    return bound


def _officers_only(signer: Signer) -> None:
    if signer.sort != "officer":
        hint = "let an officer sign, with a key under `release.officers`"
        raise HubError("RELEASE_REFUSED", "an owner approves no document", hint=hint)


def _keep(desk: Desk, bound: ApprovedBound, key: OKPKey, who: str) -> None:
    payload = _bytes(bound)
    envelope = signed(payload, key, purpose=BOUND, part="approver", at=bound.made_at, others=None)
    # durable before it holds; if it then does not come to hold, that is on record too
    desk.acts.record(
        "bound.withdrawn" if bound.withdrawn else "bound.approved", who,
        digest=bound.agreement.digest,
        details={"document": bound.document, "serial": bound.serial},
    )  # fmt: skip
    put(desk.engine, Vouched(
        kind="bound", about=bound.document, serial=bound.serial, statement=envelope.text(),
        recorded_at=desk.now, recorded_by=who,
    ))  # fmt: skip


def _alone(agreement: Agreement, text: str) -> Agreement:
    operations = tuple(one for one in agreement.operations if one.document == _digest(text))
    plain = msgspec.structs.replace(agreement, documents=(text,), operations=operations, digest="")
    return msgspec.structs.replace(plain, digest=digest_of(plain))


def _bound_alike(agreement: Agreement, subject: Subject, named: Subject) -> bool:
    """Whether row conditions come to the same for two callers: those of the bound hold values of
    the caller's as parameters, and are compared without them."""
    if _named(subject) != _named(named):
        return False
    wheres = [
        where
        for bound in agreement.operations
        for where in (
            *(one.where for one in bound.types),
            *(shown.where for use in bound.uses for shown in use.shown),
        )
    ]
    return all(
        _value(name, subject) == _value(name, named)
        for name in frozenset().union(*map(params_in, wheres))
    )


def _value(name: str, subject: Subject) -> object:
    space, _, attribute = name.partition(".")
    held = {**TEXT_ATTRIBUTES, **SET_ATTRIBUTES}.get(attribute)
    if space == PREFIXES["subject"].rstrip(".") and held is not None:
        return held(subject)
    # fails closed: what is lent or delegated is that of the whole caller
    return msgspec.structs.replace(subject, id="", user=None, expires_at=0.0)


def _named(subject: Subject) -> tuple[str, str | None, str | None]:
    return subject.app, subject.department, subject.acting_for


def _bytes(bound: ApprovedBound) -> bytes:
    """The only bytes that stand for it."""
    return msgspec.json.encode(bound, order="sorted")


def _read(payload: bytes) -> ApprovedBound:
    try:
        found = msgspec.json.decode(payload, type=ApprovedBound)
    except msgspec.DecodeError as error:
        raise _misplaced() from error
    # fails closed: what several readers may read in several ways is read by none
    if _bytes(found) != payload or digest_of(found.agreement) != found.agreement.digest:
        raise _misplaced()
    return found


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _refused(message: str) -> HubError:
    hint = "let an officer approve what it reveals: `hub policy approve`"
    return HubError("DOCUMENT_NOT_APPROVED", message, hint=hint)


def _misplaced() -> HubError:
    message = "the stored approval is not for this place"
    hint = "look at the audit log: the database was changed by hand; approve the document anew"
    return HubError("RELEASE_INVALID", message, hint=hint)
