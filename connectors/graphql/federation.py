"""What the directives of a federation subgraph say: keys, and which fields are whose.

Source: Apollo Federation subgraph specification, v1 and v2. Directives are known by the names
that ``@link`` gives them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from graphql import (
    ConstDirectiveNode,
    DocumentNode,
    FieldNode,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    SelectionSetNode,
    parse,
    value_from_ast_untyped,
)

from connectors.http.rows import bad

_SPEC = re.compile(r"https?://specs\.apollo\.dev/([a-z]+)/v([0-9]{1,3})(?:\.[0-9]{1,3})?/?\Z")
_MAX_FIELDS = 20
"""Fields of one key, or of one ``@requires``."""
_MAX_DEPTH = 5


class Key(msgspec.Struct, frozen=True):
    """One ``@key``; its fields as columns."""

    columns: tuple[str, ...]
    resolvable: bool = True


class FieldFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of one field."""

    external: bool = False
    inaccessible: bool = False
    requires: tuple[str, ...] = ()
    takes_over: bool = False
    """``@override`` of all of another subgraph's answers."""
    contextual: bool = False
    """Some argument is filled by a router (``@fromContext``)."""


class TypeFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of one object or interface type."""

    keys: tuple[Key, ...] = ()
    extends: bool = False
    inaccessible: bool = False
    fields: Mapping[str, FieldFacts] = {}

    def field(self, name: str) -> FieldFacts:
        """What is said of a field; of most, nothing."""
        return self.fields.get(name, _NOTHING)


_NOTHING = FieldFacts()
Directives = list[tuple[str, Mapping[str, Any]]]


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What the directives of a whole document say."""

    types: Mapping[str, TypeFacts] = {}
    hidden_inputs: frozenset[str] = frozenset()
    """``Type.field.argument`` of arguments that are inaccessible."""

    def of(self, name: str) -> TypeFacts:
        """What is said of a type."""
        return self.types.get(name, TypeFacts())


def facts_of(document: DocumentNode) -> Facts:
    """Read the directives; raises ``SOURCE_BAD_DATA`` for what is not understood."""
    names = _Names(document)
    types: dict[str, TypeFacts] = {}
    hidden: set[str] = set()
    for node in document.definitions:
        kind = node.kind
        if not kind.startswith(("object_type", "interface_type")):
            continue
        name = node.name.value  # type: ignore[attr-defined]
        held = types.get(name, TypeFacts())
        said = names.said(node.directives)  # type: ignore[attr-defined]
        whole = any(one == "external" for one, _ in said)
        fields = dict(held.fields)
        for field in node.fields or ():  # type: ignore[attr-defined]
            fields[field.name.value] = _field(names, field, whole)
            hidden.update(
                f"{name}.{field.name.value}.{argument.name.value}"
                for argument in field.arguments or ()
                if any(one == "inaccessible" for one, _ in names.said(argument.directives))
            )
        types[name] = TypeFacts(
            keys=(*held.keys, *(_key(args) for one, args in said if one == "key")),
            extends=held.extends
            or kind.endswith("extension")
            or any(one == "extends" for one, _ in said),
            inaccessible=held.inaccessible or any(one == "inaccessible" for one, _ in said),
            fields=fields,
        )
    return Facts(types=types, hidden_inputs=frozenset(hidden))


def _field(names: _Names, node: Any, whole: bool) -> FieldFacts:
    said = names.said(node.directives)
    told = {one for one, _ in said}
    given = {one for argument in node.arguments or () for one, _ in names.said(argument.directives)}
    return FieldFacts(
        external=whole or "external" in told,
        inaccessible="inaccessible" in told,
        requires=tuple(
            column for one, args in said if one == "requires" for column in _columns(args)
        ),
        takes_over=any(one == "override" and not args.get("label") for one, args in said),
        contextual="fromContext" in given,
    )


def _key(args: Mapping[str, Any]) -> Key:
    return Key(_columns(args), args.get("resolvable", True) is not False)


def _columns(args: Mapping[str, Any]) -> tuple[str, ...]:
    """The columns of a ``fields`` argument: ``id organization { id }``."""
    text = args.get("fields")
    if isinstance(text, list):  # v1 has lists of field sets
        text = " ".join(str(one) for one in text)
    if not isinstance(text, str) or len(text) > 2000:
        raise bad("the subgraph says no fields for a key")
    try:
        (operation,) = parse(f"{{ {text} }}", no_location=True).definitions
    except (GraphQLSyntaxError, ValueError, RecursionError):
        raise bad("the fields of a key cannot be read") from None
    if not isinstance(operation, OperationDefinitionNode):
        raise bad("the fields of a key cannot be read")
    found = tuple(_paths(operation.selection_set, ()))
    if len(found) > _MAX_FIELDS:
        raise bad("a key of the subgraph has too many fields")
    return tuple("/" + "/".join(path) if len(path) > 1 else path[0] for path in found)


def _paths(held: SelectionSetNode, before: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if len(before) >= _MAX_DEPTH:
        raise bad("a key of the subgraph lies too deep")
    for one in held.selections:
        if not isinstance(one, FieldNode) or one.arguments or one.alias or one.directives:
            raise bad(
                "a key of the subgraph has more than plain fields",
                "fragments, arguments and aliases in `@key` and `@requires` are not taken",
            )
        path = (*before, one.name.value)
        if one.selection_set is None:
            yield path
        else:
            yield from _paths(one.selection_set, path)


class _Names:
    """The names under which the directives of federation stand in one document."""

    def __init__(self, document: DocumentNode) -> None:
        self._known: dict[str, str] = {}
        self._prefixes: set[str] = set()
        linked = False
        for node in document.definitions:
            if node.kind in ("schema_definition", "schema_extension"):
                for one in node.directives or ():  # type: ignore[attr-defined]
                    if one.name.value == "link":
                        linked = self._link(_args(one)) or linked
        self._first = not linked

    def _link(self, args: Mapping[str, Any]) -> bool:
        """Take one ``@link``; whether it is that of federation."""
        url = args.get("url")
        if not isinstance(url, str):
            raise bad("a `@link` of the subgraph has no address")
        found = _SPEC.match(url)
        if found is None:
            return False
        spec, major = found[1], int(found[2])
        if spec != "federation":
            self._known[str(args.get("as") or spec)] = spec  # `inaccessible`, `tag`
            return False
        if major != 2:
            raise bad("the subgraph has a version of federation that is not known", "known: 1, 2")
        self._prefixes.add(f"{args.get('as') or 'federation'}__")
        for one in args.get("import") or ():
            name, called = (one, None) if isinstance(one, str) else (one.get("name"), one.get("as"))
            if isinstance(name, str) and name.startswith("@"):
                self._known[str(called or name).removeprefix("@")] = name.removeprefix("@")
        return True

    def said(self, nodes: Any) -> Directives:
        """(name in the specification, arguments) of those that are federation's."""
        made: Directives = []
        for node in nodes or ():
            name = node.name.value
            known = name if self._first else self._known.get(name)
            for prefix in self._prefixes:
                if name.startswith(prefix):
                    known = name.removeprefix(prefix)
            if known is not None:
                made.append((known, _args(node)))
        return made


def _args(node: ConstDirectiveNode) -> Mapping[str, Any]:
    return {one.name.value: value_from_ast_untyped(one.value) for one in node.arguments or ()}
