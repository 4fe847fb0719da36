"""Collecting problems with their places, so that a person mends them all in one go."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from schema.compose.positions import Place, shown
from schema.errors import HubError, ManyErrors

MAX_PROBLEMS = 200


class Report:
    """The problems of one check, in the order they were found."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.problems: list[HubError] = []
        self.more = 0

    def add(self, path: str, at: Place, message: str, hint: str) -> None:
        """One problem; from `MAX_PROBLEMS` on they are only counted."""
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(HubError(self.code, message, where=at.in_file(path), hint=hint))
        else:
            self.more += 1

    @property
    def full(self) -> bool:
        """Whether further problems are only counted, so that hints need not be worked out."""
        return len(self.problems) >= MAX_PROBLEMS

    def raise_any(self) -> None:
        """Raises: `ManyErrors` if there is a problem."""
        if self.more:
            text = f"{self.more} more problems are not shown"
            self.problems.append(HubError(self.code, text, hint="mend those above first"))
        if self.problems:
            raise ManyErrors(self.code, self.problems)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint that names the nearest known word, or the known words."""
    words = sorted(known)
    near = difflib.get_close_matches(word[:100], words, n=1, cutoff=0.6)
    if not near:
        folded = [other for other in words if other.lower() == word.lower()]
        near = folded[:1]
    if near:
        return f"did you mean `{near[0]}`?"
    if not words:
        return "none is known"
    more = "" if len(words) <= 24 else ", ..."
    return f"known: {', '.join(f'`{shown(other)}`' for other in words[:24])}{more}"
