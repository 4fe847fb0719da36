"""Enforcement points around the pipeline: credentials, registration, doors, caches, the record."""

from __future__ import annotations

from tests.mutation.point import Point

TOKEN = "tests/auth/test_token.py::"
KEY = "tests/auth/test_apikeys.py::"
REGISTERED_IN = "tests/schema/compose/test_registration.py::"
CIRCUMSTANCE = "tests/hub/serve/test_circumstances_asked.py::"
DOOR = "tests/hub/serve/test_door.py::"
DOCUMENT = "tests/hub/serve/test_documents.py::"
PAGING = "tests/hub/query/test_paging.py::"
APART = "tests/hub/query/test_held_apart.py::"
ANSWER = "tests/hub/query/test_answer.py::"

# fmt: off
CREDENTIALS = (
    Point(
        "separated duties", "nobody holds two of administrator, officer and auditor",
        "auth/identify.py", "if self._apart.clash(subject.duties):", "if False:",
        ("tests/hub/control/test_separated_duties.py::test_nobody_holds_two_of_three",
         "tests/hub/control/test_separated_duties.py::test_nor_by_a_key"),
    ),
    Point(
        "signature", "a token that its issuer did not sign is refused",
        "auth/token.py", "if not good:", "if False:", (f"{TOKEN}test_attack_is_refused",),
    ),
    Point(
        "algorithm", "an issuer's tokens have the algorithms that it declares",
        "auth/token.py", "if header.alg not in issuer.algorithms:", "if False:",
        (f"{TOKEN}test_the_algorithms_are_pinned_to_the_issuer",),
    ),
    Point(
        "end of a token", "a token that has ended is refused",
        "auth/token.py", "if expires + leeway <= now:", "if False:",
        (f"{TOKEN}test_attack_is_refused",),
    ),
    Point(
        "audience", "a token for somebody else is refused",
        "auth/token.py", "if not set(named) & set(issuer.audience):", "if False:",
        (f"{TOKEN}test_attack_is_refused",),
    ),
    Point(
        "secret of a key", "an API key without its secret is refused",
        "auth/apikeys.py", "same = hmac.compare_digest(shown, held.sha256)", "same = True",
        (f"{KEY}test_wrong_keys_are_refused",),
    ),
    Point(
        "revoked key", "a revoked API key is refused",
        "auth/apikeys.py", "if record.revoked:", "if False:",
        (f"{KEY}test_a_revoked_flag_is_enough",),
    ),
    Point(
        "forwarded addresses", "what says where a request comes from counts from proxies alone",
        "hub/serve/zones.py",
        "while address is not None and any(address in network for network in proxies):",
        "while address is not None and hops:",
        (f"{CIRCUMSTANCE}test_no_header_moves_a_peer_that_is_no_proxy",),
    ),
)

REGISTERED = (
    Point(
        "registered level", "what a pack bars, such as state secrets, is not registered",
        "schema/compose/labelling.py",
        "self._registrable(fragment, part, *pair) and self._under",
        "self._under",
        (f"{REGISTERED_IN}test_a_secrecy_level_that_may_not_be_registered",),
    ),
    Point(
        "registered ceiling", "a field above the hub's ceiling is not registered",
        "schema/compose/labelling.py",
        " and self._under_ceiling(fragment, part, *pair)", "",
        ("tests/schema/compose/test_merge.py::test_a_label_above_the_ceiling_is_refused_once",),
    ),
)

