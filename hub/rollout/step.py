"""Steps of a release that are asked for over HTTP, as values: a process of its own takes them."""

from __future__ import annotations

from typing import Any

import msgspec

from hub.settings import Settings

Texts = dict[str, str]


class Prepare(msgspec.Struct, frozen=True, kw_only=True, tag="prepare"):
    """What an author would sign: a draft that the gate has nothing against."""

    name: str
    bundles: Texts
    assertions: Texts
    tests: Texts
    days: int | None = None
    activate_at: int | None = None
    simulation: dict[str, Any] | None = None


class Propose(msgspec.Struct, frozen=True, kw_only=True, tag="propose"):
    """A release with its author's signature."""

    envelope: str


class Countersign(msgspec.Struct, frozen=True, kw_only=True, tag="countersign"):
    """The same with one signature more."""

    digest: str
    envelope: str
    based_on: int


class Activate(msgspec.Struct, frozen=True, kw_only=True, tag="activate"):
    """Put it in force. Units: Unix seconds."""

    digest: str
    at: float | None
    based_on: int


class OrderBack(msgspec.Struct, frozen=True, kw_only=True, tag="order"):
    """What an officer would sign to go back to an epoch."""

    to: int
    reason: str
    revoke: bool


class GoBack(msgspec.Struct, frozen=True, kw_only=True, tag="back"):
    """The order with its signature."""

    envelope: str


Step = Prepare | Propose | Countersign | Activate | OrderBack | GoBack


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """A step, and what it is taken over."""

    settings: Settings
    step: Step
    asked_by: str
    seconds: float
    """For each assertion, and for the comparison."""


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """An error as it travels."""

    code: str
    message: str
    where: str | None = None
    hint: str | None = None


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a step: what it gives, or every problem."""

    text: str | None = None
    """What is to be signed."""
    digest: str | None = None
    """Of the proposal."""
    epoch: int | None = None
    active_from: float | None = None
    replaced: tuple[int, ...] = ()
    code: str | None = None
    """Of all problems together."""
    problems: tuple[Problem, ...] = ()
