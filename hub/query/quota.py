"""Quotas: what an operation asks is counted, and refused past the limit, before it is told.

What was attempted counts, also if nothing of it leaves: so a refusal tells a caller once that it
is near the limit, and trying again, with other filters or smaller pages, tells no more.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, Protocol

import msgspec
import orjson
from msgspec import structs

from hub.query.persons import Tally
from hub.query.run import Run
from hub.store.quotas import Charge
from policies.obligation import Quota, QuotaHolder
from policies.ruling import Ruling
from schema.errors import HubError
from schema.model.names import TypeName, split_coordinate
from schema.model.subject import Subject

_HASH_BYTES = 16


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """A quota with the types whose rows and persons it counts."""

    quota: Quota
    types: tuple[TypeName, ...]


class Counters(Protocol):
    """Where counts are kept, for all workers."""

    async def charge(self, charges: Sequence[Charge]) -> bool:
        """Add, all at once; whether every count is within its limit. What is added stays added.

        Raises: `HubError` QUOTA_UNAVAILABLE.
        """
        ...


def dues_of(ruling: Ruling) -> tuple[Due, ...]:
    """The quotas of an operation, each once."""
    found: dict[Quota, set[TypeName]] = {}
    most: dict[Quota, int] = {}
    for use, obligations in ruling.obligations.items():
        for one in obligations:
            if isinstance(one, Quota):
                counted = structs.replace(one, most=0)
                found.setdefault(counted, set()).add(split_coordinate(use.coordinate)[0])
                most[counted] = min(one.most, most.get(counted, one.most))
    return tuple(
        Due(quota=structs.replace(one, most=most[one]), types=tuple(sorted(types)))
        for one, types in found.items()
    )


async def metered(
    meter: Meter | None, dues: Sequence[Due], run: Run, work: Callable[[], Awaitable[Any]]
) -> Any:
    """The work's result, counted before it is told; raises ``QUOTA``, ``QUOTA_UNAVAILABLE``."""
    if meter is None:
        # fails closed: what cannot be counted is not told
        raise HubError("QUOTA_UNAVAILABLE", "the quotas cannot be counted")
    run.tally = tally = Tally()
    await meter.enter(dues, run)
    try:
        result = await work()
    except Exception:
        with suppress(HubError):
            await meter.leave(dues, run, tally)
        raise
    await meter.leave(dues, run, tally)
    return result


class Meter:
    """Counts what operations ask. Shape: `secret` is the hub's own."""

    def __init__(self, counters: Counters, secret: bytes, clock: Callable[[], float]) -> None:
        self._counters = counters
        self._key = hmac.new(secret, b"hub-quota-1", hashlib.sha512).digest()
        self._clock = clock

    async def enter(self, dues: Iterable[Due], run: Run) -> None:
        """Count the call, and refuse before any source is asked what is past its limit already."""
        now = self._clock()
        await self._charge(
            charge
            for due in dues
            for charge in self._charged(due, run, now, int(due.quota.unit == "calls"))
        )

    async def leave(self, dues: Iterable[Due], run: Run, tally: Tally) -> None:
        """Count rows and persons."""
        now = self._clock()
        charges: list[Charge] = []
        for due in dues:
            match due.quota.unit:
                case "rows":
                    rows = sum(run.rows.get(n, 0) + tally.tries.get(n, 0) for n in due.types)
                    charges += self._charged(due, run, now, rows)
                case "persons":
                    for charge in self._charged(due, run, now, 0):
                        persons = self._hashed(due, charge, run.operation_id, tally)
                        charges.append(structs.replace(charge, persons=persons))
        await self._charge(one for one in charges if one.add or one.persons)

    async def _charge(self, charges: Iterable[Charge]) -> None:
        # each counter once: who acts for its own application has one quota
        once = {charge.counter: charge for charge in charges}
        if once and not await self._counters.charge(tuple(once.values())):
            raise HubError("QUOTA", "the quota of this period is used up")

    def _charged(self, due: Due, run: Run, now: float, add: int) -> list[Charge]:
        """What is used up: the caller's own quota and that of whom it acts for."""
        held_by = (run.subject,) if run.principal is None else (run.subject, run.principal)
        return [self._charge_of(due.quota, who, now, add) for who in held_by]

    def _charge_of(self, quota: Quota, subject: Subject, now: float, add: int) -> Charge:
        starts = int(now // quota.per_s) * quota.per_s
        # not keyed: hubs that share a database but no secret share their counters all the same
        named = orjson.dumps([quota.rule, quota.unit, quota.per_s, *holder(quota.by, subject)])
        return Charge(
            counter=hashlib.sha256(named).hexdigest(),
            starts=starts,
            ends=starts + quota.per_s,
            most=quota.most,
            add=add,
        )

    def _hashed(self, due: Due, to: Charge, operation_id: str, tally: Tally) -> tuple[bytes, ...]:
        """The persons, so that nobody reads from counters who was asked for, nor links windows."""
        bound = f"{to.counter}|{to.starts}|".encode()
        told = [
            one
            for name in due.types
            for held in (tally.persons, tally.sought)
            for one in held.get(name, ())
        ]
        for name in due.types:
            # one more than the limit says as much as all of them
            unknown = range(min(tally.unknown.get(name, 0), to.most + 1))
            told += [orjson.dumps([None, operation_id, name, number]) for number in unknown]
        hashed = {hmac.digest(self._key, bound + one, "sha256")[:_HASH_BYTES] for one in told}
        return tuple(sorted(hashed))


def holder(by: QuotaHolder, subject: Subject) -> tuple[str, str | None, str | None]:
    """Whose count it is; who has no user or department shares one with its application."""
    match by:
        case "app":
            return ("app", subject.app, None)
        case "user":
            return ("user", subject.user, None if subject.user else subject.app)
        case "department":
            department = subject.department
            return ("department", department, None if department else subject.app)
