"""Enforcement points of labels: of some rows, by age, of figures and of answers."""

from __future__ import annotations

from tests.mutation.point import Point

ROW = "tests/policies/test_row_label.py::"
SHARED = "tests/hub/query/test_shared.py::"
LABEL = "tests/hub/query/test_label.py::"
ROW_LABEL = "policies/row_label.py"

# fmt: off
RAISED = (
    Point(
        "labels of rows", "where a row carries a label beyond the caller's reach it is forbidden",
        "policies/inbuilt.py", "        *_made(ROW_LABELS, row_label_rules(catalogue)),\n", "",
        (f"{ROW}test_a_level_beyond_the_clearance_makes_fields_null_in_those_rows",
         f"{ROW}test_no_permit_and_no_owner_gets_around_it"),
    ),
    Point(
        "levels of rows", "a row's level is compared with the clearance",
        ROW_LABEL, "for ladder, level in held.label.levels:", "for ladder, level in ():",
        (f"{ROW}test_a_level_beyond_the_clearance_makes_fields_null_in_those_rows",),
    ),
    Point(
        "compartments of rows", "whoever is outside a row's compartment is forbidden it",
        ROW_LABEL, "for name in sorted(held.label.compartments):", "for name in ():",
        (f"{ROW}test_compartments",),
    ),
    Point(
        "existence of rows", "a row whose existence is labelled does not exist beyond its reach",
        ROW_LABEL, "if held.existence:", "if False:",
        (f"{ROW}test_existence_takes_the_row_away",),
    ),
    Point(
        "rows without an answer", "a row of which the condition is UNKNOWN counts as labelled",
        "policies/residue.py",
        "return leaf if positive else NotTrue(leaf)",
        "return leaf if positive else Or((NotTrue(leaf), IsNull(leaf.name)))",
        (f"{ROW}test_a_level_beyond_the_clearance_makes_fields_null_in_those_rows",),
    ),
    Point(
        "condition that cannot be read", "a row label whose condition cannot be read holds",
        ROW_LABEL,
        "return UNKNOWN if reader.report.problems else found",
        "return every(UNKNOWN, opposite(every())) if reader.report.problems else found",
        (f"{ROW}test_a_condition_that_cannot_be_read_holds_everywhere",),
    ),
    Point(
        "permits by category", "a permit reaches rows only where their labels allow it",
        "policies/compile.py",
        "only = reach_of(raises, field.label, scheme, matches, owned)", "only = None",
        (f"{ROW}test_a_permit_reaches_no_category_that_it_does_not_list",),
    ),
    Point(
        "prohibitions by category", "rules about a category come in for the rows that carry it",
        "policies/compile.py",
        "only = applies_of(raises, field.label, scheme, matches)", "only = None",
        (f"{ROW}test_rules_that_select_by_category_come_in_for_those_rows",),
    ),
    Point(
        "several labels", "labels of a row that only together reach a rule do",
        "policies/raised.py",
        "for size in range(1, len(raises) + 1):", "for size in range(1, 2):",
        (f"{ROW}test_labels_that_only_together_reach_a_rule",),
    ),
    Point(
        "unknown time", "where nobody knows what day it is, nobody is old enough",
        "policies/condition.py",
        "missing = not is_known(held.context.now)", "missing = False",
        (f"{ROW}test_without_a_day_everybody_may_be_a_child",),
    ),
    Point(
        "day everywhere", "nobody is older before the day has come in every time zone",
        "policies/age.py",
        "_EARLIEST = dt.timedelta(hours=12)", "_EARLIEST = dt.timedelta(hours=0)",
        (f"{ROW}test_a_day_passes",),
    ),
    Point(
        "end of a day", "a ruling by age is made again when a day has passed",
        "policies/standings.py",
        "ends += [next_day(now)] if self._by_day else []", "pass",
        (f"{ROW}test_a_day_passes",),
    ),
    Point(
        "rulings of a day", "a kept ruling by age is used on its day alone",
        "policies/standings.py",
        "next_day(context.now) if self._by_day else None, is_known(context.now),",
        "is_known(context.now),",
        (f"{ROW}test_a_day_passes",),
    ),
)

