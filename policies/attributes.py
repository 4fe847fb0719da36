"""The attributes that conditions may name, and where each is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from schema.model.subject import Subject

TEXT_ATTRIBUTES: Mapping[str, Callable[[Subject], str | None]] = {
    "app": lambda subject: subject.app,
    "user": lambda subject: subject.user,
    "department": lambda subject: subject.department,
    "org_kind": lambda subject: subject.org_kind,
    "tier": lambda subject: subject.tier,
    "region": lambda subject: subject.region,
    "acting_for": lambda subject: subject.acting_for,
    "link": lambda subject: subject.link,
}
SET_ATTRIBUTES: Mapping[str, Callable[[Subject], frozenset[str]]] = {
    "roles": lambda subject: subject.roles,
    "duties": lambda subject: subject.duties,
    "compartments": lambda subject: subject.compartments,
    "purposes": lambda subject: subject.purposes,
}
CONTEXT_ATTRIBUTES = ("purpose", "network_zone", "acr", "case_id")
RESOURCE_ATTRIBUTES = ("owner", "share", "source", "owned")
