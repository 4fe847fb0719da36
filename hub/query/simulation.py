"""Recorded operations under the rules in force and under others: who gains and who loses what."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from hub.query.recording import SOMEBODY, subject_of
from hub.query.replay import Decision, Replayed
from hub.store.recorded import Recorded
from policies.replay import Change, compare_rulings, use_word
from schema.model.subject import Context, Subject

CASE = "recorded"
"""What stands for a case that was stated: which one it was is not kept."""
KINDS = ("gains", "losses", "mixed", "unchanged", "unreadable")
"""What becomes of an operation: `mixed` is both, or cannot be compared; `unreadable` is one that
the catalogue does not know any more."""


class Count(msgspec.Struct, kw_only=True):
    """Operations, and how often they were asked."""

    operations: int = 0
    asked: int = 0

    def add(self, row: Recorded) -> None:
        """Count one operation."""
        self.operations += 1
        self.asked += row.asked


class Told(msgspec.Struct, kw_only=True):
    """One change, how often, and the operation with it that was asked most."""

    change: Change
    count: Count
    digest: str
    name: str | None
    operation: str
    most: int = 0


class Group(msgspec.Struct, kw_only=True):
    """What becomes of the operations of one application of one department."""

    department: str | None
    app: str
    counts: dict[str, Count]
    changes: dict[Change, Told]

    def told(self) -> list[Told]:
        """The changes, those that are asked most first."""
        return sorted(
            self.changes.values(),
            key=lambda one: (-one.count.asked, one.change.use, one.change.before, one.digest),
        )


class Simulation(msgspec.Struct, kw_only=True):
    """What becomes of all of them."""

    groups: list[Group]
    counts: dict[str, Count]
    recorded: Count
    first_seen: float | None
    last_seen: float | None
    anybody: int
    """Operations of persons of whom it was not kept who they are."""

    @property
    def verdict(self) -> str:
        """``none`` (nothing changes), ``gains``, ``losses`` or ``both``."""
        more, less, mixed = (self.counts[kind].operations for kind in KINDS[:3])
        if mixed or (more and less):
            return "both"
        return "gains" if more else "losses" if less else "none"


def simulate(
    rows: Sequence[Recorded],
    base: Replayed,
    candidate: Replayed,
    persons: Mapping[str, str] | None = None,
) -> Simulation:
    """Decide each operation twice, at the time at which it was last asked.

    `persons`: those whom rules name, by the hash that records have of them.
    """
    groups: dict[tuple[str, str], Group] = {}
    counts = _none()
    recorded = Count()
    anybody = 0
    for row in rows:
        subject = asker_of(row, persons)
        place = (str(subject.department or ""), subject.app)
        group = groups.get(place)
        if group is None:
            group = groups[place] = Group(
                department=subject.department, app=subject.app, counts=_none(), changes={}
            )
        anybody += subject.user == SOMEBODY
        recorded.add(row)
        kind = "unreadable"
        if base.whole(row.operation) is not None:
            context = circumstances_of(row)
            changes = compare(
                base.decide(row.operation, subject, context),
                candidate.decide(row.operation, subject, context),
            )
            kind = _kind(changes)
            for change in dict.fromkeys(changes):
                _note(group, change, row)
        group.counts[kind].add(row)
        counts[kind].add(row)
    return Simulation(
        groups=[groups[place] for place in sorted(groups)],
        counts=counts,
        recorded=recorded,
        first_seen=min((row.first_seen for row in rows), default=None),
        last_seen=max((row.last_seen for row in rows), default=None),
        anybody=anybody,
    )


def asker_of(row: Recorded, persons: Mapping[str, str] | None = None) -> Subject:
    """Who asked, as far as it is kept."""
    return msgspec.structs.replace(subject_of(row.caller, persons or {}), acr=row.acr)


def circumstances_of(row: Recorded) -> Context:
    """The circumstances, when it was last asked."""
    return Context(
        purpose=row.purpose,
        now=row.last_seen,
        network_zone=row.network_zone,
        acr=row.acr,
        case_id=CASE if row.case_stated else None,
    )


def compare(before: Decision, after: Decision) -> list[Change]:
    """What changes of one operation."""
    if before.ruling is not None and after.ruling is not None:
        return compare_rulings(before.ruling, after.ruling, before.uses)
    if before.code == after.code:
        return []
    refused = after if after.code is not None else before
    use = refused.use
    return [
        Change(
            direction="gain"
            if after.code is None
            else "loss"
            if before.code is None
            else "differs",
            what="operation",
            use="the whole operation" if use is None else use_word(use),
            before=_answered(before),
            after=_answered(after),
            rules_before=_rules(before, refused),
            rules_after=_rules(after, refused),
        )
    ]


def _answered(decision: Decision) -> str:
    return "answered" if decision.code is None else f"refused ({decision.code})"


def _rules(decision: Decision, refused: Decision) -> tuple[str, ...]:
    """The rules of a refusal, and those that let the same use pass."""
    if decision.ruling is None or refused.use is None:
        return decision.rules
    return decision.ruling.reasons.get(refused.use, ())


def _kind(changes: Iterable[Change]) -> str:
    found = {change.direction for change in changes}
    if not found:
        return "unchanged"
    if len(found) > 1 or "differs" in found:
        return "mixed"
    return "gains" if "gain" in found else "losses"


def _note(group: Group, change: Change, row: Recorded) -> None:
    held = group.changes.get(change)
    if held is None:
        held = group.changes[change] = Told(
            change=change, count=Count(), digest="", name=None, operation=""
        )
    held.count.add(row)
    if row.asked > held.most:
        held.most, held.name, held.operation = row.asked, row.name, row.operation
        held.digest = hashlib.sha256(row.operation.encode()).hexdigest()


def _none() -> dict[str, Count]:
    return {kind: Count() for kind in KINDS}
