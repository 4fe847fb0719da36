"""The answer from the tree: the client's fields in order, values checked, nulls carried up.

Source: GraphQL specification, "Value Completion" and "Handling Execution Errors".
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import msgspec

from hub.gateway.plan.solution import TYPE
from hub.gateway.plan.steps import Out, OutField
from hub.gateway.run.tree import Path, Tree

Report = Callable[[str, Path], None]
"""Told of each null that the schema does not allow: message, path by response keys."""


class Kind(msgspec.Struct, frozen=True):
    """A type as written, taken apart; `item` of a list."""

    required: bool
    item: Kind | None


@lru_cache(4096)
def kind_of(text: str) -> Kind:
    """The wrappers of a type."""
    required = text.endswith("!")
    bare = text[:-1] if required else text
    return Kind(required, kind_of(bare[1:-1]) if bare.startswith("[") else None)


class Completion:
    """Completes one answer."""

    def __init__(self, report: Report) -> None:
        self._report = report

    def whole(self, tree: Tree, out: Out) -> dict[str, Any] | None:
        """The answer's ``data``."""
        return self._object(tree, out, ())

    def _object(self, held: Tree, out: Out, path: Path) -> dict[str, Any] | None:
        kind = held.get(TYPE)
        if kind is None and out.untold is not None and out.types is not None:
            found: tuple[OutField, ...] | None = out.untold
        else:
            found = out.fields.get(out.single or str(kind))
            if out.types is not None and kind not in out.types:
                found = None
        if found is None:
            self._report("the object's type cannot be told", path)
            return None
        made: dict[str, Any] = {}
        for field in found:
            value = held.get(field.tree)
            if field.plain:
                made[field.key] = value
                continue
            kind = kind_of(field.type)
            value = self._value(value, kind, field, (*path, field.key))
            if value is None and kind.required:
                return None
            made[field.key] = value
        return made

    def _value(self, value: Any, kind: Kind, field: OutField, path: Path) -> Any:
        if value is None:
            if kind.required:
                self._report("a value that must not be null is missing", path)
            return None
        if kind.item is not None:
            if not isinstance(value, list):
                self._report("the value is no list", path)
                return None
            if field.below is None and field.values is None and not kind.item.required:
                return value
            made = []
            for number, one in enumerate(value):
                done = self._value(one, kind.item, field, (*path, number))
                if done is None and kind.item.required:
                    return None
                made.append(done)
            return made
        if field.below is not None:
            if not isinstance(value, dict):
                self._report("the value is no object", path)
                return None
            return self._object(value, field.below, path)
        if field.values is not None and (type(value) is not str or value not in field.values):
            self._report("the value is none of its enum", path)
            return None
        return value
