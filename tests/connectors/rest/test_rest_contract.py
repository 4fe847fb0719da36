"""Services with few and with many abilities: the connector keeps every law over each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from connectors import contract
from connectors.kit.sample import VALUES, tables
from tests.connectors.rest.source import SECRET, Sample, loader

FEW = frozenset({"ID", "String", "Int", "Decimal", "Boolean"})
_KINDS = {column.name: column.kind for column in tables()[0].columns}


class Variant(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of service: what it can, and how a fragment tells it."""

    able: Mapping[str, Any] = {}
    connect: Mapping[str, Any] = {}
    call: Mapping[str, Any] = {}
    """The list call of each table beside its path and filters."""
    filters: Mapping[str, Mapping[str, Any]] = {}
    get: bool = False
    many: Mapping[str, Any] | None = None
    kinds: frozenset[str] = FEW

    def tables(self) -> dict[str, Any]:
        """As the fragment has them. Only `things` has filters."""
        made: dict[str, Any] = {}
        for table in ("things", "children"):
            listed = {"path": f"/{table}", **self.call}
            if table == "things":
                listed["filters"] = self.filters
            made[table] = {"list": listed}
            if self.get:
                made[table]["get"] = {"path": f"/{table}/{{id}}"}
            if self.many is not None:
                made[table]["get_many"] = {
                    "path": f"/{table}/batch", "param": "keys", "key": "id", **self.many
                }  # fmt: skip
        return made

    def abilities(self) -> dict[str, Any]:
        """As the service is told."""
        params = {}
        for column, offers in self.filters.items():
            flat = {**offers, **offers.get("range", {})}
            params |= {
                param: (column, op)
                for op, param in flat.items()
                if op in ("eq", "in", "prefix", "contains", "ge", "le")
            }
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


FAST = ("list only", "cursors, parameters ignored, a query key", "links in the header, moments")
VARIANTS = {
    "list only": Variant(kinds=frozenset(VALUES)),
    "pages, many by separator, bearer": Variant(
        able={"paging": "page", "many": ",", "auth": ("bearer", SECRET)},
        connect={"auth": {"bearer": "${secret}"}},
        call={
            "items": "/items",
            "paging": {"kind": "page", "size": "size", "max": 60, "total": "/total"},
        },
        filters=every_filter(FEW),
        get=True,
        many={"max": 50},
    ),
    "offsets, a cap, many by repeat, a header": Variant(
        able={"paging": "offset", "most": 70, "many": "repeat", "repeat": True,
              "auth": ("header", SECRET)},
        connect={"auth": {"api_key": {"header": "X-Api-Key", "value": "${secret}"}}},
        call={"items": "/items", "paging": {"kind": "offset", "size": "size", "max": 100}},
        filters={
            "id": {"range": {"ge": "from", "le": "to"}},
            "name": {"in": "n", "repeat": True, "max": 7},
            "amount": {"range": {"ge": "a"}},
        },
        many={"repeat": True, "max": 20},
        kinds=frozenset({"String", "Int", "Decimal"}),
    ),
    "cursors, parameters ignored, a query key": Variant(
        able={"paging": "cursor", "sloppy": True, "auth": ("query", SECRET)},
        connect={"auth": {"api_key": {"query": "api_key", "value": "${secret}"}}},
        call={
            "items": "/items",
            "paging": {"kind": "cursor", "cursor": "after", "size": "size", "max": 80},
        },
        filters=every_filter(frozenset({"String", "Int"})),
        kinds=frozenset({"String", "Int", "BigInt", "Float"}),
    ),
    "links in the body, basic, get": Variant(
        able={"paging": "link", "auth": ("basic", SECRET)},
        connect={"auth": {"basic": {"user": "hub", "password": "${secret}"}}},
        call={"items": "/items", "paging": {"kind": "link", "size": "size", "max": 50}},
        filters={
            "id": {"eq": "id"},
            "name": {"in": "names"},
            "code": {"eq": "code"},
            "parent": {"eq": "parent"},
        },
        get=True,
        kinds=frozenset({"ID", "String", "Int"}),
    ),
    "links in the header, moments": Variant(
        able={"paging": "header", "auth": ("query", SECRET)},
        connect={"auth": {"api_key": {"query": "api_key", "value": "${secret}"}}},
        call={"items": "/items", "paging": {"kind": "link", "size": "size", "max": 50}},
        filters={
            "id": {"eq": "id"},
            "day": {"range": {"ge": "since", "le": "until"}},
            "stamp": {"eq": "stamp", "in": "stamps", "range": {"ge": "after_stamp"}},
            "clock": {"range": {"le": "before"}},
        },
        kinds=frozenset({"Int", "Date", "DateTime", "LocalDateTime", "Time"}),
    ),
}  # fmt: skip


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=() if name in FAST else pytest.mark.slow) for name in VARIANTS],
)
async def test_the_laws(service_url: str, name: str) -> None:
    held = VARIANTS[name]
    sample = Sample(service_url, held.abilities())
    report = await contract.check(
        loader(sample, held.connect, held.tables()),
        contract.Setting(
            kinds=held.kinds,
            asks=30,
            secret=(SECRET, "127.0.0.1", sample.base),
            fail=sample.gone,
        ),
    )
    assert report.ok, report


@pytest.mark.slow
@pytest.mark.asyncio
@pytest.mark.parametrize("paging", ["page", "offset", "cursor", "link"])
async def test_the_laws_with_everything_everywhere(service_url: str, paging: str) -> None:
    every = frozenset(VALUES)
    cursor = {"cursor": "after"} if paging == "cursor" else {}
    held = Variant(
        able={"paging": paging, "many": ",", "most": 25},
        call={"items": "/items", "paging": {"kind": paging, "size": "size", **cursor}},
        filters=every_filter(every, max=5),
        get=True,
        many={"max": 50},
        kinds=every,
    )
    sample = Sample(service_url, held.abilities())
    report = await contract.check(
        loader(sample, held.connect, held.tables()), contract.Setting(asks=300, fail=sample.gone)
    )
    assert report.ok, report
