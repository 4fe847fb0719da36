"""Enforcement points of rules about several fields."""

from __future__ import annotations

from tests.mutation.point import Point

JOINT = "tests/policies/test_joint.py::"
TOGETHER = "tests/scenarios/test_fields_together.py::"
MOSAIC = "tests/hub/store/test_mosaics.py::"
JOINTLY = "policies/jointly.py"

# fmt: off
COMBINED = (
    Point(
        "together (operations)", "uses that may not go together refuse the operation",
        "hub/query/envelope.py",
        "if together is not None and together.refused is not None:", "if False:",
        (f"{TOGETHER}test_all_ways_to_ask_for_them_together",
         f"{TOGETHER}test_a_combination_raises_the_answer"),
    ),
    Point(
        "level of a combination", "what a combination raises is compared with the clearance",
        JOINTLY,
        "cleared = self._packs.scheme.dominates(subject.clearance, label)", "cleared = True",
        (f"{JOINT}test_a_combination_raises_what_its_reader_must_be_cleared_for",),
    ),
    Point(
        "combination above the ceiling", "what a combination raises above the ceiling is nobody's",
        JOINTLY,
        "return cleared and under_ceiling(label, self._packs, self._ceiling)", "return cleared",
        (f"{JOINT}test_a_combination_above_the_ceiling_is_for_nobody",),
    ),
    Point(
        "label of a combination", "the answer carries the level that a combination raises it to",
        "hub/query/label.py",
        "asked += [Label(levels=(one.level,)) for one in (ruling.together or Together()).raised]",
        "pass",
        (f"{TOGETHER}test_a_combination_raises_the_answer",),
    ),
    Point(
        "combinations of packs", "what a pack says of several fields is in force",
        "policies/inbuilt.py",
        "joint=tuple(replace(rule, name=prefix + rule.name) for rule in joint),", "",
        (f"{TOGETHER}test_a_pack_combines_too",),
    ),
    Point(
        "mosaic in one operation", "more parts than a mosaic allows refuse the operation",
        JOINTLY, "return len(parts) > rule.most", "return False",
        (f"{JOINT}test_every_use_counts",
         f"{TOGETHER}test_all_ways_to_ask_for_them_together"),
    ),
    Point(
        "keys of relations together", "whoever follows a relation uses its keys",
        JOINTLY, "for key in keys & fields:", "for key in ():",
        (f"{JOINT}test_following_a_relation_uses_its_keys",),
    ),
    Point(
        "categories together", "a field of a part's category is one of the part",
        JOINTLY, "if at in part.fields or any(", "if at in part.fields or None and any(",
        (f"{JOINT}test_categories_are_parts",),
    ),
    Point(
        "masked uses", "what is shown under a mask counts as used",
        JOINTLY, "return mask not in _UNSEEN", "return False",
        (f"{JOINT}test_a_mask_counts_unless_it_leaves_nothing",),
    ),
    Point(
        "masks that leave nothing", "what is masked to nothing is no use, so nothing is told by it",
        JOINTLY, "return mask not in _UNSEEN", "return True",
        (f"{JOINT}test_a_mask_counts_unless_it_leaves_nothing",),
    ),
    Point(
        "uses in some rows", "what is shown in some rows counts as used",
        JOINTLY, "return any(_is_used(seen) for _, seen in cases)", "return False",
        (f"{JOINT}test_what_is_shown_in_some_rows_counts",),
    ),
    Point(
        "together on unknown", "a rule about several fields holds unless its condition is FALSE",
        JOINTLY,
        "return reduce(self._rules[number].when, seen) != FALSE",
        'return getattr(reduce(self._rules[number].when, seen), "value", None) is True',
        (f"{JOINT}test_whom_it_is_for",),
    ),
    Point(
        "grants of the whole", "only a grant of the whole set speaks of its combination",
        JOINTLY,
        "covering = [grant for grant in grants if fields <= grant.fields.keys()]",
        "covering = [grant for grant in grants if fields & grant.fields.keys()]",
        (f"{JOINT}test_only_a_grant_of_the_whole_set_spares_it",),
    ),
    Point(
        "order that the hub chose", "the hub orders by nothing that would use up a mosaic",
        JOINTLY, "given_up |= more.asked(number)", "pass",
        (f"{JOINT}test_an_order_that_the_hub_chose_is_given_up",
         f"{TOGETHER}test_the_key_orders_nothing_that_may_not_be_used"),
    ),
    Point(
        "mosaic that nobody counts", "what nobody keeps count of may not be used at all",
        JOINTLY,
        "if rule.per_s is not None and not self._counted:", "if False:",
        (f"{JOINT}test_what_nobody_counts_may_not_be_used",),
    ),
    Point(
        "mosaic over time", "what was used before counts with what is asked now",
        "hub/query/mosaic.py",
        "if not await counts.use(_noted_all(windows, whose)):",
        "if not await counts.use(_noted_all(windows, whose)) and False:",
        (f"{TOGETHER}test_over_a_day_on_every_door",
         "tests/hub/query/test_over_time.py::test_what_there_is_no_room_for_is_not_told"),
    ),
    Point(
        "parts of before", "parts that were used lately are counted",
        "hub/store/mosaics.py",
        "if len({*connection.scalars(living), *used.parts}) > used.most:",
        "if len(used.parts) > used.most:",
        (f"{MOSAIC}test_splitting_does_not_get_around_it",
         f"{MOSAIC}test_it_is_any_stretch_of_time_and_no_calendar_day"),
    ),
    Point(
        "clock of parts", "no clock that is behind shortens how long a part counts",
        "hub/store/mosaics.py",
        "(mosaic_parts.c.ends > fresh.excluded.ends, mosaic_parts.c.ends),",
        "(mosaic_parts.c.ends > fresh.excluded.ends, fresh.excluded.ends),",
        (f"{MOSAIC}test_a_clock_that_is_behind_shortens_nothing",),
    ),
    Point(
        "mosaic without its store", "where parts cannot be counted nothing is told",
        "hub/store/mosaics.py",
        'raise HubError("QUOTA_UNAVAILABLE", message) from None', "return True",
        (f"{MOSAIC}test_without_the_store_nothing_is_told",
         f"{TOGETHER}test_others_and_other_fields_pay_nothing"),
    ),
    Point(
        "mosaic without counts", "where there is no store of parts nothing is told",
        "hub/query/mosaic.py",
        'raise HubError("QUOTA_UNAVAILABLE", "what is used together cannot be counted")',
        "return await work()",
        ("tests/hub/query/test_over_time.py::test_what_nobody_counts_is_not_told",),
    ),
)
