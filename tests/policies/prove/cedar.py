"""Permits and forbids as Cedar policies: the boolean core, for requests with every attribute.

Known differences, so not exported: requirements and masks, which Cedar has only as annotations;
UNKNOWN, since Cedar lets an error in a forbid pass.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from policies.condition import (
    All,
    Any_,
    Attribute,
    Cleared,
    Compares,
    Condition,
    Literally,
    Not,
    OneOf,
    Present,
    PurposeWithin,
    RegionWithin,
    Term,
    Truth,
)
from policies.rule import Rule
from schema.model.catalogue import Catalogue
from schema.model.entity import Field
from schema.model.subject import Context, Subject
from tests.policies.fixture import CEILING, LADDER, PACKS

MANDATORY = """
forbid(principal, action, resource) unless { principal.level >= resource.level };
forbid(principal, action, resource) unless { resource.level <= %d };
forbid(principal, action, resource)
unless { principal.compartments.containsAll(resource.compartments) };
forbid(principal, action, resource)
when { resource.share == "withheld" && principal.department != resource.owner };
"""
_OWNED = "principal.department == resource.owner"


def exported(rules: tuple[Rule, ...]) -> str:
    """Rules and the mandatory checks."""
    levels = _levels()
    return "\n".join([MANDATORY % levels.index(CEILING[LADDER]), *map(_policy, rules)])


def entities(who: Subject, catalogue: Catalogue) -> list[dict[str, Any]]:
    """The caller and every field."""
    caller = {
        name: getattr(who, name)
        for name in ("app", "user", "department", "org_kind", "tier", "region", "acting_for")
    }
    sets = {
        name: sorted(getattr(who, name)) for name in ("roles", "duties", "compartments", "purposes")
    }
    level = {"level": _levels().index(who.clearance[LADDER])}
    found = [_entity("User", "u", {**caller, **sets, **level})]
    for entity in catalogue.types.values():
        found += [
            _entity("Field", f"{entity.name}.{field.name}", _attributes(entity.name, field))
            for field in entity.fields.values()
        ]
    return found


def request(coordinate: str, mode: str, context: Context) -> dict[str, Any]:
    """One request."""
    said = {name: getattr(context, name) for name in ("purpose", "network_zone", "acr", "case_id")}
    return {
        "principal": 'User::"u"',
        "action": f'Action::"{mode}"',
        "resource": f'Field::"{coordinate}"',
        "context": said,
    }


def _levels() -> tuple[str, ...]:
    ladder = PACKS.scheme.ladder(LADDER)
    assert ladder is not None
    return ladder.levels


def _entity(kind: str, name: str, attrs: Mapping[str, Any]) -> dict[str, Any]:
    return {"uid": {"type": kind, "id": name}, "attrs": dict(attrs), "parents": []}


def _attributes(type_name: str, field: Field) -> dict[str, Any]:
    return {
        "type": type_name,
        "name": f"{type_name}.{field.name}",
        "owner": field.owner,
        "share": field.share,
        "source": field.source,
        "level": _levels().index(field.label.level(LADDER) or ""),
        "compartments": sorted(field.label.compartments),
        "sensitive": bool(field.label.categories & PACKS.sensitive),
    }


def _policy(rule: Rule) -> str:
    actions = ", ".join(f'Action::"{mode}"' for mode in sorted(rule.modes))
    places = [f'resource.type == "{name}"' for name in sorted(rule.selector.types)]
    if rule.effect == "permit":
        # sensitive fields are reached through their type by their owner alone
        places = [f"({place} && (!resource.sensitive || {_OWNED}))" for place in places]
    places += [f'resource.name == "{name}"' for name in sorted(rule.selector.fields)]
    where = " || ".join(places)
    return (
        f"{rule.effect}(principal, action in [{actions}], resource)\n"
        f"when {{ ({where}) && {_told(rule.when)} }};"
    )


def _told(condition: Condition) -> str:
    match condition:
        case Truth(value=value):
            return "true" if value else "false"
        case All(parts=parts):
            return "(" + " && ".join(map(_told, parts)) + ")" if parts else "true"
        case Any_(parts=parts):
            return "(" + " || ".join(map(_told, parts)) + ")" if parts else "false"
        case Not(part=part):
            return f"!({_told(part)})"
        case Compares(left=Attribute(space="resource", name="owned")):
            return f"({_OWNED})"
        case Compares(op=op, left=left, right=right):
            return f"({_term(left)} {'==' if op == 'eq' else '!='} {_term(right)})"
        case OneOf(left=left, among=Attribute() as among):
            return f"{_term(among)}.contains({_term(left)})"
        case OneOf(left=left, among=tuple() as among):
            return f"{json.dumps(list(among))}.contains({_term(left)})"
        case RegionWithin(inner=inner, outer=Literally(value=outer)):
            return f'({_term(inner)} like "{outer}*")'
        case PurposeWithin(purposes=purposes, below=below):
            known = [
                one
                for one in PACKS.purposes
                if one in purposes or (below and any(PACKS.within(one, of) for of in purposes))
            ]
            return f"{json.dumps(known)}.contains(context.purpose)"
        case Cleared(level=level):
            return f"(principal.level >= {_levels().index(level)})"
        case Present(term=term):
            return f"({'principal' if term.space == 'subject' else 'context'} has {term.name})"
        case _:
            raise AssertionError(condition)


def _term(term: Term) -> str:
    if isinstance(term, Literally):
        return json.dumps(term.value)
    space = {"subject": "principal", "context": "context", "resource": "resource"}[term.space]
    return f"{space}.{term.name}"
