"""How types of different subgraphs go together: subtypes, wider and narrower."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set

from hub.gateway.compose.parts import Part


class Subtypes:
    """Which type may stand for which, all subgraphs taken together."""

    def __init__(self, parts: Iterable[Part]) -> None:
        below: dict[str, set[str]] = {}
        for part in parts:
            for held in part.types.values():
                for each in held.interfaces:
                    below.setdefault(each, set()).add(held.name)
                if held.kind == "union":
                    below.setdefault(held.name, set()).update(held.members)
        self._below: Mapping[str, Set[str]] = below

    def is_sub(self, type_: str, of: str) -> bool:
        """Whether every value of `type_` is one of `of`."""
        if type_ == of:
            return True
        if of.endswith("!"):
            return type_.endswith("!") and self.is_sub(type_[:-1], of[:-1])
        if type_.endswith("!"):
            return self.is_sub(type_[:-1], of)
        if type_.startswith("[") or of.startswith("["):
            return (
                type_.startswith("[") and of.startswith("[") and self.is_sub(type_[1:-1], of[1:-1])
            )
        return type_ in self._below.get(of, ())

    def widest(self, types: Sequence[str]) -> str | None:
        """The one that all the others are subtypes of, `None` where there is none."""
        distinct = dict.fromkeys(types)
        return next(
            (each for each in distinct if all(self.is_sub(other, each) for other in distinct)),
            None,
        )

    def narrowest(self, types: Sequence[str]) -> str | None:
        """The one that is a subtype of all the others, `None` where there is none."""
        distinct = dict.fromkeys(types)
        return next(
            (each for each in distinct if all(self.is_sub(each, other) for other in distinct)),
            None,
        )
