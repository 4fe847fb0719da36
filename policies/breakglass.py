"""Break-glass: what an application may open in a declared emergency; a grant once it is open.

Nothing here opens anything by itself: a list says what *could* be opened, by whom and for how long.
What a person opens becomes a grant, so labels, compartments, withheld fields, prohibitions and
requirements hold as they do for every other grant.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

import msgspec

from policies.condition import (
    TRUE,
    Attribute,
    Compares,
    Condition,
    Literally,
    OneOf,
    Present,
    RegionWithin,
    every,
    opposite,
)
from policies.grant import Grant
from policies.granted import LiveGrant
from policies.packs import Packs
from policies.positions import Place
from policies.rule import RuleOutcome
from schema.model.subject import Subject
from schema.model.use import UseMode

PREFIX = "break-glass:"
"""How the ids of grants begin that come from here; no file can give a grant such an id."""
_USER, _CASE = Attribute("subject", "user"), Attribute("context", "case_id")
_OWN = every(
    opposite(Present(Attribute("subject", "acting_for"))),
    opposite(Present(Attribute("subject", "link"))),
)
"""Whoever acts for another, or asks through another hub, opens nothing."""


class Review(msgspec.Struct, frozen=True, kw_only=True):
    """How long after its end what was done is to be reviewed; one of the two."""

    hours: int | None = None
    clock: str | None = None
    """A pack's clock, in working days."""


class BreakGlass(msgspec.Struct, frozen=True, kw_only=True):
    """One list: what may be opened together."""

    id: str
    app: str | None
    department: str | None
    purposes: tuple[str, ...]
    below: bool
    fields: Mapping[str, RuleOutcome]
    modes: frozenset[UseMode]
    rows: Condition = TRUE
    minutes: int
    acr: tuple[str, ...]
    """Ways of logging in, one of which the person has used."""
    review: Review
    about: Mapping[str, str] = {}
    path: str = ""
    places: Mapping[str, Place] = {}

    @property
    def digest(self) -> str:
        """What stands for all that it opens, wherever it is written."""
        told = msgspec.structs.replace(self, path="", places={}, about={})
        return hashlib.sha256(repr(_plain(told)).encode()).hexdigest()

    @property
    def types(self) -> frozenset[str]:
        """The entity types that it is about."""
        return frozenset(element.partition(".")[0] for element in self.fields)

    def eligible(self, subject: Subject) -> bool:
        """Whether it is for a caller's application and department."""
        return self._live("", since=0.0, until=0.0, revoked=None).names(subject) is True

    def serves(self, purpose: str, packs: Packs) -> bool:
        """Whether it is for a purpose."""
        live = self._live("", since=0.0, until=0.0, revoked=None)
        return live.serves(purpose, packs) is True

    def widest(self) -> Grant:
        """As if everybody who may had opened it, for ever: what proofs look at."""
        stated = every(_OWN, Present(_USER), Present(_CASE), self._stepped_up)
        return self._grant(self._live(self.id, since=0.0, until=float("inf"), revoked=None), stated)

    def opened(self, by: Opening) -> Grant:
        """As one person has opened it."""
        stated = every(
            _OWN,
            Compares("eq", _USER, Literally(by.user)),
            Compares("eq", Attribute("subject", "app"), Literally(by.app)),
            Compares("eq", _CASE, Literally(by.case_id)),
            self._stepped_up,
        )
        if by.region is not None:
            inner, outer = Attribute("subject", "region"), Literally(by.region)
            stated = every(stated, RegionWithin(inner, outer))
        live = self._live(by.id, since=by.since, until=by.until, revoked=by.revoked)
        return self._grant(live, stated)

    @property
    def _stepped_up(self) -> Condition:
        return OneOf(Attribute("context", "acr"), self.acr)

    def _live(self, name: str, *, since: float, until: float, revoked: float | None) -> LiveGrant:
        return LiveGrant(
            id=PREFIX + name,
            app=self.app,
            department=self.department,
            purposes=self.purposes,
            below=self.below,
            since=since,
            until=until,
            revoked=revoked,
        )

    def _grant(self, live: LiveGrant, stated: Condition) -> Grant:
        return Grant(
            live=live,
            fields=self.fields,
            modes=self.modes,
            rows=every(stated, self.rows),
            about=self.about,
            path=self.path,
            places={"grant": self.places.get("break_glass", Place(1, 1)), **self.places},
        )


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """Who has opened a list, about what and until when. Units: Unix seconds."""

    id: str
    app: str
    user: str
    case_id: str
    region: str | None
    """Of the emergency; ``None`` = everywhere."""
    since: float
    until: float
    revoked: float | None = None


def widest(lists: Iterable[BreakGlass]) -> tuple[Grant, ...]:
    """What all lists could open at most: with these beside other grants, what is proved holds
    whatever is opened."""
    return tuple(one.widest() for one in lists)


def _plain(value: object) -> object:
    """Sets and mappings in an order of their own, so that equal lists have equal texts."""
    if isinstance(value, msgspec.Struct):
        fields = msgspec.structs.asdict(value)
        return (type(value).__name__, *((name, _plain(held)) for name, held in fields.items()))
    if isinstance(value, Mapping):
        return sorted((str(key), repr(_plain(held))) for key, held in value.items())
    if isinstance(value, frozenset):
        return sorted(map(str, value))
    if isinstance(value, tuple):
        return tuple(map(_plain, value))
    return value
