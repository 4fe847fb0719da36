"""Enforcement points between a document and its plan: every use asked about, and its cost."""

from __future__ import annotations

from tests.mutation.point import Point

ANSWER = "tests/hub/query/test_answer.py::"
PARSE = "tests/hub/query/test_parse.py::"
BOUNDS = "tests/hub/query/test_bounds.py::"
SDL = "tests/schema/graph/test_sdl.py::"
APART = "tests/hub/query/test_held_apart.py::"
CHANNEL = "tests/scenarios/test_channels.py::"
FURTHER = f"{APART}test_every_further_way_to_ask_is_asked_about"
FORBIDDEN = f"{ANSWER}test_forbidden_before_any_source"
TRANSLATE, FILTERS = "hub/query/translate.py", "hub/query/filters.py"

# fmt: off
ASKED = (
    Point(
        "own schema", "the schema that a caller reads and is validated by is its own",
        "hub/query/answer.py",
        "face = build_face(self.catalogue, visible)",
        'whole = __import__("schema.model.whole", fromlist=["whole"])\n'
        "            face = build_face(self.catalogue, whole.see_everything(self.catalogue))",
        (f"{CHANNEL}test_14_each_generated_type_is_the_callers_own",),
    ),
    Point(
        "own fields", "a type of the schema has the fields that exist for the caller",
        "schema/graph/types.py",
        'return Coordinate(f"{entity.name}.{name}") in self._visible.selectable', "return True",
        (f"{CHANNEL}test_14_each_generated_type_is_the_callers_own",),
    ),
    Point(
        "own orders", "an order enumeration holds what the caller may sort by",
        "schema/graph/inputs.py",
        'if self._visible.may(f"{entity.name}.{field}", "sort"):', "if True:",
        (f"{SDL}test_clerk_sees_only_what_it_may_use",),
    ),
    Point(
        "own groups", "a group enumeration holds what the caller may group by",
        "schema/graph/inputs.py",
        'if self._visible.may(f"{entity.name}.{field}", "group")', "if True",
        (f"{SDL}test_clerk_sees_only_what_it_may_use",),
    ),
    Point(
        "own filters", "a filter holds what the caller may filter by",
        "schema/graph/inputs.py",
        'if self._visible.may(at, "filter_eq"):\n            found += EQ',
        "if True:\n            found += EQ",
        (f"{SDL}test_clerk_sees_only_what_it_may_use",),
    ),
    Point(
        "own figures", "an aggregate holds the figures that the caller may ask for",
        "schema/graph/types.py",
        "return use in self._visible.uses", "return True",
        (f"{CHANNEL}test_14_each_generated_type_is_the_callers_own",),
    ),
    Point(
        "own look-ups", "a look-up takes the keys that the caller may test for equality",
        "schema/graph/types.py",
        'if all(may(coordinate(entity.name, part), "filter_eq") for part in key)', "if True",
        (f"{SDL}test_a_masked_key_cannot_be_looked_up",),
    ),
    Point(
        "no suggestions", "an error names nothing that the caller's schema does not hold",
        "hub/query/parse.py",
        "hide_suggestions=True", "hide_suggestions=False",
        (f"{PARSE}test_nothing_is_suggested_or_named",),
    ),
    Point(
        "refused before data", "one use that is not allowed refuses the operation",
        "hub/query/envelope.py",
        "if isinstance(outcome, Reject):", "if False:",
        (FORBIDDEN,),
    ),
    Point(
        "use without a ruling", "a use that was not ruled on is refused",
        "hub/query/envelope.py",
        "outcome = ruling.outcomes.get(use, Reject())\n        if",
        "outcome = ruling.outcomes.get(use, Allow())\n        if",
        (f"{APART}test_what_the_engine_does_not_rule_on_is_refused",),
    ),
    Point(
        "filter (equality)", "`eq` asks for the right to filter",
        FILTERS, "self._use(FieldUse(at, known[1]))", "pass", (FORBIDDEN,),
    ),
    Point(
        "filter (presence)", "`isNull` asks for the right to filter",
        FILTERS,
        'case "isNull":\n                self._use(FieldUse(at, "filter_eq"))', 'case "isNull":',
        (FORBIDDEN,),
    ),
    Point(
        "filter (among)", "`in` asks for the right to filter",
        FILTERS,
        'case "in":\n                self._use(FieldUse(at, "filter_eq"))', 'case "in":',
        (FURTHER,),
    ),
    Point(
        "filter (not equal)", "`ne` asks for the right to filter",
        FILTERS,
        'case "ne":\n                self._use(FieldUse(at, "filter_eq"))', 'case "ne":',
        (FURTHER,),
    ),
    Point(
        "filter (range)", "`between` asks for the right to filter",
        FILTERS, 'self._use(FieldUse(at, "filter_range"))', "pass", (FORBIDDEN,),
    ),
    Point(
        "filter through relations", "a filter on related rows asks for the right to follow",
        FILTERS,
        'self._use(FieldUse(coordinate(relation.of, relation.name), "traverse"))', "pass",
        (FORBIDDEN,),
    ),
    Point(
        "sort", "`orderBy` asks for the right to sort",
        TRANSLATE, 'self._use(FieldUse(coordinate(entity.name, field), "sort"))', "pass",
        (FORBIDDEN, f"{ANSWER}test_spelling_changes_no_decision"),
    ),
    Point(
        "group", "`groupBy` asks for the right to group",
        TRANSLATE, 'self._use(FieldUse(coordinate(entity.name, name), "group"))', "pass",
        (FORBIDDEN,),
    ),
    Point(
        "aggregate", "a figure over a field asks for the right to aggregate",
        TRANSLATE, 'self._use(FieldUse(at, "aggregate", name))', "pass",
        (FORBIDDEN,),
    ),
    Point(
        "traverse", "following a relation asks for the right to",
        TRANSLATE, 'self._use(FieldUse(coordinate(entity.name, name), "traverse"))', "pass",
        (FORBIDDEN,),
    ),
    Point(
        "list", "a list asks for the right to list",
        TRANSLATE, 'self._use(FieldUse(coordinate(entity.name), "list"))', "pass",
        (FORBIDDEN,),
    ),
    Point(
        "open by key", "a look-up asks for the right to open one row",
        TRANSLATE,
        'self._use(FieldUse(coordinate(entity.name), "open"))\n        selection', "selection",
        (FURTHER,),
    ),
    Point(
        "open by id", "`node` asks for the right to open one row",
        TRANSLATE,
        'self._use(FieldUse(coordinate(entity.name), "open"))\n                selection',
        "selection",
        (FURTHER,),
    ),
    Point(
        "keys of look-ups", "a look-up asks for the right to test its key for equality",
        TRANSLATE, 'self._use(FieldUse(coordinate(entity.name, part), "filter_eq"))', "pass",
        (FORBIDDEN,),
    ),
    Point(
        "count (figures)", "an aggregate asks for the right to count",
        TRANSLATE,
        'self._use(FieldUse(coordinate(entity.name), "count"))\n        wish', "wish",
        (FORBIDDEN,),
    ),
    Point(
        "count (totals)", "`totalCount` asks for the right to count",
        TRANSLATE,
        'self._use(FieldUse(coordinate(entity.name), "count"))\n                return', "return",
        (FORBIDDEN,),
    ),
    Point(
        "conditional fields", "what `@skip` and `@include` leave out is asked about all the same",
        "hub/query/collect.py",
        "                yield node, on\n",
        "                if not on:\n"
        "                    continue\n                yield node, on\n",
        (f"{ANSWER}test_spelling_changes_no_decision",),
    ),
)

