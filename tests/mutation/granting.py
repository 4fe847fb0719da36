"""Enforcement points of grants."""

from __future__ import annotations

from tests.mutation.point import Point

GRANT = "tests/policies/test_grants.py::"

# fmt: off
GRANTS = (
    Point(
        "grant of an application", "a grant is for its application",
        "policies/granted.py",
        "_same(self.app, subject.app),", "True,",
        (f"{GRANT}test_for_nobody_else_and_nothing_else",),
    ),
    Point(
        "grant of a department", "a grant is for its department",
        "policies/granted.py",
        "_same(self.department, subject.department)]", "True]",
        (f"{GRANT}test_for_nobody_else_and_nothing_else",),
    ),
    Point(
        "grant for a purpose", "a grant is for its purpose",
        "policies/granted.py",
        "self.serves(context.purpose, packs),", "True,",
        (f"{GRANT}test_for_nobody_else_and_nothing_else",),
    ),
    Point(
        "grant for rows", "a grant is for its rows",
        "policies/grant.py",
        "return every(self.live, self.rows)", "return self.live",
        (f"{GRANT}test_for_its_rows_alone",),
    ),
    Point(
        "grant's first day", "before its first day there is no grant",
        "policies/granted.py",
        "if now < self.since or (", "if (",
        (f"{GRANT}test_before_its_first_day_there_is_none",),
    ),
    Point(
        "grant's last day", "after its last day a grant opens nothing",
        "policies/granted.py",
        "return lapsed or now < self.until", "return True",
        (f"{GRANT}test_18_after_its_last_day",),
    ),
    Point(
        "revocation", "a revoked grant opens nothing",
        "policies/granted.py",
        "(self.revoked is not None and now >= self.revoked)", "False",
        (f"{GRANT}test_19_revoked_it_opens_nothing",),
    ),
    Point(
        "end of a ruling", "a ruling is made again when a grant begins or ends",
        "policies/standings.py",
        "ends = [self._hours.until]", 'ends = [float("inf")]',
        (f"{GRANT}test_a_ruling_ends_with_the_grant",),
    ),
)
