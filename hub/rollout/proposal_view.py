"""A signed release as somebody looks at it: what it holds, who signed it, what is missing."""

from __future__ import annotations

from hub.rollout.quorum import check_active, check_quorum
from hub.rollout.release import Release, read_release
from hub.rollout.signature import RELEASE, Signed, opened, read_envelope
from hub.rollout.signer import Signers
from hub.settings.declared import ReleaseSettings
from schema.errors import HubError


def release_in(text: str, signers: Signers) -> tuple[Release | None, tuple[Signed, ...]]:
    """The release in an envelope's text; ``None`` where its signatures hold no more."""
    try:
        payload, by = opened(read_envelope(text), signers, RELEASE)
        return read_release(payload), by
    except HubError:
        return None, ()


def looked_at(
    text: str, signers: Signers, settings: ReleaseSettings
) -> tuple[Release | None, tuple[Signed, ...], str | None]:
    """The same, with what its quorum lacks."""
    held, by = release_in(text, signers)
    if held is None:
        return None, (), "its signatures do not hold"
    try:
        check_active(by)
        check_quorum(by, held.evidence.change, settings)
    except HubError as error:
        return held, by, error.message
    return held, by, None
