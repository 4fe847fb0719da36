"""Applications at the hub's token door: how they prove who they are."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated

import msgspec

from auth.apikeys import KeyStore, check
from auth.claims import subject_id
from auth.issuer import Issuer, KeyPlace
from auth.meet import Members, Text, Whose
from auth.refusal import RefusedError
from auth.token import Once, TokenVerifier
from schema.model.names import DepartmentName
from schema.model.subject import Subject

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ASSERTION_S = 300.0
Digest = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{43}$")]


class Client(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An application that signs what it asks with, or shows a certificate. Those with a secret
    need no declaration: their secret is an API key, which says what they are."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    """Its `client_id`, and the application that it is."""
    jwks: KeyPlace | None = None
    """File or URL of the keys that it signs with (`private_key_jwt`, RFC 7523)."""
    certificates: tuple[Digest, ...] = ()
    """Digests (`x5t#S256`) of certificates it may show (RFC 8705)."""
    department: DepartmentName | None = None
    org_kind: str | None = None
    tier: str | None = None
    region: str | None = None
    clearance: Mapping[str, str] = {}
    compartments: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    duties: tuple[str, ...] = ()
    whose: Mapping[Text | Members, Whose] = {}
    """On behalf of a person: what the two may differ in, and whose counts then."""

    def subject(self) -> Subject:
        """The application as a subject."""
        return Subject(
            id=subject_id(self.id, None),
            app=self.id,
            department=self.department,
            org_kind=self.org_kind,
            tier=self.tier,
            region=self.region,
            clearance=self.clearance,
            compartments=frozenset(self.compartments),
            roles=frozenset(self.roles),
            purposes=frozenset(self.purposes),
            duties=frozenset(self.duties),
            expires_at=float("inf"),
        )


class IssuerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The hub as an issuer of short tokens."""

    enabled: bool = False
    url: str | None = None
    """The issuer: where clients reach this hub, scheme and host alone."""
    audience: str = "urn:hub"
    """What its tokens are for: this hub."""
    lifetime_s: Annotated[float, msgspec.Meta(ge=30, le=600)] = 300.0
    clients: tuple[Client, ...] = ()


class Proved(msgspec.Struct, frozen=True, kw_only=True):
    """An application that has proved who it is."""

    subject: Subject
    whose: Mapping[Text | Members, Whose] = {}
    certificate: str | None = None
    """What its token is bound to, where it has shown a certificate."""


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What a request shows of its client."""

    client_id: str | None
    secret: str | None = None
    assertion: str | None = None
    certificate: str | None = None


class Clients:
    """Checks clients. `doors`: the addresses that an assertion may be meant for."""

    def __init__(
        self,
        clients: Sequence[Client],
        keys: Sequence[KeyStore],
        *,
        doors: tuple[str, ...],
        once: Once,
        clock: Callable[[], float],
    ) -> None:
        self._clients = {client.id: client for client in clients}
        self._keys = tuple(keys)
        self._clock = clock
        signing = [
            Issuer(
                issuer=client.id,
                audience=doors,
                jwks=client.jwks,
                types=("JWT",),
                lifetime_max_s=_ASSERTION_S,
                single_use=True,
            )
            for client in clients
            if client.jwks is not None
        ]
        self._assertions = TokenVerifier(signing, clock=clock, once=once, untyped=True)

    async def proved(self, shown: Shown) -> Proved:
        """The client. Raises: `RefusedError`, the same way whatever is wrong."""
        if shown.secret is not None and shown.assertion is not None:
            raise RefusedError("client")  # RFC 6749 2.3: not two ways at once
        if shown.secret is not None:
            now = self._clock()
            subject = await asyncio.to_thread(check, shown.secret, self._keys, now=now)
            if subject.app != shown.client_id:
                raise RefusedError("client")
            return Proved(subject=subject)
        if shown.assertion is not None:
            ident = await self._assertions.signed_by(shown.assertion)
            if shown.client_id not in (None, ident):
                raise RefusedError("client")
            client = self._clients[ident]
            return Proved(subject=client.subject(), whose=client.whose)
        found = self._clients.get(shown.client_id or "")
        if found is None or shown.certificate not in found.certificates:
            raise RefusedError("client")
        return Proved(subject=found.subject(), whose=found.whose, certificate=shown.certificate)