DOORS = (
    Point(
        "cursor of one caller", "a cursor is its caller's",
        "hub/query/cursor.py",
        "parts = [subject.encode(), signature.encode()]", "parts = [signature.encode()]",
        (f"{PAGING}test_cursor_of_somebody_else",),
    ),
    Point(
        "cursor of one connection", "a cursor is that of its type and order",
        "hub/query/cursor.py",
        "parts = [subject.encode(), signature.encode()]", "parts = [subject.encode()]",
        (f"{PAGING}test_cursor_of_another_connection",),
    ),
    Point(
        "cursor of one epoch", "a cursor opens under no other rules than it was made under",
        "hub/query/cursor.py",
        "return [*parts, self._epoch] if self._epoch else parts", "return parts",
        ("tests/hub/rollout/test_serving.py::test_cursors_end_with_their_epoch",),
    ),
    Point(
        "end of a cursor", "a cursor ends",
        "hub/query/cursor.py",
        "if expires < self._clock() or len(values) != width:", "if len(values) != width:",
        (f"{PAGING}test_old_cursor",),
    ),
    Point(
        "id of one caller", "the id of a row is its caller's",
        "hub/query/cursor.py",
        "self._ids.encrypt(padded, [subject.encode()])", "self._ids.encrypt(padded, [])",
        (f"{PAGING}test_node_of_somebody_else",),
        ((
            "self._ids.decrypt(_bytes(text), [subject.encode()])",
            "self._ids.decrypt(_bytes(text), [])",
        ),),
    ),
    Point(
        "plans of a policy class", "a plan is used by those who are decided alike",
        "hub/query/answer.py",
        "said = prepared.policy_class + prepared.label.key", "said = prepared.label.key",
        (f"{APART}test_no_plan_is_used_for_whom_it_was_not_made",),
    ),
    Point(
        "plans of a label", "a plan tells of labels to those alone who may be told of them",
        "hub/query/answer.py",
        "said = prepared.policy_class + prepared.label.key", "said = prepared.policy_class",
        (f"{APART}test_no_plan_tells_of_fields_that_only_another_may_read",),
    ),
    Point(
        "classes of an epoch", "a policy class is that of one epoch",
        "policies/ruling.py",
        "(self.epoch, rows, cells, duties, lowered)", "(rows, cells, duties, lowered)",
        ("tests/policies/test_held_back.py::test_another_epoch_is_another_policy_class",),
    ),
    Point(
        "classes with their obligations", "a policy class holds what its uses oblige to",
        "policies/ruling.py",
        "(self.epoch, rows, cells, duties, lowered)", "(self.epoch, rows, cells, lowered)",
        ("tests/policies/test_obligations.py::test_obligations_make_another_policy_class",),
    ),
    Point(
        "classes with their labels", "a policy class holds what is declared of masked values",
        "policies/ruling.py",
        "(self.epoch, rows, cells, duties, lowered)", "(self.epoch, rows, cells, duties)",
        ("tests/policies/test_declassify.py::test_plans_are_not_shared_over_it",),
    ),
    Point(
        "rulings for a purpose", "a kept ruling is used for its purpose alone",
        "hub/query/answer.py",
        "key = (caller, request.text, request.operation_name, request.purpose)",
        "key = (caller, request.text, request.operation_name, None)",
        (f"{ANSWER}test_purposes_are_ruled_apart",),
    ),
    Point(
        "rulings for circumstances", "a kept ruling is used in its circumstances alone",
        "hub/query/answer.py",
        "context.network_zone,\n            context.acr,\n            context.case_id,\n", "",
        (f"{CIRCUMSTANCE}test_no_kept_ruling_is_used_in_another_circumstance",),
    ),
    Point(
        "end of kept rulings", "a kept ruling ends when it says",
        "hub/query/answer.py",
        "if prepared is not None and prepared.since <= context.now < prepared.ruling.valid_until:",
        "if prepared is not None:",
        (f"{APART}test_a_kept_ruling_is_not_used_after_its_end",),
    ),
    Point(
        "hashes of an application", "a hash finds what its own application has sent",
        "hub/serve/documents.py",
        "found = self._documents.get((app, digest))", 'found = self._documents.get(("", digest))',
        ("tests/scenarios/test_channels.py::test_19_hashes_of_others",),
        (
            ("self._documents.move_to_end((app, digest))", "pass"),
            ("key = (app, document.digest)", 'key = ("", document.digest)'),
        ),
    ),
    Point(
        "trusted documents", "where only registered documents run, no other does",
        "hub/serve/documents.py",
        "if self._trusted and self._registered.by_digest(digest_text(text)) is None:", "if False:",
        (f"{DOCUMENT}test_trusted_documents_only",),
    ),
    Point(
        "batches", "a batch has at most so many operations",
        "hub/serve/door.py",
        "if not 0 < len(values) <= self._options.batch_max:", "if not values:",
        (f"{DOOR}test_a_batch_is_bounded",),
    ),
    Point(
        "batching off", "batches are refused until they are switched on",
        "hub/serve/door.py",
        "if self._options.batch_max == 0:", "if False:",
        (f"{DOOR}test_batching_is_off_until_switched_on",),
    ),
    Point(
        "in flight", "a worker takes so many operations at once",
        "hub/serve/guard.py",
        "if self.taken + count > self._limit:", "if False:",
        (f"{DOOR}test_too_many_in_flight",),
    ),
    Point(
        "errors of sources", "what a source says goes to the log alone",
        "hub/query/run.py",
        '"the source did not answer") from None', "str(error)) from None",
        (f"{ANSWER}test_one_source_fails",),
    ),
    Point(
        "unforeseen failures", "an unforeseen failure tells nothing",
        "hub/query/answer.py",
        'failed = HubError("INTERNAL", "an internal error")',
        'failed = HubError("INTERNAL", repr(error))',
        (
            f"{ANSWER}test_an_unforeseen_failure_tells_nothing_and_is_on_record_"
            "with_what_was_fetched",
        ),
    ),
    Point(
        "record before the answer", "nothing is told that is not on record",
        "hub/query/answer.py",
        'await self._record(told, "partial" if errors else "ok", code)',
        'await self._record_refusal(told, "partial" if errors else "ok", code or "")',
        (f"{ANSWER}test_no_record_no_data",),
    ),
    Point(
        "record of refusals", "what is refused is on record too",
        "hub/query/answer.py",
        'error_told = await self._record_refusal(told, "refused", error.code) or error',
        "error_told = error",
        (f"{ANSWER}test_no_record_of_a_refusal", f"{ANSWER}test_forbidden_before_any_source"),
    ),
    Point(
        "record of the schema", "reading the schema is on record",
        "hub/query/answer.py",
        'await self._record(told, "ok", None)', "pass",
        (f"{APART}test_reading_the_schema_leaves_an_entry",),
    ),
)
