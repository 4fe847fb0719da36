"""What a simulation says of an operation is what the hub does once the rules are in force."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import Sequence
from random import Random
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.audit.entry import Entry
from hub.query.answer import Pipeline
from hub.query.cursor import Seal
from hub.query.duties import ENFORCED
from hub.query.keys import Keyring
from hub.query.limits import Limits
from hub.query.recording import Recording
from hub.query.replay import Reader, Replayed, stand_ins
from hub.query.request import Request
from hub.query.run import World
from hub.query.simulation import asker_of, circumstances_of, simulate
from hub.store.recorded import Recorded
from policies.engine import Engine
from policies.masks import MASKS
from policies.obligation import Quota
from policies.ruling import Allow, Masked, Reject
from policies.syntax import read_bundle
from schema.model.subject import Subject
from tests.city import CATALOGUE, CEILING, CITY, PACKS, persona
from tests.hub.query.small import SECRET
from tests.properties.operations import Writer

NOW = 1_790_000_000.0
LIMITS = Limits()
WHOLE = Reader(CATALOGUE, LIMITS)
WHO = ("benefits-app", "tax-app", "township-clerk", "statistics-analyst", "security-officer")
EXTRA = """
policy: all-for-benefits
effect: permit
subjects: {app: benefits-app}
resources: {types: ["*"]}
modes: [all]
---
policy: no-names-for-tax
effect: forbid
subjects: {app: tax-app}
resources: {fields: [Person.name, Enterprise.name]}
---
policy: no-salaries
effect: forbid
subjects: {tier: [city, township]}
resources: {fields: [Employment.monthlySalary]}
outcome: error
---
policy: numbers-redacted
effect: require
resources: {fields: [Person.idNumber]}
outcome: {mask: redact}
---
policy: nothing-of-talents
effect: forbid
subjects: {tier: city}
resources: {types: [Talent]}
outcome: hidden
---
policy: households-of-big-size
effect: permit
subjects: {app: tax-app}
resources: {types: [Household], share: unconditional}
modes: [read, filter, sort, count]
rows: {gt: [row.size, 3]}
---
policy: persons-with-a-case
effect: permit
subjects: {app: statistics}
resources: {fields: [Person.name, Person.districtCode, Person.gender]}
obligations: [case_id, {retain: {days: 10}}]
---
policy: at-night
effect: permit
subjects: {app: tax-app}
resources: {types: [Insurance]}
modes: [read, filter]
window: {from: "20:00", to: "06:00", zone: Asia/Shanghai}
"""
FILES = sorted((CITY / "policies").glob("*.yaml"))
TEXTS = [file.read_text(encoding="utf-8") for file in FILES if "assert" not in file.name]
RULES = [rule for text in (*TEXTS, EXTRA) for rule in re.split(r"^---\n", text, flags=re.M)]


class Kept:
    """Entries of the audit log, and recorded operations."""

    expected = 0

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.rows: list[Recorded] = []

    async def record(self, entry: Entry) -> int:
        self.entries.append(entry)
        return len(self.entries)

    def add(self, rows: Sequence[Recorded]) -> None:
        self.rows += rows

    def purge(self, _now: float) -> None:
        """Nothing is forgotten."""


class Asked:
    """An engine and who asks, as the writer of operations wants them."""

    def __init__(self, engine: Engine, subject: Subject) -> None:
        self.catalogue = CATALOGUE
        self.engine = engine
        self.subject = subject


def engine_of(rules: Sequence[str]) -> Engine:
    bundles = [read_bundle("---\n".join(rules), "rules.yaml")] if rules else []
    return Engine(CATALOGUE, bundles, PACKS, epoch=1, ceiling=CEILING, enforced=ENFORCED | {Quota})


def pipeline(engine: Engine, kept: Kept, recording: Recording) -> Pipeline:
    numbers = itertools.count()
    return Pipeline(
        catalogue=CATALOGUE,
        engine=engine,
        world=World(
            dict(stand_ins(CATALOGUE)),
            MASKS,
            Seal(SECRET, lambda: NOW),
            keys=Keyring(SECRET),
            on_failure=lambda *_: None,
        ),
        recorder=kept,
        limits=LIMITS,
        clock=lambda: NOW,
        ids=lambda: f"op-{next(numbers)}",
        notes=recording.under(CATALOGUE, engine.epoch, LIMITS),
    )


def told(rows: Any) -> list[tuple[str, str, str]]:
    return [(at, mode, word) for at, mode, word, _ in rows]


@given(seed=st.integers(0, 2**32), who=st.sampled_from(WHO), case=st.sampled_from([None, "c"]))
@settings(max_examples=15, deadline=None)
def test_simulated_is_what_then_happens(seed: int, who: str, case: str | None) -> None:
    chance = Random(seed)
    subject = persona(who)
    purpose = chance.choice([None, *sorted(subject.purposes)])
    old, new = (engine_of([rule for rule in RULES if chance.random() < 0.7]) for _ in range(2))
    # written for whoever sees more: part of it may be hidden by the rules in force
    text, variables = Writer(
        Asked(chance.choice([old, new]), subject),
        chance,  # type: ignore[arg-type]
    ).operation()
    before, after = Kept(), Kept()
    request = Request(
        text=text, variables=variables, subject=subject, purpose=purpose, case_id=case
    )

    async def ask() -> Any:
        recording = Recording(before, SECRET, clock=lambda: NOW)
        await pipeline(old, before, recording).answer(request)
        await recording.close()
        later = Recording(Kept(), SECRET, clock=lambda: NOW)
        answer = await pipeline(new, after, later).answer(request)
        await later.close()
        return answer

    answer = asyncio.run(ask())
    (row,) = before.rows
    base, candidate = (Replayed(WHOLE, engine) for engine in (old, new))
    assert base.whole(row.operation) is not None
    found = simulate([row], base, candidate)
    outcome = candidate.decide(row.operation, asker_of(row), circumstances_of(row))
    if answer.code == "TOO_COSTLY":
        return  # for the sizes of pages, which are values
    assert outcome.code == (answer.code if answer.kind == "request_error" else None)
    if outcome.ruling is None:
        return
    words = []
    for use in outcome.uses:
        held = outcome.ruling.outcomes.get(use, Reject())
        word = held.mask if isinstance(held, Masked) else type(held).__name__.lower()
        mode = f"{use.mode}:{use.function}" if use.function else use.mode
        words.append((use.coordinate, mode, "allow" if isinstance(held, Allow) else word))
    (entry,) = after.entries
    assert sorted(words) == sorted(told(orjson.loads(bytes(entry.fields))))
    body = orjson.loads(answer.body)
    shown = {(at.partition(".")[2], word) for at, mode, word in words if mode == "project"}
    noted = body.get("extensions", {}).get("governance", {}).get("fields", {})
    for path, note in noted.items():
        name = re.sub(r"^a\d", "", path.rpartition(".")[2])
        wanted = {"mask": note.get("mask"), "null": "null", "error": "fielderror"}
        if note["outcome"] in wanted:
            assert (name, wanted[note["outcome"]]) in shown
    fields = orjson.loads(bytes(before.entries[0].fields))
    if told(fields) != told(orjson.loads(bytes(entry.fields))):
        assert found.counts["unchanged"].operations == 0
