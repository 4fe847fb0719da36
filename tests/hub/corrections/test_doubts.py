"""Reporting a doubt over HTTP: who may, what comes back, and what is kept of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.hub.corrections.registry_office import SAID, Registry, registry
from tests.scenarios.world import CONFIG


@pytest.mark.asyncio
async def test_the_answer_tells_nothing_of_the_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with registry(tmp_path, monkeypatch) as at:
        kind = type(at.world.hub.pipeline.world.reach["civil"])

        async def never(*_: Any, **__: Any) -> None:
            raise AssertionError("a source was asked")

        monkeypatch.setattr(kind, "fetch", never)
        right = {**SAID, "fields": [{"field": "status", "claimed": "paid"}]}
        for said in (SAID, right, {**SAID, "key": {"number": "nobody"}},
                     {**SAID, "fields": [{"field": "status"}]}):  # fmt: skip
            status, told = await at.post(said)
            assert status == 202, told
            assert told.keys() == {"status", "ids"}
            assert told["status"] == "accepted for verification"
            assert [len(one) for one in told["ids"]] == [16]


@pytest.mark.asyncio
async def test_several_fields_go_to_their_departments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with registry(tmp_path, monkeypatch) as at:
        fields = [{"field": "status"}, {"field": "district", "claimed": "330102001"}]
        status, told = await at.post({**SAID, "fields": fields})
        assert (status, len(told["ids"])) == (202, 2)
        await at.doubt(type="Firm", key={"creditCode": "f1"}, fields=[{"field": "name"}])
        listed = "{ corrections { id field department state purpose reporter } }"
        held = await at.control("steward", listed)
        assert sorted(one["field"] for one in held) == ["Aid.district", "Aid.status"]
        assert {one["reporter"] for one in held} == {"app:tax-audit|user:li"}
        assert [one["field"] for one in await at.control("market", listed)] == ["Firm.name"]
        assert len(await at.control("authority", listed)) == 3
        assert await at.control("B-li", listed) == "FORBIDDEN"


@pytest.mark.asyncio
async def test_only_who_may_correct_the_field(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with registry(tmp_path, monkeypatch) as at:
        assert await at.refused(None) == "UNAUTHENTICATED"
        for who, purpose in (("A", "benefits.eligibility"), ("T", "grassroots")):
            assert await at.refused(who, purpose=purpose) == "USE_FORBIDDEN"
        assert await at.refused(purpose=None) == "PURPOSE_REQUIRED"
        assert await at.refused(purpose="case") == "PURPOSE_NOT_ALLOWED"
        # it may be corrected, but the key is not the caller's to see
        person = {"type": "Person", "key": {"idNo": "p1"}, "fields": [{"field": "name"}]}
        assert await at.refused(**person) == "USE_FORBIDDEN"
        assert at.acts()[-1] == ("correction.report", "app:tax-audit|user:li", "USE_FORBIDDEN")


@pytest.mark.asyncio
async def test_what_is_hidden_and_what_does_not_exist_are_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with registry(tmp_path, monkeypatch) as at:
        person = {"type": "Person", "key": {"idNo": "p1"}}
        told = [
            str((await at.post({**SAID, **person, "fields": [{"field": name}]}))[1])
            for name in ("keyWatch", "keyWatcx")
        ]
        assert told[0].replace("keyWatch", "") == told[1].replace("keyWatcx", "")
        nowhere = await at.post({**SAID, **person, "type": "Persom"})
        here = await at.post({**SAID, **person, "fields": [{"field": "status"}]})
        assert str(nowhere).replace("Persom", "Person") == str(here)


BAD: tuple[tuple[dict[str, Any], str], ...] = (
    ({"key": {}}, "BAD_USER_INPUT"),
    ({"key": {"number": "a1", "idNo": "p1"}}, "BAD_USER_INPUT"),
    ({"key": {"number": "a" * 501}}, "BAD_USER_INPUT"),
    ({"key": {"number": ["a1"]}}, "BAD_REQUEST"),
    ({"fields": []}, "BAD_USER_INPUT"),
    ({"fields": [{"field": "status"}] * 2}, "BAD_USER_INPUT"),
    ({"fields": [{"field": f"f{n}"} for n in range(21)]}, "BAD_USER_INPUT"),
    ({"fields": [{"field": "status", "claimed": "x" * 501}]}, "BAD_USER_INPUT"),
    ({"fields": [{"field": "status", "claimed": 1.5}]}, "BAD_USER_INPUT"),
    ({"evidence": " "}, "BAD_USER_INPUT"),
    ({"evidence": "x" * 2001}, "BAD_USER_INPUT"),
    ({"evidence": "x" * 70_000}, "PAYLOAD_TOO_LARGE"),
    ({"reason": "x"}, "BAD_REQUEST"),
    ({"type": None}, "BAD_REQUEST"),
)


@pytest.mark.asyncio
async def test_what_cannot_be_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with registry(tmp_path, monkeypatch) as at:
        for said, code in BAD:
            assert await at.refused(**said) == code, said


@pytest.mark.asyncio
async def test_no_more_than_may_be_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    more = "\ncorrections: {enabled: true, most_open: 2}\n"
    async with registry(tmp_path, monkeypatch, more=more) as at:
        first = await at.doubt()
        await at.doubt()
        assert await at.refused() == "CORRECTION_REFUSED"
        assert await at.step("reject", first, 1) == "rejected"
        await at.doubt()


async def everywhere(at: Registry, capsys: pytest.CaptureFixture[str]) -> bytes:
    """All that is stored or logged, but for the departments' own databases."""
    state = at.world.folder / "state"
    files = [file for file in state.rglob("*") if file.is_file()]
    assert any(file.name == "corrections.key" for file in files)
    said = capsys.readouterr()
    return b"".join(file.read_bytes() for file in files) + (said.out + said.err).encode()


@pytest.mark.parametrize("profile", ["intl", "sm"])
@pytest.mark.asyncio
async def test_what_is_said_is_stored_encrypted_and_logged_nowhere(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    profile: str,
) -> None:
    told = CONFIG.replace("mode: development", f"mode: development, crypto_profile: {profile}")
    monkeypatch.setattr("tests.hub.corrections.registry_office.CONFIG", told)
    told = CONFIG.replace("mode: development", f"mode: development, crypto_profile: {profile}")
    monkeypatch.setattr("tests.hub.corrections.registry_office.CONFIG", told)
    async with registry(tmp_path, monkeypatch) as at:
        assert at.world.hub.settings.instance.crypto_profile == profile
        secrets = {"key": {"number": "zzkey77"}, "evidence": "zzletter77"}
        fields = [{"field": "status", "claimed": "zzclaim77"}]
        name = await at.accepted(**secrets, fields=fields)
        await at.refused(**{**secrets, "fields": [{"field": "zz77"}]}, type="zztype77")
        held = await everywhere(at, capsys)
        for text in (b"zzkey77", b"zzletter77", b"zzclaim77", b"zztype77"):
            assert text not in held
        shown = await at.control(
            "steward", f'{{ correction(id: "{name}") {{ key claimed evidence }} }}'
        )
        assert shown == {
            "key": '{"number":"zzkey77"}', "claimed": '"zzclaim77"', "evidence": "zzletter77",
        }  # fmt: skip


@pytest.mark.asyncio
async def test_a_hub_that_takes_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with registry(tmp_path, monkeypatch, more="") as at:
        got = await at.world.client.post("/corrections", json=dict(SAID))
        assert got.status_code == 404
        told = await at.ask()
        assert told["extensions"]["disputed"] == {"complete": True, "paths": []}
