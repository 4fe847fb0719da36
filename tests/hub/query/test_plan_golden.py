"""The plan of the city's operation over five departments, for an application and for a clerk."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import yaml

from connectors.memory import MemoryConnector
from connectors.spi import Connector
from hub.query.answer import Pipeline
from hub.query.cursor import Seal
from hub.query.limits import Limits
from hub.query.request import Request
from hub.query.run import World
from hub.query.show import plan_text
from policies.masks import MASKS
from schema.model.names import SourceName
from tests.city import CATALOGUE, CITY, ENGINE, persona

DIGESTS = re.compile(r"\A.* · (fetches \d+)")


def connectors() -> dict[SourceName, Connector]:
    """Empty stand-ins of the departments' sources that can do everything."""
    tables: dict[SourceName, dict[str, list[dict[str, object]]]] = {}
    for held in CATALOGUE.bindings.values():
        for source, binding in held.items():
            tables.setdefault(source, {})[binding.table] = []
    return {source: MemoryConnector(source, held) for source, held in tables.items()}


def pipeline() -> Pipeline:
    return Pipeline(
        catalogue=CATALOGUE,
        engine=ENGINE,
        world=World(connectors(), MASKS, Seal(b"k" * 32, lambda: 1.0e9)),
        recorder=None,
        limits=Limits(),
        clock=lambda: 1.0e9,
        ids=lambda: "op",
    )


def request(who: str, operation: str) -> Request:
    folder = CITY / "operations" / who
    said = yaml.safe_load((folder / f"{operation}.yaml").read_text(encoding="utf-8"))
    return Request(
        text=(folder / f"{operation}.graphql").read_text(encoding="utf-8"),
        subject=persona(who),
        purpose=said.get("purpose"),
        variables=said.get("variables", {}),
    )


def told(who: str, operation: str) -> str:
    """The plan without digests, which change with every comment in the files."""
    text = plan_text(pipeline().plan(request(who, operation)), statements=False)
    return DIGESTS.sub(r"plan · \1", text)


@pytest.mark.parametrize("who", ["benefits-app", "township-clerk"])
def test_five_departments(who: str, golden: Callable[[str, str], None]) -> None:
    golden(f"plans/five-departments-{who}.txt", told(who, "five-departments"))


def test_plans_differ_where_the_rules_do() -> None:
    app, clerk = (told(who, "five-departments") for who in ("benefits-app", "township-clerk"))
    assert "Mask Person.phone partial(keep_last=4)" in clerk
    assert "Mask Person.phone" not in app
    assert "Null Employment.monthlySalary NO_GRANT" in clerk
    assert "Null Employment.monthlySalary" not in app


def test_rows_nested_in_a_fetch_tell_their_conditions() -> None:
    """An officer sees in the plan that households, too, are those of the clerk's township."""
    line = next(
        line for line in told("township-clerk", "five-departments").splitlines()
        if "With" in line and " households" in line
    )  # fmt: skip
    assert "must" in line
    assert "$s.region" in line


def test_plan_holds_no_value() -> None:
    for who in ("benefits-app", "township-clerk"):
        assert "330102" not in told(who, "five-departments")
