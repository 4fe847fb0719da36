"""What a check of a registration found, as a frozen value; it holds no data of any source."""

from __future__ import annotations

import hashlib
from typing import Literal

import msgspec

from hub.rollout.release import canonical
from schema.compose.evolve import Change

FindingKind = Literal["reach", "labels", "composition", "rules", "probe"]
Way = Literal["new", "raised", "lowered", "changed", "gone"]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was found."""

    kind: FindingKind
    severity: Literal["error", "note"]
    code: str
    message: str
    where: str | None = None
    hint: str | None = None

    def __str__(self) -> str:
        text = f"{self.where}: {self.message}" if self.where else self.message
        return f"{text} ({self.hint})" if self.hint else text


class LabelChange(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the table that an officer decides by."""

    coordinate: str
    what: Literal["label", "share"]
    before: str
    """Empty for what is new."""
    after: str
    """Empty for what goes."""
    way: Way


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """An operation by its name and the digest of its text."""

    name: str | None
    digest: str
    asked: int
    reason: str


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of the recorded operations of one application. Units: operations."""

    department: str | None
    app: str
    breaks: int
    """Answered now, and refused then."""
    changes: int
    """Answered then too, but otherwise."""
    asked: int
    """How often those were asked."""
    examples: tuple[Example, ...] = ()


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One check of one text against one catalogue."""

    digest: str
    """Of the text."""
    base: str
    """The version digest of the catalogue in force."""
    catalogue: str | None
    """That of the catalogue with it; ``None`` where they do not fit together."""
    at: float
    by: str
    findings: tuple[Finding, ...] = ()
    changes: tuple[Change, ...] = ()
    labels: tuple[LabelChange, ...] = ()
    operations: int = 0
    """Recorded operations that were decided anew."""
    effects: tuple[Effect, ...] = ()

    @property
    def errors(self) -> tuple[Finding, ...]:
        """What keeps it from being submitted."""
        return tuple(one for one in self.findings if one.severity == "error")

    @property
    def passed(self) -> bool:
        """Whether it may be submitted."""
        return not self.errors and self.catalogue is not None

    @property
    def shown(self) -> str:
        """The digest of what an officer is shown: differences, labels and share attributes."""
        return shown_digest(self.changes, self.labels)

    def text(self) -> str:
        """As it is stored."""
        return msgspec.json.encode(self).decode()


def shown_digest(changes: tuple[Change, ...], labels: tuple[LabelChange, ...]) -> str:
    """The digest of differences and of the table of labels."""
    return hashlib.sha256(canonical([changes, labels])).hexdigest()


def read_report(text: str) -> Report:
    """A stored report; raises `msgspec.DecodeError`."""
    return msgspec.json.decode(text, type=Report)
