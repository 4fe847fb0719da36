"""Types of an XML schema, as zeep holds them: what is below a type, and which kind a leaf is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zeep.xsd import Any as AnyElement
from zeep.xsd import Element
from zeep.xsd.types import builtins

from schema.model.scalar import ScalarKind

_KINDS: tuple[tuple[tuple[type, ...], ScalarKind], ...] = (
    ((builtins.Boolean,), "Boolean"),
    ((builtins.Int, builtins.Short, builtins.Byte, builtins.UnsignedShort, builtins.UnsignedByte),
     "Int"),
    ((builtins.Integer,), "BigInt"),
    ((builtins.Decimal,), "Decimal"),
    ((builtins.Float, builtins.Double), "Float"),
    ((builtins.Date,), "Date"),
    ((builtins.DateTime,), "DateTime"),
    ((builtins.Time,), "Time"),
)  # fmt: skip


def elements_of(kind: Any) -> Mapping[str, Any]:
    """The elements that a type holds, by their names."""
    held = getattr(kind, "elements", None) or ()
    return {one.name: one for _, one in held if isinstance(one, Element)}


def attributes_of(kind: Any) -> Mapping[str, Any]:
    """The attributes of a type, by their names."""
    held = getattr(kind, "attributes", None) or ()
    return {name: one for name, one in held if name}


def is_open(kind: Any) -> bool:
    """Whether a type may hold what it does not name."""
    return any(isinstance(one, AnyElement) for _, one in getattr(kind, "elements", None) or ())


def is_object(kind: Any) -> bool:
    """Whether a type has elements or attributes."""
    return bool(elements_of(kind) or attributes_of(kind) or is_open(kind))


def repeats(element: Any) -> bool:
    """Whether an element may come more than once."""
    return element.max_occurs == "unbounded" or int(element.max_occurs) > 1


def element_at(kind: Any, steps: Sequence[str]) -> Any:
    """The element at a path; ``None`` if there is none."""
    found = None
    for step in steps:
        found = elements_of(kind).get(step)
        if found is None:
            return None
        kind = found.type
    return found


def has_path(kind: Any, steps: Sequence[str]) -> bool:
    """Whether a type has an element, an attribute, or something unnamed at a path."""
    for step in steps:
        if is_open(kind):
            return True
        if step.startswith("@"):
            return step[1:] in attributes_of(kind)
        if step.isdigit():
            continue
        found = elements_of(kind).get(step)
        if found is None:
            return False
        kind = found.type
    return True


def kind_of(kind: Any) -> ScalarKind:
    """The kind that the values of a type have."""
    if is_object(kind):
        return "JSON"
    base = getattr(kind, "_base_type", None)  # of a restriction
    for known, told in _KINDS:
        if isinstance(kind, known) or (isinstance(base, type) and issubclass(base, known)):
            return told
    return "String"
