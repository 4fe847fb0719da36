"""Enforcement points of registered sources: who registers, who approves, and what is taken up."""

from __future__ import annotations

from tests.mutation.point import Point

REFUSED = "tests/hub/registration/test_source_refusals.py::"
LIVE = "tests/hub/registration/test_published_live.py::"
HTTP = "tests/hub/control/test_control_door.py::"
STORED = "tests/hub/store/test_registrations.py::"
VAULT = "tests/hub/registry/test_vault.py::"
STEPS, PUBLISHED = "hub/registration/registrar.py", "hub/registration/publishing.py"
APPROVAL, REACH = "hub/registration/approval.py", "hub/registration/reach.py"
ACTOR, CONTEXT = "hub/registration/actor.py", "hub/control/context.py"

# fmt: off
REGISTRATION = (
    Point(
        "duties at the control door", "who has no duty is shown and does nothing there",
        CONTEXT, "if subject.acting_for is not None or not subject.duties & known:", "if False:",
        (f"{HTTP}test_who_has_no_duty_gets_nothing",),
    ),
    Point(
        "staff of no department", "staff whose department is not known register for none",
        CONTEXT, "duties.steward_duty in subject.duties and subject.department is not None",
        "duties.steward_duty in subject.duties",
        (f"{HTTP}test_who_has_no_duty_gets_nothing",),
    ),
    Point(
        "answers to repeated requests", "nobody is given what another caller was answered",
        "hub/control/repeat.py", "_digest(at.subject.id.encode(), _checked(key))",
        "_digest(_checked(key))",
        ("tests/hub/control/test_control_repeats.py::test_a_step_under_one_key_is_taken_once",),
    ),
    Point(
        "streams of changes", "changes are told of areas in which one has a duty, and of no other",
        "hub/control/changes.py",
        "held if areas is None else held & frozenset(areas)",
        "held if areas is None else frozenset(areas)",
        ("tests/hub/control/test_control_stream.py::test_what_is_not_ones_own_is_not_told",),
    ),
    Point(
        "streams end", "a stream ends with the rights of its caller",
        "hub/control/stream.py", "while await good():", "while True:",
        ("tests/hub/control/test_control_stream.py::test_a_stream_ends_with_its_callers_rights",),
    ),
    Point(
        "own department", "staff register the sources of their own department alone",
        ACTOR, "return self.steward and self.department in (None, department)",
        "return self.steward",
        (f"{HTTP}test_each_duty_has_its_steps",),
    ),
    Point(
        "officers at the control door", "only officers approve, reject and roll back",
        ACTOR, "if not self.officer:\n            raise", "if False:\n            raise",
        (f"{HTTP}test_each_duty_has_its_steps",),
    ),
    Point(
        "whose source", "a department does not take over another's source",
        STEPS, "if source.versions and source.department != department:", "if False:",
        (f"{REFUSED}test_a_source_stays_its_departments",),
    ),
    Point(
        "departments that register", "a department that nobody listed reaches nothing",
        REACH, "if allowed is None:", "if allowed is None and False:",
        (f"{REFUSED}test_departments_that_nobody_listed_register_nothing",),
    ),
    Point(
        "places", "a registered source reaches the places that its department is allowed",
        REACH, "if place and not _reachable(", "if False and not _reachable(",
        (f"{REFUSED}test_only_what_is_allowed_is_reached",
         f"{REFUSED}test_places_in_all_their_forms"),
    ),
    Point(
        "references", "a registered source refers to the secrets that its department is allowed",
        REACH, "if not _referable(reference, allowed):", "if False:",
        (f"{REFUSED}test_only_what_is_allowed_is_reached",),
    ),
    Point(
        "checked", "only what passed its check is submitted",
        STEPS, 'if not report.passed or version.state != "checked":', "if False:",
        (f"{REFUSED}test_a_text_that_does_not_fit_is_told_with_its_place",),
    ),
    Point(
        "checked against this catalogue", "a check counts for the catalogue that is in force",
        STEPS, "if report.base != Ground(", "if False and report.base != Ground(",
        (f"{REFUSED}test_a_check_counts_for_one_catalogue",),
    ),
    Point(
        "apart", "nobody approves what they wrote or submitted",
        PUBLISHED, "if hands & {officer, *actor.known_as}:", "if False:",
        (f"{REFUSED}test_nobody_approves_their_own", f"{HTTP}test_each_duty_has_its_steps"),
    ),
    Point(
        "what is approved", "an approval is of the text and the table that are there",
        PUBLISHED, "if approval != wanted:", "if False:",
        (f"{HTTP}test_an_approval_is_of_one_thing",),
    ),
    Point(
        "approved sources", "a worker takes up what an officer has approved and nothing else",
        APPROVAL, "if version.approval is None:\n        raise",
        "if version.approval is None:\n        return\n        raise",
        (f"{REFUSED}test_what_nobody_approved_is_not_loaded",),
    ),
    Point(
        "approved texts", "a registered text that was changed is not taken up",
        APPROVAL, "if digest_of(text) != version.digest:", "if False:",
        (f"{REFUSED}test_what_nobody_approved_is_not_loaded",
         f"{LIVE}test_what_cannot_be_taken_up_changes_nothing"),
    ),
    Point(
        "approved places", "an approval is for one version of one source",
        APPROVAL, "if place != (version.source, version.version, version.digest):", "if False:",
        (f"{REFUSED}test_what_nobody_approved_is_not_loaded",),
    ),
    Point(
        "one step at a time", "a step that is based on an older revision changes nothing",
        "hub/store/registrations.py",
        "if (connection.scalar(last) or 0) != step.revision - 1:", "if False:",
        (f"{STORED}test_a_step_that_is_based_on_another_is_refused_whole",),
    ),
    Point(
        "Vault's address", "a token for Vault goes over TLS, or to this machine",
        "hub/registry/vault.py", 'parts.scheme == "http" and _here(parts.hostname)',
        'parts.scheme == "http"',
        (f"{VAULT}test_settings_that_cannot_be_right",),
    ),
)
