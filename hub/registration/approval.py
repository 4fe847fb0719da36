"""What an officer signs about one version of a source, and whether it holds."""

from __future__ import annotations

import hashlib
from typing import Literal

from joserfc.jwk import OKPKey

from hub.rollout.release import SignedValue, canonical, read_signed
from hub.rollout.signature import SOURCE, Envelope, Signed, opened, read_envelope, signed
from hub.rollout.signer import Signers
from hub.store.registrations import Version
from schema.errors import HubError

SKEW_S = 300.0
"""How far the clocks of two machines may be apart."""
FRESH_S = 86_400.0
"""How long before it is handed in an approval may have been signed."""


class Approval(SignedValue, frozen=True, kw_only=True):
    """One officer's consent to one version; its number is never given to another."""

    format: Literal[1] = 1
    source: str
    version: int
    digest: str
    """Of the text."""
    follows: int
    """The version in whose place it comes; 0 for none."""
    shown: str
    """The digest of the differences, labels and share attributes that the officer was shown."""


def digest_of(text: str) -> str:
    """What stands for a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def sign(approval: Approval, key: OKPKey, now: float) -> Envelope:
    """The approval, signed."""
    return signed(
        canonical(approval), key, purpose=SOURCE, part="approver", at=int(now), others=None
    )


def read_approval(envelope: Envelope, signers: Signers) -> tuple[Approval, Signed]:
    """An approval and the one officer who signed it. Raises: `HubError` REGISTRATION_INVALID."""
    try:
        payload, by = opened(envelope, signers, SOURCE)
        approval = read_signed(payload, Approval)
    except HubError as error:
        raise invalid(error.message, error) from error
    # fails closed: an approval is one officer's
    if [one.part for one in by] != ["approver"]:
        raise invalid("it is not signed by one officer alone")
    return approval, by[0]


def check_approved(version: Version, text: str, signers: Signers) -> None:
    """That a stored version is what an officer approved, whoever wrote the database.

    Raises: `HubError` REGISTRATION_INVALID.
    """
    where = named(version)
    if version.approval is None:
        raise invalid("nobody has approved it", where=where)
    try:
        envelope = read_envelope(version.approval)
    except HubError as error:
        raise invalid(error.message, error, where) from error
    approval, _ = read_approval(envelope, signers)
    place = (approval.source, approval.version, approval.digest)
    # fails closed: what was approved once is approved for that place alone
    if place != (version.source, version.version, version.digest):
        raise invalid("its approval is for something else", where=where)
    if digest_of(text) != version.digest:
        raise invalid("its text is not the one that was approved", where=where)


def named(version: Version) -> str:
    """How places in a registered text are told."""
    return f"registered:{version.source}@{version.version}"


def invalid(message: str, cause: BaseException | None = None, where: str | None = None) -> HubError:
    """What the database says is not what an officer meant."""
    hint = "look at `hub source history` and the audit log; sign it anew with `hub source approve`"
    return HubError("REGISTRATION_INVALID", message, where=where, hint=hint, cause=cause)
