"""Services with few and with many abilities: the connector keeps every law over each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pytest

from connectors import contract
from connectors.kit.sample import VALUES, TableData, tables
from connectors.soap.connector import SoapConnector
from tests.connectors.rest.source import SECRET
from tests.connectors.soap.source import SoapSample, connector

FEW = frozenset({"ID", "String", "Int", "Decimal", "Boolean"})
_KINDS = {column.name: column.kind for column in tables()[0].columns}


class Variant(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of service: what it can, and how a fragment tells it."""

    able: Mapping[str, Any] = {}
    connect: Mapping[str, Any] = {}
    paging: Mapping[str, Any] = {}
    filters: Mapping[str, Mapping[str, Any]] = {}
    get: Mapping[str, Any] | None = None
    many: int | None = None
    kinds: frozenset[str] = FEW

    def tables(self) -> dict[str, Any]:
        """As the fragment has them. Only `things` has filters."""
        made: dict[str, Any] = {}
        for table in ("things", "children"):
            listed = {
                "operation": f"List{table.title()}",
                "rows": "/rows/row",
                "paging": self.paging,
            }
            if table == "things":
                listed["filters"] = self.filters
            made[table] = {"list": listed}
            if self.get is not None:
                made[table]["get"] = {"operation": f"Get{table.title()}", "arg": "id", "key": "id",
                                      "row": "/row", **self.get}  # fmt: skip
            if self.many is not None:
                made[table]["get_many"] = {"operation": f"GetMany{table.title()}", "arg": "/ids/id",
                                           "key": "id", "rows": "/rows/row",
                                           "max": self.many}  # fmt: skip
        return made

    def abilities(self) -> dict[str, Any]:
        """As the service is told."""
        params = {}
        for column, offers in self.filters.items():
            flat = {**offers, **offers.get("range", {})}
            params |= {p: (column, op) for op, p in flat.items() if op not in ("range", "max")}
        return {"params": params, **self.able}


def every_filter(kinds: frozenset[str], **more: Any) -> dict[str, dict[str, Any]]:
    """Each condition that a column can have, but for codes."""
    made: dict[str, dict[str, Any]] = {}
    for name, kind in _KINDS.items():
        if name == "sex" or (kind not in kinds and name != "id"):
            continue
        offers: dict[str, Any] = {"eq": name, "in": f"{name}_in", **more}
        if kind in ("ID", "String"):
            offers |= {"prefix": f"{name}_starts", "contains": f"{name}_has"}
        if kind != "Boolean":
            offers["range"] = {"ge": f"{name}_from", "le": f"{name}_to"}
        made[name] = offers
    return made


VARIANTS = {
    "list only": Variant(kinds=frozenset(VALUES)),
    "SOAP 1.2, pages, many, a digest": Variant(
        able={"version": "1.2", "paging": "page", "auth": ("digest", SECRET)},
        connect={
            "auth": {"username_token": {"user": "hub", "password": "${secret}", "digest": True}}
        },
        paging={"kind": "page", "size": "size", "max": 60, "total": "/total"},
        filters=every_filter(FEW),
        get={},
        many=50,
    ),
    "offsets, get with a fault for none, a password": Variant(
        able={"paging": "offset", "absent": True, "auth": ("text", SECRET)},
        connect={"auth": {"username_token": {"user": "hub", "password": "${secret}"}}},
        paging={"kind": "offset", "size": "size", "max": 70},
        filters={
            "id": {"range": {"ge": "from", "le": "to"}},
            "name": {"in": "n", "max": 7},
            "amount": {"range": {"ge": "a"}},
        },
        get={"absent": ["NoSuchRow"]},
        kinds=frozenset({"String", "Int", "Decimal"}),
    ),
    "parameters ignored, basic": Variant(
        able={"sloppy": True, "auth": ("basic", SECRET)},
        connect={"auth": {"basic": {"user": "hub", "password": "${secret}"}}},
        filters=every_filter(frozenset({"String", "Int"})),
        kinds=frozenset({"String", "Int", "BigInt", "Float"}),
    ),
    "moments by filter": Variant(
        filters={
            "id": {"eq": "id"},
            "day": {"range": {"ge": "since", "le": "until"}},
            "stamp": {"eq": "stamp", "in": "stamps", "range": {"ge": "after_stamp"}},
            "clock": {"range": {"le": "before"}},
        },
        kinds=frozenset({"Int", "Date", "DateTime", "LocalDateTime", "Time"}),
    ),
}  # fmt: skip


QUICK = ("SOAP 1.2, pages, many, a digest",)


async def _check(soap_url: str, held: Variant, asks: int) -> contract.Report:
    sample = SoapSample(soap_url, held.abilities())

    async def load(data: Sequence[TableData]) -> SoapConnector:
        await sample.put(data)
        made = connector({"wsdl": sample.wsdl, **held.connect}, held.tables())
        await made.open()
        return made

    setting = contract.Setting(
        kinds=held.kinds,
        asks=asks,
        unfit=frozenset({"\uffff"}),  # no character of XML
        secret=(SECRET, "127.0.0.1", sample.base),
        fail=sample.gone,
    )
    return await contract.check(load, setting)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in VARIANTS],
)
async def test_the_laws(soap_url: str, name: str) -> None:
    report = await _check(soap_url, VARIANTS[name], 30)
    assert report.ok, report


@pytest.mark.slow
@pytest.mark.asyncio
@pytest.mark.parametrize("version", ["1.1", "1.2"])
async def test_the_laws_with_everything_everywhere(soap_url: str, version: str) -> None:
    every = frozenset(VALUES)
    held = Variant(
        able={"paging": "page", "version": version},
        paging={"kind": "page", "size": "size", "max": 25},
        filters=every_filter(every, max=5),
        get={},
        many=50,
        kinds=every,
    )
    report = await _check(soap_url, held, 100)
    assert report.ok, report
