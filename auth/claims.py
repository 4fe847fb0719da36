"""Claims -> a subject's attributes, by a declared mapping; what is missing stays missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from auth.issuer import ClaimMapping, Fixable
from auth.refusal import RefusedError
from schema.model.subject import Subject

_TEXTS: tuple[Fixable, ...] = ("department", "org_kind", "tier", "region", "acting_for")
SETS: tuple[Fixable, ...] = ("compartments", "roles", "purposes", "duties")
_LONGEST = 500
_MOST = 1_000


def subject_of(
    claims: Mapping[str, Any],
    mapping: ClaimMapping,
    fixed: Mapping[Fixable, str],
    *,
    expires_at: float,
) -> Subject:
    """The subject that verified claims describe; `fixed` attributes win over claims.

    Raises: `RefusedError` for a claim of the wrong type: half a subject is none.
    """
    sub = _text(claims.get("sub"))
    if sub is None:
        raise RefusedError("claims")

    def text(name: Fixable) -> str | None:
        if name in fixed:
            return fixed[name]
        return _text(_find(claims, getattr(mapping, name)))

    app = text("app") or sub
    user = text("user")
    attributes: dict[str, Any] = {name: text(name) for name in _TEXTS}
    for name in SETS:
        attributes[name] = _texts(fixed.get(name) or _find(claims, getattr(mapping, name)))
    return Subject(
        id=subject_id(app, user, attributes["acting_for"]),
        app=app,
        user=user,
        clearance=_ladders(_find(claims, mapping.clearance)),
        acr=_text(_find(claims, mapping.acr)),
        expires_at=expires_at,
        **attributes,
    )


def unsaid(
    claims: Mapping[str, Any], mapping: ClaimMapping, fixed: Mapping[Fixable, str]
) -> frozenset[str]:
    """The attributes of several values that neither claims nor `fixed` say anything of."""
    return frozenset(
        name for name in SETS if name not in fixed and _find(claims, getattr(mapping, name)) is None
    )


def subject_id(app: str, user: str | None, acting_for: str | None = None) -> str:
    """``app:A``, ``app:A|user:U`` and ``app:A|user:U|for:D``; a `|` or `%` inside a name is
    escaped, so ids never meet. Who acts for two departments has nothing in common to tell by."""
    parts = [("app", app), ("user", user), ("for", acting_for)]
    return "|".join(f"{of}:{_escaped(name)}" for of, name in parts if name is not None)


def _escaped(name: str) -> str:
    return name.replace("%", "%25").replace("|", "%7C")


def _find(claims: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    """The first of the named claims that is there."""
    for name in names:
        value = claims.get(name)
        if value is None and "." in name:
            value = claims
            for part in name.split("."):
                value = value.get(part) if isinstance(value, Mapping) else None
        if value is not None:
            return value
    return None


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip() or len(value) > _LONGEST:
        raise RefusedError("claims")
    return value


def _texts(value: Any) -> frozenset[str]:
    """A list of texts, or one text with spaces between (as `scope` is written)."""
    if value is None:
        return frozenset()
    parts = value.split() if isinstance(value, str) else value
    if not isinstance(parts, list) or len(parts) > _MOST:
        raise RefusedError("claims")
    return frozenset(part for item in parts if (part := _text(item)) is not None)


def _ladders(value: Any) -> Mapping[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict) or len(value) > _MOST:
        raise RefusedError("claims")
    held = {ladder: _text(level) for ladder, level in value.items()}
    return {ladder: level for ladder, level in held.items() if level is not None}
