"""The three separated duties: system administrator, security officer, auditor."""

from __future__ import annotations

from auth.apart import Apart
from hub.settings import Settings
from schema.errors import HubError


def separated(settings: Settings) -> Apart:
    """The words that the settings have for them.

    Raises: `HubError` CONFIG_INVALID where one word stands for two.
    """
    groups = (
        frozenset({settings.auth.administrator_duty}),
        frozenset({settings.registry.officer_duty, settings.release.officer_duty}),
        frozenset({settings.release.auditor_duty}),
    )
    apart = Apart(groups=groups)
    if len(apart.words) < sum(len(group) for group in groups):
        # fails closed: whoever has such a word would be two of them
        hint = "give system administrator, security officer and auditor each a word of its own"
        raise HubError("CONFIG_INVALID", "one word stands for two separated duties", hint=hint)
    return apart


def check_apart(apart: Apart, duties: frozenset[str], where: str | None = None) -> None:
    """Raises: `HubError` DIRECTORY_INVALID for duties that no identity may hold together."""
    clash = apart.clash(duties)
    if clash:
        told = " and ".join(f"`{word}`" for word in clash)
        hint = "give one of them to somebody else"
        raise HubError("DIRECTORY_INVALID", f"nobody holds {told} at once", where=where, hint=hint)
