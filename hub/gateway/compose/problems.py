"""What composition finds wrong: every problem at once, each with its code."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from schema.errors import HubError


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that keeps subgraphs from being composed.

    `code` is one of those that `docs/gateway-composition.md` lists; `coordinates` are schema
    coordinates (``User.name``) in the words of the supergraph.
    """

    code: str
    message: str
    subgraphs: tuple[str, ...] = ()
    coordinates: tuple[str, ...] = ()


class CompositionError(HubError):
    """Subgraphs do not fit together; `problems` holds all that was found, never empty."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(
            "COMPOSITION_FAILED",
            "the subgraphs do not fit together: "
            + "; ".join(f"{each.code}: {each.message}" for each in self.problems),
            hint="each code is described in docs/gateway-composition.md",
        )
