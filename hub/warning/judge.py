"""What rules find in what was counted up to a moment."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import assert_never

import msgspec

from hub.store.counts import Counts
from hub.store.sourcehours import Hour
from hub.warning.fold import DAY, HOUR, SHORT
from hub.warning.rule import Rule
from hub.warning.usual import usual
from policies.clock import Calendar
from policies.grant import Grant
from policies.window import zone_of

_WEEK = 7 * DAY
_LATE_S = 2 * HOUR
"""What was seen of a source longer ago than this says nothing of it now."""
MOST = 100
"""Matches of one rule at one moment; the greatest count."""


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a rule found. Units: Unix seconds."""

    rule: Rule
    app: str = ""
    department: str = ""
    source: str = ""
    what: str = ""
    element: str = ""
    """Of the catalogue, of which `what` tells; empty where it tells of none."""
    since: float
    at: float
    amount: int
    expected: float = 0.0


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """What rules look at beside the counts."""

    calendars: Mapping[str, Calendar]
    grants: Sequence[Grant] = ()
    hours: Sequence[Hour] = ()
    """The last hour that each source was looked at."""


def moments(counts: Counts, after: int, until: int) -> tuple[int, ...]:
    """When there is anything to judge: ends of stretches in which something was counted."""
    found: set[int] = set()
    for starts in counts.active(SHORT, "operations", after - HOUR, until):
        end = starts + SHORT
        found |= {end, end + -end % HOUR}
    return tuple(sorted(one for one in found if after < one <= until))


def counted(rule: Rule, counts: Counts, at: int, judged: Judged) -> tuple[Match, ...]:
    """What a rule finds at a moment in what was counted, the greatest first.

    Raises: `HubError` CONFIG_INVALID where its calendar does not cover the year.
    """
    match rule.kind:
        case "volume":
            found = _volume(rule, counts, at)
        case "first_use":
            found = _first_use(rule, counts, at)
        case "hours":
            found = _hours(rule, counts, at, judged.calendars[rule.calendar])
        case "enumeration":
            found = _enumeration(rule, counts, at)
        case "probing":
            found = _probing(rule, counts, at)
        case "lapse" | "late":
            found = iter(())
        case _:
            assert_never(rule.kind)
    return tuple(sorted(found, key=lambda one: (-one.amount, one.app, one.what))[:MOST])


def standing(rule: Rule, at: float, judged: Judged) -> tuple[Match, ...]:
    """What a rule finds in how things stand now, the most urgent first."""
    match rule.kind:
        case "lapse":
            found = _lapse(rule, at, judged.grants)
        case "late":
            found = _late(rule, at, judged.hours)
        case _:
            found = iter(())
    return tuple(found)[:MOST]


def _wanted(rule: Rule, app: str) -> bool:
    if rule.owner.app is not None and app != rule.owner.app:
        return False  # fails closed: an application is told of itself only
    return not rule.apps or app in rule.apps


def _volume(rule: Rule, counts: Counts, at: int) -> Iterator[Match]:
    if at % HOUR:
        return
    start = at - rule.window_s
    now = {
        (app, what): amount
        for (app, what), amount in counts.sums(HOUR, rule.of, start, at, least=rule.least).items()
        if _wanted(rule, app) and (rule.of == "operations" or rule.about(what))
    }
    if not now:
        return
    begun = {use.app: use.first_at for use in counts.uses(element="")}
    shifts = [week * _WEEK for week in range(1, rule.weeks + 1)]
    past = [(start - s, counts.sums(HOUR, rule.of, start - s, at - s)) for s in shifts]
    for key, amount in now.items():
        app, what = key
        # weeks before the application began say nothing of what is usual
        held = [sums.get(key, 0) for began, sums in past if began >= begun.get(app, at)]
        normal = usual(held, rule.spread)
        unusual = normal is not None and amount > normal.limit
        if unusual or (rule.most is not None and amount > rule.most):
            limit = normal.limit if unusual and normal is not None else float(rule.most or 0)
            yield Match(
                rule=rule, app=app, what=what, element=what, since=start, at=at, amount=amount,
                expected=limit,
            )  # fmt: skip


def _first_use(rule: Rule, counts: Counts, at: int) -> Iterator[Match]:
    fresh = counts.uses(first=(at - SHORT, at))
    if not fresh:
        return
    begun = {use.app: use.first_at for use in counts.uses(element="")}
    for use in fresh:
        known = use.element and use.first_at - begun.get(use.app, use.first_at) >= rule.learn_s
        if known and _wanted(rule, use.app) and rule.about(use.element):
            yield Match(
                rule=rule, app=use.app, what=use.element, element=use.element,
                since=use.first_at, at=at, amount=use.amount,
            )  # fmt: skip


def _hours(rule: Rule, counts: Counts, at: int, calendar: Calendar) -> Iterator[Match]:
    start = at - SHORT
    moment = dt.datetime.fromtimestamp(start, zone_of(calendar.zone))
    minute = moment.hour * 60 + moment.minute
    if calendar.works(moment.date()) and rule.start <= minute < rule.end:
        return
    for (app, _), amount in counts.sums(SHORT, "operations", start, at, least=rule.least).items():
        if _wanted(rule, app):
            yield Match(rule=rule, app=app, since=start, at=at, amount=amount)


def _enumeration(rule: Rule, counts: Counts, at: int) -> Iterator[Match]:
    start = at - rule.window_s
    for (app, what), amount in counts.sums(SHORT, rule.of, start, at, least=rule.least).items():
        element = what.partition(" ")[0]
        if _wanted(rule, app) and rule.about(element):
            yield Match(
                rule=rule, app=app, what=what, element=element, since=start, at=at,
                amount=amount, expected=rule.least,
            )  # fmt: skip


def _probing(rule: Rule, counts: Counts, at: int) -> Iterator[Match]:
    start = at - rule.window_s
    by_app: Counter[str] = Counter()
    for (app, code), amount in counts.sums(SHORT, "refused", start, at).items():
        if _wanted(rule, app) and (not rule.codes or code in rule.codes):
            by_app[app] += amount
    what = next(iter(rule.codes)) if len(rule.codes) == 1 else ""
    for app, amount in by_app.items():
        if amount >= rule.least:
            yield Match(
                rule=rule, app=app, what=what, since=start, at=at, amount=amount,
                expected=rule.least,
            )  # fmt: skip


def _lapse(rule: Rule, at: float, grants: Sequence[Grant]) -> Iterator[Match]:
    for grant in sorted(grants, key=lambda one: (one.live.until, one.live.id)):
        live = grant.live
        left = live.until - at
        over = live.revoked is not None and live.revoked <= at
        if over or not 0 < left <= rule.days * DAY or not _wanted(rule, live.app or ""):
            continue
        yield Match(
            rule=rule, app=live.app or "", department=live.department or "", what=live.id,
            since=live.since, at=at, amount=int(left // DAY), expected=rule.days,
        )  # fmt: skip


def _late(rule: Rule, at: float, hours: Sequence[Hour]) -> Iterator[Match]:
    for hour in hours:
        if hour.age_s is None or hour.expect_s is None or at - hour.last_at > _LATE_S:
            continue
        if rule.sources and hour.source not in rule.sources:
            continue
        if hour.age_s > hour.expect_s + rule.grace_s:
            yield Match(
                rule=rule, department=hour.department, source=hour.source,
                since=hour.last_at - hour.age_s, at=at, amount=int(hour.age_s),
                expected=hour.expect_s,
            )  # fmt: skip
