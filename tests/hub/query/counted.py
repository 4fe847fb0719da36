"""People, their jobs and their visits, under figures alone: a world for tests of suppression."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.memory import EVERYTHING
from connectors.spi import Capabilities
from policies.obligation import AggregateOnly
from policies.packs import load
from schema.compose.fragment import read_fragment
from schema.compose.merge import compose
from schema.model.predicate import Predicate
from tests.hub.query.small import PlainEngine, Small

BARE = Capabilities(scans=True, max_keys=10)
FRAGMENT = """\
hub: 1
source: {name: civil, department: civil-affairs, kind: memory, connect: {}}
types:
  Citizen:
    key: [number]
    from: {table: citizens}
    label: G1
    share: unconditional
    fields:
      number: {type: String, label: {level: G3, categories: [pi]}}
      area: {type: String}
      kind: {type: String}
      flag: {type: Int}
      income: {type: Int, label: {level: G3, categories: [pi.sensitive.finance]}}
  Job:
    key: [jobNumber]
    data_subject: [holder]
    from: {table: jobs}
    label: G1
    share: unconditional
    fields:
      jobNumber: {type: String}
      holder: {type: String, label: {level: G3, categories: [pi]}}
      area: {type: String}
      kind: {type: String}
      flag: {type: Int}
      income: {type: Int}
  Visit:
    key: [visitNumber]
    from: {table: visits}
    label: G1
    share: unconditional
    fields:
      visitNumber: {type: String}
      guest: {type: String, label: {level: G3, categories: [pi]}}
  Tree:
    key: [treeNumber]
    from: {table: trees}
    label: G1
    share: unconditional
    fields:
      treeNumber: {type: String}
      area: {type: String}
relations:
  Citizen.jobs: {to: "[Job]", match: {number: holder}}
"""
SCHEME = load(["cn"]).scheme
CATALOGUE = compose([read_fragment(FRAGMENT, "civil.yaml")], SCHEME)
Rows = Sequence[Mapping[str, Any]]


def figures(
    bound: AggregateOnly | None,
    *,
    citizens: Rows = (),
    jobs: Rows = (),
    trees: Rows = (),
    rows: Mapping[str, Predicate] | None = None,
    capabilities: Capabilities = EVERYTHING,
) -> Small:
    """A pipeline whose callers may do anything, counting only under the bound."""
    held = {} if bound is None else {
        (kind, "count"): (bound,) for kind in ("Citizen", "Job", "Visit", "Tree")
    }  # fmt: skip
    tables = {"civil": {"citizens": citizens, "jobs": jobs, "visits": [], "trees": trees}}
    engine = PlainEngine(catalogue=CATALOGUE, obligations=held, rows=rows)
    return Small(engine, tables=tables, capabilities=capabilities)


def citizens(*groups: tuple[int, str, str], **more: Any) -> list[dict[str, Any]]:
    """So many people of an area and a kind."""
    found: list[dict[str, Any]] = []
    for many, area, kind in groups:
        for _ in range(many):
            number = len(found)
            row = {"number": f"p{number}", "area": area, "kind": kind, "flag": 1, "income": number}
            found.append({**row, **more})
    return found


def by_area(answer: Mapping[str, Any], of: str = "citizensAggregate") -> dict[str, Any]:
    """The counts of a grouping by area."""
    return {row["group"]["area"]: row["count"] for row in answer["data"][of]}
