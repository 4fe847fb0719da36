"""The audit log: durable before it answers, in groups, bounded, and refusing when it cannot."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from hub.audit.chain import AuditLog
from hub.audit.head import read_head
from hub.audit.verify import verify
from hub.store.engine import migrate, open_engine
from hub.store.ledger import open_ledger
from schema.errors import HubError
from tests.hub.audit.chains import FakeLedger, engine_at, entry, report_on
from tests.postgres import postgres_url  # noqa: F401  # a fixture

ROOT = Path(__file__).resolve().parents[3]

WRITER = """
import asyncio, sys
from hub.audit.chain import AuditLog
from hub.store.engine import open_engine
from hub.store.ledger import open_ledger
from tests.hub.audit.chains import entry

async def main(url, name, count, at_once):
    log = AuditLog(open_ledger(open_engine(url)), wait_s=30)
    await log.open()
    async def some(part):
        for number in range(count):
            seq = await log.record(entry(number, operation_id=f"{name}-{part}-{number}"))
            sys.stdout.write(f"{seq} {name}-{part}-{number}\\n")
            sys.stdout.flush()
    await asyncio.gather(*(some(part) for part in range(at_once)))
    await log.close()

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
"""


def writer(url: str, name: str, count: int, at_once: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, url, name, str(count), str(at_once)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.asyncio
async def test_numbers_are_given_in_order(tmp_path: Path) -> None:
    engine = engine_at(tmp_path / "state.sqlite")
    log = AuditLog(open_ledger(engine))
    await log.open()
    assert [await log.record(entry(number)) for number in range(5)] == [1, 2, 3, 4, 5]
    await log.close()
    report = report_on(engine)
    assert (report.ok, report.entries) == (True, 5)


@pytest.mark.asyncio
async def test_what_waits_while_a_flush_runs_goes_into_the_next_one() -> None:
    ledger = FakeLedger()
    ledger.gate = gate = threading.Event()
    log = AuditLog(ledger)
    await log.open()
    first = asyncio.ensure_future(log.record(entry()))
    await asyncio.sleep(0.02)
    others = [asyncio.ensure_future(log.record(entry(number))) for number in range(1, 51)]
    await asyncio.sleep(0.02)
    assert not first.done()
    gate.set()
    assert await asyncio.gather(first, *others) == list(range(1, 52))
    assert ledger.groups == [1, 50]
    await log.close()


@pytest.mark.asyncio
async def test_entries_of_one_turn_of_the_loop_are_one_group() -> None:
    ledger = FakeLedger()
    log = AuditLog(ledger)
    await log.open()
    await asyncio.gather(*(log.record(entry(number)) for number in range(16)))
    assert ledger.groups == [16]
    await log.close()


@pytest.mark.asyncio
async def test_a_group_waits_a_moment_for_operations_under_way() -> None:
    ledger = FakeLedger()
    log = AuditLog(ledger)
    await log.open()
    log.expected = 1
    first = asyncio.ensure_future(log.record(entry(1)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert ledger.groups == []
    log.expected = 0  # the other one has come so far
    second = asyncio.ensure_future(log.record(entry(2)))
    assert await asyncio.gather(first, second) == [1, 2]
    assert ledger.groups == [2]
    log.expected = 1  # one that never comes does not hold the others up
    async with asyncio.timeout(60):
        assert await log.record(entry(3)) == 3
    await log.close()


@pytest.mark.asyncio
async def test_a_slow_store_is_given_up_in_time_and_taken_again() -> None:
    ledger = FakeLedger()
    ledger.gate = gate = threading.Event()
    log = AuditLog(ledger, wait_s=0.1)
    await log.open()
    started = time.monotonic()
    running = asyncio.ensure_future(log.record(entry(1)))
    await asyncio.sleep(0.02)
    waiting = asyncio.ensure_future(log.record(entry(2)))
    for refused in await asyncio.gather(running, waiting, return_exceptions=True):
        assert isinstance(refused, HubError)
        assert refused.code == "AUDIT_UNAVAILABLE"
    assert time.monotonic() - started < 20
    with pytest.raises(HubError, match="cannot record"):
        await log.record(entry(3))
    assert not log.ready
    gate.set()
    for _ in range(100):
        await asyncio.sleep(0.01)
        if log.ready:
            break
    assert await log.record(entry(4)) == 2
    await log.close()


@pytest.mark.asyncio
async def test_a_store_that_fails_refuses_and_comes_back() -> None:
    ledger = FakeLedger()
    log = AuditLog(ledger)
    await log.open()
    ledger.failing = True
    with pytest.raises(HubError) as refused:
        await log.record(entry())
    assert refused.value.code == "AUDIT_UNAVAILABLE"
    ledger.failing = False
    assert await log.record(entry()) == 1
    await log.close()


@pytest.mark.asyncio
async def test_a_store_that_is_away_is_told_at_the_start() -> None:
    ledger = FakeLedger()
    ledger.failing = True
    with pytest.raises(HubError) as refused:
        await AuditLog(ledger).open()
    assert refused.value.code == "AUDIT_UNAVAILABLE"


@pytest.mark.asyncio
async def test_the_queue_is_bounded() -> None:
    ledger = FakeLedger()
    ledger.gate = gate = threading.Event()
    log = AuditLog(ledger, queue=3)
    await log.open()
    taken = [asyncio.ensure_future(log.record(entry(0)))]
    await asyncio.sleep(0.01)
    taken += [asyncio.ensure_future(log.record(entry(number))) for number in (1, 2, 3)]
    await asyncio.sleep(0.01)
    with pytest.raises(HubError):
        await log.record(entry(4))
    gate.set()
    assert sorted(await asyncio.gather(*taken)) == [1, 2, 3, 4]
    await log.close()


@pytest.mark.asyncio
async def test_a_caller_that_leaves_does_not_disturb_the_others() -> None:
    ledger = FakeLedger()
    ledger.gate = gate = threading.Event()
    log = AuditLog(ledger)
    await log.open()
    leaving = asyncio.ensure_future(log.record(entry(1)))
    staying = asyncio.ensure_future(log.record(entry(2)))
    await asyncio.sleep(0.01)
    leaving.cancel()
    gate.set()
    assert await staying == 2
    await log.close()
    assert len(ledger.held) == 2


@pytest.mark.asyncio
async def test_closing_makes_what_waits_durable_and_takes_nothing_more() -> None:
    ledger = FakeLedger()
    log = AuditLog(ledger)
    await log.open()
    waiting = [asyncio.ensure_future(log.record(entry(number))) for number in range(40)]
    await asyncio.sleep(0)
    await log.close()
    assert sorted(await asyncio.gather(*waiting)) == list(range(1, 41))
    with pytest.raises(HubError):
        await log.record(entry())
    await log.close()


@pytest.mark.asyncio
async def test_an_entry_that_cannot_be_written_refuses_its_operation_only() -> None:
    log = AuditLog(FakeLedger())
    await log.open()
    with pytest.raises(HubError):
        await log.record(entry(operation_name="\ud800"))
    assert await log.record(entry()) == 1
    await log.close()


@pytest.mark.asyncio
async def test_a_deleted_database_is_noticed(tmp_path: Path) -> None:
    file = tmp_path / "state.sqlite"
    log = AuditLog(open_ledger(engine_at(file)))
    await log.open()
    await log.record(entry())
    file.unlink()
    with pytest.raises(HubError):
        await log.record(entry())
    await log.close()


@pytest.mark.asyncio
async def test_a_full_database_refuses(tmp_path: Path) -> None:
    engine = engine_at(tmp_path / "state.sqlite")
    ledger = open_ledger(engine)
    log = AuditLog(ledger)
    await log.open()
    pages = ledger._open().execute("PRAGMA page_count").fetchone()[0]  # type: ignore[attr-defined]
    ledger._open().execute(f"PRAGMA max_page_count={pages + 2}")  # type: ignore[attr-defined]
    big = entry(operation_name="x" * 50_000)
    with pytest.raises(HubError) as refused:
        await log.record(big)
    assert refused.value.code == "AUDIT_UNAVAILABLE"
    await log.close()
    assert report_on(engine).ok


@pytest.mark.asyncio
async def test_a_locked_database_refuses_in_time(tmp_path: Path) -> None:
    file = tmp_path / "state.sqlite"
    log = AuditLog(open_ledger(engine_at(file), wait_s=0.2), wait_s=0.2)
    await log.open()
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    started = time.monotonic()
    with pytest.raises(HubError):
        await log.record(entry())
    assert time.monotonic() - started < 4.5  # SQLite itself would wait for 5
    other.execute("ROLLBACK")
    other.close()
    for _ in range(200):
        await asyncio.sleep(0.01)
        if log.ready:
            break
    await log.record(entry())
    await log.close()


@pytest.mark.asyncio
async def test_the_head_is_kept_outside(tmp_path: Path) -> None:
    engine = engine_at(tmp_path / "state.sqlite")
    head = tmp_path / "head.json"
    log = AuditLog(open_ledger(engine), head=head)
    await log.open()
    for number in range(5):
        await log.record(entry(number))
    await log.close()
    assert read_head(head) == report_on(engine).head


@pytest.mark.asyncio
async def test_a_chain_without_its_head_is_not_gone_on_with(tmp_path: Path) -> None:
    engine = engine_at(tmp_path / "state.sqlite")
    head = tmp_path / "head.json"
    for _ in range(2):
        log = AuditLog(open_ledger(engine), head=head)
        await log.open()
        await log.record(entry())
        await log.record(entry())
        await log.close()
    with engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM audit_entries WHERE seq = 4"))
    engine.dispose()
    with pytest.raises(HubError) as refused:
        await AuditLog(open_ledger(engine), head=head).open()
    assert refused.value.code == "AUDIT_BROKEN"


@pytest.mark.asyncio
async def test_a_cut_under_a_running_hub_stops_it_recording(tmp_path: Path) -> None:
    engine = engine_at(tmp_path / "state.sqlite")
    log = AuditLog(open_ledger(engine))
    await log.open()
    await log.record(entry())
    with engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM audit_entries"))
    engine.dispose()
    with pytest.raises(HubError) as refused:
        await log.record(entry())
    assert refused.value.code == "AUDIT_UNAVAILABLE"
    await log.close()


def test_two_processes_append_to_one_chain(tmp_path: Path) -> None:
    engine = engine_at(tmp_path / "state.sqlite")
    url = f"sqlite:///{tmp_path / 'state.sqlite'}"
    writers = [writer(url, name, 40, 4) for name in ("a", "b")]
    told = [line for each in writers for line in each.communicate(timeout=60)[0].splitlines()]
    assert [each.returncode for each in writers] == [0, 0]
    assert sorted(int(line.split()[0]) for line in told) == list(range(1, 321))
    report = report_on(engine)
    assert (report.ok, report.entries) == (True, 320)


def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    engine = engine_at(tmp_path / "state.sqlite")
    url = f"sqlite:///{tmp_path / 'state.sqlite'}"
    process = writer(url, "k", 1_000_000, 8)
    assert process.stdout is not None
    told = [process.stdout.readline() for _ in range(200)]
    os.kill(process.pid, signal.SIGKILL)
    rest, _ = process.communicate(timeout=30)
    told += [line for line in rest.splitlines(keepends=True) if line.endswith("\n")]
    with closing(open_ledger(engine)) as ledger:
        held = {row.seq: row.body for row in ledger.rows()}
    for line in told:
        seq, name = line.split()
        assert f'"{name}"' in held[int(seq)]
    report = report_on(engine)
    assert report.ok
    assert report.entries >= len(told) >= 200


@pytest.mark.asyncio
async def test_postgresql_keeps_the_chain_as_well(
    postgres_url: str,  # noqa: F811
) -> None:
    engine = open_engine(postgres_url)
    migrate(engine)
    log = AuditLog(open_ledger(engine))
    await log.open()
    await asyncio.gather(*(log.record(entry(number)) for number in range(20)))
    assert log.flushes < 20
    await log.close()
    writers = [writer(postgres_url, name, 20, 3) for name in ("a", "b")]
    for each in writers:
        await asyncio.to_thread(each.communicate, timeout=60)
        assert each.returncode == 0
    ledger = open_ledger(engine)
    report = verify(ledger)
    assert (report.ok, report.entries) == (True, 140)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE audit_entries SET body = body || ' ' WHERE seq = 7"))
    assert verify(ledger).seq == 7
    ledger.close()
    engine.dispose()
