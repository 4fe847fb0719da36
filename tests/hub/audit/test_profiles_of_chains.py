"""A chain under one crypto profile, under the other, and one that changed it on the way."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from hashlib import new, sha256
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from hub.audit.chain import AuditLog
from hub.audit.entry import encoder
from hub.audit.head import read_head
from hub.audit.link import ProfileName, linker, told_hash
from hub.audit.verify import VerifyReport, verify
from hub.cli.audit import audit
from hub.store.ledger import Row, open_ledger
from schema.errors import HubError
from tests.hub.audit.chains import FakeLedger, engine_at, entry, report_on

PROFILES = st.lists(st.sampled_from(["intl", "sm"]), min_size=1, max_size=8)


def body(number: int) -> str:
    return encoder.encode(entry(number)).decode()


def chained(profiles: Sequence[ProfileName]) -> FakeLedger:
    """Two entries under each profile, one profile after the other."""
    ledger = FakeLedger()
    for number, profile in enumerate(profiles):
        ledger.append([body(2 * number), body(2 * number + 1)], linker(profile))
    return ledger


@given(PROFILES)
def test_a_chain_verifies_whatever_profiles_it_was_written_under(
    profiles: list[ProfileName],
) -> None:
    report = verify(chained(profiles))
    assert (report.ok, report.entries) == (True, 2 * len(profiles))
    assert report.sm3 == 2 * profiles.count("sm")


@given(PROFILES, st.data())
def test_whatever_is_changed_shows(profiles: list[ProfileName], data: st.DataObject) -> None:
    ledger = chained(profiles)
    at = data.draw(st.integers(0, len(ledger.held) - 1))
    held = ledger.held[at]
    changed = data.draw(
        st.sampled_from(
            [
                Row(held.seq, held.hash, body(99)),
                Row(held.seq, held.hash.removeprefix(b"sm3:")[:31] + b"\0\0", held.body),
                # the digest of one kind under the name of the other
                Row(held.seq, _other(held.hash), held.body),
            ]
        )
    )
    ledger.held[at] = changed
    report = verify(ledger)
    assert (report.ok, report.seq) == (False, at + 1)


def _other(stored: bytes) -> bytes:
    return stored[4:] if stored.startswith(b"sm3:") else b"sm3:" + stored


def test_hashes_are_those_of_the_standards() -> None:
    plain, named = b"hub.audit.entry.v1\0", b"hub.audit.entry.v2\0"
    first = linker("intl")(None, ["{}"])[0]
    assert first == sha256(plain + bytes(32) + b"{}").digest()
    second = linker("sm")(first, ["{}"])[0]
    made = new("sm3", named + b"\x04sm3:" + b"\0\x20" + first + b"{}")
    assert second == b"sm3:" + made.digest()
    assert told_hash(second) == f"sm3:{made.hexdigest()}"
    third = linker("intl")(second, ["{}"])[0]
    assert third == sha256(named + b"\0" + b"\0\x24" + second + b"{}").digest()


async def write(file: Path, profile: ProfileName, head: Path) -> None:
    """A worker that records three entries."""
    log = AuditLog(open_ledger(engine_at(file)), head=head, link=linker(profile))
    await log.open()
    for number in range(3):
        await log.record(entry(number))
    await log.close()


@pytest.mark.asyncio
async def test_a_hub_goes_on_under_another_profile(tmp_path: Path) -> None:
    (tmp_path / "hub-state").mkdir()
    file, head = tmp_path / "hub-state" / "state.sqlite", tmp_path / "head.json"
    for profile, sm3 in (("intl", 0), ("sm", 3), ("intl", 3)):
        await write(file, profile, head)  # type: ignore[arg-type]  # two words
        report = report_on(engine_at(file))
        assert (report.ok, report.sm3) == (True, sm3)
        assert report.head == read_head(head)
        assert read_head(head).hash.startswith("sm3:") is (profile == "sm")
    told = _verified(tmp_path, head)
    assert "whole: 9 entries, and it holds the head at entry 9" in told
    assert "3 hashed by SM3, 6 by SHA-256" in told
    _tail(tmp_path)
    with closing(open_ledger(engine_at(file))) as ledger:
        last = ledger.last()
    assert last is not None
    assert last.hash.startswith(b"sm3:")  # who reads the log is on record under its profile
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("DELETE FROM audit_entries WHERE seq > 5")
    report = _report(file, head)
    assert (report.ok, report.seq) == (False, 6)


def _report(file: Path, head: Path) -> VerifyReport:
    with closing(open_ledger(engine_at(file))) as ledger:
        return verify(ledger, read_head(head))


def _verified(home: Path, head: Path) -> str:
    config = home / "hub.yaml"
    config.write_text("instance: {crypto_profile: sm}\n")
    words = ["verify", "--config", str(config), "--head", str(head)]
    return CliRunner().invoke(audit, words, catch_exceptions=False).output


def _tail(home: Path) -> None:
    words = ["tail", "-n", "4", "--config", str(home / "hub.yaml")]
    told = CliRunner().invoke(audit, words, catch_exceptions=False).output
    assert "sm3:" in told


def test_a_library_without_sm3_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str, *_: object) -> None:
        raise ValueError(f"unsupported hash type {name}")

    monkeypatch.setattr(hashlib, "new", absent)
    with pytest.raises(HubError) as refused:
        linker("sm")
    assert refused.value.code == "CONFIG_INVALID"
