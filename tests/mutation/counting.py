"""Enforcement points of what is counted and what is recorded of operations."""

from __future__ import annotations

from tests.mutation.point import Point

QUOTA = "tests/hub/query/test_quota.py::"
RECORDED = "tests/hub/query/test_recording.py::"
NO_VALUE = f"{RECORDED}test_no_value_ends_in_the_database"
COUNTED, NORMAL = "hub/query/quota.py", "hub/query/normal.py"

# fmt: off
COUNTS = (
    Point(
        "quota", "what is past a quota is refused as a whole",
        COUNTED, 'raise HubError("QUOTA", "the quota of this period is used up")', "return",
        (f"{QUOTA}test_the_page_that_straddles_the_limit_is_refused_whole",),
    ),
    Point(
        "quota before the answer", "rows and persons are counted before they are told",
        COUNTED, "raise\n    await meter.leave(dues, run, tally)\n", "raise\n",
        (f"{QUOTA}test_the_page_that_straddles_the_limit_is_refused_whole",
         f"{QUOTA}test_a_store_that_is_down_denies"),
    ),
    Point(
        "quota before the sources", "what is past its limit already asks no source",
        COUNTED, "await meter.enter(dues, run)", "pass",
        (f"{QUOTA}test_calls_are_operations",
         f"{QUOTA}test_what_was_refused_counts_and_later_sources_are_spared"),
    ),
    Point(
        "quota of persons", "the persons of an answer are counted",
        "hub/query/rows.py",
        "run.tally.add(node.type, [columns[name] for name in node.persons])", "pass",
        ("tests/hub/query/test_quota_persons.py::test_several_rows_about_one_person_count_one",),
    ),
    Point(
        "quota of what fails", "what was asked counts though the answer fails",
        COUNTED,
        "with suppress(HubError):\n            await meter.leave(dues, run, tally)",
        "with suppress(HubError):\n            pass",
        (f"{QUOTA}test_what_was_fetched_before_a_failure_counts",),
    ),
    Point(
        "quota of what is refused", "what was refused stays counted",
        "hub/store/quotas.py",
        "return all(count <= one.most for count, one in zip(used, ordered, strict=True))",
        "fine = all(count <= one.most for count, one in zip(used, ordered, strict=True))\n"
        "            if not fine:\n                connection.rollback()\n"
        "            return fine",
        (f"{QUOTA}test_what_was_refused_counts_and_later_sources_are_spared",),
    ),
    Point(
        "quota that cannot be counted", "without counters nothing is told",
        COUNTED,
        'raise HubError("QUOTA_UNAVAILABLE", "the quotas cannot be counted")',
        "return await work()",
        (f"{QUOTA}test_without_counters_nothing_is_told",),
    ),
    Point(
        "quota without its store", "where the counters' store is down nothing is told",
        "hub/store/quotas.py",
        'raise HubError("QUOTA_UNAVAILABLE", "the quotas cannot be counted") from None',
        "return True",
        (f"{QUOTA}test_a_store_that_is_down_denies",),
    ),
    Point(
        "persons nobody reads", "counters name nobody",
        COUNTED,
        'hmac.digest(self._key, bound + one, "sha256")[:_HASH_BYTES]', "(bound + one)",
        (f"{QUOTA}test_counters_name_nobody_and_end_with_their_window",),
    ),
)

RECORDING = (
    Point(
        "values of documents", "no value that a document holds is recorded",
        NORMAL, 'return self._hole(bare, ("value", print_ast(node)))', "return node", (NO_VALUE,),
    ),
    Point(
        "values of variables", "no value of a variable is recorded",
        NORMAL, "return self._hole(bare, path)",
        "return __import__(\"graphql\").StringValueNode(value=str(value))", (NO_VALUE,),
        (("return value if isinstance(value, str) and _WORD.match(value) else 0",
          "return value"),),
    ),
    Point(
        "lists of values", "no value in a list is recorded",
        NORMAL,
        'return self._list(len(node.values), item, ("list", print_ast(node)))', "return node",
        (NO_VALUE,),
    ),
    Point(
        "names of columns", "no alias is recorded",
        NORMAL, "alias = NameNode(value=self._aliases.setdefault(alias.value, self._free()))",
        "pass", (NO_VALUE,),
    ),
    Point(
        "names of fragments", "no fragment's name is recorded",
        NORMAL, 'names = {name: f"F{number}" for number, name in enumerate(fragments, 1)}',
        "names = {name: name for name in fragments}",
        (NO_VALUE, f"{RECORDED}test_only_the_operation_that_was_asked_is_recorded"),
    ),
    Point(
        "who asked", "no person is recorded by name",
        "hub/query/recording.py",
        'told["user"] = self._recording.person(subject.user) if self._persons else SOMEBODY',
        'told["user"] = subject.user',
        (NO_VALUE, f"{RECORDED}test_who_asks_is_told_by_attributes"),
    ),
)
