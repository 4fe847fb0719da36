"""Whether a literal is one that its type allows, by what one part says of its types."""

from __future__ import annotations

from graphql import (
    BooleanValueNode,
    EnumValueNode,
    FloatValueNode,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    StringValueNode,
    ValueNode,
)

from hub.gateway.compose.parts import Part

_SCALARS: dict[str, tuple[type[ValueNode], ...]] = {
    "Int": (IntValueNode,),
    "Float": (IntValueNode, FloatValueNode),
    "String": (StringValueNode,),
    "Boolean": (BooleanValueNode,),
    "ID": (StringValueNode, IntValueNode),
}
_INT_MAX = 2**31


def allowed(part: Part, type_: str, value: ValueNode) -> bool:
    """Whether an argument or input field of a type takes the literal; what is unknown does."""
    if isinstance(value, NullValueNode):
        return not type_.endswith("!")
    bare = type_.removesuffix("!")
    if bare.startswith("["):
        items = value.values if isinstance(value, ListValueNode) else (value,)
        return all(allowed(part, bare[1:-1], one) for one in items)
    kinds = _SCALARS.get(bare)
    if kinds is not None:
        if bare == "Int" and isinstance(value, IntValueNode):
            return -_INT_MAX <= int(value.value) < _INT_MAX
        return isinstance(value, kinds)
    held = part.types.get(bare)
    if held is None or held.kind == "scalar":
        return True
    if held.kind == "enum":
        return isinstance(value, EnumValueNode) and value.value in held.values
    if not isinstance(value, ObjectValueNode):
        return False
    given = {one.name.value: one.value for one in value.fields}
    return all(
        allowed(part, one.type, given[name]) if name in given else not one.required
        for name, one in held.inputs.items()
    ) and set(given) <= set(held.inputs)
