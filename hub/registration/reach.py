"""What a registered source may reach: the places and secrets that the settings allow it.

Whoever writes a fragment says where the hub connects and which secrets it sends there. In files
operators write that; what comes over HTTP is bounded by them instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from hub.registration.report import Finding
from hub.registry.kinds import BUILT_IN
from hub.settings.steps import Registrant, RegistrySettings
from schema.compose.part import Fragment

_REFERENCE = re.compile(r"\$\{([a-z]+:[^{}$]+)\}")
_PLACES = frozenset({
    "url", "base", "path", "openapi", "wsdl", "address", "token_url", "ca", "certificate", "key",
    "credentials",
})  # fmt: skip
"""Entries of `connect` that name a place, whatever they look like."""
_BELOW = frozenset({"rest", "soap", "graphql"})
"""Kinds whose tables have paths below what `connect` names, as `/permits`."""
_DEEP = 8


def registrant(settings: RegistrySettings, department: str) -> Registrant | None:
    """What the settings say of a department."""
    return next((one for one in settings.departments if one.department == department), None)


def unreachable(fragment: Fragment, settings: RegistrySettings) -> tuple[Finding, ...]:
    """What a fragment wants to reach and may not."""
    where = fragment.where(fragment.source_at)
    department = fragment.source.department
    allowed = registrant(settings, department)
    if allowed is None:
        hint = "an operator lists it under `registry.departments`"
        return (_finding(f"`{department}` may not register sources", where, hint),)
    found = []
    source = fragment.source
    below = source.kind in _BELOW
    told = [
        (key, text, _is_place(source.kind, key, text)) for key, text in _texts(source.connect, "")
    ]
    # the name of a table may be the place of its file
    tables = [*_texts(source.tables, ""), *(("tables", str(name)) for name in source.tables)]
    told += [(key, text, _leaves(text, below=below)) for key, text in tables]
    for key, text, place in told:
        for reference in _REFERENCE.findall(text):
            if not _referable(reference, allowed):
                hint = "an operator allows it under `references` of `registry.departments`"
                message = f"`{department}` may not refer to `{reference}`"
                found.append(_finding(message, where, hint))
        if place and not _reachable(text, allowed, sql=source.kind == "sql"):
            hint = "an operator allows it under `places` of `registry.departments`"
            message = f"`{key}` names a place that `{department}` may not reach"
            found.append(_finding(message, where, hint))
    if source.kind == "soap" and _addressless(source.connect):
        # fails closed: whoever writes the file would choose where secrets are sent
        hint = "name it in `connect.address`"
        found.append(_finding("a WSDL of a file does not say where the service is", where, hint))
    return tuple(found)


def _addressless(connect: Mapping[str, Any]) -> bool:
    wsdl = str(connect.get("wsdl", ""))
    return not connect.get("address") and "://" not in wsdl and not _REFERENCE.fullmatch(wsdl)


def _texts(value: Any, key: str, deep: int = 0) -> Iterator[tuple[str, str]]:
    """(key, text) of every text within."""
    if isinstance(value, str):
        yield key, value
    elif deep >= _DEEP:
        yield key, ".."  # fails closed: what lies deeper is not looked at
    elif isinstance(value, Mapping | list | tuple):
        if isinstance(value, Mapping):
            for name, inner in value.items():
                yield from _texts(inner, str(name), deep + 1)
        else:
            for inner in value:
                yield from _texts(inner, key, deep + 1)


def _is_place(kind: str, key: str, text: str) -> bool:
    if kind not in BUILT_IN:
        return True  # fails closed: what its words mean, only its package knows
    if key == "schema":
        return kind == "graphql"  # of a database it is a name
    return key in _PLACES or "://" in text or text.startswith(("/", "\\", ".", "~"))


def _leaves(text: str, *, below: bool) -> bool:
    """Whether a text in `tables` may lead out of what `connect` names."""
    if "://" in text or text.startswith(("//", "\\", "~")) or _climbs(text):
        return True
    return text.startswith("/") and not below


def _reachable(text: str, allowed: Registrant, *, sql: bool) -> bool:
    if re.fullmatch(_REFERENCE, text):
        return True  # whoever set the secret has chosen the place; the reference itself is judged
    # some kinds take several addresses in one text
    parts = text.split(",") if "://" in text else [text]
    return not _climbs(text) and all(
        any(_below(part, place, sql=sql) for place in allowed.places) for part in parts
    )


def _below(text: str, place: str, *, sql: bool) -> bool:
    """Whether a text is the place or lies below it: `https://a.b` does not begin `https://a.bc`."""
    if not text.startswith(place):
        return False
    rest = text[len(place) :]
    if sql and not {"?", "@"}.isdisjoint(rest):
        # drivers take another host, or a file, from an address's parameters; and what stands
        # before an `@` is no host, whatever it looks like
        return False
    ends = "/?#" if "://" in place and not sql else "/"
    return not rest or place.endswith("/") or rest[0] in ends


def _referable(reference: str, allowed: Registrant) -> bool:
    if _climbs(reference):
        return False
    return any(fnmatchcase(reference, pattern) for pattern in allowed.references)


def _climbs(text: str) -> bool:
    lowered = text.lower().replace("%2e", ".").replace("%2f", "/")
    return ".." in re.split(r"[/\\:]", lowered)


def _finding(message: str, where: str, hint: str) -> Finding:
    return Finding(
        kind="reach", severity="error", code="REGISTRATION_REFUSED",
        message=message, where=where, hint=hint,
    )  # fmt: skip
