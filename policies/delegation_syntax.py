"""Delegations as YAML documents, in the files of grants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from policies.condition import TRUE
from policies.condition_syntax import read_condition
from policies.delegation import Delegation
from policies.grant_reading import read_live, read_named, read_one_purpose
from policies.naming import ELEMENT, read_name
from policies.positions import Node, shown
from policies.reading import Reader, Way
from policies.syntax import read_date, read_zone
from schema.model.subject import Subject

_SETS = ("roles", "duties", "compartments")


def read_delegation(reader: Reader, tree: Node) -> Delegation | None:
    """One document; ``None`` after a problem."""
    known = len(reader.report.problems)
    block = reader.block(tree, "a delegation")
    if block is None:
        return None
    reader.places = {key: at for key, (at, _) in block.entries.items()}
    found = reader.keys(tree, DELEGATION_KEYS, "a delegation")
    for key in ("delegation", "to", "for", "purpose", "from", "expires"):
        if key not in block.entries:
            reader.wrong(tree.at, f"the delegation has no `{key}`", f"add `{key}: ...`")
    if len(reader.report.problems) > known:
        return None
    live = read_live(reader, found, "the delegation", name="delegation", to="to")
    if live is None:
        return None
    return Delegation(
        live=live,
        principal=found["for"],
        fields=frozenset(found.get("fields", ())),
        rows=found.get("rows", TRUE),
        about=found.get("about", {}),
        path=reader.report.path,
        places=reader.places,
    )


def _principal(reader: Reader, node: Node, what: str) -> Subject | None:
    found: dict[str, Any] = reader.keys(node, PRINCIPAL_KEYS, what)
    for key in ("app", "department"):
        if key not in found:
            # fails closed: without both it is not said whose rights are lent
            reader.wrong(node.at, f"{what} has no `{key}`", f"add `{key}: ...`")
            return None
    attributes: dict[str, Any] = {
        key: frozenset(value) if key in _SETS else value for key, value in found.items()
    }
    return Subject(id=f"app:{found['app']}", **attributes)


def _fields(reader: Reader, node: Node, what: str) -> tuple[str, ...] | None:
    found = reader.texts(node, what)
    for element in found or ():
        reader.places.setdefault(f"fields:{element}", node.at)
        if not ELEMENT.match(element) or element.endswith("*"):
            hint = "a delegation names each field: `Type.field`"
            reader.wrong(node.at, f"`{shown(element)}` is not a field", hint)
            return None
    return found


PRINCIPAL_KEYS: Mapping[str, Way] = {
    "app": Reader.text,
    "department": Reader.text,
    "org_kind": Reader.text,
    "tier": Reader.text,
    "region": Reader.text,
    "clearance": Reader.levels,
    "roles": Reader.texts,
    "duties": Reader.texts,
    "compartments": Reader.texts,
}
DELEGATION_KEYS: Mapping[str, Way] = {
    "delegation": read_name,
    "about": Reader.by_language,
    "to": read_named,
    "for": _principal,
    "purpose": read_one_purpose,
    "fields": _fields,
    "rows": read_condition,
    "from": read_date,
    "expires": read_date,
    "zone": read_zone,
    "revoked": Reader.moment,
}
