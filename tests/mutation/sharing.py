"""Enforcement points of shares: who asks, who answers, and what ends."""

from __future__ import annotations

from tests.mutation.point import Point

LIFE, ENDS = "tests/hub/sharing/test_share_life.py::", "tests/hub/sharing/test_share_revoked.py::"
MATRIX = "tests/hub/control/test_control_matrix.py::test_every_operation_by_every_duty"
ANSWER, ASK = "hub/sharing/answering.py", "hub/sharing/asking.py"

# fmt: off
SHARING = (
    Point(
        "who answers a share", "a share is answered and certified by stewards alone",
        "hub/sharing/party.py", "if not (self.steward or (judging and self.authority)):",
        "if False:", (MATRIX,),
    ),
    Point(
        "who judges", "disputes are judged by the data authority alone",
        "hub/sharing/party.py", "if not self.authority:", "if False:", (MATRIX,),
    ),
    Point(
        "own requests", "nobody answers what they had a hand in",
        ANSWER, "if party.names & set(shown.held.written_by):", "if False:",
        (f"{LIFE}test_what_an_answer_may_not_give",),
    ),
    Point(
        "narrower answers", "an answer gives what was asked for, or less",
        "hub/sharing/terms.py", "return meet(wanted, given) == given", "return True",
        (f"{LIFE}test_what_an_answer_may_not_give",),
    ),
    Point(
        "withheld shares", "what law withholds is shared by nobody's answer",
        ASK, 'if field.share == "withheld"]', "if False]",
        (f"{LIFE}test_what_cannot_be_asked_for",),
    ),
    Point(
        "hidden fields in requests", "a hidden field is asked for as one that there is not",
        "hub/sharing/terms.py", "if field is None or not shown:", "if field is None:",
        (f"{LIFE}test_what_cannot_be_asked_for",),
    ),
    Point(
        "accepted shares", "a share that is offered gives nothing before it is accepted",
        "hub/sharing/watch.py", 'live = tuple(one for one in ours if one.state == "live")',
        'live = tuple(one for one in ours if one.state != "revoked")',
        (f"{LIFE}test_acceptance_renewal_certificate_withdrawal",),
    ),
    Point(
        "rows that a step would sign", "no step signs a row that the hub did not write",
        "hub/sharing/desk.py", "if not is_ours(row, self._code()):", "if False:",
        (f"{ENDS}test_no_step_signs_what_somebody_else_has_written",),
    ),
    Point(
        "owners of today", "what was asked for is granted by who owns it when it is answered",
        "hub/sharing/answering.py",
        'if str(field.owner) != part.department or field.share == "withheld":', "if False:",
        (f"{ENDS}test_who_owns_it_today_answers",),
    ),
    Point(
        "rows of shares", "a row that the hub did not write gives nothing",
        "hub/sharing/watch.py", "if is_ours(row, self._code):", "if True:",
        (f"{ENDS}test_a_row_written_by_hand_grants_nothing",),
    ),
    Point(
        "shares that cannot be looked at", "a worker that cannot look serves no share",
        "hub/sharing/watch.py", "if self._live and self._monotonic() - self._seen > STALE_S:",
        "if False:",
        (f"{ENDS}test_without_its_store_no_share_is_in_force",),
    ),
    Point(
        "shares revoked meanwhile", "what relied on a revoked share does not leave",
        "hub/query/inforce.py", "gone = any(one in text for one in self._ended)", "gone = False",
        (f"{ENDS}test_what_was_under_way_does_not_leave",),
    ),
    Point(
        "shares that end meanwhile", "what a share allowed does not leave after its last day",
        "hub/query/prepared.py", "if again.policy_class != prepared.policy_class:", "if False:",
        (f"{ENDS}test_what_ends_while_it_is_fetched_does_not_leave",),
    ),
)
