"""Read one subgraph's document into a `Part`, whatever version of federation it is written for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from graphql import (
    ConstDirectiveNode,
    DirectiveDefinitionNode,
    DirectiveLocation,
    DocumentNode,
    GraphQLSyntaxError,
    InputValueDefinitionNode,
    Node,
    OperationType,
    SchemaDefinitionNode,
    SchemaExtensionNode,
    TypeDefinitionNode,
    TypeExtensionNode,
    parse,
    print_ast,
    value_from_ast_untyped,
)
from msgspec.structs import replace

from hub.gateway.compose.directives import check_directives
from hub.gateway.compose.links import Links, read_links
from hub.gateway.compose.parts import (
    BUILT_IN,
    ROOTS,
    Executable,
    Field,
    Input,
    KeyText,
    Part,
    Type,
    Value,
    named,
)
from hub.gateway.compose.problems import Problem
from hub.gateway.model import TypeKind

_KINDS: Mapping[str, TypeKind] = {
    "object_type": "object",
    "interface_type": "interface",
    "union_type": "union",
    "enum_type": "enum",
    "scalar_type": "scalar",
    "input_object_type": "input",
}
_MACHINERY = frozenset({"_Any", "_Entity", "_Service"})
_EXECUTABLE = frozenset(
    {
        DirectiveLocation.QUERY.name,
        DirectiveLocation.MUTATION.name,
        DirectiveLocation.SUBSCRIPTION.name,
        DirectiveLocation.FIELD.name,
        DirectiveLocation.FRAGMENT_DEFINITION.name,
        DirectiveLocation.FRAGMENT_SPREAD.name,
        DirectiveLocation.INLINE_FRAGMENT.name,
        DirectiveLocation.VARIABLE_DEFINITION.name,
    }
)


def read_part(name: str, url: str, sdl: str, problems: list[Problem]) -> Part | None:
    """Read a document; what is wrong is added to `problems`, `None` where it does not parse."""
    try:
        document = parse(sdl, no_location=True)
    except GraphQLSyntaxError as error:
        problems.append(_invalid(name, error.message))
        return None
    except RecursionError:
        problems.append(_invalid(name, "the document is nested too deep"))
        return None
    links = read_links(document, name)
    problems += links.problems
    if not links.problems:  # else its names are not certain
        problems += check_directives(document, links, name)
    return read_document(
        Part(name=name, url=url, version=links.version, types={}), document, links, problems
    )


def read_document(
    part: Part, document: DocumentNode, links: Links, problems: list[Problem]
) -> Part:
    """Read the types and directives of a document into a part that says whose they are."""
    return _Reader(part, document, links, problems).read()


def _invalid(subgraph: str, message: str, *coordinates: str) -> Problem:
    return Problem(
        code="INVALID_GRAPHQL",
        message=f"[{subgraph}] {message}",
        subgraphs=(subgraph,),
        coordinates=coordinates,
    )


class Directives:
    """The directives of one node by canonical name, arguments as plain values."""

    def __init__(self, nodes: Iterable[ConstDirectiveNode], links: Links) -> None:
        self._uses: dict[str, list[dict[str, Any]]] = {}
        for each in nodes:
            name = links.directives.get(each.name.value, each.name.value)
            given = {
                one.name.value: value_from_ast_untyped(one.value) for one in each.arguments or ()
            }
            self._uses.setdefault(name, []).append(given)

    def __contains__(self, name: str) -> bool:
        return name in self._uses

    def uses(self, name: str) -> Sequence[dict[str, Any]]:
        """Each use of one directive."""
        return self._uses.get(name, ())

    def value(self, name: str, argument: str) -> str | None:
        """An argument of a directive's only use, as text; `None` where there is no such use."""
        for given in self.uses(name):
            found = given.get(argument)
            return None if found is None else _as_text(found)
        return None

    @property
    def deprecated(self) -> str | None:
        """Why it is deprecated, if so."""
        for given in self.uses("deprecated"):
            return str(given.get("reason") or "No longer supported")
        return None


def _as_text(value: object) -> str:
    """A field set as text; the first version of federation has lists of names as well."""
    if isinstance(value, list):
        return " ".join(_as_text(each) for each in value)
    return value if isinstance(value, str) else str(value)


