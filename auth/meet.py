"""An application on behalf of a person: what both have, never more than either.

A missing text is unknown to rules, which speaks against the caller; so what two do not agree on is
missing. A missing member of a set is not unknown: a prohibition about a role would no longer meet
who has it. So where the two differ in roles or duties there is no meet, unless it was declared
whose count.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

import msgspec

from auth.claims import subject_id
from auth.refusal import RefusedError
from schema.model.label import LabelScheme
from schema.model.subject import Subject

Text = Literal["department", "org_kind", "tier", "region"]
Members = Literal["roles", "duties"]
Whose = Literal["person", "both"]
"""`person`: the application is not limited in it; `both`: of a set, what both have."""


def meet(
    app: Subject,
    person: Subject,
    scheme: LabelScheme,
    whose: Mapping[Text | Members, Whose] | None = None,
) -> Subject:
    """The application for the person. Raises: `RefusedError` where that cannot be said."""
    if person.user is None or person.acting_for is not None or person.link is not None:
        raise RefusedError("grant")  # fails closed: nobody is there, or for somebody else
    said = {str(name): value for name, value in (whose or {}).items()}
    held: dict[str, Any] = {}
    for name in get_args(Text):
        ours, theirs = getattr(app, name), getattr(person, name)
        held[name] = theirs if ours == theirs or said.get(name) == "person" else None
    for name in get_args(Members):
        ours, theirs = getattr(app, name), getattr(person, name)
        match said.get(name):
            case "person":
                held[name] = theirs
            case "both":
                held[name] = ours & theirs
            case _ if ours == theirs:
                held[name] = ours
            case _:
                raise RefusedError("grant")
    return Subject(
        id=subject_id(app.app, person.user),
        app=app.app,
        user=person.user,
        clearance=_lower(app.clearance, person.clearance, scheme),
        compartments=app.compartments & person.compartments,
        purposes=app.purposes & person.purposes,
        acr=person.acr,
        expires_at=min(app.expires_at, person.expires_at),
        **held,
    )


def _lower(one: Mapping[str, str], other: Mapping[str, str], scheme: LabelScheme) -> dict[str, str]:
    """The lower level of each ladder that both have one of; of others there is none."""
    held: dict[str, str] = {}
    for name in one.keys() & other.keys():
        ladder = scheme.ladder(name)
        if ladder is not None and {one[name], other[name]} <= set(ladder.levels):
            held[name] = min(one[name], other[name], key=ladder.rank)
    return held


def claims_of(subject: Subject) -> dict[str, Any]:
    """A subject as claims that `auth.claims` reads back to the same one."""
    told = msgspec.to_builtins(subject)
    names = (
        "app", "user", "department", "org_kind", "tier", "region", "clearance", "acr",
        "compartments", "roles", "purposes", "duties",
    )  # fmt: skip
    said = {name: told[name] for name in names}
    return {
        name: sorted(value) if isinstance(value, list) else value
        for name, value in said.items()
        if value
    }
