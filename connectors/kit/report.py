"""What holding a connector against the laws found."""

from __future__ import annotations

import msgspec


class Failure(msgspec.Struct, frozen=True):
    """One broken law."""

    law: int
    check: str
    about: str
    seed: int | None = None

    def __str__(self) -> str:
        seed = "" if self.seed is None else f" [seed {self.seed}]"
        return f"law {self.law}: {self.check}: {self.about}{seed}"


class Report(msgspec.Struct, frozen=True):
    """What was found; `ok` when nothing was."""

    checks: int
    failures: tuple[Failure, ...]

    @property
    def ok(self) -> bool:
        """Whether every law holds."""
        return not self.failures

    def __str__(self) -> str:
        told = [f"{self.checks} checks, {len(self.failures)} failures"]
        return "\n".join([*told, *map(str, self.failures[:20])])


class BrokenLawError(Exception):
    """A check that failed."""

    def __init__(self, law: int, about: str) -> None:
        super().__init__(about)
        self.law = law
