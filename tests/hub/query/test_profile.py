"""Crypto profiles: known answers, seals that open only for their own, and refusal at start."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st

from hub.query.cursor import Seal
from hub.query.keys import Keyring
from hub.query.profile import Profile, ProfileName, offered
from hub.settings import Settings, read_settings
from hub.wiring import build_hub
from schema.errors import HubError
from tests.hub.query.small import OTHER, SECRET, SUBJECT, Small

NAMES: list[ProfileName] = ["intl", "sm"]
SM3 = "sm3" in hashlib.algorithms_available
PARTS = st.lists(st.binary(max_size=8), max_size=3)


def test_codes_are_those_of_the_standards() -> None:
    digests: dict[ProfileName, str] = {"intl": "sha256"} | ({"sm": "sm3"} if SM3 else {})
    for name, digest in digests.items():
        mac = Profile(name).mac(b"k" * 32, b"bound ")
        assert mac(b"message") == hmac.digest(b"k" * 32, b"bound message", digest)
    # RFC 5869, by hand
    extracted = hmac.digest(b"hub-keys-1", b"\x0b" * 22, "sha256")
    assert Profile().derive(b"\x0b" * 22, b"use") == hmac.digest(extracted, b"use\x01", "sha256")


@pytest.mark.skipif(not SM3, reason="this Python's own library has no SM3 to compare with")
def test_sm4_gcm_is_that_of_rfc_8998() -> None:
    """The seal's own nonce is the text's code: with it the standard's cipher gives the rest."""
    key = bytes(range(64))
    sealed = Profile("sm").sealing(key).encrypt(b"text", [b"a", b"b"])
    beside = b"".join(len(part).to_bytes(8) + part for part in (b"a", b"b", b""))
    nonce = hmac.digest(key[32:], beside + b"text", "sm3")[:12]
    cipher = Cipher(algorithms.SM4(key[:16]), modes.GCM(nonce)).encryptor()
    cipher.authenticate_additional_data(beside)
    assert sealed == nonce + cipher.update(b"text") + cipher.finalize() + cipher.tag


@pytest.mark.parametrize("name", NAMES)
@given(text=st.binary(min_size=1, max_size=80), beside=PARTS, other=PARTS, at=st.integers(0))
def test_what_is_sealed_opens_for_its_own_alone(
    name: ProfileName, text: bytes, beside: list[bytes], other: list[bytes], at: int
) -> None:
    sealing = Profile(name).sealing(b"k" * 64)
    sealed = sealing.encrypt(text, beside)
    assert sealing.decrypt(sealed, beside) == text
    assert sealing.encrypt(text, beside) == sealed, "one entity has one id"
    spoilt = bytearray(sealed)
    spoilt[at % len(spoilt)] ^= 1
    wrong = [(bytes(spoilt), beside), (sealed[:-1], beside), (b"", beside)]
    if other != beside:
        wrong.append((sealed, other))
    for held, parts in wrong:
        with pytest.raises(InvalidTag):
            sealing.decrypt(held, parts)
    with pytest.raises(InvalidTag):
        Profile(name).sealing(b"l" * 64).decrypt(sealed, beside)


@pytest.mark.asyncio
async def test_cursors_and_ids_under_sm() -> None:
    small, plain = Small(profile=Profile("sm")), Small()
    text = (
        "query($a: String) { persons(first: 2, after: $a) { nodes { id } pageInfo { endCursor } } }"
    )
    first = (await small.ask(text))["data"]["persons"]
    cursor = first["pageInfo"]["endCursor"]
    second = (await small.ask(text, {"a": cursor}))["data"]["persons"]
    assert first["nodes"] == (await small.ask(text))["data"]["persons"]["nodes"]
    assert len(second["nodes"]) == 2
    assert second["nodes"] != first["nodes"]
    opened = "query($id: ID!) { node(id: $id) { ... on Person { number } } }"
    shown = {"id": second["nodes"][0]["id"]}
    assert (await small.ask(opened, shown))["data"]["node"] == {"number": "3"}
    assert (await small.ask(opened, shown, subject=OTHER))["data"]["node"] is None
    assert (await plain.ask(opened, shown))["data"]["node"] is None
    assert await plain.code(text, {"a": cursor}) == "BAD_CURSOR"


def test_profiles_share_no_key() -> None:
    salts = {Seal(SECRET, lambda: 0.0, profile=Profile(n)).blind(SUBJECT.id, "X") for n in NAMES}
    assert len(salts) == 2
    assert Profile("intl").derive(SECRET, b"use") != Profile("sm").derive(SECRET, b"use")


def test_a_build_without_an_algorithm_is_refused() -> None:
    def lacking() -> tuple[str, str]:
        # no library has a block cipher mode of this width
        Cipher(algorithms.SM4(bytes(16)), modes.XTS(bytes(16))).encryptor()
        return "", ""

    for trial in (lacking, lambda: ("one thing", "another")):
        with pytest.raises(HubError, match="lacks what the crypto profile `sm` needs") as refused:
            offered("sm", trial)
        assert refused.value.code == "CONFIG_INVALID"
        assert refused.value.where == "instance.crypto_profile"
    offered("sm", lambda: ("same", "same"))


def test_secrets_that_are_too_short_are_refused() -> None:
    with pytest.raises(HubError, match="at least 32 bytes"):
        Keyring(b"short")


def test_the_setting(tmp_path: Path) -> None:
    file = tmp_path / "hub.yaml"
    file.write_text("instance: {crypto_profile: sm}\n", encoding="utf-8")
    assert build_hub(read_settings(file, {}))._profile.name == "sm"
    assert build_hub(Settings())._profile.name == "intl"
    file.write_text("instance: {crypto_profile: gost}\n", encoding="utf-8")
    with pytest.raises(HubError, match="crypto_profile"):
        read_settings(file, {})
