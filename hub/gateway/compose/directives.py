"""Check every use of a directive in a document, and its own definitions of federation's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from graphql import (
    DirectiveDefinitionNode,
    DocumentNode,
    IntValueNode,
    ListValueNode,
    ObjectValueNode,
    print_ast,
)

from hub.gateway.compose.links import Links
from hub.gateway.compose.problems import Problem
from hub.gateway.compose.vocabulary import BUILT_IN_WORDS, FEDERATION, Word

_LOCATIONS: Mapping[str, str] = {
    "schema": "SCHEMA",
    "object_type": "OBJECT",
    "interface_type": "INTERFACE",
    "union_type": "UNION",
    "enum_type": "ENUM",
    "scalar_type": "SCALAR",
    "input_object_type": "INPUT_OBJECT",
    "enum_value": "ENUM_VALUE",
}


def check_directives(document: DocumentNode, links: Links, subgraph: str) -> Iterator[Problem]:
    """Problems of directives: unknown, misplaced, with wrong arguments, wrongly defined."""
    known = _known(document, links)
    for node in document.definitions:
        if isinstance(node, DirectiveDefinitionNode):
            yield from _definition(node, links, subgraph)
            continue
        kind = node.kind.removesuffix("_definition").removesuffix("_extension")
        for each, location, where in _sites(node, kind):
            yield from _uses(each, location, where, known, links, subgraph)


def _known(document: DocumentNode, links: Links) -> Mapping[str, Word]:
    known = dict(BUILT_IN_WORDS)
    for node in document.definitions:
        if isinstance(node, DirectiveDefinitionNode):
            known[node.name.value] = Word(
                at=frozenset(each.value for each in node.locations),
                arguments={
                    one.name.value: print_ast(one.type).rstrip("!" if one.default_value else "")
                    for one in node.arguments or ()
                },
                repeatable=node.repeatable,
            )
    for here, name in links.directives.items():
        known[here] = FEDERATION.get(name) or BUILT_IN_WORDS[name]
    return known


def _sites(node: Any, kind: str) -> Iterator[tuple[Any, str, str]]:
    """Each node with its location and coordinate, from a definition downwards."""
    name = node.name.value if getattr(node, "name", None) else "schema"
    location = _LOCATIONS.get(kind)
    if location is None:
        return
    yield node, location, name
    for value in getattr(node, "values", None) or ():
        yield value, "ENUM_VALUE", f"{name}.{value.name.value}"
    for field in getattr(node, "fields", None) or ():
        where = f"{name}.{field.name.value}"
        if kind == "input_object_type":
            yield field, "INPUT_FIELD_DEFINITION", where
            continue
        yield field, "FIELD_DEFINITION", where
        for one in field.arguments or ():
            yield one, "ARGUMENT_DEFINITION", f"{where}({one.name.value}:)"


def _uses(
    node: Any, location: str, where: str, known: Mapping[str, Word], links: Links, subgraph: str
) -> Iterator[Problem]:
    seen: set[str] = set()
    for use in node.directives or ():
        name = use.name.value
        word = known.get(name)
        if word is None:
            hint = _hint(name, links)
            yield _invalid(subgraph, f"unknown directive `@{name}`{hint}", where)
            continue
        if location not in word.at:
            yield _invalid(subgraph, f"`@{name}` may not be used on {location}", where)
        if name in seen and not word.repeatable:
            yield _invalid(subgraph, f"`@{name}` can only be used once here", where)
        elif name in seen and links.directives.get(name) == "shareable":
            yield _problem(
                "INVALID_SHAREABLE_USAGE", subgraph, f"`@{name}` is given twice here", where
            )
        seen.add(name)
        yield from _arguments(use, word, where, links, subgraph)


def _arguments(use: Any, word: Word, where: str, links: Links, subgraph: str) -> Iterator[Problem]:
    given = {one.name.value: one.value for one in use.arguments or ()}
    name = use.name.value
    for each in given:
        if each not in word.arguments or word.later.get(each, links.version) > links.version:
            yield _invalid(subgraph, f"unknown argument `{each}` of `@{name}`", where)
    for each, type_ in word.arguments.items():
        if type_.endswith("!") and each not in given:
            yield _invalid(subgraph, f"`@{name}` needs its argument `{each}`", where)
        elif type_ == "String!" and isinstance(
            given[each], IntValueNode | ListValueNode | ObjectValueNode
        ):
            yield _invalid(subgraph, f"`{each}` of `@{name}` must be a string", where)


def _hint(name: str, links: Links) -> str:
    if name not in FEDERATION:
        return ""
    if links.version[0] == 1:
        return ", which needs a @link to the second version of federation"
    return f", which must be imported, or written `@{links.prefix}__{name}`"


def _definition(node: DirectiveDefinitionNode, links: Links, subgraph: str) -> Iterator[Problem]:
    """A definition of one of federation's own says what federation says, or less."""
    here = node.name.value
    word = FEDERATION.get(links.directives.get(here, ""))
    if word is None:
        return
    first = links.version[0] == 1
    own = {one.name.value: print_ast(one.type) for one in node.arguments or ()}
    wrong = [f"unknown argument `{each}`" for each in own if each not in word.arguments]
    for each, type_ in word.arguments.items():
        if each not in own:
            if type_.endswith("!") and not first:
                wrong.append(f"missing argument `{each}`")
        elif not _fits(own[each], type_, links):
            wrong.append(f"argument `{each}` has type `{own[each]}`, not `{type_}`")
    places = {each.value for each in node.locations} - word.at
    if places:
        wrong.append(f"it cannot be on {', '.join(sorted(places))}")
    for each in wrong:
        yield _problem("DIRECTIVE_DEFINITION_INVALID", subgraph, f"`@{here}`: {each}", f"@{here}")


def _fits(own: str, type_: str, links: Links) -> bool:
    name = type_.strip("[]!")
    if name == "FieldSet":
        return links.version[0] == 1 or own in {"String!", *(f"{one}!" for one in links.types)}
    if name in {"String", "Boolean", "Int"}:
        return own.rstrip("!") == type_.rstrip("!")
    return True


def _invalid(subgraph: str, message: str, where: str) -> Problem:
    return _problem("INVALID_GRAPHQL", subgraph, message, where)


def _problem(code: str, subgraph: str, message: str, where: str) -> Problem:
    return Problem(
        code=code,
        message=f"[{subgraph}] `{where}`: {message}",
        subgraphs=(subgraph,),
        coordinates=(where,),
    )
