"""The circumstances that rules tell apart, each once: purposes, places, cases and times."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import product

from policies.attributes import SET_ATTRIBUTES, TEXT_ATTRIBUTES
from policies.compile import Tables
from policies.condition import (
    Attribute,
    Condition,
    Literally,
    OneOf,
    RegionWithin,
    leaves_of,
    needs_purpose,
    terms_of,
)
from policies.delegation import Delegation
from policies.grant import Grant
from policies.window import Window
from schema.errors import HubError
from schema.model.subject import CIRCUMSTANCES, Context, Subject

MOST = 20_000
OTHER = "\N{REPLACEMENT CHARACTER}"
"""Stands for every value that no rule names."""
_DAY = 86_400.0
_SEASONS = (0.0, 91 * _DAY, 182 * _DAY, 273 * _DAY)


def circumstances(
    tables: Tables,
    grants: Sequence[Grant],
    subject: Subject,
    *,
    begin: float,
    purposes: Iterable[str] | None = None,
    together: Sequence[Condition] = (),
    delegations: Sequence[Delegation] = (),
) -> tuple[Context, ...]:
    """Contexts such that the rules decide any other, from `begin` on, like one of them.

    `purposes`: only these are stated; otherwise each that the subject may state, and none.
    `together`: the conditions of rules about several fields.
    Raises: `HubError` TOO_COSTLY where there are too many.
    """
    conditions = [
        *together,
        *(held for one in tables.variants for held in (one.when, one.rows) if held is not None),
    ]
    stated: list[str | None] = [None]
    if purposes is not None:
        stated = list(dict.fromkeys(purposes))
    elif subject.acting_for is not None or any(needs_purpose(held) for held in conditions):
        stated += sorted(subject.purposes)
    places: list[list[str | None]] = [
        [None, *_values(conditions, name, subject)] for name in CIRCUMSTANCES
    ]
    rules = (one.rule for one in tables.variants)
    windows = tuple(dict.fromkeys(one.window for one in rules if one.window is not None))
    lives = [grant.live for grant in grants]
    if subject.acting_for is not None:
        lives += [one.live for one in delegations]
    turns = sorted({one for live in lives for one in live.moments()})
    times = tuple(_times(windows, turns, begin))
    count = len(stated) * len(times)
    for values in places:
        count *= len(values)
    if count > MOST:
        raise HubError(
            "TOO_COSTLY",
            "the rules tell too many circumstances apart",
            hint="name a purpose with --purpose, or fewer callers",
        )
    return tuple(
        Context(purpose=purpose, now=now, network_zone=zone, acr=acr, case_id=case)
        for purpose in stated
        for now in times
        for zone, acr, case in product(*places)
    )


def _values(conditions: Sequence[Condition], name: str, subject: Subject) -> list[str]:
    """The values of an attribute of the context that some condition may tell from others."""
    found: dict[str, None] = {}
    read = False
    for leaf in (leaf for held in conditions for leaf in leaves_of(held)):
        terms = terms_of(leaf)
        if Attribute("context", name) not in terms:
            continue
        read = True
        if isinstance(leaf, OneOf) and not isinstance(leaf.among, Attribute):
            found |= dict.fromkeys(str(value) for value in leaf.among)
        for term in terms:
            for value in _of(term, subject):
                found[value] = None
                if isinstance(leaf, RegionWithin):
                    # a region holds another whose code begins like its own
                    found |= dict.fromkeys(value[: end + 1] for end in range(len(value)))
    return [*found, OTHER] if read else []


def _of(term: object, subject: Subject) -> Iterable[str]:
    match term:
        case Literally(value=value):
            return (str(value),)
        case Attribute(space="subject", name=name) if name in TEXT_ATTRIBUTES:
            return (TEXT_ATTRIBUTES[name](subject) or "",)
        case Attribute(space="subject", name=name) if name in SET_ATTRIBUTES:
            return SET_ATTRIBUTES[name](subject)
        case _:
            return ()


def _times(windows: Sequence[Window], turns: Sequence[float], begin: float) -> Iterator[float]:
    """A moment for each state of all windows and grants that comes from `begin` on."""
    seen: set[tuple[object, ...]] = set()
    days = [day for one in windows for day in (one.first, one.last) if day is not None]
    ends = [dt.datetime.fromisoformat(day).replace(tzinfo=dt.UTC).timestamp() for day in days]
    starts = {begin + season for season in _SEASONS}
    for at in (*turns, *ends):
        # on both sides of what ends or begins, each day of the week in each season
        starts |= {at, at - 9 * _DAY, *(at + season for season in _SEASONS)}
    for start in sorted(one for one in starts if one >= begin):
        now = start
        while now < start + 18 * _DAY:
            state = (*(one.is_open(now) for one in windows), bisect_right(turns, now))
            if state not in seen:
                seen.add(state)
                yield now
            now = min((one.next_change(now) for one in windows), default=float("inf"))
