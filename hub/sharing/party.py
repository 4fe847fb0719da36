"""Who takes a step with requests and grants, and which steps are theirs."""

from __future__ import annotations

import msgspec

from hub.settings.steps import SharingSettings
from schema.errors import HubError
from schema.model.subject import Subject


class Party(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who asks, answers, judges or only looks."""

    name: str
    """As it stands on record."""
    names: frozenset[str]
    """Whatever they are called: nobody answers what they asked for."""
    department: str | None
    org_kind: str | None = None
    requester: bool = False
    """Whether they ask for their department."""
    steward: bool = False
    """Whether they answer for their department."""
    authority: bool = False
    """Whether they judge disputes and see all."""
    looks: bool = False
    """Whether they see all and do nothing."""

    def check_asks(self) -> None:
        """Raises: `HubError` FORBIDDEN for who asks for no department."""
        if not self.requester:
            raise _forbidden("shares are asked for by the department that uses them", "requester")

    def check_owns(self, *, judging: bool = False) -> None:
        """Raises: `HubError` FORBIDDEN for who answers for no department. `judging`: who judges
        disputes may do it too."""
        if not (self.steward or (judging and self.authority)):
            raise _forbidden("shares are answered by the department that owns them", "steward")

    def check_requests(self, department: str) -> None:
        """Raises: `HubError` FORBIDDEN for who does not ask for a department."""
        if not self.requester or self.department != department:
            raise _forbidden("shares are asked for by the department that uses them", "requester")

    def check_answers(self, department: str) -> None:
        """Raises: `HubError` FORBIDDEN for who does not answer for a department."""
        if not self.steward or self.department != department:
            raise _forbidden("shares are answered by the department that owns them", "steward")

    def check_judges(self) -> None:
        """Raises: `HubError` FORBIDDEN."""
        if not self.authority:
            raise _forbidden("disputes are the data authority's", "authority")

    @property
    def sees_all(self) -> bool:
        """Whether requests of departments that they do not belong to are shown to them."""
        return self.authority or self.looks


def party_of(subject: Subject, settings: SharingSettings, lookers: frozenset[str]) -> Party:
    """Somebody with the duties that their credentials say. `lookers`: duties of those who look.

    Raises: `HubError` FORBIDDEN for who has no part in it.
    """
    placed = subject.department is not None
    # fails closed: staff of no department would be staff of every one
    requester = settings.requester_duty in subject.duties and placed
    steward = settings.steward_duty in subject.duties and placed
    authority = settings.authority_duty in subject.duties
    looks = bool(lookers & subject.duties)
    if subject.acting_for is not None or not (requester or steward or authority or looks):
        raise _forbidden("sharing is for staff with duties", settings.requester_duty)
    person = subject.app if subject.user is None else subject.user
    return Party(
        name=subject.id,
        names=frozenset({subject.id, person}),
        department=None if subject.department is None else str(subject.department),
        org_kind=subject.org_kind,
        requester=requester,
        steward=steward,
        authority=authority,
        looks=looks,
    )


def _forbidden(message: str, duty: str) -> HubError:
    return HubError("FORBIDDEN", message, hint=f"it asks for the duty of a {duty}")
