"""Tampering: every edit, deletion, move, insertion or cut shows, and where."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.audit.entry import encoder, read_entry
from hub.audit.head import Head, advance_head, read_head, write_head
from hub.audit.link import link
from hub.audit.reader import access, current_head, tail
from hub.audit.verify import verify
from hub.store.ledger import Ledger, Row, open_ledger
from schema.errors import HubError
from tests.hub.audit.chains import FakeLedger, engine_at, entry

COUNT = 12
NOTED = access("li", 1.0e9, "console-1")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "state.sqlite"
    with closing(open_ledger(engine_at(path))) as ledger:
        ledger.append(
            [encoder.encode(entry(number)).decode() for number in range(1, COUNT + 1)], link
        )
    return path


@pytest.fixture
def ledger(file: Path) -> Iterator[Ledger]:
    with closing(open_ledger(engine_at(file))) as held:
        yield held


def tampered(file: Path, *statements: str) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


CASES: dict[str, tuple[tuple[str, ...], int]] = {
    "an edit": (("UPDATE audit_entries SET body = replace(body, 'zhang', 'li') WHERE seq=5",), 5),
    "a space": (("UPDATE audit_entries SET body = body || ' ' WHERE seq=5",), 5),
    "a changed hash": (("UPDATE audit_entries SET hash = zeroblob(32) WHERE seq=5",), 5),
    "a deletion": (("DELETE FROM audit_entries WHERE seq=5",), 5),
    "a deletion closed up": (
        (
            "DELETE FROM audit_entries WHERE seq=5",
            "UPDATE audit_entries SET seq=seq-1 WHERE seq>5",
        ),
        5,
    ),
    "a deletion at the beginning": (("DELETE FROM audit_entries WHERE seq=1",), 1),
    "two entries swapped": (
        (
            "UPDATE audit_entries SET seq=-1 WHERE seq=5",
            "UPDATE audit_entries SET seq=5 WHERE seq=6",
            "UPDATE audit_entries SET seq=6 WHERE seq=-1",
        ),
        5,
    ),
    "two bodies swapped": (
        ("UPDATE audit_entries SET body=(SELECT body FROM audit_entries WHERE seq=6) WHERE seq=5",),
        5,
    ),
    "an insertion": (
        ("INSERT INTO audit_entries SELECT 13, zeroblob(32), body FROM audit_entries WHERE seq=1",),
        13,
    ),
    "one before the first": (
        ("INSERT INTO audit_entries SELECT 0, hash, body FROM audit_entries WHERE seq=1",),
        1,
    ),
    "no entry at all": (("UPDATE audit_entries SET body='{}' WHERE seq=5",), 5),
}


@pytest.mark.parametrize("name", list(CASES))
def test_tampering_shows(file: Path, ledger: Ledger, name: str) -> None:
    statements, where = CASES[name]
    tampered(file, *statements)
    report = verify(ledger)
    assert not report.ok
    assert report.problem is not None
    assert report.seq == where


def test_a_whole_chain_verifies(ledger: Ledger) -> None:
    report = verify(ledger, current_head(ledger))
    assert (report.ok, report.entries, report.seq) == (True, COUNT, None)


def test_an_empty_chain_verifies(tmp_path: Path) -> None:
    with closing(open_ledger(engine_at(tmp_path / "state.sqlite"))) as ledger:
        assert verify(ledger).ok
        assert current_head(ledger) is None


def test_a_cut_end_shows_against_a_head(file: Path, ledger: Ledger) -> None:
    head = current_head(ledger)
    tampered(file, "DELETE FROM audit_entries WHERE seq > 9")
    assert verify(ledger).ok
    report = verify(ledger, head)
    assert (report.ok, report.seq, report.entries) == (False, 10, 9)
    tampered(file, "DELETE FROM audit_entries")
    assert not verify(ledger, head).ok


def test_a_chain_written_anew_shows_against_a_head(file: Path, ledger: Ledger) -> None:
    head = current_head(ledger)
    tampered(file, "DELETE FROM audit_entries", "DELETE FROM audit_tiles")
    bodies = [encoder.encode(entry(number, user="li")).decode() for number in range(20)]
    ledger.append(bodies, link)
    assert verify(ledger).ok
    report = verify(ledger, head)
    assert (report.ok, report.seq) == (False, COUNT)


def test_a_head_stays_good_while_the_chain_grows(ledger: Ledger) -> None:
    head = current_head(ledger)
    ledger.append([encoder.encode(entry(99)).decode()], link)
    assert verify(ledger, head).ok


def test_a_head_file_comes_back_as_written(tmp_path: Path) -> None:
    file = tmp_path / "head.json"
    write_head(file, Head(seq=3, hash="ab"))
    assert read_head(file) == Head(seq=3, hash="ab")
    assert [each.name for each in tmp_path.iterdir()] == ["head.json"]


def test_a_head_never_goes_back(tmp_path: Path) -> None:
    file = tmp_path / "head.json"
    for seq in (3, 5, 4):
        advance_head(file, Head(seq=seq, hash="ab"))
    assert read_head(file).seq == 5
    file.write_text("damaged")
    with pytest.raises(HubError):
        advance_head(file, Head(seq=9, hash="ab"))
    assert file.read_text() == "damaged"


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda file: None, "NOT_FOUND"),
        (lambda file: file.write_text("{"), "AUDIT_BROKEN"),
        (lambda file: file.write_text('{"seq": "3", "hash": "ab"}'), "AUDIT_BROKEN"),
        (lambda file: file.mkdir(), "AUDIT_BROKEN"),
    ],
)
def test_a_bad_head_file_is_told(tmp_path: Path, make: Callable[[Path], object], code: str) -> None:
    file = tmp_path / "head.json"
    make(file)
    with pytest.raises(HubError) as refused:
        read_head(file)
    assert refused.value.code == code


def test_tail_gives_the_last_ones_in_order(ledger: Ledger) -> None:
    assert [each.seq for each in tail(ledger, NOTED, 3)] == [10, 11, 12]
    assert [each.entry.rows for each in tail(ledger, NOTED, 2)] == [{"Person": 12}, {}]
    assert len(list(tail(ledger, NOTED, 100))) == COUNT + 2
    assert list(tail(ledger, NOTED, 0)) == []


def test_who_reads_is_on_record_before_anything_is_shown(ledger: Ledger) -> None:
    coming = tail(ledger, NOTED, 1)
    next(coming)
    last = ledger.last()
    assert last is not None
    assert (last.seq, read_entry(last.body)) == (COUNT + 1, NOTED)
    assert verify(ledger).ok


def test_following_sees_what_comes(ledger: Ledger) -> None:
    def later(_: float) -> None:
        ledger.append([encoder.encode(entry(77)).decode()], link)

    coming = tail(ledger, NOTED, 1, follow=True, sleep=later)
    assert [next(coming).seq for _ in range(3)] == [12, 13, 14]


@given(st.integers(0, 9), st.integers(0, 5_000), st.integers(1, 255))
def test_no_changed_character_goes_unnoticed(which: int, position: int, change: int) -> None:
    ledger = FakeLedger()
    ledger.append([encoder.encode(entry(number)).decode() for number in range(10)], link)
    row = ledger.held[which]
    place = position % len(row.body)
    other = chr((ord(row.body[place]) + change) % 0x110000)
    if "\ud800" <= other <= "\udfff":
        return
    ledger.held[which] = Row(row.seq, row.hash, row.body[:place] + other + row.body[place + 1 :])
    assert verify(ledger).seq == which + 1
