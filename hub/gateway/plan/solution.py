"""What the search finds for one place: who answers which field, and how others are reached."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeVar

import msgspec

from hub.gateway.model import FieldSet, HeldField
from hub.gateway.plan.asked import Wanted
from hub.gateway.plan.known import Entry
from schema.errors import HubError

TYPE = "#type"
"""The tree's key of an object's concrete type."""
OWN = "~"
"""Stands in the tree's keys between a response key and the one type it is for."""


T = TypeVar("T")


def sure(value: T | None) -> T:
    """A value that the search has made certain."""
    if value is None:
        # invariant: the search has looked before
        raise HubError("INTERNAL", "the plan lacks something that it counts on")
    return value


class Hop(msgspec.Struct, frozen=True, kw_only=True):
    """How a subgraph is asked for more of objects that others have answered.

    `kind` ``root`` starts anew; `type` is the representation's ``__typename``. `key` is read
    from the tree: for each of its fields, the subgraph that answers it. `typer` is the
    subgraph that tells the concrete type where it has to be known.
    """

    kind: Literal["root", "entity"]
    type: str
    key: FieldSet = ()
    suppliers: tuple[str, ...] = ()
    typer: str | None = None


class Reached(msgspec.Struct, frozen=True, kw_only=True):
    """A subgraph that can answer for objects of one place; `hop` is none for an entry."""

    entry: Entry
    rounds: int
    hop: Hop | None


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """One subgraph's answer to one field; `local`: in the same fetch as the place's entry."""

    graph: str
    local: bool
    held: HeldField | None
    below: Entry | None = None


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """A field with those who answer it; several where each knows a part of what is below."""

    wanted: Wanted
    units: tuple[Unit, ...]
    inner: PlaceSolution | None = None


class Input(msgspec.Struct, frozen=True):
    """A piece of a key: where it stands in the tree and who put it there."""

    name: str
    tree: str
    graph: str


class VariantSolution(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of one concrete type in a place."""

    type: str
    items: Mapping[str, Item]
    hops: Mapping[str, Hop]
    inputs: Mapping[str, tuple[tuple[Input, ...], ...]]
    """For each door its keys, in the order in which they are tried."""
    needs: Mapping[tuple[str, str], FieldSet]
    """What the fields with `@requires` need, by tree key and subgraph."""
    left: int
    waves: int
    fetches: int


class PlaceSolution(msgspec.Struct, frozen=True, kw_only=True):
    """Everything asked in one place; `left` counts the fields that nobody can answer here."""

    entries: tuple[Entry, ...]
    variants: Mapping[str, VariantSolution]
    typed: bool
    """Whether the entries tell the concrete type."""
    uniform: bool = False
    """Whether the one variant is an interface, answered whole by one subgraph."""
    left: int = 0
    waves: int = 0
    fetches: int = 0
