"""The rpc style: parts instead of one element; answers with references are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connectors.spi import Column
from schema.errors import HubError, SourceError
from tests.connectors.rest.wire import Asked, reply, serving
from tests.connectors.soap.source import ID, NAME, connector, opened, rows

WSDL = """\
<w:definitions xmlns:w="http://schemas.xmlsoap.org/wsdl/" xmlns:t="urn:example:rpc"
  xmlns:s="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:xs="http://www.w3.org/2001/XMLSchema"
  targetNamespace="urn:example:rpc">
  <w:types><xs:schema targetNamespace="urn:example:rpc">
    <xs:complexType name="Road"><xs:sequence>
      <xs:element name="id" type="xs:int"/><xs:element name="name" type="xs:string"/>
    </xs:sequence></xs:complexType>
    <xs:complexType name="Roads"><xs:sequence>
      <xs:element name="road" type="t:Road" minOccurs="0" maxOccurs="unbounded"/>
    </xs:sequence></xs:complexType>
  </xs:schema></w:types>
  <w:message name="In"><w:part name="town" type="xs:string"/></w:message>
  <w:message name="Out"><w:part name="roads" type="t:Roads"/></w:message>
  <w:portType name="P"><w:operation name="listRoads">
    <w:input message="t:In"/><w:output message="t:Out"/></w:operation></w:portType>
  <w:binding name="B" type="t:P">
    <s:binding style="rpc" transport="http://schemas.xmlsoap.org/soap/http"/>
    <w:operation name="listRoads"><s:operation soapAction=""/>
      <w:input><s:body use="literal" namespace="urn:example:rpc"/></w:input>
      <w:output><s:body use="literal" namespace="urn:example:rpc"/></w:output></w:operation>
  </w:binding>
  <w:service name="S"><w:port name="P" binding="t:B">
    <s:address location="http://roads.example/soap"/></w:port></w:service>
</w:definitions>
"""
TABLES: dict[str, Any] = {
    "things": {
        "list": {"operation": "listRoads", "rows": "/roads/road", "args": {"town": "Süd & Ost"}}
    }
}
ANSWER = """\
<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>
<r:listRoadsResponse xmlns:r="urn:example:rpc"><roads><road><id>1</id><name>a</name></road></roads>
</r:listRoadsResponse></e:Body></e:Envelope>"""


def placed(folder: Path, text: str = WSDL) -> str:
    file = folder / "roads.wsdl"
    file.write_text(text, encoding="utf-8")
    return str(file)


@pytest.mark.asyncio
async def test_parts_are_parameters_and_paths(tmp_path: Path) -> None:
    asked: list[Asked] = []

    def say(one: Asked) -> bytes:
        asked.append(one)
        return reply(ANSWER, kind="text/xml")

    async with serving(say) as wire:
        told = {"wsdl": placed(tmp_path), "address": f"{wire.base}/soap"}
        async with opened(told, TABLES) as held:
            assert await rows(held, ID, NAME) == [(1, "a")]
    body = asked[0].body.decode()
    assert "listRoads" in body
    assert "<town>Süd &amp; Ost</town>" in body
    assert asked[0].headers["soapaction"] == '""'


@pytest.mark.asyncio
async def test_a_required_part_is_required(tmp_path: Path) -> None:
    bare = {"things": {"list": {"operation": "listRoads", "rows": "/roads/road"}}}
    held = connector({"wsdl": placed(tmp_path)}, bare)
    try:
        with pytest.raises(HubError) as raised:
            await held.open()
        assert raised.value.code == "CONFIG_INVALID"
    finally:
        await held.close()


@pytest.mark.asyncio
async def test_an_answer_with_references_is_not_read(tmp_path: Path) -> None:
    encoded = ANSWER.replace("<road><id>1</id><name>a</name></road>", '<road href="#r1"/>')
    encoded = encoded.replace("</e:Body>", '<multiRef id="r1"><id>1</id></multiRef></e:Body>')
    async with serving(lambda _: reply(encoded, kind="text/xml")) as wire:
        told = {"wsdl": placed(tmp_path), "address": f"{wire.base}/soap"}
        async with opened(told, TABLES) as held:
            with pytest.raises(SourceError) as raised:
                await rows(held, ID)
    assert raised.value.code == "SOURCE_BAD_DATA"


@pytest.mark.asyncio
async def test_a_column_that_the_wsdl_does_not_have(tmp_path: Path) -> None:
    async with opened({"wsdl": placed(tmp_path)}, TABLES) as held:
        with pytest.raises(SourceError) as raised:
            await rows(held, Column("width", "Int"))
    assert raised.value.code == "SOURCE_BAD_DATA"
