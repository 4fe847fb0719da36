"""One enforcement point, and how it is switched off."""

from __future__ import annotations

from pathlib import Path

import msgspec

ROOT = Path(__file__).resolve().parent.parent.parent


class Point(msgspec.Struct, frozen=True):
    """A place in the code that holds something back, and the tests that would miss it."""

    name: str
    holds: str
    """What holds as long as it is there, in words."""
    file: str
    old: str
    """Text that stands in the file exactly once."""
    new: str
    """What stands there when the point is switched off."""
    noticed_by: tuple[str, ...]
    """Test ids without parameters: each of them fails when the point is switched off."""
    also: tuple[tuple[str, str], ...] = ()
    """Further (old, new) in the same file, where it takes several to switch one thing off."""

    @property
    def edits(self) -> tuple[tuple[str, str], ...]:
        """Every (old, new)."""
        return ((self.old, self.new), *self.also)

    def switched_off(self, text: str) -> str:
        """The file's text without the point. Raises: `LookupError` where it is not there once."""
        for old, new in self.edits:
            if text.count(old) != 1:
                raise LookupError(
                    f"{self.name}: this stands {text.count(old)} times in {self.file}, not once: "
                    f"{old!r}. Mend the point with the code"
                )
            text = text.replace(old, new)
        return text
