"""Enforcement points of break-glass and of doubts about values."""

from __future__ import annotations

from tests.mutation.point import Point

HTTP = "tests/hub/emergency/test_break_glass.py::"
REVIEW = "tests/hub/emergency/test_glass_review.py::"
MEANWHILE = "tests/hub/emergency/test_glass_meanwhile.py::"
LISTS = "tests/policies/test_breakglass.py::"
DOUBTS = "tests/hub/corrections/test_doubts.py::"
STEPS = "tests/hub/corrections/test_doubt_steps.py::"
DISPUTED = "tests/hub/corrections/test_disputed.py::"
LIST, DESK, WATCH = "policies/breakglass.py", "hub/emergency/desk.py", "hub/emergency/watch.py"

# fmt: off
BROKEN = (
    Point(
        "glass of one person", "what one person has opened is open to no other",
        LIST, 'Compares("eq", _USER, Literally(by.user))', "Present(_USER)",
        (f"{HTTP}test_it_is_open_for_one_person_case_purpose_and_log_in",),
    ),
    Point(
        "glass for one case", "what was opened for one case is open in no other",
        LIST, 'Compares("eq", _CASE, Literally(by.case_id))', "Present(_CASE)",
        (f"{HTTP}test_it_is_open_for_one_person_case_purpose_and_log_in",),
    ),
    Point(
        "log-in under glass", "who has logged in otherwise than the list asks sees nothing of it",
        LIST, 'return OneOf(Attribute("context", "acr"), self.acr)', "return TRUE",
        (f"{HTTP}test_it_is_open_for_one_person_case_purpose_and_log_in",),
    ),
    Point(
        "glass over a link", "nothing is open to who asks through another hub",
        LIST, 'opposite(Present(Attribute("subject", "link")))', "TRUE",
        (f"{LISTS}test_what_one_person_opens",),
    ),
    Point(
        "log-in to break the glass", "nobody breaks the glass without the log-in that it asks for",
        DESK, "if subject.acr not in listed.acr:", "if False:",
        (f"{HTTP}test_every_precondition",),
    ),
    Point(
        "eligible applications", "a list is opened by whom it is for",
        DESK, "and listed.eligible(subject) and within", "and within",
        (f"{HTTP}test_every_precondition",),
    ),
    Point(
        "lists of an emergency", "an emergency opens the lists that its officer has named",
        DESK, "if found is None or listed is None or which not in found.lists:",
        "if found is None or listed is None:",
        (f"{HTTP}test_every_precondition",),
    ),
    Point(
        "reviewer", "nobody reviews what they have opened themselves",
        DESK, "if subject.user is None or subject.user == held.user:", "if subject.user is None:",
        (f"{REVIEW}test_a_review_is_somebody_elses",),
    ),
    Point(
        "unreviewed in time", "an application that nobody has reviewed in time gets nothing",
        WATCH, "if self.suspended(app):", "if False:",
        (f"{REVIEW}test_unreviewed_the_application_is_suspended",),
    ),
    Point(
        "closed meanwhile", "what closes while an operation runs is not answered",
        WATCH, "return one is not None and one.over > self._clock()", "return one is not None",
        (f"{MEANWHILE}test_it_ends_while_the_source_answers",),
    ),
    Point(
        "revoked meanwhile", "an engine that does not know of a revocation yet gives nothing away",
        WATCH, "            and now < one.over\n",
        "            and self._watch.is_open(name)\n",
        (f"{MEANWHILE}test_an_engine_that_does_not_know_of_a_revocation_yet",),
    ),
    Point(
        "glass that is not looked at", "a worker that cannot look keeps nothing open",
        WATCH, "if self._monotonic() - self._seen > STALE_S:", "if False:",
        (f"{MEANWHILE}test_a_worker_that_cannot_look_keeps_nothing_open",),
    ),
    Point(
        "lists that changed", "a list that was changed since opens nothing",
        WATCH, " and listed.digest == one.digest", "",
        (f"{HTTP}test_what_was_opened_is_what_the_list_said_then",),
    ),
    Point(
        "answers in an emergency", "every answer under broken glass is marked",
        "hub/query/extensions.py", 'more["emergency"] = marks', "pass",
        (f"{HTTP}test_subject_e_in_an_emergency",),
    ),
    Point(
        "proofs under glass", "what is proved holds whatever is opened",
        "hub/cli/policy.py", "(*approved.grants, *widest(read_break_glass(lists)))",
        "approved.grants",
        ("tests/hub/emergency/test_glass_commands.py::test_proofs_at_the_command_line",),
    ),
)
DOUBTED = (
    Point(
        "who may doubt", "who does not see key and field as they are reports nothing on them",
        "hub/corrections/reporting.py",
        "if not isinstance(ruling.outcomes.get(use), Allow):", "if False:",
        (f"{DOUBTS}test_only_who_may_correct_the_field",),
    ),
    Point(
        "who reads a doubt", "what a doubt says is read by its department's stewards alone",
        "hub/corrections/desk.py", "if held.department != department:", "if False:",
        (f"{STEPS}test_it_is_the_authoritative_departments_alone",),
    ),
    Point(
        "one's own doubt", "nobody decides on what they have reported themselves",
        "hub/corrections/desk.py", "if held.reporter == subject.id[:_LONGEST]:", "if False:",
        (f"{STEPS}test_nobody_decides_on_their_own_doubt",),
    ),
    Point(
        "doubts about what is masked", "who does not see a value as it is, is not told of a doubt",
        "hub/query/disputed.py",
        "return isinstance(self._ruling.outcomes.get(use), Allow)", "return True",
        (f"{DISPUTED}test_not_to_who_sees_it_masked_or_not_at_all",),
    ),
    Point(
        "doubts nobody has taken up", "a report alone marks nothing as disputed",
        "hub/store/corrections.py", 'table.c.state == "accepted"', 'table.c.state != ""',
        (f"{DISPUTED}test_only_while_it_is_taken_up",),
    ),
)
