"""``@link``: which version of federation a document speaks, and its names for the directives."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
from graphql import (
    ConstDirectiveNode,
    DocumentNode,
    SchemaDefinitionNode,
    SchemaExtensionNode,
    value_from_ast_untyped,
)

from hub.gateway.compose.problems import Problem
from hub.gateway.compose.vocabulary import FEDERATION, FIRST, LATEST, SCALARS

_LINK = (1, 0)
_URL = re.compile(r"^https://specs\.apollo\.dev/([a-zA-Z]+)/v(\d+)\.(\d+)/?$")


class Links(msgspec.Struct, frozen=True, kw_only=True):
    """How one document names things.

    `directives`: its name to the canonical one; `types`: names of federation's own types;
    `prefix`: of federation's names that it does not import; `features`: such prefixes of all.
    """

    version: tuple[int, int] = (1, 0)
    directives: Mapping[str, str]
    types: frozenset[str] = frozenset()
    prefix: str = "federation"
    features: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = ()


class _Link(NamedTuple):
    name: str
    version: tuple[int, int]
    prefix: str
    imports: Mapping[str, str]  # element as the specification calls it -> name here


def read_links(document: DocumentNode, subgraph: str) -> Links:
    """Read the links of one document; what is wrong with them is among `problems`."""
    problems: list[Problem] = []
    links = []
    for node in document.definitions:
        if isinstance(node, SchemaDefinitionNode | SchemaExtensionNode):
            links += [
                link
                for each in node.directives or ()
                if (link := _read_link(each, subgraph, problems)) is not None
            ]
    features = frozenset(each.prefix for each in links)
    linked = [each.name for each in links]
    problems += [
        _misused(subgraph, f"`{each}` is linked twice")
        for each in dict.fromkeys(linked)
        if linked.count(each) > 1
    ]
    found = next((each for each in links if each.name == "federation"), None)
    if found is None:
        names = {name: name for name in FIRST} | {"link": "link"}
        for each in links:
            names |= _of_feature(each)
        return Links(directives=names, features=features, problems=tuple(problems))
    problems += _wrong(found, subgraph)
    directives = {"link": "link"}
    types = set()
    for name, word in FEDERATION.items():
        if word.since <= found.version:
            directives[found.imports.get("@" + name, f"{found.prefix}__{name}")] = name
    for name, since in SCALARS.items():
        if since <= found.version:
            types.add(found.imports.get(name, f"{found.prefix}__{name}"))
    for each in links:
        directives |= _of_feature(each)
    return Links(
        version=found.version,
        directives=directives,
        types=frozenset(types),
        prefix=found.prefix,
        features=features,
        problems=tuple(problems),
    )


def _of_feature(link: _Link) -> dict[str, str]:
    """Names brought by a link to a feature that is not federation as a whole."""
    if link.name == "link":
        return {link.prefix: "link"}
    if link.name in FEDERATION:
        return {link.imports.get("@" + link.name, link.prefix): link.name}
    return {}


def _read_link(
    directive: ConstDirectiveNode, subgraph: str, problems: list[Problem]
) -> _Link | None:
    given = {
        each.name.value: value_from_ast_untyped(each.value) for each in directive.arguments or ()
    }
    url = given.get("url", given.get("feature"))
    matched = _URL.match(url) if isinstance(url, str) else None
    if matched is None:
        return None
    name, version = matched[1], (int(matched[2]), int(matched[3]))
    if name == "link" and version != _LINK:
        problems.append(
            Problem(
                code="UNKNOWN_LINK_VERSION",
                message=f"[{subgraph}] unknown version v{version[0]}.{version[1]} of link",
                subgraphs=(subgraph,),
            )
        )
    imports: dict[str, str] = {}
    for each in given.get("import") or ():
        match each:
            case str():
                imports[each] = each.removeprefix("@")
            case {"name": str() as called, "as": str() as renamed}:
                imports[called] = renamed.removeprefix("@")
            case {"name": str() as called}:
                imports[called] = called.removeprefix("@")
            case _:
                problems.append(_bad_import(subgraph, str(each)))
    prefix = given.get("as")
    return _Link(name, version, prefix if isinstance(prefix, str) else name, imports)


def _wrong(link: _Link, subgraph: str) -> Sequence[Problem]:
    if not (2, 0) <= link.version <= LATEST:
        shown = f"v{link.version[0]}.{link.version[1]}"
        return [
            Problem(
                code="UNKNOWN_FEDERATION_LINK_VERSION",
                message=f"[{subgraph}] unknown version {shown} of federation",
                subgraphs=(subgraph,),
            )
        ]
    known = {"@" + name: word.since for name, word in FEDERATION.items()}
    known |= {**SCALARS, "@link": (2, 0)}
    return [
        _bad_import(subgraph, each)
        for each in link.imports
        if each not in known or known[each] > link.version
    ]


def _bad_import(subgraph: str, what: str) -> Problem:
    return _misused(subgraph, f"cannot import `{what}` from federation")


def _misused(subgraph: str, message: str) -> Problem:
    return Problem(
        code="INVALID_LINK_DIRECTIVE_USAGE",
        message=f"[{subgraph}] {message}",
        subgraphs=(subgraph,),
    )
