"""The page about GraphQL sources: its fragment is one, and its directives are those in the code."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from connectors.graphql.connector import connect
from schema.model.binding import SourceDecl
from schema.model.names import DepartmentName, SourceName

PAGE = Path(__file__).resolve().parents[3] / "docs" / "graphql-sources.md"


def test_the_fragment_is_taken() -> None:
    text = PAGE.read_text(encoding="utf-8")
    (block,) = re.findall(r"^```yaml\n(.*?)^```", text, flags=re.M | re.S)
    told = yaml.safe_load(block)
    decl = SourceDecl(
        name=SourceName("shop"),
        department=DepartmentName("market"),
        kind="graphql",
        connect=told["connect"],
        tables=told["tables"],
    )
    made = connect(decl, lambda held: held.replace("${env:SHOP_TOKEN}", "token"))
    assert made.capabilities.predicates == {"and", "eq", "in", "prefix", "contains", "range"}
    assert made.capabilities.max_keys == 100
