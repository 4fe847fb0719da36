"""Who asks through another hub: its signed word, cut to what this hub lets it say."""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Any, Literal, cast

import msgspec

from auth.claims import subject_id
from auth.issuer import Issuer, KeyPlace
from auth.keyset import KeySet
from auth.refusal import RefusedError
from auth.token import Once, TokenVerifier
from schema.errors import HubError
from schema.model.label import LabelScheme
from schema.model.names import DepartmentName
from schema.model.subject import Subject

TYPE = "hub-link+jwt"
LONGEST_S = 60.0
"""The longest life of a token that is accepted."""
LEEWAY_S = 10.0
MOST_HUBS = 8
"""Hubs that a question may have passed."""
_KEPT = 2048
_LONGEST = 500
_SHORT = 128
_MOST = 1_000
_TRACE = re.compile(r"(?!0{32})[0-9a-f]{32}\Z")
_DIGEST = re.compile(r"[0-9a-f]{64}\Z")
_ID = re.compile(r"[A-Za-z0-9_-]{16,128}\Z")
ANY = "*"

Fixed = Literal["department", "org_kind", "tier", "region"]
Accepted = Literal[
    "department", "org_kind", "tier", "region", "acting_for", "acr", "compartments", "roles",
    "duties",
]  # fmt: skip
HubName = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
_TEXTS: tuple[Accepted, ...] = ("department", "org_kind", "tier", "region", "acr")
_SETS: tuple[Accepted, ...] = ("compartments", "roles", "duties")


