"""Enforcement points of approved bounds: no document reveals more than an officer has signed."""

from __future__ import annotations

from tests.mutation.point import Point

BOUNDED = "tests/hub/rollout/test_approved_bounds.py::"
BOUND = "hub/rollout/bound.py"
VOUCHED = "tests/hub/rollout/test_vouched_for.py::"
BY_HAND = f"{BOUNDED}test_an_approval_changed_by_hand_is_none"
NAMED = f"{BOUNDED}test_an_approval_is_for_its_callers_and_purposes"

# fmt: off
APPROVED = (
    Point(
        "approved documents", "where bounds are asked for no other document runs",
        "hub/query/answer.py", "self._covered.check(request, known.text_digest)", "pass",
        (f"{BOUNDED}test_what_nobody_has_approved_does_not_run",
         f"{BOUNDED}test_rules_that_let_a_document_reveal_more_stop_it"),
    ),
    Point(
        "bounds kept", "a document that can reveal more than was approved does not run",
        BOUND, "if not self._documents[digest]:", "if False:",
        (f"{BOUNDED}test_rules_that_let_a_document_reveal_more_stop_it",
         f"{BOUNDED}test_a_catalogue_that_lets_a_document_reveal_more_stops_it"),
        (("if grown(alone, self._ground):", "if False:"),),
    ),
    Point(
        "callers of a bound", "an approval is for the applications that it names",
        BOUND,
        "if bound is None or _named(request.subject) not in map(_named, bound.agreement.callers):",
        "if bound is None:", (NAMED,),
    ),
    Point(
        "who has more", "a document does not run for a caller who has more than was approved",
        BOUND, "if grown(alone, self._ground):", "if False:", (NAMED,),
    ),
    Point(
        "attributes of a caller", "an approval is for callers whose rows are found alike",
        BOUND,
        "if not any(_bound_alike(agreement, subject, named) for named in agreement.callers):",
        "if False:", (f"{BOUNDED}test_a_caller_of_another_region_is_another_caller",),
    ),
    Point(
        "nothing beyond", "what nobody has computed is not approved",
        BOUND, "        if beyond:\n", "        if False:\n",
        (f"{BOUNDED}test_nothing_beyond_the_present_is_approved",),
    ),
    Point(
        "purposes of a bound", "an approval is for the purposes that it names",
        BOUND, 'if stated and (request.purpose or "") not in stated:', "if False:", (NAMED,),
    ),
    Point(
        "approvals in their place", "an approval that was replaced does not stand for the newest",
        BOUND, 'if [one.part for one in by] != ["approver"] or bound.serial != row.serial:',
        "if False:", (BY_HAND,),
    ),
    Point(
        "document of a bound", "an approval of one document is none for another",
        BOUND, "if [_digest(text) for text in bound.agreement.documents] != [row.about]:",
        "if False:", (f"{BOUNDED}test_an_approval_of_one_document_is_none_for_another",),
    ),
    Point(
        "approvals that are gone", "an older approval does not come back",
        BOUND, "if mark is not None and not mark.reached_by(row):", "if False:",
        (f"{VOUCHED}test_an_approval_that_is_gone_is_missed_after_a_restart",),
    ),
    Point(
        "approvals withdrawn", "a document whose approval was taken back does not run",
        BOUND, "if bound is not None and bound.withdrawn:", "if False:",
        (f"{BOUNDED}test_an_approval_is_withdrawn",),
    ),
    Point(
        "officers who left", "the key of a retired officer approves nothing new",
        BOUND, "if by[0].signer.retired and mark != mark_of(row):", "if False:",
        (f"{VOUCHED}test_a_retired_officers_key_approves_nothing_new",),
    ),
    Point(
        "approvals dated ahead", "an approval of a time to come is none yet",
        BOUND, "if max(bound.made_at, by[0].at) > now + _SKEW_S:", "if False:",
        (f"{VOUCHED}test_an_approval_is_not_dated_ahead",),
    ),
    Point(
        "officers approve", "no owner approves a document",
        BOUND, 'if signer.sort != "officer":', "if False:", (f"{BOUNDED}test_who_approves",),
    ),
    Point(
        "approved as it is", "a bound that is passed already is not approved",
        BOUND, "        if found:\n            message", "        if False:\n            message",
        (f"{BOUNDED}test_what_is_more_already_is_not_approved",),
    ),
)