BOUNDED = (
    Point(
        "cost", "an operation costs at most so much",
        "hub/query/parse.py",
        "if cost.total(params) > limits.max_cost:", "if False:",
        (f"{PARSE}test_refused", f"{PARSE}test_variables"),
    ),
    Point(
        "page size", "a page has at most so many rows",
        "hub/query/variables.py",
        "if value > limits.max_page:", "if False:",
        (f"{PARSE}test_refused",),
    ),
    Point(
        "depth", "an operation is nested at most so deep",
        TRANSLATE, "if depth > self._limits.max_depth:", "if False:",
        (f"{PARSE}test_refused",),
    ),
    Point(
        "aliases", "an operation has at most so many aliases",
        "hub/query/bounds.py",
        "if aliases > limits.max_aliases:", "if False:",
        (f"{PARSE}test_refused",),
    ),
    Point(
        "fragments expanded", "fragments come to at most so many fields",
        "hub/query/bounds.py",
        "if self._fields < 0:", "if False:",
        (f"{BOUNDS}test_refused_while_it_is_walked",),
    ),
    Point(
        "fetches", "a plan has at most so many fetches",
        "hub/query/pushdown.py",
        "if self._fetches_left < 0:", "if False:",
        (f"{BOUNDS}test_fetches_of_one_plan_are_bounded",),
    ),
    Point(
        "groups", "an aggregate has at most so many groups, and is never cut",
        "hub/query/executor.py",
        "if isinstance(bound, int) and batch.rows >= bound:", "if False:",
        ("tests/hub/query/test_groups.py::test_too_many_groups_are_an_error_and_never_cut",),
    ),
    Point(
        "introspection", "an introspection is worth a few standard ones",
        "hub/query/introspection.py",
        "if wanted > limits.max_schema_reads *", "if False and wanted >",
        ("tests/hub/query/test_introspection.py::test_refused",),
    ),
)
