"""Signatures over releases and orders: JWS JSON (RFC 7515, 7.2.1), Ed25519 (RFC 8037, RFC 9864).

What a signature is for stands under it, with the part that its signer takes: one over a release
is none over an order, and an author's is no approval.
"""

from __future__ import annotations

import base64
import binascii
from typing import Literal

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from joserfc.jws import JWSRegistry, deserialize_json, serialize_json
from joserfc.registry import HeaderParameter

from hub.rollout.signer import CURVE, Signer, Signers
from schema.errors import HubError

Purpose = Literal[
    "hub-release+json", "hub-rollback+json", "hub-floor+json", "hub-bound+json", "hub-source+json"
]
RELEASE: Purpose = "hub-release+json"
ROLLBACK: Purpose = "hub-rollback+json"
FLOOR: Purpose = "hub-floor+json"
BOUND: Purpose = "hub-bound+json"
SOURCE: Purpose = "hub-source+json"
Part = Literal["author", "approver", "owner"]
MOST_BYTES = 16_000_000


class _Header(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    alg: Literal["Ed25519"] = "Ed25519"
    kid: str
    typ: Purpose
    part: Part
    at: int
    """When the signer says it was."""


class Signature(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One signature as it is written; it has no header that is not under it."""

    protected: str
    signature: str


class Envelope(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A signed payload as it is written."""

    payload: str
    """Base64url."""
    signatures: tuple[Signature, ...]

    def text(self) -> str:
        """The file."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2).decode() + "\n"


class Signed(msgspec.Struct, frozen=True, kw_only=True):
    """A signature that holds."""

    signer: Signer
    part: Part
    at: int


class _Registry(JWSRegistry):
    max_payload_length = MOST_BYTES


def _registry() -> JWSRegistry:
    ours = {"part": HeaderParameter("Part", "str"), "at": HeaderParameter("Time", "int")}
    return _Registry(header_registry=ours, algorithms=[CURVE])


def read_envelope(text: str) -> Envelope:
    """The envelope of a file's text. Raises: `HubError` RELEASE_INVALID."""
    try:
        return msgspec.json.decode(text, type=Envelope)
    except msgspec.DecodeError as error:
        message, hint = "not a signed release", "name a file that `hub policy sign` wrote"
        raise HubError("RELEASE_INVALID", message, hint=hint, cause=error) from error


def envelope_in(text: str) -> Envelope | None:
    """The envelope of a text, if it is one; ``None`` for what is still to be signed."""
    try:
        return msgspec.json.decode(text, type=Envelope)
    except msgspec.DecodeError:
        return None


def payload_of(envelope: Envelope) -> bytes:
    """What is signed. Raises: `HubError` RELEASE_INVALID."""
    return _bytes(envelope.payload)


def signed(
    payload: bytes, key: OKPKey, *, purpose: Purpose, part: Part, at: int, others: Envelope | None
) -> Envelope:
    """The payload with one signature more."""
    header = _Header(kid=key.thumbprint(), typ=purpose, part=part, at=at)
    made = serialize_json(
        [{"protected": msgspec.to_builtins(header)}], payload, key, registry=_registry()
    )
    one = msgspec.convert(made["signatures"][0], Signature)
    before = () if others is None else others.signatures
    return Envelope(payload=made["payload"], signatures=(*before, one))


def opened(
    envelope: Envelope, signers: Signers, purpose: Purpose
) -> tuple[bytes, tuple[Signed, ...]]:
    """The payload and who has signed it: every signature holds, or nothing does.

    Raises: `HubError` RELEASE_INVALID for bytes that were changed, unknown keys, a signature for
    another purpose, a signer who signed twice.
    """
    if not envelope.signatures:
        raise _invalid("nobody has signed it", "sign it with `hub policy sign`")
    found = [_opened(envelope, one, signers, purpose) for one in envelope.signatures]
    people = [(one.signer.sort, one.signer.who) for one in found]
    if len(set(people)) < len(people):
        # fails closed: two signatures of one officer are not two officers'
        raise _invalid("one signer has signed it twice", "let another officer sign")
    return _bytes(envelope.payload), tuple(found)


def _opened(envelope: Envelope, one: Signature, signers: Signers, purpose: Purpose) -> Signed:
    changed = "it was changed after it was signed, or the signature is another's"
    try:
        header = msgspec.json.decode(_bytes(one.protected), type=_Header)
    except msgspec.DecodeError as error:
        raise _invalid("a signature is not one of a release", None, error) from error
    signer = signers.get(header.kid)
    if signer is None:
        hint = "declare the signer's public key under `release`"
        raise _invalid("it is signed with a key that nobody declared", hint)
    if header.typ != purpose:
        raise _invalid("a signature is for something else", "sign this very thing")
    if (header.part == "owner") != (signer.sort == "owner"):
        raise _invalid("a signer takes a part that is not theirs", "let an officer sign")
    try:
        deserialize_json(
            {"payload": envelope.payload, "signatures": [msgspec.to_builtins(one)]},
            signer.key,
            registry=_registry(),
        )
    except (JoseError, ValueError) as error:
        raise _invalid(changed, "build and sign it anew", error) from error
    return Signed(signer=signer, part=header.part, at=header.at)


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(
            text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True
        )
    except (binascii.Error, ValueError) as error:
        raise _invalid("not a signed release", None, error) from error


def _invalid(message: str, hint: str | None, cause: BaseException | None = None) -> HubError:
    return HubError("RELEASE_INVALID", message, hint=hint, cause=cause)
