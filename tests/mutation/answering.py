"""Enforcement points between a plan and its answer: which rows, and what is shown of them."""

from __future__ import annotations

from tests.mutation.point import Point

ANSWER = "tests/hub/query/test_answer.py::"
PASSED = "tests/hub/query/test_pass_through.py::"
FIGURE = "tests/hub/query/test_figures.py::"
KEYED = "tests/hub/query/test_masks_in_answers.py::"
RING = "tests/hub/query/test_mask_keys.py::"
BLIND = "tests/hub/query/test_blind_order.py::"
APART = "tests/hub/query/test_held_apart.py::"
ROWS = "tests/hub/query/test_rows_outside.py::"
PUSH = "hub/query/pushdown.py"
OUTSIDE = f"{ANSWER}test_rows_outside_do_not_exist"

# fmt: off
FETCHED = (
    Point(
        "row filter in lists", "policy's row filter is part of what a source is asked",
        PUSH, "must, wished = self.must(route.entity.name),", "must, wished = Bound(None),",
        (OUTSIDE, f"{ROWS}test_a_list_and_its_pages"),
    ),
    Point(
        "row filter without a ruling", "a type that the ruling does not name has no row",
        PUSH,
        "rows = self.ruling.row_filters.get(type_name, FALSE)",
        "rows = self.ruling.row_filters.get(type_name, Always(True))",
        (f"{ROWS}test_a_type_without_a_filter_has_no_row",),
    ),
    Point(
        "row filter in look-ups", "a row outside is not found by its key or id",
        PUSH,
        "must=both(must.predicate),\n            wish=both(wished.predicate),",
        "must=None if key_columns and limit is None else both(must.predicate),\n"
        "            wish=both(wished.predicate),",
        (f"{ROWS}test_a_look_up_by_key", f"{ROWS}test_a_look_up_by_id"),
    ),
    Point(
        "row filter in relations", "a row outside is not reached by a relation",
        "hub/query/planner.py",
        "join = Join(name=join_as, on=on, many=relation.many, ask=ask)",
        "join = Join(name=join_as, on=on, many=relation.many, "
        "ask=msgspec.structs.replace(ask, must=None))",
        (f"{ROWS}test_relations_inside_one_source",),
    ),
    Point(
        "row filter in filters", "a filter on related rows looks at those inside alone",
        PUSH,
        "must = Bound(None) if definer else self.must(relation.to)", "must = Bound(None)",
        (f"{ROWS}test_filters_on_related_rows",),
    ),
    Point(
        "row filter in counts", "totals count the rows inside",
        PUSH,
        "must = self.must(route.entity.name)\n        known", "must = Bound(None)\n        known",
        (OUTSIDE, f"{ROWS}test_totals"),
    ),
    Point(
        "row filter in figures", "figures are over the rows inside",
        "hub/query/aggregates.py",
        "must, wish = push.must(root.type),", "must, wish = push.bind(None, root.type),",
        (OUTSIDE, f"{ROWS}test_figures"),
    ),
    Point(
        "row filter before the limit", "a page is cut after rows outside are gone",
        "connectors/kit/local.py",
        "rows: Sequence[int] = range(batch.rows)\n    for predicate in (ask.must",
        "rows: Sequence[int] = range(batch.rows)[: _limit(ask, params)]\n"
        "    for predicate in (ask.must",
        (f"{ROWS}test_a_list_and_its_pages",),
    ),
    Point(
        "row filter in SQL", "a statement holds the row filter",
        "connectors/sql/compile.py",
        "where = in_order(must, wish)", "where = in_order([], wish)",
        ("tests/scenarios/test_base.py::test_16_the_rows_of_ones_own_township",),
    ),
    Point(
        "default order", "rows do not come in the order of a key that may not be sorted by",
        "hub/query/paging.py",
        "if may_sort(ruling, entity, added):", "if True:",
        (f"{BLIND}test_rows_come_by_digest_and_not_by_key",),
    ),
    Point(
        "the one of several", "which of several rows is taken tells nothing of a hidden key",
        "hub/query/planner.py",
        "if may_sort(self.push.ruling, entity, entity.key):", "if True:",
        (f"{BLIND}test_relations_and_the_one_of_several_come_by_digest",),
    ),
    Point(
        "order of one caller", "the order that stands for a hidden key is another for each caller",
        "hub/query/cursor.py",
        "bound = orjson.dumps([subject, type_name])", "bound = orjson.dumps([type_name])",
        (f"{BLIND}test_another_subject_has_another_order",),
    ),
)