class _Reader:
    def __init__(
        self, part: Part, document: DocumentNode, links: Links, problems: list[Problem]
    ) -> None:
        self.part, self.name, self.document, self.links = part, part.name, document, links
        self.problems = problems
        self.nodes: dict[str, list[Any]] = {}
        self.executables: dict[str, Executable] = {}
        self.roots: dict[str, str] = {}

    def read(self) -> Part:
        self._sort()
        self._name_roots()
        types = {}
        machinery = _MACHINERY | self.links.types | BUILT_IN
        if self.links.version[0] == 1:
            machinery |= {"_FieldSet"}
        for called, nodes in self.nodes.items():
            if called in machinery:
                self._machinery(called, nodes)
                continue
            if called.startswith("link__"):
                continue
            held = self._type(called, nodes)
            if held is not None:
                types[held.name] = held
        return replace(self.part, types=types, directives=self.executables)

    def _machinery(self, called: str, nodes: Sequence[Any]) -> None:
        if called not in {"_Any", "_Entity", "_Service"} and any(
            _kind(node) != "scalar" for node in nodes
        ):
            self.problems.append(
                Problem(
                    code="TYPE_DEFINITION_INVALID",
                    message=f"[{self.name}] `{called}` can only be a scalar",
                    subgraphs=(self.name,),
                    coordinates=(called,),
                )
            )

    def _sort(self) -> None:
        """Sort the definitions: of types by name, of the schema, of directives."""
        for node in self.document.definitions:
            if isinstance(node, TypeDefinitionNode | TypeExtensionNode):
                self.nodes.setdefault(node.name.value, []).append(node)
            elif isinstance(node, SchemaDefinitionNode | SchemaExtensionNode):
                for each in node.operation_types or ():
                    self.roots[each.type.name.value] = _root_of(each.operation)
            elif isinstance(node, DirectiveDefinitionNode):
                self._directive(node)
            else:
                self.problems.append(
                    _invalid(self.name, "a schema cannot hold an executable definition")
                )

    def _name_roots(self) -> None:
        """Find the root types; one with another's usual name cannot be told from it."""
        taken = set(self.roots.values())
        for kind, usual in ROOTS.items():
            if usual not in self.nodes or usual in self.roots:
                continue
            if usual not in taken:
                self.roots[usual] = usual
            else:
                self.problems.append(
                    Problem(
                        code=f"ROOT_{kind.upper()}_USED",
                        message=f"[{self.name}] `{usual}` is not the root type of that name",
                        subgraphs=(self.name,),
                        coordinates=(usual,),
                    )
                )

    def _directive(self, node: DirectiveDefinitionNode) -> None:
        name = node.name.value
        locations = {each.value for each in node.locations} & _EXECUTABLE
        if name in self.links.directives or not locations or name in {"skip", "include", "defer"}:
            return
        self.executables[name] = Executable(
            name=name,
            arguments=self._inputs(node.arguments),
            locations=frozenset(locations),
            repeatable=node.repeatable,
            description=node.description.value if node.description else None,
        )

    def _type(self, called: str, nodes: Sequence[Any]) -> Type | None:
        name = self.roots.get(called, called)
        kinds = {_kind(node) for node in nodes}
        if len(kinds) > 1:
            self.problems.append(
                _invalid(self.name, f"`{called}` is defined as {' and '.join(sorted(kinds))}", name)
            )
            return None
        if sum(isinstance(node, TypeDefinitionNode) for node in nodes) > 1:
            self.problems.append(
                _invalid(self.name, f"there can be only one type named `{called}`", name)
            )
        every = [Directives(node.directives or (), self.links) for node in nodes]
        kind = kinds.pop()
        fields = self._all_fields(name, nodes, every) if kind in {"object", "interface"} else {}
        if name == "Query":
            fields = {
                each: fields[each] for each in fields if each not in {"_entities", "_service"}
            }
        described = [node.description.value for node in nodes if getattr(node, "description", None)]
        return Type(
            name=name,
            called=called,
            kind=kind,
            fields=fields,
            inputs=self._inputs([one for node in nodes for one in node.fields or ()])
            if kind == "input"
            else {},
            values=self._values(nodes) if kind == "enum" else {},
            interfaces=tuple(
                one.name.value for node in nodes for one in getattr(node, "interfaces", None) or ()
            ),
            members=tuple(
                self.roots.get(one.name.value, one.name.value)
                for node in nodes
                for one in (node.types or () if kind == "union" else ())
            ),
            keys=self._keys(name, every),
            interface_object=any("interfaceObject" in each for each in every),
            specified_by=next(
                (found for each in every if (found := each.value("specifiedBy", "url"))), None
            ),
            one_of=any("oneOf" in each for each in every),
            base=any(
                isinstance(node, TypeDefinitionNode)
                and (self.links.version[0] > 1 or "extends" not in given)
                for node, given in zip(nodes, every, strict=True)
            ),
            extension=all(
                isinstance(node, TypeExtensionNode) or "extends" in given
                for node, given in zip(nodes, every, strict=True)
            ),
            description=described[0] if described else None,
            inaccessible=any("inaccessible" in each for each in every),
        )

    def _keys(self, name: str, every: Sequence[Directives]) -> tuple[KeyText, ...]:
        self._only_text(every, "key", name)
        return tuple(
            KeyText(_as_text(use["fields"]), use.get("resolvable") is not False)
            for each in every
            for use in each.uses("key")
            if "fields" in use
        )

    def _only_text(self, every: Sequence[Directives], purpose: str, where: str) -> None:
        """The first version lets a field set be a list as well."""
        for use in (use for each in every for use in each.uses(purpose)):
            if "fields" in use and not isinstance(use["fields"], str) and self.links.version[0] > 1:
                self.problems.append(
                    Problem(
                        code=f"{purpose.upper()}_INVALID_FIELDS_TYPE",
                        message=f"[{self.name}] `fields` of @{purpose} on `{where}` must be a "
                        "string",
                        subgraphs=(self.name,),
                        coordinates=(where,),
                    )
                )

    def _all_fields(
        self, name: str, nodes: Sequence[Any], every: Sequence[Directives]
    ) -> dict[str, Field]:
        fields: dict[str, Field] = {}
        outside = self.links.version >= (2, 0) and any("external" in given for given in every)
        for node, given in zip(nodes, every, strict=True):
            for one in node.fields or ():
                if one.name.value in fields:
                    self.problems.append(
                        _invalid(
                            self.name,
                            f"`{name}.{one.name.value}` can only be defined once",
                            f"{name}.{one.name.value}",
                        )
                    )
                fields[one.name.value] = self._field(
                    name, one, outside=outside, shareable="shareable" in given
                )
        return fields

    def _field(self, name: str, node: Any, *, outside: bool, shareable: bool) -> Field:
        given = Directives(node.directives or (), self.links)
        for purpose in ("requires", "provides"):
            self._only_text([given], purpose, f"{name}.{node.name.value}")
        return Field(
            name=node.name.value,
            type=self._text(node.type),
            arguments=self._inputs(node.arguments),
            external=outside or "external" in given,
            shareable=shareable or "shareable" in given,
            requires=given.value("requires", "fields"),
            provides=given.value("provides", "fields"),
            override=given.value("override", "from"),
            label=given.value("override", "label"),
            description=node.description.value if node.description else None,
            deprecated=given.deprecated,
            inaccessible="inaccessible" in given,
        )

    def _inputs(self, nodes: Iterable[InputValueDefinitionNode] | None) -> dict[str, Input]:
        found = {}
        for node in nodes or ():
            given = Directives(node.directives or (), self.links)
            found[node.name.value] = Input(
                name=node.name.value,
                type=self._text(node.type),
                default=print_ast(node.default_value) if node.default_value else None,
                description=node.description.value if node.description else None,
                deprecated=given.deprecated,
                inaccessible="inaccessible" in given,
                context="fromContext" in given,
            )
        return found

    def _values(self, nodes: Sequence[Any]) -> dict[str, Value]:
        found = {}
        for one in (one for node in nodes for one in node.values or ()):
            given = Directives(one.directives or (), self.links)
            found[one.name.value] = Value(
                name=one.name.value,
                description=one.description.value if one.description else None,
                deprecated=given.deprecated,
                inaccessible="inaccessible" in given,
            )
        return found

    def _text(self, node: Node) -> str:
        text = print_ast(node)
        inner = named(text)
        root = self.roots.get(inner)
        return text if root is None or root == inner else text.replace(inner, root)


def _root_of(operation: OperationType) -> str:
    return ROOTS[operation.value]


def _kind(node: Node) -> TypeKind:
    return _KINDS[node.kind.removesuffix("_definition").removesuffix("_extension")]