class Link(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Another hub that may ask here for its callers, and the most that it can say of them."""

    name: HubName
    """The other hub's `instance.name`; rules name it as `subject.link`."""
    keys: KeyPlace
    """File or URL of its public key set (JWKS)."""
    ceiling: Annotated[Mapping[str, str], msgspec.Meta(min_length=1)]
    """ladder -> the highest level that anything sent over the link may have."""
    purposes: tuple[str, ...] = ()
    """The purposes that it may state."""
    fixed: Mapping[Fixed, str] = {}
    """Attributes that every caller over the link has, whatever it says."""
    accepts: Mapping[Accepted, Mapping[str, str]] = {}
    """attribute -> (their value -> ours); `"*": "*"` takes every value as it is said. What is not
    accepted is not known."""


class Linked(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks over a link, and why, as its token says and the link allows."""

    subject: Subject
    purpose: str | None
    """As stated; the subject's purposes say whether it may be."""
    case_id: str | None
    trace: str | None


class LinkVerifier:
    """Verifies the tokens of the declared links. Raises: `HubError` CONFIG_INVALID when made."""

    def __init__(
        self,
        links: Sequence[Link],
        *,
        own: str,
        scheme: LabelScheme,
        once: Once,
        clock: Callable[[], float] = time.time,
        key_set: Callable[[Issuer], KeySet] = KeySet,
    ) -> None:
        self._links = {link.name: link for link in links}
        self._own = own
        self._scheme = scheme
        self._once = once
        for link in links:
            check_link(link, own, scheme)
        issuers = [
            Issuer(
                issuer=link.name, audience=(own,), jwks=link.keys, algorithms=("EdDSA", "ES256"),
                types=cast(Any, (TYPE,)), leeway_s=LEEWAY_S, lifetime_max_s=LONGEST_S,
            )
            for link in links
        ]  # fmt: skip
        self._tokens = TokenVerifier(issuers, clock=clock, key_set=key_set)
        self._subjects: OrderedDict[bytes, Subject] = OrderedDict()

    async def verify(self, token: str, read: Callable[[], Awaitable[bytes]]) -> Linked:
        """Who asks; the token is good for the body that `read` reads, and once.

        Nothing is read for a token that is nobody's.

        Raises: `RefusedError`; `HubError` HUB_LOOP for a question that has been here before.
        """
        held = await self._tokens.claims(token)
        claims, link = held.claims, self._links[held.issuer.issuer]
        told = claims.get("body")
        if not isinstance(told, str) or not _DIGEST.match(told):
            raise RefusedError("body")
        body = await read()
        if not hmac.compare_digest(told, hashlib.sha256(body).hexdigest()):
            raise RefusedError("body")  # fails closed: a token of another question
        ident = claims.get("jti")
        if not isinstance(ident, str) or not _ID.match(ident):
            raise RefusedError("claims")
        if not await self._once.first(f"{link.name} {ident}", held.expires_at + LEEWAY_S):
            raise RefusedError("replayed")
        hubs = self._path(claims.get("hubs"), link)
        trace = claims.get("trace")
        subject = _own_subject(link, hubs) if claims.get("self") is True else self._said(
            claims, link, hubs
        )  # fmt: skip
        return Linked(
            subject=self._same(subject),
            purpose=_text(claims.get("purpose"), _SHORT),
            case_id=_text(claims.get("case"), _SHORT),
            trace=trace if isinstance(trace, str) and _TRACE.match(trace) else None,
        )

    def names(self, subject: Subject) -> bool:
        """Whether a caller of this hub bears a name that callers of a link have."""
        said = (name.partition("/") for name in (subject.app, subject.user) if name is not None)
        return any(stroke and first in self._links for first, stroke, _ in said)

    def _path(self, value: Any, link: Link) -> tuple[str, ...]:
        """The hubs that the question has passed; this one must not be among them."""
        if not isinstance(value, list) or not value or len(value) > _MOST:
            raise RefusedError("claims")
        hubs = tuple(name for name in value if isinstance(name, str) and 0 < len(name) <= _SHORT)
        if len(hubs) < len(value) or hubs[-1] != link.name:
            raise RefusedError("claims")
        if self._own in hubs or len(set(hubs)) < len(hubs) or len(hubs) > MOST_HUBS:
            raise HubError(
                "HUB_LOOP", "the question has passed this hub already, or too many hubs",
                hint="compare which hubs are sources of which",
            )  # fmt: skip
        return hubs

    def _said(self, claims: Mapping[str, Any], link: Link, hubs: tuple[str, ...]) -> Subject:
        app = _text(claims.get("app"), _LONGEST)
        if app is None:
            raise RefusedError("claims")
        # names of the other hub are its own: none of them is a name that this hub has given
        app = f"{link.name}/{app}"
        user = _text(claims.get("user"), _LONGEST)
        user = None if user is None else f"{link.name}/{user}"
        acting_for = _acting(_text(claims.get("acting_for"), _LONGEST), link)
        attributes: dict[str, Any] = {
            name: link.fixed[cast(Fixed, name)]
            if name in link.fixed
            else _ours(link, name, _text(claims.get(name), _LONGEST))
            for name in _TEXTS
        }
        for name in _SETS:
            held = (_ours(link, name, value) for value in _texts(claims.get(name)))
            attributes[name] = frozenset(value for value in held if value is not None)
        purpose = _text(claims.get("purpose"), _SHORT)
        return Subject(
            id=_id(link, subject_id(app, user, acting_for)),
            app=app,
            user=user,
            acting_for=acting_for,
            clearance=self._clearance(claims.get("clearance"), link),
            purposes=frozenset({purpose} & {*link.purposes}) if purpose else frozenset(),
            link=link.name,
            hubs=hubs,
            **attributes,
        )

    def _clearance(self, value: Any, link: Link) -> dict[str, str]:
        """The lower of what is said and the link's ceiling; on other ladders there is none."""
        if value is None:
            return {}
        if not isinstance(value, dict) or len(value) > _MOST:
            raise RefusedError("claims")
        held: dict[str, str] = {}
        for name, top in link.ceiling.items():
            ladder, said = self._scheme.ladder(name), value.get(name)
            if ladder is None or said not in ladder.levels:
                continue
            held[name] = ladder.levels[min(ladder.rank(said), ladder.rank(top))]
        return held

    def _same(self, subject: Subject) -> Subject:
        """The same object for the same caller: what others keep for it stays good."""
        key = _encode(subject)
        held = self._subjects.get(key)
        if held is None:
            held = self._subjects[key] = subject
            if len(self._subjects) > _KEPT:
                self._subjects.popitem(last=False)
        else:
            self._subjects.move_to_end(key)
        return held


_encode = msgspec.json.Encoder(order="sorted").encode


def check_link(link: Link, own: str, scheme: LabelScheme) -> None:
    """Raises ``CONFIG_INVALID`` for a ceiling of unknown ladders, a hub linked to itself, or a
    name that could stand before another's callers."""
    if link.name == own:
        raise HubError(
            "CONFIG_INVALID", f"the link `{link.name}` is from this hub to itself",
            hint="give each hub its own `instance.name`",
        )  # fmt: skip
    if "/" in link.name:
        # fails closed: callers of `a` could be named as those of `a/b` are
        raise HubError(
            "CONFIG_INVALID", f"the name of the link `{link.name}` has a `/`",
            hint="the `/` parts the hub's name from its callers'; give the hub another name",
        )  # fmt: skip
    for name, level in link.ceiling.items():
        ladder = scheme.ladder(name)
        if ladder is None or level not in ladder.levels:
            known = ", ".join(one.id for one in scheme.ladders)
            raise HubError(
                "CONFIG_INVALID", f"the ceiling of the link `{link.name}` is no level of a ladder",
                hint=f"ladders of the packs in use: {known}" if ladder is None
                else f"levels of `{name}`: {', '.join(ladder.levels)}",
            )  # fmt: skip


def _own_subject(link: Link, hubs: tuple[str, ...]) -> Subject:
    """The other hub itself, which asks what it may be shown at all."""
    ours: dict[str, Any] = {
        name: frozenset(link.accepts.get(name, {}).values()) - {ANY} for name in _SETS
    }
    fixed: dict[str, Any] = {name: link.fixed.get(cast(Fixed, name)) for name in _TEXTS}
    return Subject(
        # no application of the other hub and none of this one: names have no empty end
        id=_id(link, "hub"), app=f"{link.name}/", clearance=dict(link.ceiling), link=link.name,
        purposes=frozenset(link.purposes), hubs=hubs, **fixed, **ours,
    )  # fmt: skip


def _id(link: Link, ident: str) -> str:
    name = link.name.replace("%", "%25").replace("|", "%7C")
    return f"link:{name}|{ident}"


def _ours(link: Link, name: Accepted, value: str | None) -> str | None:
    """Our word for what the other hub says; what is not declared is not known."""
    if value is None:
        return None
    held = link.accepts.get(name, {})
    found = held.get(value, held.get(ANY))
    return value if found == ANY else found


def _acting(value: str | None, link: Link) -> DepartmentName | None:
    if value is None:
        return None
    # fails closed: whoever acts for somebody unknown here acts under no delegation of this hub
    return DepartmentName(_ours(link, "acting_for", value) or f"{link.name}/{value}")


def _text(value: Any, longest: int) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip() or len(value) > longest:
        raise RefusedError("claims")
    return value


def _texts(value: Any) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > _MOST:
        raise RefusedError("claims")
    return [text for item in value if (text := _text(item, _LONGEST)) is not None]
