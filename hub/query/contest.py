"""Fields that several sources have: compared row by row, settled, and told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from connectors.kit.blind import digest_of
from connectors.kit.together import together
from hub.query.combine import Columns, distinct_keys, first_by_key, key_column
from hub.query.run import Run, partial
from hub.query.steps import Contest, Contested, Fetch
from schema.errors import HubError
from schema.model.names import Coordinate
from schema.model.scalar import PLAIN_ORDER, order_key

KEYS = 10
"""Keyed hashes of rows that owners are told of a field."""
OWNERS = "owners"
"""Whose salt the hashes have: nobody who asks, so that they say nothing to who does."""


class Differing(msgspec.Struct, frozen=True, kw_only=True):
    """Where two sources have different values of one field; never a value."""

    coordinate: Coordinate
    source: str
    department: str
    other: str
    other_department: str
    count: int
    keys: tuple[str, ...]
    """Keyed hashes of the rows' keys, at most `KEYS`."""


async def settled(contests: Sequence[Contest], columns: Columns, run: Run) -> Columns:
    """The columns with the values that are given; what differs is counted and told."""
    made = dict(columns)
    for changed in await together([_settled(contest, columns, run) for contest in contests]):
        made.update(changed)
    return made


async def _settled(contest: Contest, columns: Columns, run: Run) -> Mapping[str, Sequence[Any]]:
    ours = key_column(columns, [here for here, _ in contest.on])
    keys = distinct_keys(ours, len(contest.on) == 1)
    wanted: list[Fetch] = [contest.fetch]
    if contest.since is not None:
        wanted.append(contest.since)
    try:
        found = await together([run.fetch(fetch, keys) for fetch in wanted])
    except HubError as error:
        partial(error)
        return _uncompared(contest, error, len(ours), run)
    theirs = key_column(found[0].columns, [there for _, there in contest.on])
    later: Sequence[bool] = ()
    if contest.since is not None and contest.changed and contest.since_column:
        there = first_by_key(theirs, found[0].columns[contest.changed])
        own_keys = key_column(found[1].columns, contest.since_on)
        here = first_by_key(own_keys, found[1].columns[contest.since_column])
        later = [_later(there.get(key), here.get(key)) for key in ours]
    made: dict[str, Sequence[Any]] = {}
    for field in contest.fields:
        by_key = first_by_key(theirs, found[0].columns[field.theirs])
        values = [by_key.get(key) for key in ours]
        rows = differing(field, columns[field.ours], values)
        _tell(contest, field, rows, ours, run)
        if later and rows:
            given = list(columns[field.ours])
            for row in rows:
                if later[row]:
                    given[row] = values[row]
            made[field.ours] = given
    return made


def differing(field: Contested, ours: Sequence[Any], theirs: Sequence[Any]) -> list[int]:
    """The rows where both have a value, and another one."""
    pairs = [
        row
        for row, (one, two) in enumerate(zip(ours, theirs, strict=True))
        if one is not None and two is not None and one != two
    ]
    if field.kind in PLAIN_ORDER:
        return pairs
    turn = order_key(field.kind)
    return [row for row in pairs if turn(ours[row]) != turn(theirs[row])]


def _later(there: Any, here: Any) -> bool:
    if there is None:
        return False
    turn = order_key("DateTime")
    return here is None or bool(turn(there) > turn(here))


def _uncompared(
    contest: Contest, error: HubError, rows: int, run: Run
) -> Mapping[str, Sequence[Any]]:
    """The authoritative source's values stay; which value is the latest is not known then."""
    made: dict[str, Sequence[Any]] = {}
    for field in contest.fields:
        run.compared(field, None)
        if field.latest:
            for path in field.paths:
                run.failed(error, path, contest.fetch.department)
            # fails closed: an older value is not given for the latest
            made[field.ours] = [None] * rows
    return made


def _tell(
    contest: Contest, field: Contested, rows: Sequence[int], keys: Sequence[Any], run: Run
) -> None:
    run.compared(field, len(rows))
    if not rows:
        return
    salt = run.world.seal.blind(OWNERS, field.coordinate.partition(".")[0])
    some = [keys[row] for row in rows[:KEYS]]
    parts = [key if isinstance(key, tuple) else (key,) for key in some]
    run.world.on_differing(
        Differing(
            coordinate=field.coordinate,
            source=contest.source,
            department=contest.department,
            other=contest.fetch.source,
            other_department=contest.fetch.department,
            count=len(rows),
            keys=tuple(digest_of(salt, [str(one) for one in part])[:16] for part in parts),
        )
    )
