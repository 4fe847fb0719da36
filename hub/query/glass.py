"""What a pipeline has to know of emergencies: who is suspended, and what is open at this moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from hub.query.operation import Operation
from hub.query.request import Request
from schema.model.names import split_coordinate


class Glass(Protocol):
    """The openings that one pipeline's engine was made with."""

    def enter(self, request: Request) -> Sequence[str]:
        """The ids of openings that may bear on a request, asked before it is ruled on.

        Raises: `HubError` APP_SUSPENDED.
        """
        ...

    def about(self, entered: Sequence[str], types: frozenset[str]) -> Sequence[str]:
        """Of those the ones that are about some entity types."""
        ...

    def check(self, used: Sequence[str]) -> None:
        """Raises: `HubError` EMERGENCY_ENDED unless all are open still."""
        ...

    def marks(self, used: Sequence[str]) -> Sequence[Mapping[str, Any]]:
        """What an answer says of them."""
        ...


class Whole:
    """No emergency was ever declared."""

    def enter(self, request: Request) -> Sequence[str]:  # noqa: ARG002
        """None, and nobody is suspended."""
        return ()

    def about(self, entered: Sequence[str], types: frozenset[str]) -> Sequence[str]:  # noqa: ARG002
        """None."""
        return ()

    def check(self, used: Sequence[str]) -> None:
        """None has ended."""

    def marks(self, used: Sequence[str]) -> Sequence[Mapping[str, Any]]:  # noqa: ARG002
        """None."""
        return ()


def types_of(operation: Operation) -> frozenset[str]:
    """The entity types that an operation is about."""
    uses = (*operation.uses, *operation.implied)
    return frozenset(str(split_coordinate(use.coordinate)[0]) for use in uses)


def holding(glass: Glass, used: Sequence[str]) -> Callable[[], None] | None:
    """What each fetch asks before and after; ``None`` where nothing is open."""
    return (lambda: glass.check(used)) if used else None
