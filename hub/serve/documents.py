"""Documents that clients name instead of sending: registered ones, and those seen before (APQ).

Source: GraphQL over HTTP, Appendix A "Persisted Documents"; Apollo's manifest
(`apollo-persisted-query-manifest`, version 1); Relay's `persisted_queries.json`.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import orjson

from hub.serve.decode import Parts
from hub.serve.options import DocumentsMode
from schema.errors import HubError

_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_MANIFEST = "apollo-persisted-query-manifest"


class Document(msgspec.Struct, frozen=True):
    """A document's text and the SHA-256 of its UTF-8 form, in hexadecimal."""

    text: str
    digest: str


def digest_text(text: str) -> str:
    """The digest that names a document, the same as in the audit log."""
    return sha256(text.encode()).hexdigest()


class Registered:
    """The documents that were registered at build time; immutable."""

    def __init__(self, documents: Mapping[str, str]) -> None:
        self._by_id: dict[str, Document] = {}
        self._by_digest: dict[str, Document] = {}
        for name, text in documents.items():
            document = Document(text, digest_text(text))
            self._by_id[name] = document
            self._by_digest[document.digest] = document

    def __len__(self) -> int:
        return len(self._by_digest)

    def texts(self) -> list[str]:
        """Every text, each once, in the order of the manifests."""
        return [document.text for document in self._by_digest.values()]

    def by_id(self, document_id: str) -> Document | None:
        """`sha256:<hex>`, or the id of the manifest as it stands there."""
        prefix, colon, payload = document_id.partition(":")
        if colon and prefix == "sha256":
            if not _SHA256.fullmatch(payload):
                raise HubError(
                    "MALFORMED_REQUEST", "`documentId` is not `sha256:` and 64 lower-case digits"
                )
            return self._by_digest.get(payload)
        return self._by_id.get(document_id)

    def by_digest(self, digest: str) -> Document | None:
        """By the digest of the text alone, as Apollo's clients send it."""
        return self._by_digest.get(digest)


def load_documents(paths: Sequence[Path]) -> Registered:
    """Read manifests of either form; raises `CONFIG_INVALID` naming the file."""
    documents: dict[str, str] = {}
    for path in paths:
        for name, text in _read_manifest(path).items():
            if documents.setdefault(name, text) != text:
                raise HubError(
                    "CONFIG_INVALID", "a document id names two different texts", where=str(path)
                )
    return Registered(documents)


def _read_manifest(path: Path) -> dict[str, str]:
    try:
        value = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise HubError(
            "CONFIG_INVALID", "the document manifest cannot be read", where=str(path), cause=error
        ) from error
    if isinstance(value, dict) and value.get("format") == _MANIFEST:
        pairs = [
            (item.get("id"), item.get("body"))
            for item in value.get("operations") or []
            if isinstance(item, dict)
        ]
    else:
        pairs = list(value.items()) if isinstance(value, dict) else []
    documents = {n: t for n, t in pairs if isinstance(n, str) and isinstance(t, str)}
    if not pairs or len(documents) != len(pairs):
        raise HubError(
            "CONFIG_INVALID",
            "this is neither Apollo's manifest nor Relay's `persisted_queries.json`",
            where=str(path),
            hint="wanted: ids and texts of documents",
        )
    return documents


class Seen:
    """Texts that callers sent with their hash (APQ); the least recently used leave first.

    Each application has its own: a hash that is known would tell that somebody else asks the same.
    """

    def __init__(self, max_documents: int, max_bytes: int) -> None:
        self._max_documents = max_documents
        self._max_bytes = max_bytes
        self._bytes = 0
        self._documents: OrderedDict[tuple[str, str], Document] = OrderedDict()

    def get(self, app: str, digest: str) -> Document | None:
        """The document of this digest, if the application has sent it and it is still known."""
        found = self._documents.get((app, digest))
        if found is not None:
            self._documents.move_to_end((app, digest))
        return found

    def add(self, app: str, document: Document) -> None:
        """Keep a document; one larger than a tenth of the room is not kept."""
        size = len(document.text)
        key = (app, document.digest)
        if key in self._documents or size * 10 > self._max_bytes:
            return
        self._documents[key] = document
        self._bytes += size
        while self._bytes > self._max_bytes or len(self._documents) > self._max_documents:
            _, dropped = self._documents.popitem(last=False)
            self._bytes -= len(dropped.text)


class Documents:
    """Finds the text that a request means."""

    def __init__(
        self, registered: Registered, *, mode: DocumentsMode, seen: Seen | None = None
    ) -> None:
        self._registered = registered
        self._trusted = mode == "trusted"
        # fails closed: a list of trusted documents that callers can add to is none
        self._seen = None if self._trusted else seen

    def find(self, parts: Parts, app: str) -> str:
        """The text that a request of an application means.

        Raises: HubError: `MALFORMED_REQUEST`, `DOCUMENT_NOT_FOUND`, `DOCUMENT_NOT_TRUSTED`,
        `PERSISTED_QUERY_NOT_FOUND`, `PERSISTED_QUERY_NOT_SUPPORTED`.
        """
        extensions = parts.extensions
        if extensions is not None and extensions.get("persistedQuery") is not None:
            if parts.document_id is not None:
                raise HubError(
                    "MALFORMED_REQUEST", "`documentId` and `persistedQuery` exclude one another"
                )
            return self._persisted(parts.query, extensions["persistedQuery"], app)
        if parts.document_id is not None:
            if parts.query is not None:
                raise HubError("MALFORMED_REQUEST", "`query` and `documentId` exclude one another")
            found = self._registered.by_id(parts.document_id)
            if found is None:
                raise HubError("DOCUMENT_NOT_FOUND", "no document has this id")
            return found.text
        if parts.query is None:
            raise HubError("MALFORMED_REQUEST", "`query` is missing")
        return self._given(parts.query)

    def _given(self, text: str) -> str:
        if self._trusted and self._registered.by_digest(digest_text(text)) is None:
            raise HubError(
                "DOCUMENT_NOT_TRUSTED",
                "only registered documents run here",
                hint="register the operation with the hub's operator",
            )
        return text

    def _persisted(self, text: str | None, stated: Any, app: str) -> str:
        digest = stated.get("sha256Hash") if isinstance(stated, dict) else None
        if not isinstance(digest, str) or not _SHA256.fullmatch(digest):
            raise HubError("MALFORMED_REQUEST", "`persistedQuery.sha256Hash` is not 64 hex digits")
        if stated.get("version") != 1:
            raise HubError("MALFORMED_REQUEST", "`persistedQuery.version` is not 1")
        if text is not None and digest_text(text) != digest:
            raise HubError(
                "MALFORMED_REQUEST", "`persistedQuery.sha256Hash` is not that of `query`"
            )
        found = self._registered.by_digest(digest)
        if found is not None:
            return found.text
        if self._trusted:
            if text is None:
                raise HubError("DOCUMENT_NOT_FOUND", "no document has this id")
            return self._given(text)
        if self._seen is None:
            raise HubError("PERSISTED_QUERY_NOT_SUPPORTED", "PersistedQueryNotSupported")
        if text is None:
            known = self._seen.get(app, digest)
            if known is None:
                raise HubError("PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound")
            return known.text
        self._seen.add(app, Document(text, digest))
        return text
