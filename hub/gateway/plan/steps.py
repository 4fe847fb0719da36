"""A plan: fetches with what they wait for, and how their answers join one tree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

import msgspec


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """How an object of a response joins an object of the tree.

    `type`: its concrete type where that is certain, else the response's ``__typename`` says it if
    `told`. `fields`: response key, the tree's key, the shape below; `per` by concrete type.
    """

    type: str | None = None
    told: bool = False
    fields: tuple[ShapeField, ...] = ()
    per: Mapping[str, tuple[ShapeField, ...]] = {}


class ShapeField(NamedTuple):
    """One field of a `Shape`; no `below` for a leaf. A tuple, since joins take it apart often."""

    alias: str
    tree: str
    below: Shape | None = None


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """One field of a representation, read from the tree; `per` by concrete type, if composite.

    `must`: of a key, not a requirement. `told`: with ``__typename`` inside.
    """

    name: str
    tree: str
    must: bool
    told: bool = False
    per: Mapping[str, tuple[Read, ...]] | None = None


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What a fetch asks about objects of one concrete type."""

    type: str
    reads: tuple[Read, ...]
    blind: bool
    """Whether it can ask about objects whose type is not known yet."""
    others: tuple[Part, ...] = ()
    """By other keys, for objects of which this one's has a part that is null."""


class Step(msgspec.Struct, frozen=True):
    """One step down the tree: into a field of objects of these types (all, if none are named)."""

    tree: str
    types: frozenset[str] = frozenset()


class Fetch(msgspec.Struct, frozen=True, kw_only=True):
    """One request to one subgraph.

    `kind` ``root``: `shapes` has one entry, for the data; ``entity``: one by representation type.
    `after`: indices of fetches whose answers it reads.
    """

    index: int
    graph: str
    kind: Literal["root", "entity"]
    wave: int
    after: tuple[int, ...]
    path: tuple[Step, ...]
    text: str
    variables: tuple[str, ...]
    operation: str | None
    parts: Mapping[str, Part]
    shapes: Mapping[str, Shape]
    apart: tuple[Fetch, ...] = ()
    """The same for each of its requirements alone, if there are several (none is one, too): for
    objects of which not everything is there that is required."""


class OutField(msgspec.Struct, frozen=True):
    """One field of the answer: response key, the tree's key, its type as text, what is below."""

    key: str
    tree: str
    type: str
    below: Out | None = None
    values: frozenset[str] | None = None
    """Of an enum: those that may be told."""
    plain: bool = False
    """Whether any value may stand as it is."""


class Out(msgspec.Struct, frozen=True, kw_only=True):
    """An object of the answer; `fields` by concrete type.

    `single`: the only variant, whatever the type. `types`: those that may be told; none where
    nobody has to know. `untold`: the fields of an object of which nobody knows the type, if it
    is not asked for.
    """

    fields: Mapping[str, tuple[OutField, ...]]
    single: str | None
    types: frozenset[str] | None = None
    untold: tuple[OutField, ...] | None = None


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """Fetches that run together; a mutation has several sections, one after the other."""

    fetches: tuple[Fetch, ...]


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A whole operation."""

    kind: Literal["query", "mutation"]
    sections: tuple[Section, ...]
    out: Out
    root: str
    whole: bool = True
    """Whether every field that was asked for is answered by somebody."""
