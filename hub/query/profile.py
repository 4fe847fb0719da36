"""Crypto profiles: the algorithms of an instance, international or the Chinese commercial ones.

Source: RFC 5869 (HKDF), RFC 5297 (AES-SIV), GB/T 32905 (SM3), GB/T 32907 and RFC 8998 (SM4-GCM).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, Protocol, assert_never

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from schema.errors import HubError

ProfileName = Literal["intl", "sm"]
_SALT = b"hub-keys-1"
_NONCE_BYTES, _TAG_BYTES = 12, 16
_SM3_ABC = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
_SM4_BLOCK = "681edf34d206965e86b3e94f536e4246"
_SIV_EXAMPLE = "85632d07c6e8f37f950acd320a2ecc9340c02b9690c4dc04daef7f6afe5c"


class Sealing(Protocol):
    """Authenticated encryption that seals equal texts alike under one key."""

    def encrypt(self, data: bytes, associated_data: list[bytes] | None) -> bytes: ...

    def decrypt(self, data: bytes, associated_data: list[bytes] | None) -> bytes:
        """Raises: `InvalidTag` for anything that was not sealed so."""
        ...


class Profile:
    """The algorithms under one name. Raises, when made: `HubError` CONFIG_INVALID where the
    installed cryptographic library does not offer them, or offers something else by their name."""

    def __init__(self, name: ProfileName = "intl") -> None:
        self.name = name
        match name:
            case "intl":
                self._hash: hashes.HashAlgorithm = hashes.SHA256()
                offered("intl", lambda: (_siv_example(), _SIV_EXAMPLE))
            case "sm":
                self._hash = hashes.SM3()
                offered("sm", lambda: (_digest(hashes.SM3(), b"abc"), _SM3_ABC))
                offered("sm", lambda: (_sm4_block(), _SM4_BLOCK))
            case _:
                assert_never(name)

    def derive(self, secret: bytes, use: bytes, size: int = 32) -> bytes:
        """A key of `size` bytes for one use; keys of other uses tell nothing of it."""
        return HKDF(algorithm=self._hash, length=size, salt=_SALT, info=use).derive(secret)

    def mac(self, key: bytes, bound: bytes = b"") -> Callable[[bytes], bytes]:
        """Codes of 32 bytes for messages that follow on `bound`. Cost: one HMAC per message."""
        begun = HMAC(key, self._hash)
        begun.update(bound)

        def code(message: bytes) -> bytes:
            held = begun.copy()
            held.update(message)
            return held.finalize()

        return code

    def sealing(self, key: bytes) -> Sealing:
        """Authenticated encryption under a key of 64 bytes.

        AES-SIV needs no nonce; SM4-GCM has that of its text's code, so that neither can be made
        to seal two texts under one.
        """
        return AESSIV(key) if self.name == "intl" else _Sm4(key, self.mac)


class _Sm4:
    def __init__(self, key: bytes, mac: Callable[[bytes], Callable[[bytes], bytes]]) -> None:
        self._key = key[:16]
        self._mac = mac(key[32:])

    def encrypt(self, data: bytes, associated_data: list[bytes] | None) -> bytes:
        beside = _joined(associated_data or ())
        nonce = self._mac(beside + data)[:_NONCE_BYTES]
        sealing = Cipher(algorithms.SM4(self._key), modes.GCM(nonce)).encryptor()
        sealing.authenticate_additional_data(beside)
        return nonce + sealing.update(data) + sealing.finalize() + sealing.tag

    def decrypt(self, data: bytes, associated_data: list[bytes] | None) -> bytes:
        if len(data) < _NONCE_BYTES + _TAG_BYTES:
            raise InvalidTag
        nonce, tag = data[:_NONCE_BYTES], data[-_TAG_BYTES:]
        opening = Cipher(algorithms.SM4(self._key), modes.GCM(nonce, tag)).decryptor()
        opening.authenticate_additional_data(_joined(associated_data or ()))
        return opening.update(data[_NONCE_BYTES:-_TAG_BYTES]) + opening.finalize()


def offered(profile: str, trial: Callable[[], tuple[str, str]]) -> None:
    """Refuse a profile whose trial (what came, what should) fails.

    Raises: `HubError` CONFIG_INVALID.
    """
    cause: Exception | None = None
    try:
        came, wanted = trial()
    except (UnsupportedAlgorithm, ValueError) as error:
        came, wanted, cause = "nothing", "something", error
    if came != wanted:
        raise HubError(
            "CONFIG_INVALID",
            f"the installed `cryptography` lacks what the crypto profile `{profile}` needs",
            where="instance.crypto_profile",
            hint="install a build with these algorithms, or choose the other profile",
            cause=cause,
        )


def _joined(parts: Sequence[bytes]) -> bytes:
    """The parts, none of which can be taken for another's end."""
    return b"".join(len(part).to_bytes(8) + part for part in (*parts, b""))


def _digest(algorithm: hashes.HashAlgorithm, data: bytes) -> str:
    held = hashes.Hash(algorithm)
    held.update(data)
    return held.finalize().hex()


def _siv_example() -> str:
    """The first example of RFC 5297."""
    key = bytes([*range(0xFF, 0xEF, -1), *range(0xF0, 0x100)])
    text, beside = bytes.fromhex("112233445566778899aabbccddee"), bytes(range(0x10, 0x28))
    return AESSIV(key).encrypt(text, [beside]).hex()


def _sm4_block() -> str:
    """The standard's example block, and that GCM is there."""
    text = bytes.fromhex("0123456789abcdeffedcba9876543210")
    Cipher(algorithms.SM4(text), modes.GCM(bytes(_NONCE_BYTES))).encryptor().finalize()
    sealing = Cipher(algorithms.SM4(text), modes.ECB()).encryptor()  # noqa: S305 - a self-test
    return (sealing.update(text) + sealing.finalize()).hex()
