"""Small subgraphs for tests of composition: called a, b, c in the order given."""

from __future__ import annotations

from graphql import lexicographic_sort_schema, print_schema

from hub.gateway.compose.compose import Subgraph, compose
from hub.gateway.compose.problems import CompositionError, Problem
from hub.gateway.model import Supergraph

LINK = """extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: [
  "@key", "@shareable", "@external", "@requires", "@provides", "@interfaceObject", "@override",
  "@inaccessible", "@tag", "@extends"])
"""


def subgraphs(*texts: str) -> list[Subgraph]:
    """Name the documents; ``1:`` before one keeps it as it is (no link is put before it)."""
    return [
        Subgraph(name, f"http://{name}.test/", _document(text))
        for name, text in zip("abcdef", texts, strict=False)
    ]


def _document(text: str) -> str:
    return text.removeprefix("1:") if text.startswith("1:") else LINK + text


def composed(*texts: str) -> Supergraph:
    """Compose documents that fit together."""
    return compose(subgraphs(*texts))


def problems(*texts: str) -> tuple[Problem, ...]:
    """Compose documents; what is wrong with them, empty where nothing is."""
    try:
        composed(*texts)
    except CompositionError as error:
        return error.problems
    return ()


def api(*texts: str) -> str:
    """The API schema of documents that fit together, types and fields in order of their names."""
    return print_schema(lexicographic_sort_schema(composed(*texts).api))
