"""How rules say whom they are about: one key per attribute, all of them must hold."""

from __future__ import annotations

from policies.condition import (
    Attribute,
    Condition,
    Literally,
    OneOf,
    RegionWithin,
    either,
)
from policies.condition_syntax import read_clearance, read_purpose
from policies.positions import Node
from policies.reading import Reader, Way


def read_subjects(reader: Reader, node: Node, what: str) -> tuple[Condition, ...]:
    """The conditions that the keys stand for."""
    return tuple(reader.keys(node, SUBJECT_KEYS, what).values())


def _text(name: str) -> Way:
    def read(reader: Reader, node: Node, what: str) -> Condition | None:
        values = reader.texts(node, what)
        return None if values is None else OneOf(Attribute("subject", name), values)

    return read


def _context(name: str) -> Way:
    def read(reader: Reader, node: Node, what: str) -> Condition | None:
        values = reader.texts(node, what)
        return None if values is None else OneOf(Attribute("context", name), values)

    return read


def _member(name: str) -> Way:
    def read(reader: Reader, node: Node, what: str) -> Condition | None:
        values = reader.texts(node, what)
        if values is None:
            return None
        of = Attribute("subject", name)
        return either(*(OneOf(Literally(value), of) for value in values))

    return read


def _region(reader: Reader, node: Node, what: str) -> Condition | None:
    regions = reader.texts(node, what)
    if regions is None:
        return None
    inner = Attribute("subject", "region")
    return either(*(RegionWithin(inner, Literally(region)) for region in regions))


SUBJECT_KEYS: dict[str, Way] = {
    "app": _text("app"),
    "user": _text("user"),
    "department": _text("department"),
    "org_kind": _text("org_kind"),
    "tier": _text("tier"),
    "acting_for": _text("acting_for"),
    "link": _text("link"),
    "role": _member("roles"),
    "duty": _member("duties"),
    "compartment": _member("compartments"),
    "region_within": _region,
    "purpose": read_purpose,
    "clearance": read_clearance,
    "network_zone": _context("network_zone"),
}
