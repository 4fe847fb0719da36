"""Enforcement points of log-ins, sessions and the hub's own tokens."""

from __future__ import annotations

from tests.mutation.point import Point

LOGIN = "tests/hub/login/test_login.py::"
TOKENS = "tests/hub/login/test_tokens.py::"
ATTACKS = "tests/hub/login/test_attacks.py::"
BROWSER, RELYING, TOKEN = "auth/browser.py", "auth/relying.py", "auth/token.py"

# fmt: off
VISITED = (
    Point(
        "a session from another page", "a browser's session answers the hub's own pages alone",
        BROWSER, "if said is not True or not hmac", "if not hmac",
        (f"{LOGIN}test_another_page_cannot_use_the_session",),
    ),
    Point(
        "`Hub-CSRF`", "a cookie alone never answers",
        BROWSER, 'self.check(found, ident)', "",
        (f"{LOGIN}test_another_page_cannot_use_the_session",),
    ),
    Point(
        "the way back", "a log-in ends in the browser that began it",
        "auth/flight.py", "not hmac.compare_digest(held.state.encode(), state.encode())", "False",
        (f"{LOGIN}test_wrong_ways_back",),
    ),
    Point(
        "where a browser is sent", "nobody is sent to another host after a log-in",
        "auth/flight.py", "return text if _PATH.match(text) else None", "return text",
        (f"{LOGIN}test_nobody_is_sent_elsewhere",),
    ),
    Point(
        "nonce", "an ID token is good for the log-in it was made for",
        RELYING, 'if claims.get("nonce") != sealed.nonce:', "if False:",
        (f"{LOGIN}test_wrong_id_tokens",),
    ),
    Point(
        "who answers a log-in", "another provider's answer counts for nobody",
        RELYING, "said is not None and said != about.issuer", "False",
        (f"{LOGIN}test_wrong_ways_back",),
    ),
    Point(
        "step up", "a step up proves what was asked for, now",
        RELYING, "acr != wanted or not known or moment", "not known or moment",
        (f"{LOGIN}test_stepping_up",),
    ),
    Point(
        "whose step up", "a session is stepped up by its own person",
        "auth/session.py", "if (session.provider, session.sub) != (person.provider, person.sub):",
        "if False:",
        (f"{LOGIN}test_stepping_up",),
    ),
    Point(
        "a fresh session", "a session from before a log-in is worth nothing after it",
        "hub/store/sessions.py", "if instead_of is not None:", "if False:",
        (f"{LOGIN}test_a_planted_session_is_worth_nothing_after_log_in",),
    ),
    Point(
        "ends of sessions", "a session ends when idle, and at its absolute end",
        "hub/store/sessions.py", "or now >= row.ends or now >= row.seen + self._idle_s:",
        "or False:",
        (f"{LOGIN}test_idle_and_absolute_ends",),
    ),
    Point(
        "bound tokens", "a token bound to a certificate counts with it alone",
        TOKEN, 'if said["x5t#S256"] != certificate:', "if False:",
        (f"{TOKENS}test_a_client_that_shows_a_certificate",),
    ),
    Point(
        "what a worker remembers", "bound tokens and those good once are looked at each time",
        TOKEN, "keep=not bound and not single", "keep=True",
        (f"{TOKENS}test_a_client_that_shows_a_certificate",),
    ),
    Point(
        "who tells of certificates", "only trusted proxies say which certificate was shown",
        "hub/serve/certificates.py", "or not self._trusted(scope.get(\"client\"))", "",
        (f"{TOKENS}test_a_client_that_shows_a_certificate",),
    ),
    Point(
        "good once", "a token that says so is good once",
        TOKEN, "if self._once is None or not await self._once.first(used, held.expires_at):",
        "if False:",
        (f"{ATTACKS}test_used_once_is_used",),
    ),
    Point(
        "on behalf: clearance", "an application for a person has the lower clearance of the two",
        "auth/meet.py", "min(one[name], other[name], key=ladder.rank)", "other[name]",
        (f"{TOKENS}test_on_behalf_of_a_person_it_is_what_both_are",),
    ),
    Point(
        "on behalf: purposes", "an application for a person has the purposes of both",
        "auth/meet.py", "purposes=app.purposes & person.purposes", "purposes=person.purposes",
        (f"{TOKENS}test_on_behalf_of_a_person_it_is_what_both_are",),
    ),
    Point(
        "on behalf: roles", "no role is lost that a prohibition is about",
        "auth/meet.py", "case _ if ours == theirs:", "case _ if True:",
        (f"{TOKENS}test_a_role_is_not_lost_on_the_way",),
    ),
    Point(
        "on behalf, again", "who acts is never forgotten",
        "hub/login/tokens.py", 'if "act" in (await self.verifier.claims(token)).claims:',
        "if False:",
        (f"{TOKENS}test_who_cannot_be_acted_for",),
    ),
)
