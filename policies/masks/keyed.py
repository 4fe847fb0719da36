"""Masks that need a secret: a keyed hash, and tokens that are the same within a scope alone.

A mask says which key it needs and never sees it: whoever carries it out hands over a message
authentication code under that key, bound to the field or the stated domain.
"""

from __future__ import annotations

import base64
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Protocol, get_args, runtime_checkable

import msgspec

from policies.masks.partial import FILL
from policies.ruling import MaskFunction
from schema.model.scalar import TEXTUAL, ScalarKind

Mac = Callable[[bytes], bytes]
"""Message -> code of at least 24 bytes, under a key that is not told."""
KeyScope = Literal["hub", "app", "department", "purpose", "grant"]
TOKEN_SCOPES: tuple[KeyScope, ...] = ("app", "department", "purpose", "grant")
_SCOPES: tuple[str, ...] = get_args(KeyScope)
_SHOWN_BYTES = 24
"""32 characters; two of a million million values have one token with a chance below 10^-33."""


class KeyNeed(msgspec.Struct, frozen=True, kw_only=True):
    """Which key a mask needs; every part of it makes another one."""

    use: str
    scope: KeyScope
    value: str | None = None
    """The scope's value where the mask states it; of the rest, a fact of the request."""
    domain: str | None = None
    """What codes are bound to; ``None`` = the field's coordinate."""
    version: int = 1


@runtime_checkable
class Keyed(MaskFunction, Protocol):
    """A mask that hides with a key; `apply` knows none and shows nothing."""

    by_cell: bool
    """Whether it goes by the cell (field and entity) and not by the value."""

    def need(self, params: Mapping[str, str | int]) -> KeyNeed | None:
        """The key it needs; ``None`` where the params do not say."""
        ...

    def conceal(
        self,
        column: Sequence[Any],
        params: Mapping[str, str | int],
        mac: Mac,
        cells: Sequence[bytes | None],
    ) -> list[Any]:
        """Mask a column; `cells` name its entities where `by_cell`, and are empty otherwise."""
        ...


class Hash:
    """A keyed hash of a text, one for the whole hub: equal values are equal for every caller."""

    name = "hash"
    by_cell = False

    def output_kind(self, kind: ScalarKind, params: Mapping[str, str | int]) -> ScalarKind:
        """The same kind; raises ``ValueError`` where it cannot be kept."""
        return _text_kind(kind, params)

    def apply(self, column: Sequence[Any], params: Mapping[str, str | int]) -> list[Any]:  # noqa: ARG002 - protocol
        """Hide a column: there is no hash without a key."""
        return _hidden(column)

    def need(self, params: Mapping[str, str | int]) -> KeyNeed | None:
        """A key of the hub's own."""
        return _need(self.name, "hub", params)

    def conceal(
        self,
        column: Sequence[Any],
        params: Mapping[str, str | int],  # noqa: ARG002 - protocol
        mac: Mac,
        cells: Sequence[bytes | None],  # noqa: ARG002 - protocol
    ) -> list[Any]:
        """Mask a column of texts; anything else becomes null."""
        return _coded("h", column, mac)


class Tokenise:
    """A token for a text: the same within `key_scope`, having nothing to do with another's."""

    name = "tokenise"
    by_cell = False

    def output_kind(self, kind: ScalarKind, params: Mapping[str, str | int]) -> ScalarKind:
        """The same kind; raises ``ValueError`` where it cannot be kept."""
        if params.get("key_scope") not in TOKEN_SCOPES:
            raise ValueError(f"it needs `key_scope`, one of {', '.join(TOKEN_SCOPES)}")
        return _text_kind(kind, params)

    def apply(self, column: Sequence[Any], params: Mapping[str, str | int]) -> list[Any]:  # noqa: ARG002 - protocol
        """Hide a column: there is no token without a key."""
        return _hidden(column)

    def need(self, params: Mapping[str, str | int]) -> KeyNeed | None:
        """A key of the scope's."""
        scope = params.get("key_scope")
        if scope not in TOKEN_SCOPES:
            return None  # fails closed: a wider scope than meant would link what must not be
        return _need(self.name, scope, params)

    def conceal(
        self,
        column: Sequence[Any],
        params: Mapping[str, str | int],  # noqa: ARG002 - protocol
        mac: Mac,
        cells: Sequence[bytes | None],  # noqa: ARG002 - protocol
    ) -> list[Any]:
        """Mask a column of texts; anything else becomes null."""
        return _coded("t", column, mac)


def _need(use: str, scope: Any, params: Mapping[str, str | int]) -> KeyNeed | None:
    version, domain = params.get("version", 1), params.get("domain")
    if scope not in _SCOPES or not isinstance(version, int) or not _is_domain(domain):
        return None
    grant = params.get("grant") if scope == "grant" else None
    return KeyNeed(
        use=use,
        scope=scope,
        value=None if grant is None else str(grant),
        domain=None if domain is None else unicodedata.normalize("NFC", str(domain)),
        version=version,
    )


def _is_domain(domain: object) -> bool:
    return domain is None or (isinstance(domain, str) and bool(domain.strip()))


def _text_kind(kind: ScalarKind, params: Mapping[str, str | int]) -> ScalarKind:
    version = params.get("version", 1)
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise ValueError("`version` is a whole number from 1")
    if not _is_domain(params.get("domain")):
        raise ValueError("`domain` is a text")
    if kind not in TEXTUAL:
        raise ValueError(f"it would give text for a {kind}")
    return kind


def _hidden(column: Sequence[Any]) -> list[Any]:
    return [FILL if isinstance(value, str) else None for value in column]


def _coded(letter: str, column: Sequence[Any], mac: Mac) -> list[Any]:
    """A letter, so that no spreadsheet takes a code for a number or a formula, and the code."""

    def one(value: Any) -> str | None:
        if not isinstance(value, str):
            return None  # fails closed: null stays null, what is no text is not shown
        text = value if value.isascii() else unicodedata.normalize("NFC", value)
        # lone surrogates have no UTF-8; they must not end the answer
        code = mac(text.encode("utf-8", "surrogatepass"))
        return letter + base64.urlsafe_b64encode(code[:_SHOWN_BYTES]).decode()

    return [one(value) for value in column]
