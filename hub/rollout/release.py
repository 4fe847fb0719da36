"""A release as a frozen value: rules, what is known of them, and the rules they follow."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Literal, TypeVar

import msgspec
import orjson

from schema.errors import HubError

SUFFIX = ".release.json"
ChangeKind = Literal["equal", "tightening", "loosening", "both", "undecided"]
"""As `policies.prove.change` has it, without its solver."""
NO_RULES = ""
"""The digest of no rules at all, which are in force before the first release."""


class SignedValue(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is under a signature has nothing in it that nobody knows."""


class Base(SignedValue, frozen=True, kw_only=True):
    """What was in force when a release was built."""

    epoch: int
    digest: str


class Proof(SignedValue, frozen=True, kw_only=True):
    """What came of one assertion."""

    assertion: str
    verdict: str


class ChangeFound(SignedValue, frozen=True, kw_only=True):
    """What the rules change for callers, compared with the base."""

    kind: ChangeKind
    more: tuple[str, ...] = ()
    """Uses that somebody has more of, as ``project Person.name``."""
    less: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    """The departments whose fields are shown to more."""
    unasserted: tuple[str, ...] = ()
    """Assertions of the base that are gone or say something else."""

    @property
    def loosens(self) -> bool:
        """Whether more officers must sign: also where it is not known, and what is not proved
        any more."""
        return self.kind not in ("equal", "tightening") or bool(self.unasserted)

    def covers(self, found: ChangeFound) -> bool:
        """Whether all that loosens in what was found is said here."""
        return (
            (self.loosens or not found.loosens)
            and set(found.more) <= set(self.more)
            and set(found.owners) <= set(self.owners)
            and set(found.unasserted) <= set(self.unasserted)
        )


class Evidence(SignedValue, frozen=True, kw_only=True):
    """What the gate found, which is found anew when it comes into force."""

    catalogue: str
    """Version digest."""
    packs: dict[str, str]
    """Rule packs in force, with the digests of their rules."""
    notes: tuple[str, ...]
    """What lint had to tell."""
    expectations: int
    """Of tests, all met."""
    proofs: tuple[Proof, ...]
    change: ChangeFound
    simulation: dict[str, Any] | None = None
    """The summary of a simulation, as its command wrote it."""


class SimulatedRules(msgspec.Struct, frozen=True, kw_only=True):
    """Rules that a simulation decided by."""

    digest: str


class SimulatedSummary(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a simulation that is read again; units: operations, and how often asked."""

    base: SimulatedRules
    candidate: SimulatedRules
    catalogue: str
    verdict: str
    recorded: dict[str, int | float | None]
    counts: dict[str, dict[str, int]]


class Simulated(msgspec.Struct, frozen=True, kw_only=True):
    """What `hub policy simulate` wrote, as far as it is read again."""

    summary: SimulatedSummary


class Release(SignedValue, frozen=True, kw_only=True):
    """What officers sign."""

    format: Literal[1] = 1
    name: str
    made_at: int
    """Unix seconds."""
    expires: int
    """From then on it cannot come into force; what is in force stays."""
    activate_at: int | None = None
    """It cannot come into force earlier."""
    bundles: dict[str, str]
    """File name -> text."""
    assertions: dict[str, str]
    tests: dict[str, str]
    base: Base
    evidence: Evidence

    @property
    def rules(self) -> str:
        """The digest of its rules."""
        return rules_digest(self.bundles)


class Rollback(SignedValue, frozen=True, kw_only=True):
    """An officer's order to go back to the rules of an earlier epoch."""

    format: Literal[1] = 1
    to: int
    digest: str
    """Of the rules to go back to."""
    packs: dict[str, str]
    """Rule packs in force, with the digests of their rules."""
    base: Base
    reason: str
    revoke: bool
    """Whether nothing decided by the epochs in between may leave any more."""
    made_at: int
    expires: int


Value = TypeVar("Value", bound=SignedValue)


def rules_digest(bundles: Mapping[str, str]) -> str:
    """The digest of rules; of none it is empty."""
    return hashlib.sha256(canonical(dict(bundles))).hexdigest() if bundles else NO_RULES


def canonical(value: object) -> bytes:
    """The only bytes that stand for a value: JSON without spaces, keys in order."""
    return orjson.dumps(msgspec.to_builtins(value), option=orjson.OPT_SORT_KEYS)


def read_release(payload: bytes) -> Release:
    """The release under a signature. Raises: `HubError` RELEASE_INVALID."""
    return read_signed(payload, Release)


def read_rollback(payload: bytes) -> Rollback:
    """The order under a signature. Raises: `HubError` RELEASE_INVALID."""
    return read_signed(payload, Rollback)


def read_signed(payload: bytes, kind: type[Value]) -> Value:
    """The value under a signature. Raises: `HubError` RELEASE_INVALID."""
    try:
        found = msgspec.json.decode(payload, type=kind)
        whole = canonical(found) == payload
    except (msgspec.DecodeError, TypeError, orjson.JSONEncodeError) as error:
        raise _not_read(error) from error
    if not whole:
        # fails closed: what several readers may read in several ways is read by none
        raise _not_read(None)
    return found


def _not_read(cause: BaseException | None) -> HubError:
    hint = "build it anew with this version of `hub policy sign`"
    return HubError("RELEASE_INVALID", "the release cannot be read", hint=hint, cause=cause)
