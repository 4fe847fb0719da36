"""The hub's own audit key, and heads of the tree signed with it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from hub.audit import offline
from hub.audit.proofs import AuditTree
from hub.store.heads import StoredHead, add_head, newest_head
from hub.store.ledger import LedgerError
from hub.store.secret import made_once
from schema.errors import HubError

KEY_FILE = "audit.key"


class AuditKey:
    """Signs heads: a JWS of each, with Ed25519 (RFC 8037), whose header and payload follow."""

    def __init__(self, pem: bytes, where: Path) -> None:
        try:
            key = load_pem_private_key(pem, password=None)
        except (ValueError, TypeError) as error:
            raise _damaged(where) from error
        if not isinstance(key, Ed25519PrivateKey):
            raise _damaged(where)
        self._key = key
        raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        jwk = {"crv": "Ed25519", "kty": "OKP", "x": offline.base64url(raw)}
        self.id = offline.key_id(jwk)
        self.public: Mapping[str, str] = {**jwk, "alg": "Ed25519", "kid": self.id, "use": "sig"}
        """The public part, as a JWK (RFC 7517)."""

    def signed(self, head: offline.Head) -> StoredHead:
        """The head with its signature."""
        head = head._replace(key_id=self.id)
        signature = offline.base64url(self._key.sign(offline.signing_input(head)))
        return msgspec.convert(head._replace(signature=signature)._asdict(), StoredHead)


def audit_key(directory: Path) -> AuditKey:
    """The key in the hub's folder; the first process that asks makes it, for the hub alone to read.

    Raises: `HubError` CONFIG_INVALID.
    """
    return AuditKey(made_once(directory, KEY_FILE, _new_key), directory / KEY_FILE)


def _new_key() -> bytes:
    made = Ed25519PrivateKey.generate()
    return made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def plain_head(head: StoredHead) -> offline.Head:
    """A head as the verifier has it."""
    return offline.Head(**msgspec.structs.asdict(head))


def sign_head(engine: Engine, tree: AuditTree, key: AuditKey, now: float) -> StoredHead | None:
    """Sign what the tree holds, once it holds more than the newest head says.

    Raises: `HubError` AUDIT_BROKEN, AUDIT_UNAVAILABLE.
    """
    try:
        last = checked_head(engine, tree, key)
        size = tree.size()
        if size == (0 if last is None else last.size):
            return None
        root, algorithm = tree.root(size).hex(), tree.algorithm
        made = key.signed(offline.Head(size, root, int(now), algorithm, "", ""))
        return made if add_head(engine, made) else None
    except (SQLAlchemyError, LedgerError) as error:
        raise HubError("AUDIT_UNAVAILABLE", "the audit log cannot be read", cause=error) from error


def checked_head(engine: Engine, tree: AuditTree, key: AuditKey) -> StoredHead | None:
    """The newest head, which the tree must hold and this key must have signed if it is its own.

    Raises: `HubError` AUDIT_BROKEN; `LedgerError`, ``SQLAlchemyError``.
    """
    last = newest_head(engine, tree.algorithm)
    if last is None:
        return None
    problem = None
    if last.key_id == key.id:
        problem = offline.check_signature(plain_head(last), [dict(key.public)])
    if problem is not None or not _holds(tree, last):
        raise HubError(
            "AUDIT_BROKEN",
            "the audit log does not hold the head that was signed of it",
            where=f"head {last.size}",
            hint="inspect it with `hub audit verify`; to go on, begin with an empty database",
        )
    return last


def _holds(tree: AuditTree, head: StoredHead) -> bool:
    try:
        return head.size <= tree.size() and tree.root(head.size).hex() == head.root
    except LookupError:
        return False


def _damaged(where: Path) -> HubError:
    return HubError(
        "CONFIG_INVALID", "the hub's audit key is damaged", where=str(where),
        hint="bring it back from a copy; delete it to sign with a new one from now on",
    )  # fmt: skip
