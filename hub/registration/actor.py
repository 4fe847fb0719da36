"""Who takes a step, and which steps are theirs."""

from __future__ import annotations

import msgspec

from schema.errors import HubError


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who registers, approves or only looks."""

    name: str
    """As it stands on record."""
    names: frozenset[str] = frozenset()
    """Whatever else they are called, so that nobody approves their own."""
    department: str | None = None
    """Whose sources they register; ``None``: of every one (operators at the command line)."""
    steward: bool = False
    """Whether they register sources."""
    officer: bool = False
    """Whether they approve, and see every department's."""

    @property
    def known_as(self) -> frozenset[str]:
        """All their names."""
        return self.names | {self.name}

    def sees(self, department: str) -> bool:
        """Whether a department's sources are shown to them."""
        return self.officer or self._steward_of(department)

    def check_registers(self) -> None:
        """Raises: `HubError` FORBIDDEN for who registers nothing, whatever it is about."""
        if not self.steward:
            raise _forbidden("sources are registered by their departments", "source-steward")

    def check_steward(self, department: str) -> None:
        """Raises: `HubError` FORBIDDEN for another department's source."""
        if not self._steward_of(department):
            raise _forbidden("registering this source is its department's", "source-steward")

    def check_officer(self) -> None:
        """Raises: `HubError` FORBIDDEN."""
        if not self.officer:
            raise _forbidden("this is a security officer's", "security-officer")

    def check_either(self, department: str) -> None:
        """Raises: `HubError` FORBIDDEN for who is neither an officer nor of the department."""
        if not self.officer:
            self.check_steward(department)

    def _steward_of(self, department: str) -> bool:
        return self.steward and self.department in (None, department)


def _forbidden(message: str, duty: str) -> HubError:
    return HubError("FORBIDDEN", message, hint=f"it asks for the duty `{duty}`")
