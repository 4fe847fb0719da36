"""Three hubs in a chain, each a process: county -> city -> province, over HTTP."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from copy import copy
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.hub.links.hubs import Site, changed, database, hub_source, link_key

pytestmark = pytest.mark.slow

ROWS = """
CREATE TABLE residents (id_number TEXT PRIMARY KEY, name TEXT, income INTEGER, phone TEXT);
INSERT INTO residents VALUES ('1', 'Zhang', 900, '555-1'), ('2', 'Li', 4000, '555-2'),
  ('3', 'Wang', 2500, '555-3');
"""
FIELDS: dict[str, Any] = {
    "idNumber": {"type": "String", "label": "internal"},
    "name": {"type": "String", "label": "internal"},
    "income": {"type": "Int", "label": "confidential"},
    "phone": {"type": "String", "label": "restricted"},
}
TRACE = "0af7651916cd43dd8448eb211c80319c"
WHY = {
    "hub_purpose": "administration",
    "hub_case": "2026-17/a",
    "traceparent": f"00-{TRACE}-b7ad6b7169203331-01",
}
POOR = "{ persons(filter: {income: {lt: 3000}}, orderBy: [NAME_DESC]) { nodes { name income } } }"
NAMES = "{ persons { nodes { name } } }"
POOR_NODES = [{"name": "Zhang", "income": 900}, {"name": "Wang", "income": 2500}]


class Chain(msgspec.Struct):
    county: Site
    city: Site
    province: Site

    @property
    def sites(self) -> tuple[Site, ...]:
        return (self.county, self.city, self.province)


def link(name: str, keys: Path, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "keys": str(keys),
        "ceiling": {"plain": "confidential"},
        "purposes": ["administration"],
        "accepts": {"department": {"welfare": f"{name}-welfare"}},
        **more,
    }


def person(**fields: Any) -> dict[str, Any]:
    return {
        "Person": {
            "plural": "persons", "key": ["idNumber"], "share": "unconditional",
            "from": {"table": "Person"}, "fields": fields or FIELDS,
        }
    }  # fmt: skip


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    home = tmp_path_factory.mktemp("chain")
    city_key, city_keys = link_key(home, "city")
    province_key, province_keys = link_key(home, "province")
    county = Site(home, "county", links=[link("city", city_keys)])
    city = Site(home, "city", links=[link("province", province_keys)])
    province = Site(home, "province")
    file = database(county.home / "residents.sqlite", ROWS)
    county.fragment(
        "residents",
        {
            "hub": 1,
            "source": {
                "name": "residents", "department": "civil", "kind": "sql",
                "connect": {"url": f"sqlite:///{file}"},
            },
            "types": {
                "Person": {
                    **person()["Person"], "from": {"table": "residents"},
                    "fields": {**FIELDS, "idNumber": {
                        "type": "String", "label": "internal", "column": "id_number"}},
                }
            },
        },
    )  # fmt: skip
    for upper, lower, key in ((city, county, city_key), (province, city, province_key)):
        upper.fragment(
            lower.name,
            hub_source(
                lower.name, department=f"{lower.name}-gov", url=lower.url, hub=lower.name,
                own=upper.name, key=key, tables={"Person": {"plural": "persons"}}, types=person(),
            ),
        )  # fmt: skip
    everything = {"resources": {"types": ["*"]}}
    county.rule(
        "city",
        subjects={"link": "city", "purpose": "administration", "department": "city-welfare"},
        **everything,
    )
    city.rule("province", subjects={"link": "province", "purpose": "administration"}, **everything)
    changed(city, {"links": [link("province", province_keys, accepts={
        "department": {"welfare": "welfare"}})]})  # fmt: skip
    province.rule("desk", subjects={"app": "desk"}, **everything)
    province.key(
        "desk", "--department", "welfare", "--clearance", "plain=restricted",
        "--purpose", "administration", "--purpose", "statistics",
    )  # fmt: skip
    with ExitStack() as stack:
        for site in (county, city, province):
            stack.enter_context(site.serving())
        yield Chain(county, city, province)


def until(holds: Callable[[], bool]) -> None:
    """Wait for what a reload brings."""
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_one_operation_at_the_top_reaches_the_countys_rows(chain: Chain) -> None:
    before = [len(site.entries()) for site in chain.sites]
    answer = chain.province.ask(POOR, **WHY)
    assert answer["data"] == {"persons": {"nodes": POOR_NODES}}, answer
    assert "errors" not in answer
    county, city, province = (
        site.entries()[start:] for site, start in zip(chain.sites, before, strict=True)
    )
    assert [len(held) for held in (county, city, province)] == [1, 1, 1]
    for (entry,) in (county, city, province):
        assert entry.trace == TRACE
        assert (entry.purpose, entry.case_id, entry.outcome) == (
            "administration", "2026-17/a", "ok",
        )  # fmt: skip
        assert entry.rows == {"Person": 2}
    assert [one[0].link for one in (county, city, province)] == ["city", "province", None]
    assert [one[0].hubs for one in (county, city, province)] == [
        ["province", "city"], ["province"], [],
    ]  # fmt: skip
    assert [one[0].app for one in (county, city, province)] == [
        "city/province/desk", "province/desk", "desk",
    ]  # fmt: skip
    assert [one[0].department for one in (county, city, province)] == [
        "city-welfare", "welfare", "welfare",
    ]  # fmt: skip
    # the condition was carried out at the county: each hub used the field to filter and to sort
    for (entry,) in (county, city, province):
        told = {(at, mode) for at, mode, *_ in json.loads(bytes(entry.fields))}
        assert {("Person.income", "filter_range"), ("Person.name", "sort")} <= told


def test_what_lies_above_the_ceiling_stays_below(chain: Chain) -> None:
    answer = chain.province.ask("{ persons { nodes { name phone } } }", **WHY)
    assert {node["phone"] for node in answer["data"]["persons"]["nodes"]} == {None}
    assert len(answer["data"]["persons"]["nodes"]) == 3
    assert "555" not in json.dumps(answer)
    for use in (
        '{persons(filter: {phone: {eq: "555-1"}}) {nodes {name}}}',
        "{persons(orderBy: [PHONE_ASC]) {nodes {name}}}",
    ):
        refused = chain.province.ask(use, **WHY)
        (error,) = refused["errors"]
        assert error["extensions"]["code"] == "SOURCE_REFUSED"
        assert refused["data"] == {"persons": None}
        assert "555" not in json.dumps(refused)


def test_a_purpose_that_the_link_does_not_have_is_refused_below(chain: Chain) -> None:
    before = len(chain.county.entries())
    answer = chain.province.ask(NAMES, **{**WHY, "hub_purpose": "statistics"})
    assert answer["data"] == {"persons": None}
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "SOURCE_REFUSED"
    assert chain.city.entries()[-1].code == "PURPOSE_NOT_ALLOWED"
    assert len(chain.county.entries()) == before  # it was never asked


def test_revocation_at_the_county_takes_effect_at_the_top(chain: Chain) -> None:
    def names() -> bool:
        answer = chain.province.ask(NAMES, **WHY)
        return bool((answer["data"] or {}).get("persons"))

    assert names()
    chain.county.rule(
        "stop", effect="forbid", subjects={"link": "city"}, resources={"types": ["*"]}
    )
    until(lambda: not names())
    told = chain.province.ask(NAMES, **WHY)
    assert [error["extensions"]["code"] for error in told["errors"]] == ["SOURCE_REFUSED"]
    (chain.county.home / "policies" / "stop.yaml").unlink()
    until(names)


def test_a_label_raised_below_is_safe_above(chain: Chain) -> None:
    """The fragments above still say that the income is confidential."""
    file = chain.county.home / "fragments" / "residents.yaml"
    text = file.read_text()

    def income() -> object:
        data = chain.province.ask("{ persons { nodes { name income } } }", **WHY)["data"]
        return [node["income"] for node in data["persons"]["nodes"]]

    assert income() == [900, 4000, 2500]
    file.write_text(text.replace("label: confidential", "label: restricted"))
    until(lambda: income() == [None, None, None])
    file.write_text(text)
    until(lambda: income() == [900, 4000, 2500])


def test_callers_at_the_same_time_keep_their_own_names(chain: Chain) -> None:
    """Operations with one plan share what is planned, and never who asks."""
    desk, clerk = chain.province.token, copy(chain.province)
    chain.province.rule("clerk", subjects={"app": "clerk"}, resources={"types": ["*"]})
    clerk.key(
        "clerk", "--department", "welfare", "--clearance", "plain=restricted",
        "--purpose", "administration",
    )  # fmt: skip
    until(lambda: clerk.ask(POOR, **WHY)["data"]["persons"] == {"nodes": POOR_NODES})
    before = len(chain.county.entries())
    asked = [(chain.province, f"{number:032x}") for number in range(1, 25, 2)]
    asked += [(clerk, f"{number:032x}") for number in range(2, 26, 2)]

    def ask(one: tuple[Site, str]) -> Any:
        site, trace = one
        said = {**WHY, "traceparent": f"00-{trace}-b7ad6b7169203331-01"}
        return site.ask(POOR, **said)["data"]

    with ThreadPoolExecutor(len(asked)) as threads:
        assert list(threads.map(ask, asked)) == [{"persons": {"nodes": POOR_NODES}}] * len(asked)
    assert chain.province.token == desk
    told = {entry.trace: entry.app for entry in chain.county.entries()[before:]}
    assert told == {
        trace: f"city/province/{'clerk' if site is clerk else 'desk'}" for site, trace in asked
    }
