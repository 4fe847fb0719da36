"""Fresh Strawberry classes for one face: declared first, decorated when all are known.

Strawberry reads a class's annotations when the schema is made, so classes may refer to one
another in circles. Classes are never shared between schemas: a second schema made from the same
class changes the first one's default resolver.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, Optional

import msgspec
import strawberry
from strawberry.annotation import StrawberryAnnotation
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.field import StrawberryField

Shape = Literal["type", "input", "interface", "one_of"]


class Argument(msgspec.Struct, frozen=True, kw_only=True):
    """An argument; `annotation` is what Strawberry reads as its type."""

    name: str
    annotation: Any
    about: str | None = None


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A field of a class."""

    name: str
    annotation: Any
    about: str | None = None
    deprecated: str | None = None
    arguments: tuple[Argument, ...] = ()


def optional(of: Any) -> Any:
    """The annotation of a nullable type that is only known at run time."""
    return Optional[of]  # noqa: UP045 - a union with a variable is not an annotation


def several(of: Any) -> Any:
    """The annotation of a list of a type that is only known at run time."""
    return list[of]


class Classes:
    """The classes of one face by GraphQL name."""

    def __init__(self) -> None:
        self._made: dict[str, type] = {}
        self._pending: list[tuple[type, Shape, str, str | None, Callable[[], Iterable[Member]]]]
        self._pending = []

    def declare(
        self,
        name: str,
        members: Callable[[], Iterable[Member]],
        *,
        shape: Shape = "type",
        about: str | None = None,
        bases: Sequence[type] = (),
    ) -> type:
        """A class whose members are asked for when all classes are declared."""
        made = type(name, tuple(bases), {"__module__": __name__})
        self._made[name] = made
        self._pending.append((made, shape, name, about, members))
        return made

    def get(self, name: str) -> type | None:
        """A class declared before."""
        return self._made.get(name)

    def enumerate(self, name: str, values: Mapping[str, str | None]) -> Any:
        """An enum; value name -> description."""
        held = enum.Enum(name, {value: value for value in values})  # type: ignore[misc]
        made = strawberry.enum(held, name=name)
        self._made[name] = made
        return made

    def finish(self) -> None:
        """Decorate everything declared; members may declare more while it runs."""
        while self._pending:
            made, shape, name, about, members = self._pending.pop(0)
            annotations: dict[str, Any] = {}
            for number, member in enumerate(members()):
                attribute = f"{name}_{number}"
                annotations[attribute] = member.annotation
                setattr(made, attribute, _field(member, shape))
            made.__annotations__ = annotations
            _decorate(made, shape, name, about)


def _field(member: Member, shape: Shape) -> Any:
    if shape in ("input", "one_of"):
        return strawberry.field(
            name=member.name,
            description=member.about,
            deprecation_reason=member.deprecated,
            default=strawberry.UNSET,
        )
    made: StrawberryField = strawberry.field(
        name=member.name, description=member.about, deprecation_reason=member.deprecated
    )
    made.arguments = [
        StrawberryArgument(
            python_name=argument.name,
            graphql_name=argument.name,
            type_annotation=StrawberryAnnotation(argument.annotation),
            description=argument.about,
        )
        for argument in member.arguments
    ]
    return made


def _decorate(made: type, shape: Shape, name: str, about: str | None) -> None:
    match shape:
        case "type":
            strawberry.type(made, name=name, description=about)
        case "input":
            strawberry.input(made, name=name, description=about)
        case "one_of":
            strawberry.input(made, name=name, description=about, one_of=True)
        case "interface":
            strawberry.interface(made, name=name, description=about)
