"""Envelopes: what is sent, and what comes back as an element or as an error without its text."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from lxml import etree
from zeep.wsse.username import UsernameToken

from connectors.http.connections import Said
from connectors.http.filters import Pair
from connectors.http.rows import bad
from connectors.http.status import refusal
from connectors.soap.tables import steps_of
from connectors.soap.wsdl import Operation, refuse_dtd
from schema.errors import SourceError

_SOAP11 = "http://schemas.xmlsoap.org/soap/envelope/"
_SOAP12 = "http://www.w3.org/2003/05/soap-envelope"
_MEDIA = frozenset({"text/xml", "application/soap+xml", "application/xml"})
_CREDENTIALS = frozenset({
    "FailedAuthentication", "FailedCheck", "InvalidSecurity", "InvalidSecurityToken",
    "SecurityTokenUnavailable", "Authentication", "Unauthorized",
})  # fmt: skip
_OURS = frozenset({"Client", "Sender"})
Answer = Any
"""An element of lxml."""


class Fault(SourceError):
    """What a service says went wrong; `names` are its codes, never its text."""

    def __init__(self, error: SourceError, names: Collection[str]) -> None:
        super().__init__(error.code, error.message, hint=error.hint)
        self.names = frozenset(names)


def envelope(
    operation: Operation, args: Sequence[Pair], token: UsernameToken | None
) -> tuple[bytes, dict[str, str]]:
    """(message, headers) of a question; raises ``SOURCE_BAD_DATA`` for what cannot be asked."""
    try:
        made = operation.held.create(**_nested(args)).content
        if token is not None:
            made, _ = token.apply(made, {})
        content = etree.tostring(made, encoding="UTF-8", xml_declaration=True)
    except Exception:  # noqa: BLE001 - zeep raises whatever a value that does not fit leads it to
        raise bad(
            "the source cannot be asked for this", "compare the parameters with the WSDL"
        ) from None
    action = str(operation.held.soapaction or "")
    if operation.soap12:
        named = f'; action="{action}"' if action else ""
        return content, {"Content-Type": f"application/soap+xml; charset=utf-8{named}"}
    return content, {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{action}"'}


def _nested(args: Sequence[Pair]) -> dict[str, Any]:
    """Parameters by their paths; one that comes several times is a list."""
    made: dict[str, Any] = {}
    for path, text in args:
        *above, last = steps_of(path)
        held = made
        for step in above:
            held = held.setdefault(step, {})
        if last not in held:
            held[last] = text
        elif isinstance(held[last], list):
            held[last].append(text)
        else:
            held[last] = [held[last], text]
    return made


def read_answer(said: Said, operation: Operation) -> Answer:
    """The answer's element; raises `SourceError`, for a fault `Fault`."""
    kind = said.headers.get("content-type", "").split(";")[0].strip().lower()
    if said.status in (204, 404, 410):
        raise refusal(said.status)
    if kind not in _MEDIA:
        raise refusal(500) if said.status == 500 else bad("the source sent something else than XML")
    root = parsed(said.body)
    space = _SOAP12 if operation.soap12 else _SOAP11
    body = root.find(f"{{{space}}}Body") if root.tag == f"{{{space}}}Envelope" else None
    if body is None:
        raise bad("the source sent no SOAP envelope of the version that its WSDL says")
    fault = body.find(f"{{{space}}}Fault")
    if fault is not None:
        raise _fault(fault, space)
    if said.status == 500 or len(body) != 1:  # several: encoded, with references among them
        raise bad("the source sent no answer that can be read")
    if body[0].tag not in operation.answers:
        raise bad("the source sent the answer to something else")
    return body[0]


def parsed(content: bytes) -> Answer:
    """The root of a document without DTD, entities or anything from outside.

    Raises: ``SOURCE_BAD_DATA``.
    """
    refuse_dtd(content)
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False,
        remove_comments=True, remove_pis=True,
    )  # fmt: skip
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError):
        raise bad() from None
    if root.getroottree().docinfo.doctype:
        raise bad("the source sent a document type definition")
    return root


def _fault(fault: Any, space: str) -> Fault:
    detail: Any
    if space == _SOAP12:
        codes = [one.text for one in fault.iter(f"{{{space}}}Value")]
        detail = fault.find(f"{{{space}}}Detail")
    else:
        codes = [fault.findtext("faultcode")]
        detail = fault.find("detail")
    names = {
        part
        for code in codes[:20]
        if code is not None
        for part in (code.strip().rpartition(":")[2], *code.strip().rpartition(":")[2].split("."))
    }
    inner = {
        etree.QName(one).localname
        for one in (detail if detail is not None else ())
        if isinstance(one.tag, str)
    }
    if names & _CREDENTIALS:
        error = refusal(401)
    elif names & _OURS:
        error = bad("the source refused the request", "compare the parameters with the WSDL")
    else:
        error = SourceError("SOURCE_UNAVAILABLE", "the source answered with a fault")
    return Fault(error, names | inner)
