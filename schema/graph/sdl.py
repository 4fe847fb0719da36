"""A face as schema language, with the owner and the label of every entity's fields."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from graphql import parse, print_ast, print_schema
from graphql.language import (
    ConstArgumentNode,
    ConstDirectiveNode,
    ConstListValueNode,
    ConstValueNode,
    DefinitionNode,
    DocumentNode,
    FieldDefinitionNode,
    NameNode,
    ObjectTypeDefinitionNode,
    StringValueNode,
)

from schema.graph.build import Face
from schema.model.entity import EntityType
from schema.model.label import Label
from schema.model.names import FieldName, TypeName

_DIRECTIVES = '''\
"""How sensitive the field is: its level (one for each ladder), categories and compartments."""
directive @label(level: [String!], categories: [String!], compartments: [String!]) \
on FIELD_DEFINITION

"""The department that answers for the field."""
directive @owner(department: String!) on FIELD_DEFINITION
'''


def print_face(face: Face) -> str:
    """The face's SDL; `@label` and `@owner` are for reading, the running schema has neither.

    Holds only names that exist for the face's visibility. Cost: prints and parses the schema,
    some milliseconds for ten entity types.
    """
    document = parse(print_schema(face.schema), no_location=True)
    told = (_told(face, definition) for definition in document.definitions)
    printed = print_ast(DocumentNode(definitions=tuple(told)))
    return f"{_DIRECTIVES}\n{printed.rstrip()}\n"


def _told(face: Face, definition: DefinitionNode) -> DefinitionNode:
    if not isinstance(definition, ObjectTypeDefinitionNode):
        return definition
    entity = face.catalogue.types.get(TypeName(definition.name.value))
    if entity is None:
        return definition
    fields = tuple(_with_directives(entity, field) for field in definition.fields or ())
    return replace(definition, fields=fields)


def _with_directives(entity: EntityType, node: FieldDefinitionNode) -> FieldDefinitionNode:
    name = FieldName(node.name.value)
    field, relation = entity.fields.get(name), entity.relations.get(name)
    more: list[ConstDirectiveNode] = []
    if field is not None:
        more = [*_label(field.label), _directive("owner", ("department", _text(field.owner)))]
    elif relation is not None:
        more = [_directive("owner", ("department", _text(relation.owner)))]
    return replace(node, directives=(*more, *(node.directives or ())))


def _label(label: Label) -> list[ConstDirectiveNode]:
    arguments: list[tuple[str, ConstValueNode]] = []
    levels = [level for _, level in label.levels]
    if levels:
        # one value stands for a list of one
        arguments.append(("level", _text(levels[0]) if len(levels) == 1 else _list(levels)))
    if label.categories:
        arguments.append(("categories", _list(sorted(label.categories))))
    if label.compartments:
        arguments.append(("compartments", _list(sorted(label.compartments))))
    return [_directive("label", *arguments)] if arguments else []


def _directive(name: str, *arguments: tuple[str, ConstValueNode]) -> ConstDirectiveNode:
    return ConstDirectiveNode(
        name=NameNode(value=name),
        arguments=tuple(
            ConstArgumentNode(name=NameNode(value=word), value=value) for word, value in arguments
        ),
    )


def _text(value: str) -> StringValueNode:
    return StringValueNode(value=value, block=False)


def _list(values: Iterable[str]) -> ConstListValueNode:
    return ConstListValueNode(values=tuple(_text(value) for value in values))