SHOWN = (
    Point(
        "masks", "a masked field is masked before anything is written",
        "hub/query/combine.py",
        "return _masked(output, output.outcome, masks, keys)",
        "return lambda columns, _rows, _params: columns[name]",
        (f"{ANSWER}test_outcomes_follow_the_field_through_aliases",),
    ),
    Point(
        "nulls", "a denied field is null",
        "hub/query/combine.py",
        "return lambda _columns, rows, _params: [None] * rows",
        "return lambda columns, rows, _params: columns.get(name, [0] * rows)",
        (f"{ANSWER}test_outcomes_follow_the_field_through_aliases",),
    ),
    Point(
        "rows of masks", "a field that differs by row is shown in the rows it is shown in",
        "hub/query/combine.py",
        "if held and open_rows[row]:", "if open_rows[row]:",
        (f"{APART}test_a_field_that_differs_by_row",),
    ),
    Point(
        "hidden fields", "a field whose outcome is none that can be shown is null",
        "hub/query/shapes.py",
        "held if isinstance(held, Allow | Masked | Null | FieldError | Rowwise) else Null()",
        "held if isinstance(held, Allow | Masked | Null | FieldError | Rowwise) else Allow()",
        (f"{APART}test_a_hidden_field_is_not_shown_though_the_schema_holds_it",),
    ),
    Point(
        "masks in documents", "no source writes a row that the hub has to mask",
        "hub/query/document.py",
        "if isinstance(output.outcome, Allow):", "if not isinstance(output.outcome, Null):",
        (f"{PASSED}test_masks_are_carried_out_by_the_hub",),
    ),
    Point(
        "nulls in documents", "no source writes a field that is denied",
        "hub/query/document.py",
        "entry = Constant(None)", "entry = FromColumn(output.column)",
        (f"{PASSED}test_masks_are_carried_out_by_the_hub",),
    ),
    Point(
        "key scope", "a token of one application is none of another's",
        "hub/query/run.py",
        'case "app":\n                return whose.app',
        'case "app":\n                return "everybody"',
        (f"{KEYED}test_tokens_are_equal_within_a_scope_and_only_there",),
    ),
    Point(
        "value of a scope", "the keys of a scope go with its value",
        "hub/query/keys.py",
        '["mask", need.use, need.scope, need.value, need.version]',
        '["mask", need.use, need.scope, need.version]',
        (f"{RING}test_codes_are_equal_within_a_need_and_nowhere_else",),
    ),
    Point(
        "mask without its scope", "a mask whose scope has no value shows nothing",
        "hub/query/keys.py",
        'if need.domain is None or (need.scope != "hub" and not need.value):',
        "if need.domain is None:",
        (
            f"{KEYED}test_without_its_scope_a_mask_shows_nothing",
            f"{RING}test_without_a_part_there_is_no_key",
        ),
    ),
    Point(
        "domain of tokens", "tokens of two fields have nothing in common",
        "hub/query/keys.py",
        "len(domain).to_bytes(4) + domain)", 'b"")',
        (f"{KEYED}test_without_a_domain_two_fields_have_nothing_in_common",),
    ),
    Point(
        "cells of noise", "noise is drawn once for each field and entity",
        "hub/query/combine.py",
        "cells = _cells(columns, output.cell) if mask.by_cell else ()",
        'cells = [b"%d" % _rows for _ in range(_rows)] if mask.by_cell else ()',
        (f"{KEYED}test_noise_stays_however_it_is_asked_for",),
    ),
    Point(
        "k", "a figure over fewer than k persons is not shown",
        "hub/query/suppress.py",
        "return held.inside >= k and (", "return (",
        (f"{FIGURE}test_a_small_group_takes_the_next_smallest_with_it",),
    ),
    Point(
        "secondary suppression", "no total gives a hidden figure back",
        "hub/query/suppress.py",
        "while self._widen(dims, level, hide, found):", "while False:",
        (f"{FIGURE}test_a_small_group_takes_the_next_smallest_with_it",),
    ),
    Point(
        "complement", "what a filter leaves out is nobody or at least k persons",
        "hub/query/suppress.py",
        "(not held.beyond or held.outside >= k)", "True",
        (f"{FIGURE}test_what_a_filter_leaves_out_is_nobody_or_enough",),
    ),
    Point(
        "persons with a value", "a figure over one field is over at least k who have a value",
        "hub/query/suppress.py",
        "if gone[None] or gone[over]:", "if gone[None]:",
        (f"{FIGURE}test_a_figure_over_one_field_is_over_those_who_have_a_value",),
    ),
    Point(
        "persons and rows", "many rows of one person are one person",
        "hub/query/suppress.py",
        "persons: int = max((row[name] for name in guard.persons), default=rows)",
        "persons: int = rows",
        (f"{FIGURE}test_many_rows_of_one_person_are_one_person",),
    ),
    Point(
        "rounding", "counts are rounded",
        "hub/query/suppress.py",
        "elif name in guard.rounded:", "elif False:",
        (f"{FIGURE}test_counts_are_rounded_and_means_are_not",),
    ),
    Point(
        "dimensions", "figures are grouped by at most so many fields",
        "hub/query/figures.py",
        "if groups > bound.dimensions:", "if False:",
        (f"{FIGURE}test_refused_before_any_source_is_called",),
    ),
    Point(
        "one filter", "figures over a type have one filter in an operation",
        "hub/query/figures.py",
        "if filters.setdefault(type_name, wish) != wish:", "if False:",
        (f"{FIGURE}test_refused_before_any_source_is_called",),
    ),
    Point(
        "totals of lists", "a total follows the rules of figures",
        "hub/query/planner.py",
        "if noted:\n                counted", "if False:\n                counted",
        (f"{FIGURE}test_totals_of_lists",),
    ),
    Point(
        "totals of relations", "a total below one row is a figure about that row, and null",
        "hub/query/planner.py",
        "if totals and not noted:", "if totals:",
        (f"{FIGURE}test_totals_of_lists",),
    ),
)
