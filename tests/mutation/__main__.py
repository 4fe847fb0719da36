"""The list of enforcement points as a table: ``python -m tests.mutation``."""

from __future__ import annotations

import sys

from tests.mutation.point import ROOT, Point
from tests.mutation.points import GROUPS

PAGE = ROOT / "docs" / "enforcement.md"


def table() -> str:
    """Every point by group: what holds, where, and the tests that miss it."""
    lines = []
    for title, points in GROUPS:
        lines += [f"### {title}", "", "| Point | What holds | Where | Missed by |"]
        lines += ["|---|---|---|---|", *map(_row, points), ""]
    return "\n".join(lines)


def _row(point: Point) -> str:
    tests = "; ".join(
        f"`{name}` in `{file}`"
        for file, _, name in (test.partition("::") for test in point.noticed_by)
    )
    return f"| {point.name} | {point.holds} | `{point.file}` | {tests} |"


if __name__ == "__main__":
    sys.stdout.write(table())
