"""Enforcement points of releases: who signs, what is put in force, and what is served of it."""

from __future__ import annotations

from tests.mutation.point import Point

STEP = "tests/hub/rollout/test_lifecycle.py::"
SERVED = "tests/hub/rollout/test_serving.py::"
FIRM = "tests/hub/rollout/test_held_firm.py::"
BY_HAND = f"{SERVED}test_a_database_changed_by_hand_is_not_served"
UNFIT = f"{SERVED}test_an_epoch_that_does_not_fit_is_not_replaced_by_the_one_before"
SIGNATURE, QUORUM = "hub/rollout/signature.py", "hub/rollout/quorum.py"
LIFE, ACTIVE, WATCH = "hub/rollout/lifecycle.py", "hub/rollout/active.py", "hub/rollout/watch.py"

CONTROL = "tests/hub/control/test_control_rules.py::"

# fmt: off
SIGNED = (
    Point(
        "signatures", "what was changed after it was signed is refused",
        SIGNATURE, 'raise _invalid(changed, "build and sign it anew", error) from error', "pass",
        (f"{STEP}test_changed_bytes_are_nobodys", f"{STEP}test_a_signature_is_for_one_release",
         f"{FIRM}test_a_stored_release_with_other_rules_is_not_served"),
    ),
    Point(
        "rules at the control door", "only officers take steps with rules, and auditors look",
        "hub/control/rules.py", "if not at.subject.duties & set(duties):", "if False:",
        (f"{CONTROL}test_rules_are_for_officers",),
    ),
    Point(
        "declared keys", "a key that nobody declared signs nothing",
        SIGNATURE, "signer = signers.get(header.kid)",
        "signer = signers.get(header.kid) or next(iter(signers.values()))",
        (f"{STEP}test_a_stranger_signs_nothing",),
        ((
            "raise _invalid(changed,",
            "if header.kid not in signers:\n"
            "            return Signed(signer=signer, part=header.part, at=header.at)\n"
            "        raise _invalid(changed,",
        ),),
    ),
    Point(
        "what is signed", "a signature over one thing is none over another",
        SIGNATURE, "if header.typ != purpose:", "if False:",
        (f"{STEP}test_a_signature_says_what_it_is_for",),
    ),
    Point(
        "parts of signers", "no officer consents for a department, and none of those is an officer",
        SIGNATURE, 'if (header.part == "owner") != (signer.sort == "owner"):', "if False:",
        (f"{STEP}test_a_signature_says_what_it_is_for",),
    ),
    Point(
        "author and approver", "two signatures of one officer are not two officers'",
        SIGNATURE, "if len(set(people)) < len(people):", "if False:",
        (f"{STEP}test_the_author_cannot_approve",),
    ),
    Point(
        "officers counted", "an officer who signs several times counts once",
        QUORUM,
        'officers = {one.signer.who for one in signed if one.signer.sort == "officer"}',
        'officers = [one.part for one in signed for _ in "ab"]',
        (f"{STEP}test_what_shows_more_needs_two_officers",),
    ),
    Point(
        "number of officers", "as many officers sign as the change asks for",
        QUORUM, "if len(officers) < wanted:", "if False:",
        (f"{STEP}test_what_shows_more_needs_two_officers",
         f"{STEP}test_what_is_stated_no_more_needs_two_officers"),
    ),
    Point(
        "officers for more", "what shows more, or may, needs more officers",
        QUORUM, "return settings.loosening if change.loosens else settings.tightening",
        "return settings.tightening",
        (f"{STEP}test_what_shows_more_needs_two_officers",),
    ),
    Point(
        "one author", "a release has one author",
        QUORUM, "if len(authors) != 1:", "if False:",
        (f"{STEP}test_a_signature_says_what_it_is_for",),
    ),
    Point(
        "owners consent", "owners consent where their fields are shown to more",
        QUORUM, "if missing:", "if False:",
        (f"{STEP}test_an_owner_consents_where_its_fields_show_more",),
    ),
    Point(
        "retired officers", "who has retired signs nothing new",
        QUORUM, "if gone:", "if False:", (f"{STEP}test_who_has_retired_signs_nothing_new",),
    ),
    Point(
        "bytes that are signed", "there is one way to write what is signed",
        "hub/rollout/release.py", "if not whole:", "if False:",
        (f"{STEP}test_there_is_one_way_to_write_a_payload",),
    ),
    Point(
        "keys of one's own", "no two signers share a key",
        "hub/rollout/signer.py", "if (held.who, held.sort) != (who, sort):", "if False:",
        ("tests/hub/cli/test_policy_release.py::test_two_officers_do_not_share_a_key",),
    ),
)

