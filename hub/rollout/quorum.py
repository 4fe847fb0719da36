"""Whether enough of the right people have signed."""

from __future__ import annotations

from collections.abc import Sequence

from hub.rollout.release import ChangeFound
from hub.rollout.signature import Signed
from hub.settings.declared import ReleaseSettings
from schema.errors import HubError

Found = Sequence[Signed]


def check_authors(signed: Found) -> None:
    """One officer has written it. Raises: `HubError` RELEASE_INVALID."""
    authors = [one for one in signed if one.part == "author"]
    if len(authors) != 1:
        hint = "the author builds it with `hub policy sign`; the others sign that file"
        raise HubError("RELEASE_INVALID", "it has not exactly one author", hint=hint)


def check_active(signed: Found) -> None:
    """Nobody signs any more who has retired. Raises: `HubError` RELEASE_REFUSED."""
    gone = sorted({one.signer.who for one in signed if one.signer.retired})
    if gone:
        hint = "let an officer sign who is not `retired`"
        message = f"`{gone[0]}` signs nothing new"
        raise HubError("RELEASE_REFUSED", message, hint=hint)


def check_quorum(signed: Found, change: ChangeFound, settings: ReleaseSettings) -> None:
    """As many officers as the change asks for, and the owners it concerns.

    Raises: `HubError` RELEASE_REFUSED, RELEASE_INVALID.
    """
    check_officers(signed, change, settings)
    consent = {one.signer.who for one in signed if one.signer.sort == "owner"}
    missing = sorted(set(wanted_owners(change, settings)) - consent)
    if missing:
        hint = "let the department sign the file with `hub policy sign`"
        message = f"`{missing[0]}` has not consented that its fields are shown to more"
        raise HubError("RELEASE_REFUSED", message, hint=hint)


def check_officers(signed: Found, change: ChangeFound, settings: ReleaseSettings) -> None:
    """As many different officers as the change asks for, one of them the author.

    Raises: `HubError` RELEASE_REFUSED, RELEASE_INVALID.
    """
    check_authors(signed)
    officers = {one.signer.who for one in signed if one.signer.sort == "officer"}
    wanted = wanted_officers(change, settings)
    if len(officers) < wanted:
        what = "shows somebody more" if change.kind in ("loosening", "both") else "may show more"
        told = what if change.loosens else "shows nobody more"
        hint = "let another officer sign the file with `hub policy sign`"
        message = f"{len(officers)} of {wanted} officers have signed what {told}"
        raise HubError("RELEASE_REFUSED", message, hint=hint)


def wanted_officers(change: ChangeFound, settings: ReleaseSettings) -> int:
    """How many officers must sign."""
    return settings.loosening if change.loosens else settings.tightening


def wanted_owners(change: ChangeFound, settings: ReleaseSettings) -> tuple[str, ...]:
    """Which departments must consent: of those who have keys, those whose fields show more."""
    declared = {owner.department for owner in settings.owners}
    if change.kind == "undecided":
        return tuple(sorted(declared))  # fails closed: whom it concerns is not known
    return tuple(sorted(declared & set(change.owners)))
