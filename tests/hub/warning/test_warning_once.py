"""What is on record is counted once, whatever workers come and go; and what that costs."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from hub.audit.entry import encoder
from hub.store.counts import COUNTED, JUDGED, Counts
from hub.store.ledger import Row
from hub.warning.fold import SHORT
from hub.warning.watch import folded_rows
from tests.hub.audit.chains import entry
from tests.hub.warning.outlook import BEGIN, OFFICER, Outlook, fields, outlook
from tests.postgres import postgres_url

__all__ = ["outlook", "postgres_url"]

RULE = f"warning: a\ntitle: A\nkind: probing\n{OFFICER}\nwindow: 10 minutes\nleast: 5\n"


def refused(outlook: Outlook) -> int:
    return sum(Counts(outlook.engine).sums(SHORT, "refused", 0, 2**40).values())


async def follow(outlook: Outlook) -> None:
    """Workers come and go while the record grows."""
    outlook.rule(RULE)
    await outlook.begin()
    for _ in range(3):
        outlook.asked(2, outcome="refused", code="TOO_DEEP")
        await outlook.turn(20)
        await outlook.turn()
        outlook.watch._give_back()
        outlook.watch = outlook.worker()  # restarted
        await outlook.turn()
    assert refused(outlook) == 6
    other = outlook.worker()
    assert not await other.turn(), "one worker of all"
    await outlook.turn(400)
    await outlook.turn(10)
    outlook.watch._give_back()
    assert await other.turn()
    assert [(told.amount, told.times) for told in outlook.told] == [(6, 1)]


@pytest.mark.asyncio
async def test_in_sqlite(outlook: Outlook) -> None:
    await follow(outlook)


@pytest.mark.asyncio
@pytest.mark.slow
async def test_in_postgres(tmp_path: Path, postgres_url: str) -> None:
    made = Outlook(tmp_path, url=postgres_url)
    await follow(made)
    made.close()


@pytest.mark.asyncio
async def test_counts_and_position_move_together(outlook: Outlook) -> None:
    await outlook.begin()
    outlook.asked(3, outcome="refused", code="TOO_DEEP")
    counts = Counts(outlook.engine)
    rows = [
        Row(seq, b"", encoder.encode(entry(outcome="refused", code="QUOTA")).decode())
        for seq in (1, 2)
    ]
    folded = folded_rows(rows)
    assert counts.add(0, 2, folded.counts, folded.uses)
    assert not counts.add(0, 2, folded.counts, folded.uses), "another worker was first"
    assert refused(outlook) == 2
    assert counts.position(COUNTED) == 2


@pytest.mark.asyncio
async def test_what_was_before_is_learnt_from_and_not_told(outlook: Outlook) -> None:
    outlook.rule(RULE)
    outlook.asked(50, at=BEGIN - 4_000, outcome="refused", code="TOO_DEEP")
    await outlook.begin()
    await outlook.turn(400)
    assert outlook.told == ()
    assert refused(outlook) == 50


@pytest.mark.asyncio
async def test_what_came_while_nobody_watched_is_told_later(outlook: Outlook) -> None:
    outlook.rule(RULE)
    await outlook.begin()
    outlook.asked(5, at=BEGIN + 7_000, outcome="refused", code="TOO_DEEP")
    await outlook.turn(86_400)
    assert [told.first_at for told in outlook.told] == [BEGIN + 7_200]


@pytest.mark.asyncio
async def test_a_body_that_is_no_entry_and_hostile_names(outlook: Outlook) -> None:
    outlook.rule(RULE)
    await outlook.begin()
    odd = {"outcome": "refused", "code": "TOO_DEEP", "app": "a\x00b\nc" + "d" * 900}
    outlook.asked(5, **odd)
    assert outlook.engine.dialect.name == "sqlite"
    with outlook.engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO audit_entries VALUES (6, x'00', '{}')")
    await outlook.turn(400)
    (told,) = outlook.told
    assert len(told.app) <= 200
    assert told.app.isprintable()


@pytest.mark.asyncio
async def test_what_is_kept_is_bounded(outlook: Outlook) -> None:
    await outlook.begin()
    for day in range(5):
        outlook.asked(3, at=BEGIN + day * 86_400, fields=fields("list Person"))
    await outlook.turn(4 * 86_400)
    counts = Counts(outlook.engine)
    short = counts.active(SHORT, "operations", 0, 2**40)
    await outlook.turn(3_700)
    kept = counts.active(SHORT, "operations", 0, 2**40)
    assert len(short) == 4
    assert kept == short[-3:], "three days of short stretches"
    counts.purge((), 2)
    assert len(counts.active(SHORT, "operations", 0, 2**40)) <= 1
    assert counts.position(JUDGED) is not None


@pytest.mark.slow
def test_the_rate_of_counting(tmp_path: Path) -> None:
    """Printed with `-s`; a million entries take some minutes at the very most."""
    outlook = Outlook(tmp_path)
    counts = Counts(outlook.engine)
    counts.begin(0, 0)
    uses = fields("list Person", *(f"project Person.f{n}" for n in range(10)))
    batches, size = 100, 1_000
    made = [
        [
            Row(
                batch * size + n + 1, b"",
                encoder.encode(
                    entry(
                        ts=BEGIN + batch * 300 + n / 4, app=f"app-{n % 20}", fields=uses,
                        rows={"Person": 10},
                    )
                ).decode(),
            )
            for n in range(size)
        ]
        for batch in range(batches)
    ]  # fmt: skip
    began = time.perf_counter()
    before = 0
    for rows in made:
        folded = folded_rows(rows)
        assert counts.add(before, rows[-1].seq, folded.counts, folded.uses)
        before = rows[-1].seq
    took = time.perf_counter() - began
    print(f"{batches * size} entries in {took:.2f} s: {batches * size / took:.0f} a second")  # noqa: T201
    assert batches * size / took > 3_000
