"""How well drafts tell what columns hold, over the labelled columns, by names and types alone.

Run: ``python -m bench.columns``; `docs/discovery.md` has the figures.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path

import msgspec

from hub.registry.suggest.detect import suggest
from hub.registry.suggest.facts import FACTS

LABELLED = Path(__file__).resolve().parents[1] / "tests" / "data" / "labelled_columns.csv"


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What was suggested for some columns, against what they hold."""

    columns: int
    held: int
    """Columns that hold the fact (or one of all)."""
    told: int
    """Columns that it is suggested for."""
    right: int

    @property
    def precision(self) -> float:
        """Share of the suggestions that are right; 1 where nothing is suggested."""
        return self.right / self.told if self.told else 1.0

    @property
    def recall(self) -> float:
        """Share of the columns holding it that it is suggested for; 1 where none holds it."""
        return self.right / self.held if self.held else 1.0


def measured(origins: Collection[str] | None = None) -> dict[str, Figures]:
    """Fact -> its figures, and ``all`` for all facts; of columns from `origins`, or of every one.

    Raises: ``OSError`` where the labelled columns cannot be read.
    """
    held, told, right = Counter[str](), Counter[str](), Counter[str]()
    columns = 0
    for origin, fact, found in _judged():
        if origins is not None and origin not in origins:
            continue
        columns += 1
        for counter, name in ((held, fact), (told, found), (right, fact * (fact == found))):
            if name:
                counter.update((name, "all"))
    return {
        name: Figures(columns=columns, held=held[name], told=told[name], right=right[name])
        for name in (*(fact.name for fact in FACTS), "all")
    }


def table() -> Iterator[str]:
    """The figures of each fact as lines of a Markdown table."""
    yield "| Fact | Columns that hold it | Suggested | Precision | Recall |"
    yield "|---|---|---|---|---|"
    for name, one in measured().items():
        precision = f"{one.precision:.2f}" if one.told else "-"
        recall = f"{one.recall:.2f}" if one.held else "-"
        yield f"| {name} | {one.held} | {one.told} | {precision} | {recall} |"


def _judged() -> Iterator[tuple[str, str, str]]:
    """Origin, what the column holds, what is suggested; the empty text for nothing."""
    with LABELLED.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found = suggest(row["column"], row["kind"])  # type: ignore[arg-type]
            yield row["origin"], row["fact"], "" if found is None else found.fact.name


if __name__ == "__main__":
    print("\n".join(table()))
