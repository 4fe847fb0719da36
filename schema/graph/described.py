"""A face as another hub drafts from it: types, keys, relations, labels, owners."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from schema.graph.build import Face
from schema.graph.spelling import word_of
from schema.model.entity import EntityType, Field, Relation
from schema.model.label import Label
from schema.model.names import coordinate, shout


def described(face: Face) -> list[dict[str, Any]]:
    """The entity types that the face can list, with the fields that it can select.

    Holds only names that exist for the face's visibility.
    """
    entities = face.catalogue.types.values()
    return [_type(face, one) for one in entities if face.visible.may(one.name, "list")]


def _shows(face: Face, entity: EntityType, name: str) -> bool:
    return coordinate(entity.name, name) in face.visible.selectable


def _type(face: Face, entity: EntityType) -> dict[str, Any]:
    words = word_of(entity)
    fields = [one for one in entity.fields.values() if _shows(face, entity, one.name)]
    keys = [key for key in entity.keys if all(_shows(face, entity, part) for part in key)]
    return {
        "name": entity.name,
        "singular": entity.singular,
        "plural": entity.plural,
        # without its first key nothing says which row of another source is the same
        "keys": keys if entity.key in keys else [],
        "fields": [_field(one, words[one.name]) for one in fields],
        "relations": list(_relations(face, entity)),
        "about": dict(entity.about),
    }


def _field(field: Field, word: str) -> dict[str, Any]:
    told: dict[str, Any] = {
        "name": field.name,
        "kind": field.kind,
        "label": _label(field.label),
        "share": field.share,
        "conditions": list(field.conditions),
        "legal_basis": list(field.legal_basis),
        "owner": field.owner,
        "about": dict(field.about),
        "title": dict(field.title),
    }
    if word != shout(field.name):
        told["order"] = word
    return told


def _label(label: Label) -> dict[str, Any]:
    return {
        "levels": dict(label.levels),
        "categories": sorted(label.categories),
        "compartments": sorted(label.compartments),
    }


def _relations(face: Face, entity: EntityType) -> Iterator[dict[str, Any]]:
    for one in entity.relations.values():
        target = face.catalogue.types[one.to]
        if not _shows(face, entity, one.name) or not face.visible.may(target.name, "list"):
            continue
        if _matched(face, entity, target, one):
            match = [list(pair) for pair in one.match]
            yield {"name": one.name, "to": one.to, "many": one.many, "match": match}


def _matched(face: Face, entity: EntityType, target: EntityType, relation: Relation) -> bool:
    return all(
        _shows(face, entity, ours) and _shows(face, target, theirs)
        for ours, theirs in relation.match
    )
