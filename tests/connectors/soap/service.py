"""A SOAP service of a process of its own: it writes its WSDL, reads envelopes and answers them.

``PUT /<name>`` gives it tables and abilities; ``/<name>/v1`` then serves them; ``DELETE`` takes
them away. It reads and writes XML with types of its own, not with the Hub's nor with zeep.
"""

from __future__ import annotations

import base64
import hashlib
import sys
from collections.abc import Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import orjson
from lxml import etree
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.connectors.rest.service import Table

SPACE = "urn:example:civic"
ENVELOPES = {
    "1.1": "http://schemas.xmlsoap.org/soap/envelope/",
    "1.2": "http://www.w3.org/2003/05/soap-envelope",
}
_BINDINGS = {
    "1.1": "http://schemas.xmlsoap.org/wsdl/soap/",
    "1.2": "http://schemas.xmlsoap.org/wsdl/soap12/",
}
_WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
_WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
_XSD = {
    "ID": "string", "String": "string", "Int": "int", "BigInt": "long", "Float": "double",
    "Decimal": "decimal", "Boolean": "boolean", "Date": "date", "LocalDateTime": "dateTime",
    "DateTime": "dateTime", "Time": "time",
}  # fmt: skip
_MANY = ("in",)


class Rows(Table):
    """Rows as values to compare and as XML to send."""

    def __init__(self, kinds: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> None:
        super().__init__(kinds, rows)
        self.sent = [
            ("<row>" + "".join(self._element(*one) for one in row.items()) + "</row>").encode()
            for row in rows
        ]

    def _element(self, name: str, value: Any) -> str:
        if value is None:  # nil and absent are both null
            return f'<{name} xsi:nil="true"/>' if self.kinds[name] == "String" else ""
        told = str(value).lower() if isinstance(value, bool) else str(value)
        return f"<{name}>{escape(told)}</{name}>"


class Held:
    """What one name serves."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        self.able = told["able"]
        self.version = self.able.get("version", "1.1")
        self.tables = {name: Rows(t["kinds"], t["rows"]) for name, t in told["tables"].items()}
        self.asked: list[str] = []

    def params(self, table: Rows) -> dict[str, tuple[str, str]]:
        """The parameters of a table's list: name -> (column, condition)."""
        told = self.able.get("params", {})
        return {n: (c, op) for n, (c, op) in told.items() if c in table.kinds}

    def wsdl(self, address: str) -> str:
        """The description of all tables."""
        types, messages, ports, bindings = [], [], [], []
        for table, rows in self.tables.items():
            row = "".join(_leaf(n, _XSD[k]) for n, k in rows.kinds.items())
            types.append(f'<xs:complexType name="{table}"><xs:sequence>{row}'
                         "</xs:sequence></xs:complexType>")  # fmt: skip
            key = _XSD[rows.kinds["id"]]
            wanted = "".join(
                _leaf(n, _XSD[rows.kinds[c]], "unbounded" if op in _MANY else "1")
                for n, (c, op) in self.params(rows).items()
            )
            if self.able.get("paging", "none") != "none":
                wanted += _leaf(self.able["paging"], "int") + _leaf("size", "int")
            many = _wrapped("rows", f'<xs:element name="row" type="t:{table}" minOccurs="0"'
                            ' maxOccurs="unbounded"/>')  # fmt: skip
            one = f'<xs:element name="row" type="t:{table}" minOccurs="0" nillable="true"/>'
            ids = _wrapped("ids", f'<xs:element name="id" type="xs:{key}" minOccurs="0"'
                           ' maxOccurs="unbounded"/>')  # fmt: skip
            total = '<xs:element name="total" type="xs:int"/>'
            for verb, takes, gives in (
                ("List", wanted, many + total),
                ("Get", f'<xs:element name="id" type="xs:{key}"/>', one),
                ("GetMany", ids, many),
            ):
                name = f"{verb}{table.title()}"
                types += [_element(name, takes), _element(f"{name}Response", gives)]
                for kind, element in (("In", name), ("Out", f"{name}Response")):
                    messages.append(f'<w:message name="{name}{kind}"><w:part name="parameters"'
                                    f' element="t:{element}"/></w:message>')  # fmt: skip
                ports.append(f'<w:operation name="{name}"><w:input message="t:{name}In"/>'
                             f'<w:output message="t:{name}Out"/></w:operation>')  # fmt: skip
                body = '<s:body use="literal"/>'
                bindings.append(
                    f'<w:operation name="{name}"><s:operation soapAction="{SPACE}/{name}"/>'
                    f"<w:input>{body}</w:input><w:output>{body}</w:output></w:operation>"
                )
        return (
            f'<w:definitions xmlns:w="http://schemas.xmlsoap.org/wsdl/" xmlns:t="{SPACE}" '
            f'xmlns:s="{_BINDINGS[self.version]}" xmlns:xs="http://www.w3.org/2001/XMLSchema" '
            f'targetNamespace="{SPACE}"><w:types><xs:schema targetNamespace="{SPACE}" '
            f'elementFormDefault="qualified">{"".join(types)}</xs:schema></w:types>'
            f'{"".join(messages)}<w:portType name="Port">{"".join(ports)}</w:portType>'
            '<w:binding name="Binding" type="t:Port">'
            '<s:binding transport="http://schemas.xmlsoap.org/soap/http"/>'
            f'{"".join(bindings)}</w:binding><w:service name="Civic"><w:port name="Port" '
            f'binding="t:Binding"><s:address location={quoteattr(address)}/></w:port></w:service>'
            "</w:definitions>"
        )

    def allowed(self, request: Request, envelope: Any) -> bool:
        """Whether the message or the request shows the secret in the way that is wanted."""
        wanted = self.able.get("auth")
        if wanted is None:
            return True
        kind, secret = wanted
        if kind == "basic":
            given = request.headers.get("authorization", "").removeprefix("Basic ")
            return base64.b64decode(given).decode() == f"hub:{secret}"
        token = envelope.find(f".//{{{_WSSE}}}Security/{{{_WSSE}}}UsernameToken")
        if token is None or token.findtext(f"{{{_WSSE}}}Username") != "hub":
            return False
        password = token.find(f"{{{_WSSE}}}Password")
        if kind == "text":
            fits = password.get("Type").endswith("#PasswordText")
            return bool(fits and password.text == secret)
        nonce = base64.b64decode(token.findtext(f"{{{_WSSE}}}Nonce"))
        created = token.findtext(f"{{{_WSU}}}Created").encode()
        digest = hashlib.new(
            "sha1", nonce + created + secret.encode(), usedforsecurity=False
        ).digest()
        fits = password.get("Type").endswith("#PasswordDigest")
        return bool(fits and password.text == base64.b64encode(digest).decode())

    def answer(self, call: Any) -> str:
        """What an operation gives."""
        told = etree.QName(call)
        assert told.namespace == SPACE
        verb = next(one for one in ("GetMany", "Get", "List") if told.localname.startswith(one))
        table = self.tables[told.localname.removeprefix(verb).lower()]
        if verb == "GetMany":
            keys = [one.text or "" for one in call.iter(f"{{{SPACE}}}id")]
            found = table.matching([table.test("id", "in", keys)])
            return f"<rows>{b''.join(found).decode()}</rows>"
        if verb == "Get":
            key = call.findtext(f"{{{SPACE}}}id")
            found = table.matching([table.test("id", "eq", [key])])
            if not found and self.able.get("absent"):
                raise LookupError
            return found[0].decode() if found else '<row xsi:nil="true"/>'
        tests = []
        if not self.able.get("sloppy"):
            for name, (column, op) in self.params(table).items():
                given = [one.text or "" for one in call.findall(f"{{{SPACE}}}{name}")]
                if given:
                    tests.append(table.test(column, op, given))
        found = table.matching(tests)
        return self.page(call, found)

    def page(self, call: Any, found: Sequence[bytes]) -> str:
        """Rows cut to a page."""
        kind = self.able.get("paging", "none")
        total = f"<total>{len(found)}</total>"
        if kind != "none":
            size = int(call.findtext(f"{{{SPACE}}}size") or "30")
            number = int(call.findtext(f"{{{SPACE}}}{kind}") or "0")
            skip = (number - 1) * size if kind == "page" else number
            found = found[skip : skip + size]
        return f"<rows>{b''.join(found).decode()}</rows>{total}"


def _leaf(name: str, kind: str, most: str = "1") -> str:
    return (f'<xs:element name="{name}" type="xs:{kind}" minOccurs="0" maxOccurs="{most}"'
            ' nillable="true"/>')  # fmt: skip


def _element(name: str, content: str) -> str:
    return f'<xs:element name="{name}">{_complex(content)}</xs:element>'


def _wrapped(name: str, content: str) -> str:
    return f'<xs:element name="{name}" minOccurs="0">{_complex(content)}</xs:element>'


def _complex(content: str) -> str:
    return f"<xs:complexType><xs:sequence>{content}</xs:sequence></xs:complexType>"


_HELD: dict[str, Held] = {}


def _said(version: str, body: str, status: int = 200) -> Response:
    kind = "text/xml" if version == "1.1" else "application/soap+xml"
    whole = (f'<e:Envelope xmlns:e="{ENVELOPES[version]}" xmlns="{SPACE}" '
             'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
             f"<e:Header/><e:Body>{body}</e:Body></e:Envelope>")  # fmt: skip
    return Response(whole.encode(), status, media_type=kind)


def _fault(version: str, code: str, detail: str = "") -> Response:
    if version == "1.1":
        told = (f'<e:Fault><faultcode xmlns="">e:{code}</faultcode><faultstring xmlns="">no'
                f'</faultstring><detail xmlns="">{detail}</detail></e:Fault>')  # fmt: skip
    else:
        told = (f"<e:Fault><e:Code><e:Value>e:{'Sender' if code == 'Client' else 'Receiver'}"
                "</e:Value></e:Code><e:Reason><e:Text xml:lang='en'>no</e:Text></e:Reason>"
                f"<e:Detail>{detail}</e:Detail></e:Fault>")  # fmt: skip
    return _said(version, told, 500)


async def _manage(request: Request) -> Response:
    name = request.path_params["name"]
    if request.method == "PUT":
        _HELD[name] = Held(orjson.loads(await request.body()))
    elif request.method == "DELETE":
        del _HELD[name]
    elif name in _HELD:
        return Response(orjson.dumps(_HELD[name].asked), media_type="application/json")
    return Response(b"{}", media_type="application/json")


async def _serve(request: Request) -> Response:
    held = _HELD.get(request.path_params["name"])
    if held is None:
        return Response(b"gone", 503)
    if request.method == "GET":
        address = str(request.url).partition("?")[0]
        return Response(held.wsdl(address).encode(), media_type="text/xml")
    root = etree.fromstring(await request.body())
    space = ENVELOPES[held.version]
    body = root.find(f"{{{space}}}Body")
    if body is None or len(body) != 1:
        return _fault(held.version, "VersionMismatch")
    name = etree.QName(body[0]).localname
    held.asked.append(name)
    shown = request.headers.get("soapaction") or request.headers["content-type"]
    if f'"{SPACE}/{name}"' not in shown or not held.allowed(request, root):
        return _fault(held.version, "Client")
    try:
        return _said(held.version, f"<{name}Response>{held.answer(body[0])}</{name}Response>")
    except LookupError:
        return _fault(held.version, "Server", "<NoSuchRow/>")


def service() -> Starlette:
    """The application."""
    return Starlette(
        routes=[
            Route("/{name}", _manage, methods=["GET", "PUT", "DELETE"]),
            Route("/{name}/v1", _serve, methods=["GET", "POST"]),
        ]
    )


def main() -> None:
    """Serve on loopback until terminated."""
    from granian import Granian
    from granian.constants import Interfaces

    Granian(
        "tests.connectors.soap.service:service",
        address="127.0.0.1",
        port=int(sys.argv[1]),
        interface=Interfaces.ASGI,
        factory=True,
        websockets=False,
        log_enabled=False,
    ).serve()


if __name__ == "__main__":
    main()