LABELLED = (
    Point(
        "label of a figure", "a figure's label goes down only where a rule says so",
        "hub/query/label.py",
        "return () if bound is None else bound.declassify",
        'return [("", "G1")]',
        (f"{LABEL}test_only_a_declared_rule_lowers_a_figure",),
    ),
    Point(
        "label of a mask", "a mask's label goes down only where a rule says so",
        "hub/query/label.py",
        "for one in ruling.declassified.get(use, ())]",
        "for of in ruling.declassified.values() for one in of]",
        (f"{LABEL}test_a_mask_that_a_rule_declassifies_lowers_levels_alone",),
    ),
    Point(
        "labels of a bound", "what is declared of masks beyond an approved bound is growth",
        "hub/query/grown.py",
        "for one in present.declassified or ():", "for one in ():",
        ("tests/hub/query/test_reveal.py::"
         "test_what_is_declared_of_masks_is_in_the_bound_and_more_of_it_is_growth",),
    ),
    Point(
        "masks shared by many", "a mask's label goes down only where enough persons share a value",
        "hub/query/shared.py",
        "return all(len(held) >= one.k for held in by.values())", "return True",
        (f"{SHARED}test_by_the_persons_of_each_place",),
    ),
    Point(
        "masks of one person", "many rows of one person with one masked value are one person",
        "hub/query/shared.py",
        "if root and (not fields or set(fields) >= set(entity.key)):", "if True:",
        (f"{SHARED}test_by_the_persons_of_each_place",),
    ),
    Point(
        "masks of nobody", "where nothing that is shown says whose rows are, no label goes down",
        "hub/query/shared.py",
        "return not rows", "return True",
        (f"{SHARED}test_by_the_persons_of_each_place",),
    ),
    Point(
        "declared for sure", "a rule that may not apply lowers no label",
        "policies/decide.py",
        "if rule.declassify is not None and scope.holds(number) == TRUE",
        "if rule.declassify is not None",
        ("tests/policies/test_declassify.py::test_it_holds_of_the_mask_and_of_coarser_ones",),
    ),
    Point(
        "loosened labels", "a new declassification is a loosening",
        "policies/prove/change.py",
        'found |= {"more"} if self.lowered or (self.restored and self.declares) else set()', "pass",
        ("tests/policies/test_declassify.py::test_comparisons_count_it",),
    ),
    Point(
        "labels of other rows", "what one permit declares of a mask is not said of another's rows",
        "policies/decide.py", "if any(rule.declassify is None for rule in rules):", "if False:",
        ("tests/policies/test_declassify.py::"
         "test_it_holds_in_rows_only_where_each_permit_declares_it",),
    ),
    Point(
        "labels of rows and masks", "a declaration of a mask lowers no label of rows",
        "hub/query/label.py",
        'if use.mode == "project":\n                yield', "if False:\n                yield",
        (f"{LABEL}test_what_is_declared_of_a_mask_lowers_no_label_of_rows",),
    ),
    Point(
        "least and greatest keep labels", "`min` and `max` keep the label of the value",
        "hub/query/label.py",
        'if use.mode != "aggregate" or use.function in ("min", "max"):',
        'if use.mode != "aggregate":',
        (f"{LABEL}test_only_a_declared_rule_lowers_a_figure",),
    ),
    Point(
        "all say that it is lowered", "one rule that does not lower a label keeps it",
        "policies/obligation.py",
        "lowered = first.declassify and second.declassify",
        "lowered = first.declassify or second.declassify",
        (f"{LABEL}test_meeting_lowers_only_where_all_do",),
    ),
    Point(
        "lowered over many", "no rule lowers a label without saying over how many persons",
        "policies/obligation_syntax.py",
        'return AggregateOnly(**found) if _needed(reader, node, found, what, "k") else None',
        'return AggregateOnly(**{"k": 1, **found})',
        (f"{LABEL}test_no_label_goes_down_without_k",),
    ),
    Point(
        "lowered as far as stated", "a label goes down no further than the highest that is stated",
        "hub/query/label.py",
        "least[ladder.id] = max(held, level, key=ladder.rank)",
        "least[ladder.id] = min(held, level, key=ladder.rank)",
        (f"{LABEL}test_a_rule_that_does_not_lower_keeps_the_label",),
    ),
)
