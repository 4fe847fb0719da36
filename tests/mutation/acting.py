"""Enforcement points about whoever acts for another."""

from __future__ import annotations

from tests.mutation.point import Point

LENT = "tests/policies/test_delegation.py::"
LIMITED = "tests/policies/test_acting_properties.py::"
LATER = "tests/scenarios/test_base_later.py::"
ACTING = "policies/acting.py"

# fmt: off
DELEGATIONS = (
    Point(
        "live delegation (engine)", "without a live delegation nothing is lent",
        "policies/engine.py",
        "if subject.acting_for is not None and under is None:\n            return self._und",
        "if False:\n            return self._und",
        (f"{LENT}test_without_one_that_holds_nothing_is_lent",),
    ),
    Point(
        "live delegation (hub)", "without one a caller learns nothing, not even of the schema",
        "hub/query/delegated.py", "if not live:", "if False:",
        (f"{LATER}test_26_after_the_delegation_has_ended",),
    ),
    Point(
        "one delegation", "two at once are refused: it would not be clear whose rights are lent",
        "policies/delegation.py", "if _overlap(one, other, packs):", "if False:",
        (f"{LENT}test_it_is_always_clear_whose_rights_are_lent",),
    ),
    Point(
        "permits of both", "a permit holds for the principal and with what stays the caller's own",
        ACTING, "every(*said[:_LENDING]) if helping", "said[0] if helping",
        (f"{LENT}test_a_role_is_needed_on_both_sides",),
    ),
    Point(
        "permits of the principal", "whoever acts has no permit that its principal has not",
        ACTING, "every(*said[:_LENDING]) if helping", "said[1] if helping",
        (f"{LENT}test_a_role_is_needed_on_both_sides",),
    ),
    Point(
        "relations of the principal", "whoever acts follows no relation that its principal may not",
        "policies/engine.py", "for lender in standing.lenders:", "for lender in ():",
        ("tests/policies/test_follow_acting.py::test_both_ends_are_alike_for_either",),
    ),
    Point(
        "rights of one's own", "what whoever acts has of its own counts for nothing",
        ACTING, "every(*said[:_LENDING]) if helping",
        "either(every(*said[:_LENDING]), said[2]) if helping",
        (f"{LENT}test_rights_of_its_own_count_for_nothing",),
    ),
    Point(
        "limits of whoever acts", "what limits the caller itself limits it though it acts",
        ACTING, "else either(*said)", "else either(*said[:2])",
        (f"{LENT}test_limits_on_it_meet_those_of_its_principal",
         f"{LIMITED}test_never_more_than_its_own_limits_leave"),
    ),
    Point(
        "limits of the principal", "what limits the principal limits whoever acts for it",
        ACTING, "else either(*said)", "else said[2]",
        (f"{LIMITED}test_never_more_than_whom_it_acts_for",),
    ),
    Point(
        "rows of both", "a requirement's row filter is that of everybody whom it is about",
        ACTING,
        "for side, swaps in self._sides\n                if (rows",
        "for side, swaps in self._sides[:1]\n                if (rows",
        (f"{LENT}test_rows_are_those_of_both",),
    ),
    Point(
        "label out of the caller's reach", "a clearance is not lent",
        ACTING, "for side, _ in self._sides)", "for side, _ in self._sides[:1])",
        (f"{LENT}test_its_clearance_stays_its_own",),
    ),
    Point(
        "label out of the principal's reach", "nobody acts beyond its principal's clearance",
        ACTING, "for side, _ in self._sides)", "for side, _ in self._sides[1:])",
        (f"{LENT}test_its_clearance_stays_its_own",),
    ),
    Point(
        "withheld from whoever acts", "what is withheld is for the owner itself",
        "policies/standing.py",
        "return self.owned(cell) and not self.delegated", "return self.owned(cell)",
        (f"{LENT}test_what_is_withheld_is_for_the_owner_itself",),
    ),
    Point(
        "end of a delegation", "a ruling is made again when the delegation ends",
        "policies/standings.py",
        "ends += [] if under is None else [under.end]", "pass",
        (f"{LENT}test_a_ruling_ends_with_the_delegation",),
    ),
    Point(
        "fields of a delegation", "fields that are not lent are denied",
        "policies/delegation.py",
        "if left_out := elements - of.fields:", "if False and (left_out := elements - of.fields):",
        (f"{LENT}test_fields_and_rows_that_are_lent",),
    ),
    Point(
        "rows of a delegation", "rows that are not lent do not exist",
        "policies/delegation.py", "if of.rows != TRUE:", "if False:",
        (f"{LENT}test_fields_and_rows_that_are_lent",),
    ),
    Point(
        "rulings of a delegation", "a kept ruling is used under its own delegation alone",
        "policies/standings.py", "None if under is None else under.id,", "",
        (f"{LENT}test_no_ruling_is_kept_for_another_delegation",),
    ),
    Point(
        "masks of a delegation", "tokens are those that the principal is shown",
        "hub/query/run.py",
        "whose = self.principal or self.subject", "whose = self.subject",
        (f"{LATER}test_25_tokens_are_those_of_the_principal",),
    ),
    Point(
        "quotas of both", "what whoever acts uses, its principal has used",
        "hub/query/quota.py",
        "held_by = (run.subject,) if run.principal is None else (run.subject, run.principal)",
        "held_by = (run.subject,)",
        (f"{LATER}test_32_the_page_beyond_the_quota",),
    ),
    Point(
        "mosaics of both", "what whoever acts has used together, its principal has",
        "hub/query/answer.py",
        "whose = [one for one in (request.subject, ruling.principal) if one is not None]",
        "whose = [request.subject]",
        ("tests/scenarios/test_fields_together.py::test_over_a_day_by_whoever_acts",),
    ),
    Point(
        "combinations of both", "rules about several fields bind whoever acts as its principal",
        "policies/jointly.py",
        "who += [ruling.principal, lent_to(ruling.principal, subject)]", "pass",
        (f"{LENT}test_rules_about_several_fields_bind_whoever_acts",),
    ),
)
