"""One question to another hub and what comes back; nothing of its own text goes further."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

import msgspec
import orjson

from connectors.http.body import decoded
from connectors.http.client import Client
from connectors.http.rows import bad
from connectors.hub.token import Signer
from connectors.spi import Asker
from schema.errors import SourceError

_HEARD = frozenset({400, 401, 403, 405, 413, 422, 500, 503})
_NULLS = frozenset({"FIELD_FORBIDDEN", "NO_GRANT", "GRANT_EXPIRED"})
"""Codes of fields that are null because the other hub says so: an answer, not a failure."""
_BUSY = frozenset({
    "OVERLOADED", "SOURCE_BUSY", "QUOTA_UNAVAILABLE", "RULES_UNAVAILABLE", "AUDIT_UNAVAILABLE",
    "SHUTTING_DOWN", "EPOCH_REVOKED",
})  # fmt: skip
_SLOW = frozenset({"SOURCE_TIMEOUT", "DEADLINE_EXCEEDED", "REQUEST_TIMEOUT"})
_REFUSED = frozenset({
    "UNAUTHENTICATED", "PURPOSE_REQUIRED", "PURPOSE_NOT_ALLOWED", "USE_FORBIDDEN", "NO_DELEGATION",
    "TIME_WINDOW", "NETWORK_ZONE", "STEP_UP_REQUIRED", "CASE_REQUIRED", "AGGREGATE_ONLY",
    "COMBINATION_FORBIDDEN", "QUOTA", "FORBIDDEN", "DOCUMENT_NOT_TRUSTED", "DOCUMENT_NOT_APPROVED",
    "SOURCE_REFUSED", "GRAPHQL_VALIDATION_FAILED", *_NULLS,
})  # fmt: skip
_LARGE = frozenset({"SCAN_TOO_LARGE", "TOO_COSTLY", "FILTER_TOO_BROAD"})


class HiddenError(SourceError):
    """The question names what does not exist for who asks."""

    def __init__(self) -> None:
        super().__init__("SOURCE_REFUSED", "the other hub does not allow this")


class Said(msgspec.Struct, frozen=True):
    """The data of an answer and the bytes it came in."""

    data: Mapping[str, Any]
    size: int


class Exchange:
    """Asks one hub, each question with a token of its own."""

    def __init__(self, client: Client, signer: Signer) -> None:
        self._client = client
        self._signer = signer

    async def ask(
        self, text: str, variables: Mapping[str, Any], deadline: float, asker: Asker | None
    ) -> Said:
        """The whole data of an operation; ``None`` asks for this hub itself.

        Raises: `HiddenError`, `SourceError`.
        """
        body = orjson.dumps({"query": text, "variables": variables})
        answer, size = await self._post(self._client.base, body, deadline, asker)
        errors, data = answer.get("errors"), answer.get("data")
        if errors:
            failure = _failure(errors)
            if failure is not None or not isinstance(data, dict):
                raise failure or refused()
        if not isinstance(data, dict):
            raise bad("the other hub sent no data")
        return Said(data, size)

    async def describe(self, deadline: float) -> Mapping[str, Any]:
        """What the other hub shows of its catalogue over the link; raises `SourceError`."""
        answer, _ = await self._post(f"{self._client.base}/link", b"{}", deadline, None)
        if answer.get("errors"):
            raise _failure(answer["errors"]) or refused()
        return answer

    async def greet(self, deadline: float) -> None:
        """Whether the other hub takes this one's word; raises `SourceError`."""
        answer, _ = await self._post(f"{self._client.base}/link", b'{"greet":true}', deadline, None)
        if answer.get("errors"):
            raise _failure(answer["errors"]) or refused()

    async def _post(
        self, url: str, body: bytes, deadline: float, asker: Asker | None
    ) -> tuple[Mapping[str, Any], int]:
        signer = self._signer
        token = signer.sign_own(body) if asker is None else signer.sign(asker, body)
        headers = {"Content-Type": "application/json", "Authorization": f"Hub-Link {token}"}
        if asker is not None and asker.trace:
            headers["traceparent"] = f"00-{asker.trace}-{secrets.token_hex(8)}-01"
        said = await self._client.exchange(url, headers, body, deadline, heard=_HEARD)
        answer = decoded(said.headers, said.body)
        if not isinstance(answer, dict):
            raise bad("the source is no hub", "compare `connect.url` with its address")
        return answer, len(said.body)


def refused() -> SourceError:
    """The other hub's rules, or its link, do not allow what was asked."""
    return SourceError("SOURCE_REFUSED", "the other hub does not allow this")


def _failure(errors: Any) -> SourceError | None:
    """The error for what another hub says went wrong: by its codes, from the closed list alone.

    ``None``: only fields are null that the other hub does not show.
    """
    codes = set()
    for one in errors[:100] if isinstance(errors, list) else ():
        told = one.get("extensions") if isinstance(one, dict) else None
        code = told.get("code") if isinstance(told, dict) else None
        codes.add(code if isinstance(code, str) else "")
    if not codes or "" in codes:
        return bad("the source is no hub", "compare `connect.url` with its address")
    if codes <= _NULLS:
        return None
    if "HUB_LOOP" in codes:
        return SourceError("HUB_LOOP", "the question comes round to a hub that has passed it on")
    if codes & {"GRAPHQL_VALIDATION_FAILED", "BAD_USER_INPUT"}:
        # a field that may not be seen, or not be used so, stands in the text or in a filter
        return HiddenError()
    if codes & _REFUSED:
        return refused()
    if codes & _LARGE:
        return SourceError("SCAN_TOO_LARGE", "the source would have to be read whole")
    if codes & _SLOW:
        return SourceError("SOURCE_TIMEOUT", "the source was too slow")
    if codes & _BUSY:
        return SourceError("SOURCE_BUSY", "the source asks for fewer requests")
    if "PAGE_TOO_LARGE" in codes:
        return bad("the other hub gives smaller pages", "lower `connect.page`")
    if codes & {"SOURCE_UNAVAILABLE", "INTERNAL"}:
        return SourceError("SOURCE_UNAVAILABLE", "the source did not answer")
    return bad("the source refused the request", "compare the fragment with the other hub's types")
