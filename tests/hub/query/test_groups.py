"""Groups: bounded in number and in cost, refused rather than cut, in a fixed order."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.memory import EVERYTHING
from connectors.spi import Capabilities
from hub.query.limits import Limits
from tests.hub.drafted import answers
from tests.hub.query.small import Small

CHINOOK = Path(__file__).parents[2] / "data" / "chinook.sqlite"
NAMES = (
    "{ persons { totalCount } groups: personsAggregate(groupBy: NAME) { count group { name } } }"
)
BARE = Capabilities(scans=True, max_keys=10)


@pytest.mark.asyncio
@pytest.mark.parametrize("capabilities", [EVERYTHING, BARE], ids=["taken", "left over"])
async def test_too_many_groups_are_an_error_and_never_cut(capabilities: Capabilities) -> None:
    whole = await Small(capabilities=capabilities, limits=Limits(max_groups=4)).ask(NAMES)
    assert [row["group"]["name"] for row in whole["data"]["groups"]] == ["Ann", "Bob", "Cid", None]
    told = await Small(capabilities=capabilities, limits=Limits(max_groups=3)).ask(NAMES)
    assert told["data"] == {"persons": {"totalCount": 5}, "groups": None}
    (error,) = told["errors"]
    assert error["path"] == ["groups"]
    assert error["extensions"]["code"] == "TOO_MANY_GROUPS"
    assert "at most 3" in error["extensions"]["hint"]


@pytest.mark.asyncio
async def test_without_group_by_there_is_one_row_however_few_groups_may_be() -> None:
    told = await Small(limits=Limits(max_groups=1)).ask("{ personsAggregate { count } }")
    assert told == {"data": {"personsAggregate": [{"count": 5}]}}


@pytest.mark.asyncio
async def test_groups_cost_what_may_come() -> None:
    """Ninety aggregates by group were as cheap as ninety rows."""
    grouped = "personsAggregate(groupBy: [NAME, AGE]) { count group { name age } max { age } }"
    many = "{" + " ".join(f"a{n}: {grouped}" for n in range(90)) + "}"
    assert await Small().code(many) == "TOO_COSTLY"
    plain = "personsAggregate { count max { age } }"
    told = await Small().ask("{" + " ".join(f"a{n}: {plain}" for n in range(90)) + "}")
    assert len(told["data"]) == 90


def test_a_database_sends_one_group_more_than_there_may_be() -> None:
    text = "{ customersAggregate(groupBy: COUNTRY) { count group { country } } }"
    (whole,) = answers(CHINOOK, [(text, {})])
    countries = [row["group"]["country"] for row in whole["customersAggregate"]]
    assert len(countries) == 24
    assert countries == sorted(countries)
    assert answers(CHINOOK, [(text, {})], max_groups=24) == [whole]
    with pytest.raises(AssertionError, match="TOO_MANY_GROUPS"):
        answers(CHINOOK, [(text, {})], max_groups=23)
