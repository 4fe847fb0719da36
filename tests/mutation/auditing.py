"""Enforcement points of the audit log: what it refuses, keeps and puts on record."""

from __future__ import annotations

from tests.mutation.point import Point

CLI = "tests/hub/cli/test_cli_audit_proofs.py::"
SEARCHED = "tests/hub/cli/test_cli_audit_search.py::"
TREE = "tests/hub/audit/test_tree.py::"

# fmt: off
AUDITED = (
    Point(
        "log below its tree", "a log that was cut is not opened",
        "hub/store/appending.py",
        'if to.last()[0] < size:\n                raise LedgerError("Cut")', "pass",
        (f"{TREE}test_a_hub_does_not_open_a_log_that_was_cut",),
    ),
    Point(
        "signed head that holds", "nothing is signed, and no hub opened, over another log",
        "hub/audit/signing.py", "if problem is not None or not _holds(tree, last):", "if False:",
        (f"{CLI}test_nothing_is_signed_on_top_of_a_head_that_does_not_hold",
         "tests/hub/audit/test_heads.py::"
         "test_a_log_without_its_signed_head_is_neither_signed_nor_opened"),
    ),
    Point(
        "signatures of heads", "a head that the hub's key has not signed counts for nothing",
        "hub/audit/offline.py",
        "Public.from_public_bytes(x).verify(signature, signing_input(head))", "pass",
        ("tests/hub/audit/test_heads.py::test_a_forged_head_is_no_head",),
    ),
    Point(
        "texts that are gone", "a text is gone only by an act on record",
        "hub/audit/offline.py", "return report(_unexplained(gone, acts))", "return report(None)",
        (f"{CLI}test_verifying_names_what_is_wrong",),
    ),
    Point(
        "legal holds", "what is held keeps its text",
        "hub/audit/retention.py",
        "if any(hold.terms.takes(one.entry) for hold in in_force):", "if False:",
        (f"{CLI}test_pruning_leaves_hashes_and_what_is_held",),
    ),
    Point(
        "retention", "no text goes before its time",
        "hub/cli/audit_export.py", "if wanted > latest:", "if False:",
        (f"{CLI}test_the_retention_is_a_floor",),
    ),
    Point(
        "exports on record", "who takes entries away is on record first",
        "hub/cli/audit_export.py", "record_act(log.ledger, log.link, act)", "pass",
        (f"{CLI}test_what_is_exported_satisfies_the_offline_verifier",),
    ),
    Point(
        "searches on record", "who searches is on record first, with what was looked for",
        "hub/cli/audit_search.py",
        'record_act(log.ledger, log.link, act_of("audit.searched", **chosen.told()))', "pass",
        (f"{SEARCHED}test_search",),
    ),
    Point(
        "events in CEF", "what a caller wrote begins no event of its own",
        "hub/audit/export.py",
        "return newline.join(text.splitlines())", "return newline.join([text])",
        (f"{CLI}test_cef_escapes_what_would_forge_an_event",),
    ),
    Point(
        "persons who were only looked for", "who has no row is not told to have been seen",
        "hub/query/persons.py", "self.sought.setdefault(name, set()).add(person)",
        "self.persons.setdefault(name, set()).add(person)",
        ("tests/hub/query/test_persons_listed.py::"
         "test_whoever_was_looked_for_and_is_not_there_is_not_listed",),
    ),
)
