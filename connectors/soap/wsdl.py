"""Reading a WSDL: bounded, without DTDs, entities, or documents from elsewhere."""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
from lxml import etree
from zeep.settings import Settings
from zeep.wsdl import Document
from zeep.wsdl.bindings.soap import Soap12Binding, SoapBinding

from connectors.http.status import too_slow
from schema.errors import HubError, SourceError

MAX_DOCUMENTS = 64
"""A WSDL and what it imports."""
MAX_BYTES = 16_000_000
"""Of all of them together."""
_PROLOG = re.compile(rb"(?:\xef\xbb\xbf)?(?>\s|<\?(?>.*?\?>)|<!--(?>.*?-->))*+<!", re.DOTALL)
Fetch = Callable[[str], Awaitable[bytes]]


class Operation(msgspec.Struct, frozen=True):
    """One operation of the port that is used; `held` is what zeep knows of it."""

    name: str
    held: Any
    soap12: bool
    """SOAP 1.2, else 1.1."""

    @property
    def takes(self) -> Any:
        """The XML schema type of what is sent."""
        return self.held.input.body.type

    @property
    def answers(self) -> frozenset[str]:
        """What the element may be called that is sent back."""
        name = self.held.output.body.qname
        if self.held.style != "rpc":
            return frozenset({name.text})
        # an rpc's answer is called after the operation, by custom and not by the WSDL
        told = etree.QName(name.namespace, f"{self.name}Response")
        return frozenset({name.text, told.text})

    @property
    def gives(self) -> Any:
        """The XML schema type of what is sent back."""
        return self.held.output.body.type

    def __repr__(self) -> str:
        return f"Operation({self.name})"


class Service(msgspec.Struct, frozen=True):
    """The port that is used."""

    address: str
    operations: Mapping[str, Operation]


class Documents:
    """Loads the documents of a WSDL for zeep, from its own folder or its own host only."""

    def __init__(self, place: str, fetch: Callable[[str], bytes] | None) -> None:
        self._fetch = fetch
        self._folder = None if fetch is not None else Path(place).resolve().parent
        self._count = 0
        self._size = 0

    def load(self, place: str) -> bytes:
        """A document; raises ``SOURCE_BAD_DATA``."""
        self._count += 1
        if self._count > MAX_DOCUMENTS:
            raise _bad("the WSDL imports too many documents")
        held = self._fetched(place)
        self._size += len(held)
        if self._size > MAX_BYTES:
            raise _bad("the WSDL is too large")
        refuse_dtd(held)
        return held

    def _fetched(self, place: str) -> bytes:
        parts = urlsplit(place)
        if self._fetch is not None:
            if parts.scheme not in ("http", "https"):
                raise _bad("the WSDL imports a document from elsewhere")
            return self._fetch(place)
        if parts.scheme not in ("", "file"):
            raise _bad("the WSDL imports a document from elsewhere", "put it beside the WSDL")
        path = Path(os.fsdecode(parts.path)).resolve()
        if self._folder is None or not path.is_relative_to(self._folder):
            raise _bad("the WSDL imports a document from elsewhere", "put it beside the WSDL")
        try:
            if path.stat().st_size > MAX_BYTES:
                raise _bad("the WSDL is too large")
            return path.read_bytes()
        except OSError:
            raise _bad("a document of the WSDL cannot be read") from None


async def read_wsdl(
    place: str, fetch: Fetch | None, deadline: float, *, service: str | None, port: str | None
) -> Service:
    """The service that a WSDL describes; `fetch` brings documents by address, ``None``: a file.

    Raises: ``SOURCE_BAD_DATA``, ``SOURCE_TIMEOUT``, or what `fetch` raises.
    """
    loop = asyncio.get_running_loop()

    def fetched(address: str) -> bytes:
        # in zeep's thread: the loop does the work, bounded by the deadline
        assert fetch is not None  # noqa: S101 - invariant: made only with it
        if time.monotonic() >= deadline:
            raise too_slow()
        return asyncio.run_coroutine_threadsafe(_awaited(fetch(address)), loop).result()

    documents = Documents(place, None if fetch is None else fetched)
    try:
        # a little longer than each document may take, which so ends first and in order
        async with asyncio.timeout(max(0.0, deadline - time.monotonic()) + 1.0):
            return await asyncio.to_thread(_read, place, documents, service, port)
    except TimeoutError:
        raise too_slow() from None


async def _awaited(waiting: Awaitable[bytes]) -> bytes:
    return await waiting


def _read(place: str, documents: Documents, service: str | None, port: str | None) -> Service:
    try:
        held = Document(place, documents, settings=Settings(forbid_dtd=True))
        return _service(held, service, port)
    except HubError:
        raise
    except Exception:  # noqa: BLE001 - zeep raises whatever a broken document leads it to
        raise _bad("the WSDL cannot be read") from None


def _service(held: Any, service: str | None, port: str | None) -> Service:
    for name, offered in held.services.items():
        for place, one in offered.ports.items():
            wanted = service in (None, name) and port in (None, place)
            if not wanted or not isinstance(one.binding, SoapBinding):
                continue
            operations = {
                told: Operation(told, operation, isinstance(one.binding, Soap12Binding))
                for told, operation in one.binding.all().items()
                if _usable(operation)
            }
            return Service(str(one.binding_options.get("address") or ""), operations)
    raise _bad(
        "the WSDL describes no such SOAP service", "compare `connect.service` and `connect.port`"
    )


def _usable(operation: Any) -> bool:
    """Whether it is a question with an answer, and both have bodies."""
    bodies = [getattr(message, "body", None) for message in (operation.input, operation.output)]
    return all(
        getattr(body, "type", None) is not None and getattr(body, "qname", None) is not None
        for body in bodies
    )


def refuse_dtd(document: bytes) -> None:
    """Raises ``SOURCE_BAD_DATA`` for a document type: entities come with it."""
    if _PROLOG.match(document):
        # fails closed: a document type is never needed, and can hold entities without end
        raise _bad("the source sent a document type definition")


def _bad(message: str, hint: str | None = None) -> SourceError:
    return SourceError("SOURCE_BAD_DATA", message, hint=hint)
