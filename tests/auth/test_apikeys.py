"""API keys: only hashes are kept; expiry, rotation, revocation."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from auth.apikeys import FileKeys, KeyRecord, check, mint, revoke, rotate
from auth.refusal import RefusedError
from schema.errors import HubError

NOW = 1_800_000_000.0
BLANK = KeyRecord(id="", app="benefits", secrets=(), purposes=frozenset({"p"}))


class Held:
    """Records in memory."""

    def __init__(self, *records: KeyRecord) -> None:
        self.records = {record.id: record for record in records}

    def load(self, key_id: str) -> KeyRecord | None:
        return self.records.get(key_id)


def test_a_minted_key_is_accepted() -> None:
    record, text = mint(BLANK, now=NOW)
    subject = check(text, [Held(), Held(record)], now=NOW)
    assert (subject.id, subject.purposes) == ("app:benefits", {"p"})


def test_the_secret_is_not_in_the_record() -> None:
    record, text = mint(BLANK, now=NOW)
    assert text.rpartition("_")[2] not in msgspec.json.encode(record).decode()
    assert text.startswith(f"hub_{record.id}_")


def test_wrong_keys_are_refused() -> None:
    record, text = mint(BLANK, now=NOW)
    other, foreign = mint(BLANK, now=NOW)
    head, _, secret = text.rpartition("_")
    for wrong in (
        f"{head}_{foreign.rpartition('_')[2]}",
        f"hub_{other.id}_{secret}",
        f"{head}_{secret.upper()}",
        f"{head}_{secret}0",
        f"{head}_{secret}\n",
        head,
        "hub_",
        f"hub_{'0' * 12}_{'0' * 64}",
    ):
        with pytest.raises(RefusedError, match="api_key"):
            check(wrong, [Held(record)], now=NOW)


def test_the_hash_itself_is_no_key() -> None:
    record, text = mint(BLANK, now=NOW)
    with pytest.raises(RefusedError):
        check(f"hub_{record.id}_{record.secrets[0].sha256}", [Held(record)], now=NOW)
    assert check(text, [Held(record)], now=NOW).app == "benefits"


def test_expiry() -> None:
    record, text = mint(msgspec.structs.replace(BLANK, expires_at=NOW + 5), now=NOW)
    assert check(text, [Held(record)], now=NOW).expires_at == NOW + 5
    with pytest.raises(RefusedError, match="expired"):
        check(text, [Held(record)], now=NOW + 5)


def test_rotation_has_two_live_secrets_for_a_while() -> None:
    first, one = mint(BLANK, now=NOW)
    second, two = rotate(first, now=NOW, grace_s=100)
    store = Held(second)
    assert check(one, [store], now=NOW + 99).expires_at == NOW + 100
    assert check(two, [store], now=NOW + 99).expires_at == float("inf")
    with pytest.raises(RefusedError):
        check(one, [store], now=NOW + 100)
    third, three = rotate(second, now=NOW + 1, grace_s=100)
    assert len(third.secrets) == 2
    with pytest.raises(RefusedError):
        check(one, [Held(third)], now=NOW + 2)
    for text in (two, three):
        check(text, [Held(third)], now=NOW + 2)


def test_revocation() -> None:
    record, text = mint(BLANK, now=NOW)
    with pytest.raises(RefusedError):
        check(text, [Held(revoke(record))], now=NOW)


def test_a_revoked_flag_is_enough() -> None:
    record, text = mint(BLANK, now=NOW)
    flagged = msgspec.structs.replace(record, revoked=True)
    with pytest.raises(RefusedError, match="revoked"):
        check(text, [Held(flagged)], now=NOW)


def test_a_file_of_keys_is_read_again_when_it_changes(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    record, text = mint(BLANK, now=NOW)
    file.write_bytes(msgspec.json.encode([record]))
    store = FileKeys(file)
    assert check(text, [store], now=NOW).app == "benefits"
    file.write_bytes(b"[]")
    with pytest.raises(RefusedError):
        check(text, [store], now=NOW)
    file.write_bytes(b"garbage, half written")
    with pytest.raises(RefusedError):
        check(text, [store], now=NOW)


def test_a_file_that_cannot_be_read_is_told_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(HubError) as refused:
        FileKeys(tmp_path / "none.json")
    assert refused.value.code == "CONFIG_INVALID"
