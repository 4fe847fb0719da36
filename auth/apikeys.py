"""API keys for applications: ``hub_<id>_<secret>``, of which only a hash of the secret is kept."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from auth.claims import subject_id
from auth.refusal import RefusedError
from schema.errors import HubError
from schema.model.names import DepartmentName
from schema.model.subject import Subject

_KEY = re.compile(r"hub_([0-9a-f]{12})_([0-9a-f]{64})\Z")
_NO_HASH = "0" * 64
_LIVE_MAX = 2


class SecretHash(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One secret of a key. SHA-256 is enough: the secret is 256 random bits, not a password."""

    sha256: str
    created_at: float
    expires_at: float | None = None


class KeyRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An API key as it is stored: the application it stands for, and hashes of its secrets."""

    id: str
    app: str
    secrets: tuple[SecretHash, ...]
    """Two while the key is being rotated, else one."""
    department: DepartmentName | None = None
    org_kind: str | None = None
    tier: str | None = None
    region: str | None = None
    clearance: Mapping[str, str] = {}
    compartments: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    purposes: frozenset[str] = frozenset()
    duties: frozenset[str] = frozenset()
    expires_at: float | None = None
    revoked: bool = False

    def subject(self, *, expires_at: float) -> Subject:
        """The application as a subject."""
        return Subject(
            id=subject_id(self.app, None),
            app=self.app,
            department=self.department,
            org_kind=self.org_kind,
            tier=self.tier,
            region=self.region,
            clearance=self.clearance,
            compartments=self.compartments,
            roles=self.roles,
            purposes=self.purposes,
            duties=self.duties,
            expires_at=expires_at,
        )


class KeyStore(Protocol):
    """Where records are kept; blocking."""

    def load(self, key_id: str) -> KeyRecord | None: ...


def looks_like_key(text: str) -> bool:
    """Whether credentials are meant as an API key."""
    return text.startswith("hub_")


def mint(record: KeyRecord, *, now: float) -> tuple[KeyRecord, str]:
    """A record with a fresh id and secret, and the key's text, which is never shown again."""
    key_id = secrets.token_hex(6)
    fresh, text = _secret(key_id, now)
    return msgspec.structs.replace(record, id=key_id, secrets=(fresh,)), text


def rotate(record: KeyRecord, *, now: float, grace_s: float) -> tuple[KeyRecord, str]:
    """A new secret beside the newest one so far, which ends after `grace_s`; older ones go."""
    fresh, text = _secret(record.id, now)
    live = [secret for secret in record.secrets if not _ended(secret.expires_at, now)]
    kept = tuple(
        msgspec.structs.replace(secret, expires_at=min(now + grace_s, _end(secret)))
        for secret in live[-(_LIVE_MAX - 1) :]
    )
    return msgspec.structs.replace(record, secrets=(*kept, fresh)), text


def revoke(record: KeyRecord) -> KeyRecord:
    """The record of a key that is never accepted again."""
    return msgspec.structs.replace(record, revoked=True, secrets=())


def check(text: str, stores: Sequence[KeyStore], *, now: float) -> Subject:
    """The subject of a key's text; blocking. Raises: `RefusedError`."""
    found = _KEY.match(text)
    if found is None:
        raise RefusedError("api_key")
    key_id, secret = found.groups()
    record: KeyRecord | None = None
    for store in stores:
        record = store.load(key_id)
        if record is not None:
            break
    shown = _digest(secret)
    ends: float | None = None
    # every live hash is compared, and one also when there is no such key: equal time
    for held in record.secrets if record is not None else (_NOBODY,):
        same = hmac.compare_digest(shown, held.sha256)
        if same and not _ended(held.expires_at, now):
            ends = _end(held)
    if record is None or ends is None:
        raise RefusedError("api_key")
    if record.revoked:
        raise RefusedError("revoked")
    if _ended(record.expires_at, now):
        raise RefusedError("expired")
    last = ends if record.expires_at is None else min(ends, record.expires_at)
    return record.subject(expires_at=last)


class FileKeys:
    """Records in a JSON file (a list), read again when the file changes."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._seen: tuple[int, int] | None = None
        self._records: Mapping[str, KeyRecord] = {}
        self._refresh()

    def load(self, key_id: str) -> KeyRecord | None:
        try:
            self._refresh()
        except HubError:
            return None  # fails closed: a file that cannot be read vouches for nobody
        return self._records.get(key_id)

    def _refresh(self) -> None:
        try:
            status = self._file.stat()
            seen = (status.st_mtime_ns, status.st_size)
            if seen == self._seen:
                return
            records = msgspec.json.decode(self._file.read_bytes(), type=list[KeyRecord])
        except (OSError, msgspec.DecodeError) as error:
            raise HubError(
                "CONFIG_INVALID",
                "the file of API keys cannot be read",
                where=str(self._file),
                hint="write a JSON list of key records",
                cause=error,
            ) from error
        self._records = {record.id: record for record in records}
        self._seen = seen


_NOBODY = SecretHash(sha256=_NO_HASH, created_at=0.0, expires_at=0.0)


def _secret(key_id: str, now: float) -> tuple[SecretHash, str]:
    secret = secrets.token_hex(32)
    return SecretHash(sha256=_digest(secret), created_at=now), f"hub_{key_id}_{secret}"


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _ended(moment: float | None, now: float) -> bool:
    return moment is not None and moment <= now


def _end(secret: SecretHash) -> float:
    return float("inf") if secret.expires_at is None else secret.expires_at
