"""Enforcement points of early warning: whose rule is answered, once each, and over which way."""

from __future__ import annotations

from tests.mutation.point import Point

KINDS = "tests/hub/warning/test_warning_kinds.py::"
ONCE = "tests/hub/warning/test_warning_once.py::"
MAIL = "tests/hub/warning/test_warning_telling.py::"
OWNED, WATCH = "hub/warning/owned.py", "hub/warning/watch.py"

# fmt: off
WARNED = (
    Point(
        "owners of warnings", "who may not filter by an element is not warned of it",
        OWNED,
        "all(isinstance(ruling.outcomes[use], Allow) for use in uses)", "True",
        (
            f"{KINDS}test_an_owner_is_told_only_while_it_may_filter",
            f"{KINDS}test_what_is_found_is_held_back_too",
        ),
    ),
    Point(
        "applications warned of themselves", "an application's rule does not see another's",
        "hub/warning/judge.py",
        "if rule.owner.app is not None and app != rule.owner.app:", "if False:",
        (
            f"{KINDS}test_an_application_is_told_of_itself_only",
            f"{KINDS}test_grants_about_to_lapse",
        ),
    ),
    Point(
        "duties of warnings", "a rule of staff with another duty is refused",
        OWNED,
        "if rule.owner.duty is not None and rule.owner.duty not in duties:", "if False:",
        ("tests/hub/warning/test_warning_rules.py::test_rules_that_do_not_fit_the_hub",),
    ),
    Point(
        "rules of warnings asleep", "a rule whose owner may not filter by it is not judged",
        WATCH,
        "awake = self._awake(engine, now)", "awake = self._held",
        (f"{KINDS}test_an_owner_is_told_only_while_it_may_filter",),
    ),
    Point(
        "entries counted once", "what another worker has counted is not counted again",
        "hub/store/counts.py",
        "if not moved(connection, COUNTED, before, after):", "if False:",
        (f"{ONCE}test_counts_and_position_move_together",),
    ),
    Point(
        "certificates of mail servers", "a warning goes to no mail server that nobody vouches for",
        "hub/warning/mail.py",
        "server.starttls(context=self._context)", "server.starttls()",
        (f"{MAIL}test_a_certificate_that_nobody_signed_is_not_taken",),
    ),
    Point(
        "mail without TLS", "names and numbers go over the network encrypted",
        "hub/warning/mail.py",
        'if mail.security == "none" and not _here(mail.host):', "if False:",
        (f"{MAIL}test_servers_that_are_refused",),
    ),
)
# fmt: on
