"""From the `Authorization` header to who asks; every refusal is alike."""

from __future__ import annotations

from auth.refusal import unauthenticated
from hub.serve.certificates import Certificates, Scope
from hub.serve.collaborators import Identifying
from hub.serve.guard import LONGEST_CREDENTIALS
from schema.model.subject import Subject

_SCHEMES = {b"Bearer": "bearer", b"bearer": "bearer", b"apikey": "apikey"}


async def identified(
    identifier: Identifying, header: bytes | None, scope: Scope, certificates: Certificates
) -> Subject:
    """Who asks: by the credentials of the header, without one by a browser's session.

    Raises: `HubError` UNAUTHENTICATED, CSRF_REFUSED.
    """
    if header is None:
        return await identifier.visited(scope["headers"])
    if len(header) > LONGEST_CREDENTIALS:
        raise unauthenticated()
    name, _, token = header.partition(b" ")
    scheme = _SCHEMES.get(name) or _SCHEMES.get(name.lower())
    if scheme is None:
        raise unauthenticated()
    try:
        text = token.strip().decode("ascii")
    except UnicodeDecodeError:
        raise unauthenticated() from None
    subject = identifier.known(text)
    if subject is not None:
        return subject
    return await identifier.identify(scheme, text, certificates.shown(scope))
