"""Sessions of people in browsers: what is kept of one, and when it ends."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping

import msgspec

from auth.claims import subject_id
from schema.model.subject import Subject

_ID = re.compile(r"[A-Za-z0-9_-]{43}\Z")
_MOST_LOGINS = 8


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """One time that somebody proved who they are."""

    at: float
    """Unix seconds, as the provider says."""
    acr: str | None = None


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Who has logged in, as a provider says; its tokens are not kept."""

    provider: str
    sub: str
    subject: Subject
    login: Login


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a session. Units: Unix seconds."""

    provider: str
    sub: str
    subject: Subject
    logins: tuple[Login, ...]
    """The newest last."""
    ends: float

    @property
    def person(self) -> str:
        """A digest that is the same in all sessions of one person."""
        return hashlib.sha256(msgspec.json.encode([self.provider, self.sub])).hexdigest()


def begun(person: Person, *, now: float, absolute_s: float) -> Session:
    """The session of somebody who has just logged in."""
    ends = now + absolute_s
    return Session(
        provider=person.provider,
        sub=person.sub,
        subject=msgspec.structs.replace(person.subject, expires_at=ends),
        logins=(person.login,),
        ends=ends,
    )


def stepped_up(session: Session, person: Person) -> Session | None:
    """The session after its person has logged in anew; ``None`` if that was somebody else."""
    if (session.provider, session.sub) != (person.provider, person.sub):
        return None
    logins = (*session.logins, person.login)[-_MOST_LOGINS:]
    subject = msgspec.structs.replace(person.subject, expires_at=session.ends)
    return msgspec.structs.replace(session, subject=subject, logins=logins)


def standing(session: Session, ages: Mapping[str, float], now: float) -> Login:
    """How the person counts as logged in now: by the newest log-in whose strength has not aged."""
    good = [one for one in session.logins if now < one.at + ages.get(one.acr or "", float("inf"))]
    # an aged log-in says that somebody is there, not how strongly they have proved it
    return good[-1] if good else Login(at=session.logins[-1].at)


def subject_now(session: Session, ages: Mapping[str, float], now: float) -> Subject:
    """The subject of a session as it counts now."""
    acr = standing(session, ages, now).acr
    if acr == session.subject.acr:
        return session.subject
    return msgspec.structs.replace(session.subject, acr=acr)


def named(subject: Subject, user: str) -> Subject:
    """The subject under another name of its person."""
    ident = subject_id(subject.app, user, subject.acting_for)
    return msgspec.structs.replace(subject, id=ident, user=user)


def fresh_id() -> str:
    """An id of 256 random bits; it is known to the browser alone."""
    return secrets.token_urlsafe(32)


def is_id(text: str) -> bool:
    """Whether a text has the form of an id."""
    return _ID.match(text) is not None


def stored(ident: str) -> str:
    """An id as it is stored: whoever reads the database has nobody's session."""
    return hashlib.sha256(ident.encode()).hexdigest()
