"""Enforcement points of owners' signed floors: nothing less is released or served."""

from __future__ import annotations

from tests.mutation.point import Point

FLOOR = "tests/hub/rollout/test_floors.py::"
VOUCHED = "tests/hub/rollout/test_vouched_for.py::"
LESS = f"{FLOOR}test_less_than_was_signed_is_told"
VALUES, KEPT = "hub/rollout/floor.py", "hub/rollout/floors.py"

# fmt: off
FLOORED = (
    Point(
        "signed floors", "a catalogue with less than an owner has signed is refused",
        VALUES, "    if not found:\n        return\n    first", "    return\n    first",
        (LESS, f"{FLOOR}test_a_roll_back_brings_no_lower_floor_back"),
    ),
    Point(
        "levels of a floor", "no level is below the one that was signed",
        VALUES, "return ladder.rank(held) >= ladder.rank(level)", "return True",
        (f"{FLOOR}test_a_level_is_kept_as_the_ladder_says",),
    ),
    Point(
        "owner of a floor", "a field with a signed floor keeps its owner, whom the floor spares",
        VALUES, "if field.owner != DepartmentName(department):", "if False:",
        (f"{FLOOR}test_another_owner_is_less",),
    ),
    Point(
        "columns of a floor", "a column under another name keeps its floor",
        VALUES, "for at in sorted(set(now) - set(column.fields)):", "for at in ():", (LESS,),
    ),
    Point(
        "ground of a floor", "whose a field is and what its values are stays what was signed",
        VALUES, "if words and not twin:", "if False:",
        (f"{FLOOR}test_what_rules_go_by_is_signed_too",),
    ),
    Point(
        "sources of a floor", "a source under another name has the columns that were signed",
        VALUES, "*placed.get((column.place, column.table, column.column), []),", "",
        (f"{FLOOR}test_a_source_under_another_name_has_the_same_columns",),
    ),
    Point(
        "weights of a floor", "rule packs that weigh a signed word otherwise need a new signature",
        "hub/rollout/weighed.py",
        "return frozenset(word for word in words if signed.get(word) != _weight(word, packs))",
        "return frozenset()",
        (f"{FLOOR}test_packs_that_weigh_a_signed_word_otherwise_ask_for_a_signature",),
    ),
    Point(
        "rows of a floor", "what rows are found by stays what was signed",
        VALUES, "and one.reads == signed.reads", "", (LESS,),
    ),
    Point(
        "floors served", "a worker takes up no catalogue with less than was signed",
        "hub/rollout/watch.py", "self._floors.check(loaded)", "pass",
        (f"{FLOOR}test_a_hub_does_not_begin_with_less",
         f"{FLOOR}test_a_roll_back_brings_no_lower_floor_back"),
    ),
    Point(
        "floors before a release", "nothing comes into force over less than was signed",
        KEPT,
        "check_kept(floors_of(desk).read(), loaded.catalogue, loaded.packs, loaded.places)",
        "pass", (f"{FLOOR}test_nothing_is_released_over_less", LESS),
    ),
    Point(
        "whose floor", "a department signs for its own fields",
        KEPT,
        "if [one.signer.who for one in by] != [row.about] or floor.department != row.about:",
        "if False:", (f"{FLOOR}test_one_departments_signature_is_none_for_another",),
    ),
    Point(
        "officers and floors", "no officer signs a floor",
        KEPT, 'if signer.sort != "owner":', "if False:", (f"{FLOOR}test_who_signs_a_floor",),
    ),
    Point(
        "an old floor", "a floor that was replaced does not stand for the newest",
        KEPT, "if floor.serial != row.serial:", "if False:",
        (f"{FLOOR}test_a_floor_changed_by_hand_is_not_served_under",),
    ),
    Point(
        "floors that are gone", "a worker misses a floor that it has seen",
        KEPT, "if name in self._departments and not mark.reached_by(rows.get(name)):", "if False:",
        (f"{FLOOR}test_a_floor_that_is_gone_is_missed",
         f"{VOUCHED}test_a_floor_that_is_gone_is_missed_after_a_restart"),
    ),
    Point(
        "lower on purpose", "a department signs no lower floor unless it says so",
        KEPT, "if less and not lower:", "if False:", (LESS,),
    ),
)