RELEASED = (
    Point(
        "expiry of a release", "an expired release does not come into force",
        LIFE, "if max(start, release.activate_at or 0) >= release.expires:", "if False:",
        (f"{STEP}test_a_release_expires",),
    ),
    Point(
        "validity of a release", "no release is valid for longer than the settings allow",
        LIFE, "if release.expires - release.made_at > longest:", "if False:",
        (f"{STEP}test_a_release_expires",),
    ),
    Point(
        "base of a release", "a release follows the rules that it was compared with",
        LIFE, "if release.base != held.base:", "if False:",
        (f"{STEP}test_an_old_release_is_not_replayed",),
    ),
    Point(
        "base at that moment", "what began while proofs were made is not lost",
        "hub/store/releases.py",
        "if (0 if held is None else held.epoch) != base or _next(connection) != row.epoch:",
        "if False:",
        (f"{STEP}test_what_begins_while_proofs_are_made_is_not_lost",),
    ),
    Point(
        "packs of a release", "a release is for the rule packs that it was checked with",
        LIFE, "if found.packs != release.evidence.packs:", "if False:",
        (f"{FIRM}test_other_rule_packs_than_it_was_checked_with",),
    ),
    Point(
        "proofs", "what is not proved is not released",
        "hub/rollout/gate.py", "if open_:", "if False:",
        (f"{STEP}test_what_is_not_proved_is_not_released",),
    ),
    Point(
        "something to prove", "a release states what must never happen",
        "hub/rollout/gate.py", "if not stated:", "if False:",
        (f"{STEP}test_what_is_not_proved_is_not_released",),
    ),
    Point(
        "tests of a release", "a release that fails its own tests is refused",
        "hub/rollout/gate.py", "if failures:", "if False:",
        (f"{STEP}test_tests_are_part_of_the_gate",),
    ),
    Point(
        "evidence found anew", "what a release says of itself is not believed",
        LIFE, "if not release.evidence.change.covers(found.change):", "if False:",
        (f"{STEP}test_what_the_evidence_says_is_found_anew",
         f"{STEP}test_a_new_type_that_the_rules_reach_is_more_than_was_signed"),
    ),
    Point(
        "steps on record", "what is not on record does not happen",
        "hub/rollout/act.py",
        "raise HubError(\"AUDIT_UNAVAILABLE\", message, cause=error) from error", "pass",
        (f"{FIRM}test_what_is_not_on_record_does_not_happen",),
    ),
    Point(
        "refused steps on record", "what was refused to officers is on record too",
        "hub/rollout/act.py", 'if not error.code.startswith("AUDIT_"):', "if False:",
        (f"{STEP}test_every_step_is_on_record",),
    ),
)

SERVED_RULES = (
    Point(
        "released rules alone", "where releases are required nothing is served from files",
        "hub/wiring.py", "self._released = settings.release.required", "self._released = False",
        (f"{SERVED}test_before_the_first_release_nobody_is_permitted_anything",),
    ),
    Point(
        "grants before a release", "before the first release a grant opens nothing",
        WATCH, "(loaded, bundles=[], grants=(), break_glass=())",
        "(loaded, bundles=[], break_glass=())",
        (f"{SERVED}test_a_grant_opens_nothing_before_the_first_release",),
    ),
    Point(
        "stored digest", "a stored release has the digest of its rules",
        ACTIVE, "if row.digest != release.rules or base", "if base",
        (f"{FIRM}test_a_stored_digest_is_that_of_its_rules",),
    ),
    Point(
        "stored base", "a stored release stands behind the one that it is signed to follow",
        ACTIVE, "or base != base_of(before) or", "or", (BY_HAND,),
    ),
    Point(
        "stored expiry", "a stored release began before it expired",
        ACTIVE, " or row.active_from >= expires:", ":", (BY_HAND,),
    ),
    Point(
        "stored officers", "a stored release has as many officers as its change asks for",
        ACTIVE, "check_officers(signed, release.evidence.change, settings)", "pass",
        (f"{FIRM}test_a_stored_release_of_one_officer_is_not_served",),
    ),
    Point(
        "stored schedule", "no stored release begins before the moment it is signed for",
        ACTIVE, "elif row.active_from < (release.activate_at or 0):", "elif False:",
        (f"{FIRM}test_a_schedule_is_not_moved_by_hand",),
    ),
    Point(
        "packs in force", "rules are served with the rule packs that they were released with",
        WATCH, "if dict(active.packs) != pack_stamps(loaded.packs):", "if False:",
        (f"{SERVED}test_other_rule_packs_than_were_signed_do_not_fit",),
    ),
    Point(
        "newest that does not fit", "the epoch before does not stand for one that does not fit",
        WATCH,
        'self._in_force.usable, self._stated = False, False\n        log.error("rules.unfit"',
        'log.error("rules.unfit"',
        (UNFIT, f"{SERVED}test_other_rule_packs_than_were_signed_do_not_fit"),
    ),
    Point(
        "epochs that are gone", "an older database in the place of the hub's is not served",
        WATCH, "if epoch < self.epoch:", "if False:",
        (f"{SERVED}test_a_database_that_lost_its_newest_epoch_is_not_served",),
    ),
    Point(
        "rules in use", "a worker that does not have the rules in force refuses everything",
        "hub/query/inforce.py",
        "if not self.usable or self._clock() > self._fresh_until:",
        "if self._clock() > self._fresh_until:",
        (UNFIT,),
    ),
    Point(
        "rules not looked at", "a worker that cannot look what is in force refuses after a while",
        "hub/query/inforce.py",
        "if not self.usable or self._clock() > self._fresh_until:", "if not self.usable:",
        (f"{SERVED}test_a_worker_that_cannot_look_stops_answering",),
    ),
    Point(
        "revoked epochs", "nothing leaves that revoked rules decided",
        "hub/query/inforce.py", "gone = epoch in self._revoked", "gone = False",
        (f"{SERVED}test_an_operation_ends_under_the_epoch_it_began_with",),
    ),
    Point(
        "revoked while it runs", "an operation is looked at again before its answer leaves",
        "hub/query/answer.py", 'if outcome in ("ok", "partial"):', "if False:",
        (f"{SERVED}test_an_operation_ends_under_the_epoch_it_began_with",),
    ),
    Point(
        "revocations known", "a worker learns which epochs were revoked",
        WATCH, "self._in_force.revoke(self._released.revoked())", "pass",
        (f"{SERVED}test_an_operation_ends_under_the_epoch_it_began_with",),
    ),
)
